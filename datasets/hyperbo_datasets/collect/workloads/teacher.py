"""The teacher of a distillation: how it is trained, and what it says of windows of text."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array, Float, Float16, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.decoder import Decoder
from hyperbo_datasets.collect.networks.gemma import GemmaConfig
from hyperbo_datasets.collect.workloads.cross_entropy import cross_entropy
from hyperbo_datasets.collect.workloads.distillation import TaughtWindows

_BLOCK = 256
"""Windows that a teacher reads at once."""


@dataclass(frozen=True)
class Schooling:
    """How a teacher is trained: Adam, its learning rate falling to zero along half a cosine.

    Attributes:
        architecture: Its sizes, the text's vocabulary among them.
        steps: Training steps.
        batch_size: Windows in a step, drawn with replacement.
        learning_rate: At the start.
    """

    architecture: DecoderConfig
    steps: int
    batch_size: int
    learning_rate: float


SMALL_SCHOOLING = Schooling(GemmaConfig(96, 64, 3, 4, 1, 16, 128), 600, 16, 5e-3)
"""Five times the parameters of a small student; give it the corpus's vocabulary."""


def train_teacher(key: PRNGKeyArray, schooling: Schooling, windows: Int[Array, "N W"]) -> Decoder:
    """A teacher that has learned from the windows; the same one whenever the arguments are."""
    key_init, key_rows = jr.split(key)
    shape = (schooling.steps, schooling.batch_size)
    rows = jr.randint(key_rows, shape, 0, windows.shape[0], jnp.int32)
    taught: Decoder = _school(schooling, key_init, windows, rows)
    return taught


def teach(teacher: Decoder, windows: Int[Array, "N W"], temperature: float = 1.0) -> TaughtWindows:
    """The windows, with what the teacher says of them.

    Args:
        teacher: A trained decoder.
        windows: The first T tokens of a window are read; the last T are foretold.
        temperature: What the teacher's logits are divided by; higher spreads its probabilities.
    """
    blocks = [
        _say(teacher, windows[start : start + _BLOCK], temperature)
        for start in range(0, len(windows), _BLOCK)
    ]
    return TaughtWindows(windows, jnp.concatenate(blocks))


@eqx.filter_jit
def _school(
    schooling: Schooling, key: PRNGKeyArray, windows: Int[Array, "N W"], rows: Int[Array, "S B"]
) -> Decoder:
    optimizer = optax.adam(optax.cosine_decay_schedule(schooling.learning_rate, schooling.steps))

    def loss_of(model: Decoder, batch: Int[Array, "B W"]) -> Float[Array, ""]:
        return jnp.mean(cross_entropy(jax.vmap(model)(batch[:, :-1]), batch[:, 1:]))

    def step(
        state: tuple[Decoder, optax.OptState], row: Int[Array, " B"]
    ) -> tuple[tuple[Decoder, optax.OptState], None]:
        model, moments = state
        updates, moments = optimizer.update(jax.grad(loss_of)(model, windows[row]), moments)
        return (eqx.apply_updates(model, updates), moments), None

    model = schooling.architecture.init(key)
    return jax.lax.scan(step, (model, optimizer.init(model)), rows)[0][0]


@eqx.filter_jit
def _say(
    teacher: Decoder, windows: Int[Array, "N W"], temperature: float
) -> Float16[Array, "N T V"]:
    logits = jax.vmap(teacher)(windows[:, :-1]) / temperature
    return jax.nn.softmax(logits, axis=-1).astype(jnp.float16)
