"""The contract of a method under comparison: what it is told, and what it must answer."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int


@runtime_checkable
class PoolTuner(Protocol):
    """One method at work on one pool of configurations."""

    def suggest(self, tried: Int[np.ndarray, " T"], values: Float[np.ndarray, " T"]) -> int:
        """Row of the pool to evaluate next, one that is not in `tried`.

        Called once a trial with the whole history in order, `values` maximised and on the scale
        that the method models. A tuner may keep state, but must not change the arrays.
        """


@runtime_checkable
class CubeTuner(Protocol):
    """One method at work on one function of the unit cube."""

    def suggest(
        self, inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]
    ) -> Float[np.ndarray, " D"]:
        """Point of the unit cube to evaluate next, after the history in order; `T` may be 0."""


@runtime_checkable
class Method(Protocol):
    """A way to tune. An object holds its settings (and its prior) and can be pickled.

    What a method may know of other tasks it is given when it is constructed, once a fold; it meets
    the held-out task only through `suggest`. The seed is the run's: equal seeds, equal runs.
    """

    @property
    def name(self) -> str:
        """The method's name in tables and plots, unique within a study."""

    def start_on_pool(self, seed: int, inputs: Float[np.ndarray, "N D"]) -> PoolTuner:
        """Begin a run that may evaluate the `N` given points of the unit cube and no others."""

    def start_on_cube(self, seed: int, dimension: int) -> CubeTuner:
        """Begin a run that may evaluate any point of the unit cube."""
