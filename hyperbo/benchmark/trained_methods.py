"""Methods of offline studies that learn from the training tasks: HyperBO and its relatives."""

from collections.abc import Callable
from dataclasses import dataclass, field

import jax.numpy as jnp
import jax.random as jr

from hyperbo.acquisition import Fantasised, PendingRule, ProbabilityOfImprovement
from hyperbo.arrays import Key
from hyperbo.benchmark.methods import StrategyMethod
from hyperbo.benchmark.tuners import Method
from hyperbo.pretraining import (
    Adam,
    ObjectiveBuilder,
    divergence_at_points,
    likelihood_of_minibatches,
    pretrain_from_key,
    standardise,
)
from hyperbo.suggest import Strategy, from_prior
from hyperbo.surrogates import Expert, GaussianProcessPrior
from hyperbo.surrogates.presets import ablr, fsbo, hyperbo_prior
from hyperbo.tasks import Task

StrategyBuilder = Callable[[Expert, int, PendingRule], Strategy]
"""From a pre-trained prior, the number of dimensions and a rule to how suggestions are made."""


@dataclass(frozen=True)
class PretrainedRecipe:
    """A pre-trained Gaussian-process prior, and the strategy that uses it.

    Attributes:
        name: The method's name.
        build: Makes the initial prior from a key and the number of dimensions.
        strategy: Makes the strategy from the pre-trained prior.
        steps: Steps of Adam.
        objective: What pre-training minimises, built from the tasks.
        rule: Acquisition, and how pending trials bear on it.
    """

    name: str
    build: Callable[[Key, int], GaussianProcessPrior]
    strategy: StrategyBuilder
    steps: int = 5_000
    objective: ObjectiveBuilder = likelihood_of_minibatches
    rule: PendingRule = field(default_factory=Fantasised)

    def prepare(self, seed: int, training: list[Task]) -> Method:
        """Pre-train the prior, and hand it to the strategy."""
        expert, dimension = self.pretrain(seed, training), training[0].inputs.shape[1]
        return StrategyMethod(self.name, self.strategy(expert, dimension, self.rule))

    def pretrain(self, seed: int, training: list[Task]) -> Expert:
        """Pre-train the prior; equal seeds and tasks, equal priors."""
        tasks = standardise(training)
        return pretrain_from_key(
            jr.key(seed), self.build, tasks, objective=self.objective, method=Adam(self.steps)
        )


def alone(expert: Expert, dimension: int, rule: PendingRule) -> Strategy:  # noqa: ARG001
    """The prior refits itself to the task, and there is nothing to fall back on."""
    return Strategy((expert,), jnp.zeros(1), rule)


def frozen(expert: Expert, dimension: int, rule: PendingRule) -> Strategy:  # noqa: ARG001
    """The prior stays as it was pre-trained, as in the original HyperBO."""
    return Strategy((expert,), jnp.zeros(1), rule, refit_steps=0)


def alone_after_one(expert: Expert, dimension: int, rule: PendingRule) -> Strategy:  # noqa: ARG001
    """As `alone`, after one random trial: a mean of zero everywhere prefers no first point."""
    return Strategy((expert,), jnp.zeros(1), rule, design=1)


def hyperbo_recipe(steps: int = 5_000) -> PretrainedRecipe:
    """The default: HyperBO's prior, refitting itself, with a process to fall back on."""
    return PretrainedRecipe("HyperBO", hyperbo_prior, from_prior, steps)


def divergence_recipe() -> PretrainedRecipe:
    """The default, but pre-trained by the divergence at the points that the tasks share: EKL."""
    return PretrainedRecipe(
        "HyperBO, EKL", hyperbo_prior, from_prior, objective=divergence_at_points
    )


def alone_recipe() -> PretrainedRecipe:
    """The default's prior without the process to fall back on."""
    return PretrainedRecipe("HyperBO, no fall-back", hyperbo_prior, alone)


def frozen_recipe() -> PretrainedRecipe:
    """The default's prior, neither refitted nor with anything to fall back on."""
    return PretrainedRecipe("HyperBO, frozen", hyperbo_prior, frozen)


def frozen_improvement_probability_recipe() -> PretrainedRecipe:
    """The original HyperBO: the frozen prior, and the probability of improving by 0.1."""
    rule = Fantasised(acquisition=ProbabilityOfImprovement())
    return PretrainedRecipe("HyperBO, frozen, PI", hyperbo_prior, frozen, rule=rule)


def ablr_recipe(steps: int = 5_000) -> PretrainedRecipe:
    """Adaptive Bayesian linear regression (Perrone et al. 2018)."""
    return PretrainedRecipe("ABLR", ablr, alone_after_one, steps)


def fsbo_recipe(steps: int = 5_000) -> PretrainedRecipe:
    """Few-shot Bayesian optimisation (Wistuba and Grabocka 2021)."""
    return PretrainedRecipe("FSBO", fsbo, alone_after_one, steps)
