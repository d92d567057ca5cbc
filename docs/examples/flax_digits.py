"""Tune a network on scikit-learn's handwritten digits, with Flax and Optax.

Start a server in another terminal, or give one by $HYPERBO_SERVER, then run this:

    hyperbo serve
    python docs/examples/flax_digits.py 20

Run it several times at once, on any machine: all work on the same study.
"""

import sys
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from hyperbo_service.client import Client, Discrete, Float

SPACE = {
    "learning_rate": Float(1e-4, 1e-1, scale="log"),
    "dropout": Float(0.0, 0.6),
    "width": Discrete([32, 64, 128], scale="log"),
}
EPOCHS, BATCH = 5, 64

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    (images / 16.0).astype(np.float32), labels, train_size=21 * BATCH, random_state=0
)


class Network(nnx.Module):
    """One hidden layer with dropout."""

    def __init__(self, width: int, dropout: float, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(64, width, rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)
        self.out = nnx.Linear(width, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """A score for each digit."""
        return self.out(self.dropout(nnx.relu(self.hidden(x))))


@nnx.jit
def step(network: Network, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array) -> None:
    """One step of Adam."""

    def loss(network: Network) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(network(x), y).mean()

    optimizer.update(network, nnx.grad(loss)(network))


@nnx.jit
def accuracy(network: Network, x: jax.Array, y: jax.Array) -> jax.Array:
    """Share of images that are told right."""
    return jnp.mean(jnp.argmax(network(x), axis=-1) == y)


def train(learning_rate: float, dropout: float, width: int) -> Iterator[float]:
    """Train a network; gives the accuracy on held-out images after each epoch."""
    network = Network(width, dropout, nnx.Rngs(0))
    optimizer = nnx.Optimizer(network, optax.adam(learning_rate), wrt=nnx.Param)
    rng = np.random.default_rng(0)
    for _ in range(EPOCHS):
        network.train()
        for rows in rng.permutation(len(train_x)).reshape(-1, BATCH):
            step(network, optimizer, train_x[rows], train_y[rows])
        network.eval()
        yield float(accuracy(network, test_x, test_y))


with Client() as client:
    study = client.study(
        "flax-digits", space=SPACE, metric="accuracy", goal="maximize", early_stopping="median"
    )
    for trial in study.trials(n=int(sys.argv[1]) if len(sys.argv) > 1 else 20):
        with trial:
            for epoch, value in enumerate(train(**trial.parameters), start=1):
                trial.report(value, step=epoch)
                if trial.should_stop():
                    break
        print(f"trial {trial.number}: {trial.last_value:.4f} after {trial.last_step} epochs")
    best = study.best()
    print(f"best: {best.value:.4f} with {best.parameters}")
