"""What a workload asks of an architecture: sizes that can make a model."""

from typing import Protocol, runtime_checkable

from jaxtyping import PRNGKeyArray

from hyperbo_datasets.collect.networks.decoder import Decoder


@runtime_checkable
class DecoderConfig(Protocol):
    """The sizes of a decoder; a frozen value, so that a compiled program may depend on it."""

    @property
    def vocabulary(self) -> int:
        """Tokens there are."""

    def init(self, key: PRNGKeyArray) -> Decoder:
        """A decoder with fresh parameters."""
