"""Kernels that are drawn at once."""

import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.convolution import Convolution
from hyperbo_datasets.collect.networks.dense import Dense
from hyperbo_datasets.collect.networks.drawing import draw_kernels, parameter_count
from hyperbo_datasets.collect.networks.mlp import MLPConfig


def test_outputs_have_unit_variance(key: jax.Array) -> None:
    """The weights into one output have a sum of squares of one, up to four standard errors."""
    for blank in (Dense.blank(400, 50), Convolution.blank(16, 50, 5)):
        kernel = draw_kernels(key, blank).kernel
        sums = jnp.square(kernel).reshape(-1, 50).sum(axis=0)

        assert jnp.abs(sums.mean() - 1.0) < 4.0 * (2.0 / kernel.size) ** 0.5


def test_biases_stay(key: jax.Array) -> None:
    """Only kernels are drawn."""
    assert not draw_kernels(key, Dense.blank(4, 3)).bias.any()


def test_layers_differ(key: jax.Array) -> None:
    """Two layers of one shape do not share their noise."""
    first, second = draw_kernels(key, (Dense.blank(4, 3), Dense.blank(4, 3)))

    assert not jnp.isclose(first.kernel, second.kernel).any()


def test_one_draw_compiles() -> None:
    """An initialisation holds one random draw, however many layers there are."""
    config = MLPConfig((4,), 3, hidden=(5, 6, 7))
    jaxpr = jax.make_jaxpr(lambda key: jax.tree.leaves(config.init(key)))(jr.key(0))

    assert str(jaxpr).count("random_bits") == 1


def test_counts_parameters(key: jax.Array) -> None:
    """A layer learns inputs x outputs weights and as many biases as outputs."""
    assert parameter_count(draw_kernels(key, Dense.blank(4, 3))) == 4 * 3 + 3
