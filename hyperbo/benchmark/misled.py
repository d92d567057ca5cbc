"""Pre-training on tasks that teach nothing, to see what a wrong prior costs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hyperbo.benchmark.methods import Recipe
from hyperbo.benchmark.trained_methods import hyperbo_recipe
from hyperbo.benchmark.tuners import Method
from hyperbo.tasks import Task

Spoiler = Callable[[np.random.Generator, Task], Float[np.ndarray, " N"]]


@dataclass(frozen=True)
class MisledRecipe:
    """A recipe whose training tasks are spoiled first.

    Attributes:
        recipe: The recipe that is misled.
        spoil: Values to take the place of a task's own.
        name: The method's name.
    """

    recipe: Recipe
    spoil: Spoiler
    name: str

    def prepare(self, seed: int, training: list[Task]) -> Method:
        """Learn from the spoiled tasks."""
        rng = np.random.default_rng(seed)
        spoiled = [Task(task.name, task.inputs, self.spoil(rng, task)) for task in training]
        return self.recipe.prepare(seed, spoiled)


def shuffled_recipe() -> MisledRecipe:
    """The default method, pre-trained on shuffled tasks."""
    return MisledRecipe(hyperbo_recipe(), shuffled, "HyperBO, shuffled tasks")


def unrelated_recipe() -> MisledRecipe:
    """The default method, pre-trained on unrelated tasks."""
    return MisledRecipe(hyperbo_recipe(), unrelated, "HyperBO, unrelated tasks")


def shuffled(rng: np.random.Generator, task: Task) -> Float[np.ndarray, " N"]:
    """The task's own values, dealt out to its points at random."""
    return rng.permutation(task.values)


def unrelated(rng: np.random.Generator, task: Task) -> Float[np.ndarray, " N"]:
    """Values of a smooth random function, with the task's own distribution of values.

    A draw of a squared-exponential process by random Fourier features, replaced rank by rank.
    """
    features = 256
    frequencies = rng.normal(size=(task.inputs.shape[1], features)) / 0.4
    phases = rng.uniform(0.0, 2.0 * np.pi, size=features)
    drawn = np.cos(task.inputs @ frequencies + phases) @ rng.normal(size=features)
    values = np.empty(task.size)
    values[np.argsort(drawn)] = np.sort(task.values)
    return values
