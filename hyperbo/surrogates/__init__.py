"""Surrogates: beliefs about an objective, before and after its trials."""

from hyperbo.surrogates.base import Marginals, Posterior, Prior, log_mix
from hyperbo.surrogates.conditioning import ConditionedPrior, Trials, condition
from hyperbo.surrogates.expert import Expert, scratch_expert
from hyperbo.surrogates.features import FeatureNetwork, KumaraswamyWarp
from hyperbo.surrogates.gaussian_process import GaussianProcessPrior, negative_log_likelihood
from hyperbo.surrogates.hierarchical import HierarchicalPrior
from hyperbo.surrogates.hierarchy import Hierarchy
from hyperbo.surrogates.kernels import MatrixDistances
from hyperbo.surrogates.means import LinearMean
from hyperbo.surrogates.mixture import MixturePosterior

__all__ = [
    "ConditionedPrior",
    "Expert",
    "FeatureNetwork",
    "GaussianProcessPrior",
    "HierarchicalPrior",
    "Hierarchy",
    "KumaraswamyWarp",
    "LinearMean",
    "Marginals",
    "MatrixDistances",
    "MixturePosterior",
    "Posterior",
    "Prior",
    "Trials",
    "condition",
    "log_mix",
    "negative_log_likelihood",
    "scratch_expert",
]
