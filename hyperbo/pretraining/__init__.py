"""Pre-training: objectives on the results of other tasks, and the one loop that minimises them."""

from hyperbo.pretraining.divergence import DivergenceObjective, EuclideanObjective
from hyperbo.pretraining.fit import Fitted, Progress, fit
from hyperbo.pretraining.hierarchical import pretrain_hierarchical
from hyperbo.pretraining.likelihood import LikelihoodObjective
from hyperbo.pretraining.matched import divergence_at_points, euclidean_at_points
from hyperbo.pretraining.methods import LBFGS, Adam, ConstantRate, CosineDecay, Method
from hyperbo.pretraining.objective import Objective, WeightedSum
from hyperbo.pretraining.parametric import (
    ObjectiveBuilder,
    likelihood_of_minibatches,
    pretrain_from_key,
    pretrain_parametric,
)
from hyperbo.pretraining.regularisation import (
    ParameterDensity,
    hyperbo_densities,
    lengthscales,
    mean_constant,
    noise_variance,
    signal_variance,
)
from hyperbo.pretraining.run import Stop
from hyperbo.pretraining.sharding import shard_tasks
from hyperbo.pretraining.standardise import LEAST_TASKS, Standardised, standardise

__all__ = [
    "LBFGS",
    "LEAST_TASKS",
    "Adam",
    "ConstantRate",
    "CosineDecay",
    "DivergenceObjective",
    "EuclideanObjective",
    "Fitted",
    "LikelihoodObjective",
    "Method",
    "Objective",
    "ObjectiveBuilder",
    "ParameterDensity",
    "Progress",
    "Standardised",
    "Stop",
    "WeightedSum",
    "divergence_at_points",
    "euclidean_at_points",
    "fit",
    "hyperbo_densities",
    "lengthscales",
    "likelihood_of_minibatches",
    "mean_constant",
    "noise_variance",
    "pretrain_from_key",
    "pretrain_hierarchical",
    "pretrain_parametric",
    "shard_tasks",
    "signal_variance",
    "standardise",
]
