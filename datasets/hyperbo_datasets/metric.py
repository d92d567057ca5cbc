"""The measured quantity of a table: which way is better, and how it is warped for a model."""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hyperbo_datasets.errors import TableError


class Goal(abc.ABC):
    """Which way is better; the only place where a sign is flipped."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """`maximise` or `minimise`, as written to files."""

    @abc.abstractmethod
    def maximised(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Native values with the sign under which larger is better."""

    @abc.abstractmethod
    def native(self, maximised: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The inverse of `maximised`: values with their own sign again."""

    @abc.abstractmethod
    def error(self, values: Float[np.ndarray, " N"], scale: float) -> Float[np.ndarray, " N"]:
        """Distance from perfection as a fraction of `scale`; zero is perfect."""

    @abc.abstractmethod
    def at_error(self, error: Float[np.ndarray, " N"], scale: float) -> Float[np.ndarray, " N"]:
        """The inverse of `error`: the native value that is so far from perfection."""


@dataclass(frozen=True)
class Maximise(Goal):
    """Larger is better; the perfect value is `scale`, as with accuracies."""

    @property
    def name(self) -> str:
        """`maximise`."""
        return "maximise"

    def maximised(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The values themselves."""
        return values

    def native(self, maximised: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The values themselves."""
        return maximised

    def error(self, values: Float[np.ndarray, " N"], scale: float) -> Float[np.ndarray, " N"]:
        """One minus the value as a fraction of `scale`."""
        return 1.0 - values / scale

    def at_error(self, error: Float[np.ndarray, " N"], scale: float) -> Float[np.ndarray, " N"]:
        """What is left of `scale` without the error."""
        return scale * (1.0 - error)


@dataclass(frozen=True)
class Minimise(Goal):
    """Smaller is better; the perfect value is zero, as with errors and losses."""

    @property
    def name(self) -> str:
        """`minimise`."""
        return "minimise"

    def maximised(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The values' negatives."""
        return -values

    def native(self, maximised: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """The values' negatives."""
        return -maximised

    def error(self, values: Float[np.ndarray, " N"], scale: float) -> Float[np.ndarray, " N"]:
        """The value as a fraction of `scale`."""
        return values / scale

    def at_error(self, error: Float[np.ndarray, " N"], scale: float) -> Float[np.ndarray, " N"]:
        """The error times `scale`."""
        return scale * error


class Warp(abc.ABC):
    """A monotone map from native metric values to the maximised values a model learns from."""

    @abc.abstractmethod
    def apply(self, values: Float[np.ndarray, " N"], goal: Goal) -> Float[np.ndarray, " N"]:
        """Maximised, warped values; NaN stays NaN.

        Raises:
            TableError: If a finite value lies outside the warp's domain.
        """

    @abc.abstractmethod
    def invert(self, values: Float[np.ndarray, " N"], goal: Goal) -> Float[np.ndarray, " N"]:
        """Native values that `apply` takes to these maximised, warped ones; NaN stays NaN.

        A model may believe in values that `apply` never gives, beyond the perfect one: they become
        the perfect native value.
        """

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """A JSON object from which `warp_from_dict` makes the same warp."""


@dataclass(frozen=True)
class Identity(Warp):
    """No warp: the native value, maximised."""

    def apply(self, values: Float[np.ndarray, " N"], goal: Goal) -> Float[np.ndarray, " N"]:
        """Native values with the sign under which larger is better."""
        return goal.maximised(values)

    def invert(self, values: Float[np.ndarray, " N"], goal: Goal) -> Float[np.ndarray, " N"]:
        """The values with their native sign; none is perfect."""
        return goal.native(values)

    def to_dict(self) -> dict[str, Any]:
        """Its kind alone."""
        return {"kind": "identity"}


@dataclass(frozen=True)
class NegativeLogError(Warp):
    r"""$-\log(e + \epsilon)$ of the error $e$, so that halving an error counts the same everywhere.

    The error is the native value itself where it is minimised, and one minus the value where it
    is maximised, as a fraction of `scale`. `epsilon` keeps a task that some configuration solves
    perfectly from an infinite best value. Choose half an error in the validation set,
    `1 / (2 * n_validation)`: below that a difference is not measurable. With a much smaller
    epsilon (the original code has 1e-10) one perfect trial lies 20 units above all others and
    rules the fit.

    Attributes:
        scale: The native value that makes a whole: 1 for fractions, 100 for percent.
        epsilon: Added to the error; the default is half an error in 500 validation examples.

    Example:
        >>> values = NegativeLogError(scale=100.0).apply(np.array([100.0, 90.0]), Maximise())
        >>> [round(float(value), 3) for value in values]
        [6.908, 2.293]

    References:
        Wang et al. (2024), JMLR 25(212), section on PD1.
    """

    scale: float = 1.0
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        for field, value in (("scale", self.scale), ("epsilon", self.epsilon)):
            if not (np.isfinite(value) and value > 0.0):
                raise TableError(f"The warp's {field} is {value}; it must be positive and finite.")

    def apply(self, values: Float[np.ndarray, " N"], goal: Goal) -> Float[np.ndarray, " N"]:
        """Warped values; errors negative by no more than rounding count as zero."""
        error = goal.error(np.asarray(values, dtype=np.float64), self.scale)
        beyond = error < -_ROUNDING
        if beyond.any():
            worst = float(np.asarray(values)[beyond][0])
            raise TableError(
                f"{int(beyond.sum())} metric values are better than perfect, such as {worst}: "
                f"their error on the scale of {self.scale} is negative, and has no logarithm. "
                "Set the warp's scale (100 for percent), or use the identity warp."
            )
        warped: Float[np.ndarray, " N"] = -np.log(np.maximum(error, 0.0) + self.epsilon)
        return warped

    def invert(self, values: Float[np.ndarray, " N"], goal: Goal) -> Float[np.ndarray, " N"]:
        """Native values; the error is never below zero, nor beyond what a float can hold."""
        exponent = np.minimum(-np.asarray(values, dtype=np.float64), _LARGEST_EXPONENT)
        return goal.at_error(np.maximum(np.exp(exponent) - self.epsilon, 0.0), self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Its kind, scale and epsilon."""
        return {"kind": "negative_log_error", "scale": self.scale, "epsilon": self.epsilon}


@dataclass(frozen=True)
class Metric:
    """What a table measures.

    Attributes:
        name: The column's name.
        goal: Which way is better.
        warp: How a model sees it.
    """

    name: str
    goal: Goal
    warp: Warp = Identity()

    def maximised(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Native values, in the native unit, with the sign under which larger is better."""
        return self.goal.maximised(values)

    def warped(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Maximised values in the warp's unit, from native values."""
        return self.warp.apply(values, self.goal)

    def unwarped(self, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Native values from maximised ones in the warp's unit: the inverse of `warped`.

        Example:
            >>> metric = Metric("accuracy", Maximise(), NegativeLogError(scale=100.0))
            >>> [round(float(value), 6) for value in metric.unwarped(np.array([2.0, 7.0]))]
            [86.566472, 100.0]
        """
        return self.warp.invert(values, self.goal)

    def to_dict(self) -> dict[str, Any]:
        """A JSON object from which `metric_from_dict` makes the same metric."""
        return {"name": self.name, "goal": self.goal.name, "warp": self.warp.to_dict()}


def goal_from_name(name: str) -> Goal:
    """The goal written as `maximise` or `minimise` (or with a z).

    Raises:
        TableError: If it is neither.
    """
    goals: dict[str, Goal] = {"maximi": Maximise(), "minimi": Minimise()}
    spelled = {f"{stem}{end}": goal for stem, goal in goals.items() for end in ("se", "ze")}
    if name not in spelled:
        raise TableError(f"The goal is {name!r}; it must be 'maximise' or 'minimise'.")
    return spelled[name]


def warp_from_dict(document: dict[str, Any]) -> Warp:
    """The warp of a JSON object such as `{"kind": "negative_log_error", "scale": 100}`.

    Raises:
        TableError: If the kind is unknown or a field is not one of the warp's.
    """
    kinds: dict[str, Callable[..., Warp]] = {
        "identity": Identity,
        "negative_log_error": NegativeLogError,
    }
    fields = dict(document)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise TableError(f"The warp's kind is {kind!r}; it must be one of {sorted(kinds)}.")
    try:
        return kinds[kind](**{field: float(value) for field, value in fields.items()})
    except (TypeError, ValueError) as error:
        raise TableError(f"The warp {document} is not understood: {error}.") from None


def metric_from_dict(document: dict[str, Any]) -> Metric:
    """The metric of a JSON object with `name`, `goal` and, if not the identity, `warp`.

    Raises:
        TableError: If a field is missing or not understood.
    """
    missing = [field for field in ("name", "goal") if field not in document]
    if missing:
        raise TableError(
            f"The metric {document} lacks {missing}; give its column's name and 'maximise' or "
            "'minimise'."
        )
    warp = warp_from_dict(document.get("warp", {"kind": "identity"}))
    return Metric(str(document["name"]), goal_from_name(document["goal"]), warp)


# float32 tables hold 100.00001 where 100 is meant.
_ROUNDING = 1e-6

# An error of e to this power still fits into a float when it is multiplied by a scale.
_LARGEST_EXPONENT = 600.0
