"""Classification of table rows as a workload."""

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.classifier import ClassifierConfig
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.base import Model, Workload, wrong_share
from hyperbo_datasets.collect.workloads.classification import (
    Labelled,
    mean_cross_entropy,
)
from hyperbo_datasets.collect.workloads.scoring import in_parts


class TabularClassification(Workload):
    """Learning the classes of rows of standardised float32 features by softmax cross-entropy.

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
        return mean_cross_entropy(model(batch.inputs), batch.labels)

    def error_rate(self, model: Model, examples: Labelled) -> Float[Array, ""]:
        """Share of rows given a wrong class."""
        return wrong_share(in_parts(model, examples.inputs), examples.labels)
