"""What a collected task is called: its corpus, its architecture, its batch size."""

import re
from dataclasses import dataclass
from typing import Self

from hyperbo_datasets.errors import CollectError

DISTILLED = "-distilled"
"""What the name of an architecture ends with whose student learns from a teacher."""

PART_OF = {"mnist-5k": "mnist"}
"""Corpora whose examples are all in another one."""

MOST_EXAMPLES = 65_536
"""In a batch."""

_PART = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, order=True)
class TaskName:
    """The three things that tell collected tasks apart.

    Two tasks of the same data or the same network are related: a benchmark that holds one out to
    see how a prior does on something new must hold out the other too.

    Attributes:
        corpus: What is learned from, such as `fashion-mnist`.
        architecture: What learns, such as `gemma2`.
        batch_size: Examples in a training step.

    Example:
        >>> TaskName.parse("kjv_gemma2_16")
        TaskName(corpus='kjv', architecture='gemma2', batch_size=16)
        >>> str(TaskName("kjv", "gemma2", 16))
        'kjv_gemma2_16'
    """

    corpus: str
    architecture: str
    batch_size: int

    def __post_init__(self) -> None:
        wrong = [part for part in (self.corpus, self.architecture) if not _PART.fullmatch(part)]
        if wrong or not 1 <= self.batch_size <= MOST_EXAMPLES:
            raise CollectError(
                f"{self.corpus!r}, {self.architecture!r}, {self.batch_size} name no task: wanted "
                "two names of small letters, digits, dots and dashes, and a batch of 1 to "
                f"{MOST_EXAMPLES:,}."
            )

    def __str__(self) -> str:
        return f"{self.corpus}_{self.architecture}_{self.batch_size}"

    @property
    def source(self) -> str:
        """Where its examples come from: those of `mnist-5k` are of `mnist`."""
        return PART_OF.get(self.corpus, self.corpus)

    @property
    def network(self) -> str:
        """The architecture, however it is taught: `gemma-distilled` is a `gemma`."""
        return self.architecture.removesuffix(DISTILLED)

    def is_related(self, other: "TaskName") -> bool:
        """Whether the two share examples or their network."""
        return self.source == other.source or self.network == other.network

    @classmethod
    def parse(cls, text: str) -> Self:
        """The name written as `corpus_architecture_batch`.

        Raises:
            CollectError: If it is not written so.
        """
        parts = text.split("_")
        if len(parts) != 3 or not parts[2].isdecimal():
            raise CollectError(
                f"{text!r} is not the name of a collected task: wanted corpus_architecture_batch, "
                "such as kjv_gemma2_16."
            )
        return cls(parts[0], parts[1], int(parts[2]))
