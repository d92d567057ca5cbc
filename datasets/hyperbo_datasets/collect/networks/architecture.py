"""What a workload asks of an architecture: sizes that can make a model."""

import abc
from dataclasses import dataclass

from jaxtyping import PRNGKeyArray

from hyperbo_datasets.collect.networks.decoder import Decoder


@dataclass(frozen=True)
class DecoderConfig(abc.ABC):
    """The sizes of a decoder; a frozen value, so that a compiled program may depend on it.

    Attributes:
        vocabulary: Tokens there are; a preset's is replaced by the corpus's.
    """

    vocabulary: int

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> Decoder:
        """A decoder with fresh parameters."""
