"""What a classifier is: a network from one example to its logits, and a value that makes one."""

from collections.abc import Callable
from typing import Any, Protocol

from jaxtyping import Array, Float, PRNGKeyArray

Activation = Callable[[Array], Array]
"""A function of each number, such as `jax.nn.relu`; chosen by passing it."""

Classifier = Callable[[Float[Array, "*shape"]], Float[Array, " C"]]
"""An Equinox module whose leaves are float32 arrays, from one example to `C` logits."""


class ClassifierConfig(Protocol):
    """Sizes of a classifier: hashable, so that a workload holds it as a static field."""

    def init(self, key: PRNGKeyArray) -> Any:
        """A `Classifier` with fresh parameters."""
