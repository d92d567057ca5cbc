"""Methods of offline studies that learn from the training tasks: HyperBO and its relatives."""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax.numpy as jnp
import jax.random as jr

from hyperbo.acquisition import Fantasised, PendingRule
from hyperbo.arrays import Key
from hyperbo.benchmark.methods import StrategyMethod
from hyperbo.benchmark.tuners import Method
from hyperbo.pretraining import (
    Adam,
    EmpiricalSettings,
    pretrain_empirical,
    pretrain_from_key,
    standardise,
)
from hyperbo.suggest import Strategy, from_prior
from hyperbo.surrogates import GaussianProcessPrior
from hyperbo.surrogates.presets import ablr, fsbo, hyperbo_prior
from hyperbo.tasks import Task


@dataclass(frozen=True)
class EmpiricalRecipe:
    """The default: the empirical prior, refitting itself, with a process to fall back on."""

    settings: EmpiricalSettings = field(default_factory=EmpiricalSettings)
    rule: PendingRule = field(default_factory=Fantasised)
    name: str = "HyperBO"

    def prepare(self, seed: int, training: list[Task]) -> Method:
        """Pre-train the prior."""
        expert = pretrain_empirical(jr.key(seed), standardise(training), self.settings)
        dimension = training[0].inputs.shape[1]
        return StrategyMethod(self.name, from_prior(expert, dimension, self.rule))


@dataclass(frozen=True)
class ParametricRecipe:
    """A parametric prior pre-trained by the likelihood, and nothing to fall back on.

    Attributes:
        name: The method's name.
        build: Makes the initial prior from a key and the number of dimensions.
        steps: Steps of Adam.
        rule: Acquisition, and how pending trials bear on it.
    """

    name: str
    build: Callable[[Key, int], GaussianProcessPrior]
    steps: int = 5_000
    rule: PendingRule = field(default_factory=Fantasised)

    def prepare(self, seed: int, training: list[Task]) -> Method:
        """Pre-train the prior."""
        tasks = standardise(training)
        expert = pretrain_from_key(jr.key(seed), self.build, tasks, method=Adam(self.steps))
        strategy = Strategy((expert,), jnp.zeros(1), expert.hierarchy, self.rule)
        return StrategyMethod(self.name, strategy)


def ablr_recipe(steps: int = 5_000) -> ParametricRecipe:
    """Adaptive Bayesian linear regression (Perrone et al. 2018)."""
    return ParametricRecipe("ABLR", ablr, steps)


def fsbo_recipe(steps: int = 5_000) -> ParametricRecipe:
    """Few-shot Bayesian optimisation (Wistuba and Grabocka 2021)."""
    return ParametricRecipe("FSBO", fsbo, steps)


def likelihood_recipe(steps: int = 5_000) -> ParametricRecipe:
    """The original HyperBO: linear mean and Matern-5/2 kernel on features, by NLL."""
    return ParametricRecipe("HyperBO (NLL)", hyperbo_prior, steps)
