"""Optuna's samplers as methods of offline studies; needs the extra `peers`.

On a pool they take the nearest configuration not yet tried, and are told that one and its value.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hyperbo.benchmark.methods import nearest_untried
from hyperbo.benchmark.tuners import CubeTuner, PoolTuner
from hyperbo.errors import MissingExtraError

try:
    import optuna
except ImportError as error:
    raise MissingExtraError(
        "Optuna is not installed. Install the extra: pip install 'hyperbo[server,peers]'."
    ) from error


@dataclass(frozen=True)
class OptunaMethod:
    """One of Optuna's samplers with its own defaults.

    Attributes:
        name: The method's name.
        sampler: Makes the sampler from a seed.
    """

    name: str
    sampler: Callable[[int], optuna.samplers.BaseSampler]

    def start_on_pool(self, seed: int, inputs: Float[np.ndarray, "N D"]) -> PoolTuner:
        """Begin on a pool."""
        return _OnPool(_Study(self.sampler(seed), inputs.shape[1]), inputs)

    def start_on_cube(self, seed: int, dimension: int) -> CubeTuner:
        """Begin on the unit cube."""
        return _OnCube(_Study(self.sampler(seed), dimension))


def tpe_sampler(seed: int) -> optuna.samplers.BaseSampler:
    """The tree-structured Parzen estimator."""
    return optuna.samplers.TPESampler(seed=seed)


def gp_sampler(seed: int) -> optuna.samplers.BaseSampler:
    """The Gaussian process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.GPSampler(seed=seed)


OPTUNA_TPE = OptunaMethod("Optuna TPE", tpe_sampler)
OPTUNA_GP = OptunaMethod("Optuna GP", gp_sampler)


class _Study:
    """An Optuna study over the unit cube, told of trials that it did not itself suggest."""

    def __init__(self, sampler: optuna.samplers.BaseSampler, dimension: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._space: dict[str, Any] = {
            f"x{axis:02d}": optuna.distributions.FloatDistribution(0.0, 1.0)
            for axis in range(dimension)
        }
        self._told = 0

    def ask(
        self, inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]
    ) -> Float[np.ndarray, " D"]:
        """A point, after telling what is new in the history."""
        for point, value in zip(inputs[self._told :], values[self._told :], strict=True):
            parameters = dict(zip(self._space, map(float, point), strict=True))
            self._study.add_trial(
                optuna.trial.create_trial(
                    params=parameters, distributions=self._space, value=float(value)
                )
            )
        self._told = values.size
        trial = self._study.ask(self._space)
        # What was asked is told as a new trial; the asked one must not stay pending for ever.
        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return np.array([trial.params[name] for name in self._space])


class _OnPool:
    """The study, rounded to the pool."""

    def __init__(self, study: _Study, inputs: Float[np.ndarray, "N D"]) -> None:
        self._study, self._inputs = study, inputs

    def suggest(self, tried: Int[np.ndarray, " T"], values: Float[np.ndarray, " T"]) -> int:
        point = self._study.ask(self._inputs[tried], values)
        return nearest_untried(point, self._inputs, tried)


class _OnCube:
    """The study itself."""

    def __init__(self, study: _Study) -> None:
        self._study = study

    def suggest(
        self, inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]
    ) -> Float[np.ndarray, " D"]:
        return self._study.ask(inputs, values)
