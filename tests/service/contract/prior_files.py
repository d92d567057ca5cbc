"""Files of small priors, made without training."""

import json
from functools import cache

import jax.numpy as jnp
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal

from hyperbo.prior_files import PriorFiles
from hyperbo.prior_manifest import PriorReference, TrainingData
from hyperbo.space import SearchSpace
from hyperbo.surrogates import Expert, GaussianProcessPrior, Hierarchy
from tests.service.contract.services import SPACE


@cache
def prior_files(
    noise: float = 0.1, goal: str = "maximise", scale: float | None = None
) -> PriorFiles:
    """A prior for the contract's space; unequal arguments make unequal content.

    Args:
        noise: Of the model.
        goal: Of its metric.
        scale: Unit of an error that its values are warped by; None: as they are.
    """
    prior = GaussianProcessPrior(Zero(), RBF(lengthscale=0.4), PositiveReal(jnp.asarray(noise)))
    model = Expert(prior, Hierarchy.fixed(), jnp.ones(prior.log_factor_count))
    warp = {} if scale is None else {"warp": {"kind": "negative_log_error", "scale": scale}}
    return PriorFiles.of(
        PriorReference("mine", 3),
        model,
        space=SearchSpace.from_json(json.dumps(SPACE)),
        metric={"name": "error", "goal": goal, **warp},
        training=TrainingData("", (), 0),
        scores={},
        notes={},
    )
