"""What workloads of classification share: labelled examples and their cross-entropy."""

import equinox as eqx
from jaxtyping import Array, Float, Int, Num

from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy


class Labelled(eqx.Module):
    """Examples with a class each.

    Attributes:
        inputs: What is classified, one row an example.
        labels: The class of each, from 0.
    """

    inputs: Num[Array, "N *shape"]
    labels: Int[Array, " N"]


def mean_cross_entropy(logits: Float[Array, "N C"], labels: Int[Array, " N"]) -> Float[Array, ""]:
    """Mean surprise at the labels, in nats."""
    return cross_entropy(logits, labels).mean()
