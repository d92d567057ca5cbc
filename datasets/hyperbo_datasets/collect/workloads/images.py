"""Image classification as a workload."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Num, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import ClassifierConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Model, Workload, wrong_share
from hyperbo_datasets.collect.workloads.classification import (
    Labelled,
    mean_cross_entropy,
)
from hyperbo_datasets.collect.workloads.scoring import in_parts


class ImageClassification(Workload):
    """Learning the classes of images by softmax cross-entropy.

    Images are float32 as they are to be learned from, or bytes, which are scaled to [0, 1] batch
    by batch, so that a large corpus takes a quarter of the memory.

    Attributes:
        network: Sizes of what learns.
    """

    name: TaskName = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    training: Labelled
    validation: Labelled
    network: ClassifierConfig = eqx.field(static=True)

    def init(self, key: PRNGKeyArray) -> Model:
        """A network with fresh parameters."""
        return self.network.init(key)

    def loss(self, model: Model, batch: Labelled) -> Float[Array, ""]:
        """Mean cross-entropy in nats."""
        return mean_cross_entropy(model(_scaled(batch.inputs)), batch.labels)

    def error_rate(self, model: Model, examples: Labelled) -> Float[Array, ""]:
        """Share of images given a wrong class."""
        logits = in_parts(lambda images: model(_scaled(images)), examples.inputs)
        return wrong_share(logits, examples.labels)


def _scaled(images: Num[Array, "*shape"]) -> Float[Array, "*shape"]:
    numbers: Float[Array, "*shape"] = images.astype(jnp.float32)
    return numbers / jnp.float32(255) if images.dtype == jnp.uint8 else numbers
