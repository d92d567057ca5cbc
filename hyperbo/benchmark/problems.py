"""Problems that offline studies tune: a table's logged configurations, or a known function."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hyperbo.errors import StudyError

_Function = Callable[[Float[np.ndarray, "N D"]], Float[np.ndarray, " N"]]


@dataclass(frozen=True, eq=False)
class PoolProblem:
    """A task of which every admissible configuration has been evaluated already.

    A method picks rows; nothing is trained. Methods see `values`, the scale that is good to model
    (warped, say -log(error)); scores are taken on `native`, the scale that users read (accuracy).
    Both are maximised and need not be monotone in each other, though loaders make them so.

    Attributes:
        name: The task's name, unique within a study.
        inputs: Configurations in the unit cube, one a row.
        values: What methods are told of each configuration; maximised, finite.
        native: What scores are computed from; maximised, finite, in the metric's own unit.
    """

    name: str
    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " N"]
    native: Float[np.ndarray, " N"]

    def __post_init__(self) -> None:
        sizes = {self.inputs.shape[0], self.values.size, self.native.size}
        if self.inputs.ndim != 2 or len(sizes) > 1 or 0 in self.inputs.shape:
            raise StudyError(
                f"Problem {self.name!r}: inputs {self.inputs.shape}, values {self.values.shape}, "
                f"native {self.native.shape}; wanted (N, D), (N,) and (N,), N and D at least 1."
            )
        for what in ("inputs", "values", "native"):
            if not np.isfinite(getattr(self, what)).all():
                raise StudyError(
                    f"Problem {self.name!r}: {what} hold NaN or infinite numbers. Give diverged "
                    "trials a finite value, as the loaders do, or leave them out of the pool."
                )
        if self.inputs.min() < 0.0 or self.inputs.max() > 1.0:
            raise StudyError(
                f"Problem {self.name!r}: inputs span {self.inputs.min():g} to "
                f"{self.inputs.max():g}; wanted points of the unit cube. Encode them by the space."
            )

    @property
    def size(self) -> int:
        """Number of configurations."""
        return int(self.values.size)

    @property
    def dimension(self) -> int:
        """Number of unit-cube dimensions."""
        return int(self.inputs.shape[1])

    @property
    def optimum(self) -> float:
        """The best native value in the pool."""
        return float(self.native.max())

    @property
    def median(self) -> float:
        """The native value of a median configuration."""
        return float(np.median(self.native))

    @property
    def regret_scale(self) -> float:
        """What a regret is divided by: how much better the best is than a median configuration.

        Where at least half of the pool is optimal this would be zero; then it is how much better
        the best is than the average one, and for a constant pool, where every regret is zero, one.
        """
        for typical in (self.median, float(self.native.mean())):
            if self.optimum - typical > 1e-12 * max(1.0, abs(self.optimum)):
                return self.optimum - typical
        return 1.0


@dataclass(frozen=True, eq=False)
class FunctionProblem:
    """A function on the unit cube whose maximum is known.

    Attributes:
        name: The function's name, unique within a study.
        dimension: Number of unit-cube dimensions.
        function: The objective, maximised, of points shaped (N, D); picklable, noise-free.
        optimum: Its largest value on the cube.
        optimisers: The points where it is reached, one a row.
    """

    name: str
    dimension: int
    function: _Function
    optimum: float
    optimisers: Float[np.ndarray, "K D"]

    @property
    def regret_scale(self) -> float:
        """One: a known function's regret is reported in its own unit."""
        return 1.0

    def evaluate(self, inputs: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " N"]:
        """The objective at points of the unit cube, maximised.

        Raises:
            StudyError: If the points are of another dimension or outside the cube.
        """
        if inputs.shape[1] != self.dimension:
            raise StudyError(
                f"{self.name} takes points of {self.dimension} dimensions, got {inputs.shape[1]}."
            )
        if not ((inputs >= 0.0) & (inputs <= 1.0)).all():
            raise StudyError(
                f"{self.name} is defined on the unit cube; got coordinates from {inputs.min():g} "
                f"to {inputs.max():g}."
            )
        return self.function(inputs)
