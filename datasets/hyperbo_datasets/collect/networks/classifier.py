"""What a classifier is: a network from examples to their logits, and a value that makes one."""

from collections.abc import Callable
from typing import Any, Protocol

from jaxtyping import Array, Float, PRNGKeyArray

Activation = Callable[[Array], Array]
"""A function of each number, such as `jax.nn.relu`; chosen by passing it."""

Classifier = Callable[[Float[Array, "N *shape"]], Float[Array, "N C"]]
"""An Equinox module whose leaves are float32 arrays, from `N` examples to `C` logits of each.

An example's logits do not depend on its neighbours. It takes many at once so that one matrix
product serves all of them, and so that a network may lay them out as is fastest.
"""


class ClassifierConfig(Protocol):
    """Sizes of a classifier: hashable, so that a workload holds it as a static field."""

    def init(self, key: PRNGKeyArray) -> Any:
        """A `Classifier` with fresh parameters."""
