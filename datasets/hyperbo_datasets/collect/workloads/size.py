"""How large a workload is: seconds on a processor, or as published."""

from dataclasses import dataclass
from enum import StrEnum


class Size(StrEnum):
    """Which networks and how much data."""

    SMALL = "small"
    PUBLISHED = "published"


@dataclass(frozen=True)
class Budget:
    """How much a run sees.

    Attributes:
        steps: Training steps.
        training: Most training examples; more are left out.
        validation: Most validation examples, all of which are scored at every evaluation.
        length: Tokens a model of sequences sees at once; 0 for other models.
        most_side: Images are averaged down until no side is longer.
    """

    steps: int
    training: int
    validation: int
    length: int = 0
    most_side: int = 1_000_000
