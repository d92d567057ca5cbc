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
    """

    inputs: Float[np.ndarray, "N D"]
    values: Float[np.ndarray, " V"]
    pending: Float[np.ndarray, "P D"]

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
