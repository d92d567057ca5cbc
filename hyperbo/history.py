"""What is known of a study: its trials, and what may be carried from one call to the next."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hyperbo.errors import TaskError
from hyperbo.tasks import LARGEST_VALUE


@dataclass(frozen=True)
class History:
    """What is known of a study.

    Attributes:
        inputs: Points of the unit cube that were evaluated, shape (N, D).
        values: Objective at each, shape (N,), maximised.
        pending: Points given out and not yet reported, shape (P, D).
        stderrs: Standard error of each value, in its unit, shape (N,); it counts on top of the
            noise that is inferred. Zero where it is not known; None where none is.
    """

    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " V"]
    pending: Float[np.ndarray, "P D"]
    stderrs: Float[np.ndarray, " E"] | None = None

    def __post_init__(self) -> None:
        if self.inputs.shape[0] != self.values.shape[0]:
            raise TaskError(
                f"{self.inputs.shape[0]} points but {self.values.shape[0]} values were given; "
                "wanted one value a point."
            )
        if not (np.isfinite(self.inputs).all() and np.isfinite(self.values).all()):
            raise TaskError(
                "A reported value is NaN or infinite. Report a diverged trial as failed, or give "
                "it the worst finite value seen."
            )
        if self.values.size and np.abs(self.values).max() > LARGEST_VALUE:
            raise TaskError(
                f"A reported value is {self.values[np.argmax(np.abs(self.values))]:g}; no more "
                f"than {LARGEST_VALUE:g} in size can be computed with. Report another unit, its "
                "logarithm, or the trial as failed."
            )
        if self.stderrs is not None:
            _check_stderrs(self.stderrs, self.values.shape[0])

    @property
    def is_noise_given(self) -> bool:
        """Whether the standard error of any value is known."""
        return self.stderrs is not None and bool((self.stderrs > 0.0).any())

    @property
    def given_out(self) -> int:
        """Number of points given out so far, finished or not."""
        return self.values.shape[0] + self.pending.shape[0]


@dataclass(frozen=True)
class Memory:
    """What a growing study may carry from one call to the next; it only saves time.

    Attributes:
        log_factors: Each expert's last refit.
        fitted_at: Number of trials at that refit.
    """

    log_factors: tuple[Float[np.ndarray, " _"], ...]
    fitted_at: int


def _check_stderrs(stderrs: Float[np.ndarray, " E"], count: int) -> None:
    if stderrs.shape[0] != count:
        raise TaskError(
            f"{count} values but {stderrs.shape[0]} standard errors were given; wanted one a "
            "value, zero where it is not known."
        )
    if not (np.isfinite(stderrs) & (stderrs >= 0.0) & (stderrs <= LARGEST_VALUE)).all():
        raise TaskError(
            f"A standard error is negative, NaN, infinite or above {LARGEST_VALUE:g}. Give zero "
            "where it is not known, or report the trial as failed."
        )
