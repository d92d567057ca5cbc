"""The prior models that can be pre-trained from the command line, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jax.random as jr

from hyperbo.arrays import Key
from hyperbo.pretraining import (
    Adam,
    ObjectiveBuilder,
    Progress,
    Standardised,
    divergence_at_points,
    euclidean_at_points,
    likelihood_of_minibatches,
    pretrain_from_key,
)
from hyperbo.surrogates import Expert, GaussianProcessPrior
from hyperbo.surrogates.presets import ablr, fsbo, hyperbo_prior
from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.errors import CommandError

Report = Callable[[str, Progress], None]


class Trainer(Protocol):
    """A prior model and how it is trained."""

    def train(self, key: Key, tasks: Standardised, report: Report) -> Expert:
        """Pre-train a prior; `report` is told the stage and the progress in it."""

    def settings(self) -> dict[str, Any]:
        """What decides the outcome beside data and key, as JSON for the manifest."""


@dataclass(frozen=True)
class ParametricTrainer:
    """A Gaussian process with a parametric mean and kernel, trained by Adam.

    Attributes:
        model: The model's name.
        build: Makes the initial prior from a key and the number of dimensions.
        loss: The objective's name.
        objective: Makes the objective from the tasks.
        steps: Steps of Adam.
        checkpoint: File to go on from and to write to, if any.
    """

    model: ModelName
    build: Callable[[Key, int], GaussianProcessPrior]
    loss: ObjectiveName
    objective: ObjectiveBuilder
    steps: int
    checkpoint: Path | None = None

    def train(self, key: Key, tasks: Standardised, report: Report) -> Expert:
        """Pre-train in a single stage."""
        stage = f"training {self.model.value} by {self.loss.value}"
        return pretrain_from_key(
            key,
            self.build,
            tasks,
            objective=self.objective,
            method=Adam(self.steps),
            checkpoint=self.checkpoint,
            on_progress=lambda progress: report(stage, progress),
        )

    def settings(self) -> dict[str, Any]:
        """The model, its objective and the number of steps."""
        return {"model": self.model.value, "objective": self.loss.value, "steps": self.steps}


PARAMETRIC: Mapping[ModelName, Callable[[Key, int], GaussianProcessPrior]] = {
    ModelName.HYPERBO: hyperbo_prior,
    ModelName.ABLR: ablr,
    ModelName.FSBO: fsbo,
}


OBJECTIVES: Mapping[ObjectiveName, ObjectiveBuilder] = {
    ObjectiveName.NLL: likelihood_of_minibatches,
    ObjectiveName.EKL: divergence_at_points,
    ObjectiveName.EUCLID: euclidean_at_points,
}


def trainer(
    model: ModelName, objective: ObjectiveName, steps: int, checkpoint: Path | None = None
) -> Trainer:
    """The trainer that the command line's options ask for.

    Raises:
        CommandError: If the model is not trained on one table.
    """
    if model not in PARAMETRIC:
        raise CommandError(
            f"The {model.value} model learns from several search spaces; give at least two tables."
        )
    build, loss = PARAMETRIC[model], OBJECTIVES[objective]
    return ParametricTrainer(model, build, objective, loss, steps, checkpoint)


def random_key(seed: int) -> Key:
    """The key that a seed stands for."""
    return jr.key(seed)
