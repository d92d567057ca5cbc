"""A workload that compiles and trains in no time: finding the middle of a cloud of points."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array, Float, PRNGKeyArray

from hyperbo.space import Value
from hyperbo_datasets.collect.collection import Plan
from hyperbo_datasets.collect.corpora import Corpus, Rows
from hyperbo_datasets.collect.sweep import Sweep
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads import catalogue
from hyperbo_datasets.collect.workloads.base import Workload
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.schema import TuningTable

TRACED: list[TaskName] = []
"""A name each time that a loss is traced: once a compiled program."""

RATE, POWER, FACTOR, MOMENTUM = (
    "hps.lr_hparams.initial_value",
    "hps.lr_hparams.power",
    "hps.lr_hparams.decay_steps_factor",
    "hps.opt_hparams.momentum",
)
STEPS = 20
TASKS = (TaskName("cloud", "middle", 4), TaskName("cloud", "middle", 8))


class Point(eqx.Module):
    """A model that is a place and a word."""

    place: Float[Array, " D"]
    word: str


class Middle(Workload):
    """The squared distance to each point is the loss, so that steps of twice the way diverge.

    Attributes:
        steepness: Of the loss; NaN makes every run diverge at once.
    """

    name: TaskName = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    training: Float[Array, "N D"]
    validation: Float[Array, "E D"]
    steepness: float = eqx.field(static=True, default=1.0)

    def init(self, key: PRNGKeyArray) -> Point:
        """Somewhere."""
        return Point(jr.normal(key, self.training.shape[1:], jnp.float32), "here")

    def loss(self, model: Point, batch: Float[Array, "B D"]) -> Float[Array, ""]:
        """Half the mean squared distance."""
        TRACED.append(self.name)
        return 0.5 * self.steepness * jnp.sum(jnp.square(model.place - batch), axis=1).mean()

    def error_rate(self, model: Point, examples: Float[Array, "E D"]) -> Float[Array, ""]:
        """Squared distance to the examples' middle, bent into [0, 1]."""
        far = jnp.sum(jnp.square(model.place - examples.mean(axis=0)))
        return jnp.where(jnp.isfinite(far), 1.0 - jnp.exp(-far), jnp.ones_like(far))


def middle(task: str = "cloud_middle_4", steepness: float = 1.0, steps: int = STEPS) -> Middle:
    """The workload on twelve points."""
    points = jnp.asarray(np.random.default_rng(7).normal(size=(16, 2)), jnp.float32)
    return Middle(TaskName.parse(task), steps, points[:12], points[12:], steepness)


def configuration(**changes: float) -> dict[str, Value]:
    """A harmless configuration of the momentum optimiser, but for these values."""
    names = {"rate": RATE, "power": POWER, "factor": FACTOR, "momentum": MOMENTUM}
    calm = {"rate": 0.1, "power": 1.0, "factor": 0.5, "momentum": 0.5}
    return {names[name]: value for name, value in (calm | changes).items()}


def plan(
    matched: int = 20,
    unmatched: int = 3,
    tasks: tuple[TaskName, ...] = TASKS,
    *,
    seed: int = 0,
    width: int | None = 8,
    base: TuningTable | None = None,
) -> Plan:
    """A plan over tiny tasks."""
    return Plan(Sweep("nesterov", Size.SMALL, seed), tasks, matched, unmatched, width, base)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks have the architectures `middle`, and `abyss`, whose every run diverges."""
    for name, steepness in (("middle", 1.0), ("abyss", float("nan"))):

        def build(
            task: TaskName,
            size: Size,  # noqa: ARG001 - one size for all
            corpus: Corpus,
            steepness: float = steepness,
        ) -> Workload:
            assert isinstance(corpus, Rows)
            points = jnp.asarray(corpus.features, jnp.float32)
            return Middle(task, STEPS, points[:12], points[12:], steepness)

        built = catalogue.Architecture("finds the middle", (Rows,), build)
        monkeypatch.setitem(catalogue.ARCHITECTURES, name, built)  # type: ignore[arg-type]


CLOUD = "x,y,label\n" + "".join(
    f"{x:.4f},{y:.4f},{number % 2}\n"
    for number, (x, y) in enumerate(np.random.default_rng(7).normal(size=(16, 2)))
)
"""A corpus, as a CSV file."""
