"""Convolution and max pooling by shifted slices."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import pytest
from jax import lax

from hyperbo_datasets.collect.networks.convolution import (
    Convolution,
    Padding,
    count_windows,
    examples_last,
    max_pool,
    same,
    valid,
)
from hyperbo_datasets.collect.networks.drawing import draw_kernels

NAMES = {same: "SAME", valid: "VALID"}
"""What JAX calls the paddings."""

LAYERS = [
    (3, 1, same, (7, 8)),
    (3, 2, same, (8, 7)),
    (5, 1, valid, (9, 6)),
    (3, 2, valid, (9, 8)),
    (1, 2, same, (7, 6)),
    (2, 3, valid, (9, 7)),
]
"""Window, stride, padding and sides of an image; a window may be smaller than its stride."""


def _examples_first(images: jax.Array) -> jax.Array:
    return images.transpose(3, 1, 2, 0)


@pytest.mark.parametrize(("window", "stride", "padding", "sides"), LAYERS)
def test_equals_jax(
    key: jax.Array, window: int, stride: int, padding: Padding, sides: tuple[int, int]
) -> None:
    """Values and both gradients are those of JAX's own convolution."""
    key_layer, key_images, key_weights = jr.split(key, 3)
    layer = draw_kernels(key_layer, Convolution.blank(2, 4, window, stride, padding))
    images = jr.normal(key_images, (3, *sides, 2), jnp.float32)

    def ours(images: jax.Array, kernel: jax.Array) -> jax.Array:
        changed = eqx.tree_at(lambda each: each.kernel, layer, kernel)
        return _examples_first(changed(examples_last(images)))

    def reference(images: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(
            images,
            kernel,
            (stride, stride),
            NAMES[padding],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    shape = jax.eval_shape(reference, images, layer.kernel).shape
    weights = jr.normal(key_weights, shape, jnp.float32)

    @jax.jit
    def gaps(images: jax.Array, kernel: jax.Array) -> list[jax.Array]:
        values, pull = jax.vjp(ours, images, kernel)
        wanted_values, wanted_pull = jax.vjp(reference, images, kernel)
        found, wanted = (values, *pull(weights)), (wanted_values, *wanted_pull(weights))
        return [jnp.abs(one - two).max() for one, two in zip(found, wanted, strict=True)]

    assert max(gaps(images, layer.kernel)) < 1e-4


def test_equals_equinox(key: jax.Array) -> None:
    """With its bias, a layer is Equinox's convolution of one image."""
    layer = eqx.nn.Conv2d(2, 4, 3, stride=2, padding=1, dtype=jnp.float32, key=key)
    image = jr.normal(key, (2, 7, 7), jnp.float32)
    ours = Convolution(layer.weight.transpose(2, 3, 1, 0), layer.bias[:, 0, 0], 2, same)

    assert jnp.allclose(ours(image[..., None])[..., 0], layer(image), atol=1e-5)


def test_mapped_over_models_equals_one_by_one(key: jax.Array) -> None:
    """Mapping over kernels, with images shared, gives what each gives alone; gradients too."""
    key_images, *keys = jr.split(key, 4)
    layers = [draw_kernels(each, Convolution.blank(2, 3, 3, 2)) for each in keys]
    images = jr.normal(key_images, (2, 6, 6, 5), jnp.float32)

    def loss(layer: Convolution) -> jax.Array:
        return jnp.square(layer(images)).sum()

    together = jax.tree.map(lambda *each: jnp.stack(each), *layers)
    found = jax.jit(jax.vmap(jax.grad(loss)))(together)

    alone = jax.jit(jax.grad(loss))
    for place, layer in enumerate(layers):
        assert jnp.allclose(found.kernel[place], alone(layer).kernel, rtol=1e-4)


@pytest.mark.parametrize("padding", [same, valid])
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_pooling_equals_window_reduction(
    key: jax.Array, window: int, stride: int, padding: Padding
) -> None:
    """Pooling and its gradient are those of JAX's window reduction, where no two are equal."""
    images = jr.normal(key, (2, 7, 8, 3), jnp.float32)

    def reference(images: jax.Array) -> jax.Array:
        windows, strides = (1, window, window, 1), (1, stride, stride, 1)
        return lax.reduce_window(images, -jnp.inf, lax.max, windows, strides, NAMES[padding])

    def ours(images: jax.Array) -> jax.Array:
        return max_pool(images, window, stride, padding)

    found, found_gradient = jax.jit(jax.value_and_grad(lambda each: _squares(ours(each))))(images)
    wanted, wanted_gradient = jax.jit(jax.value_and_grad(lambda each: _squares(reference(each))))(
        images
    )

    assert jnp.isclose(found, wanted)
    assert jnp.allclose(found_gradient, wanted_gradient, atol=1e-5)


def _squares(images: jax.Array) -> jax.Array:
    return jnp.square(images).sum()


def test_equal_entries_share_the_gradient() -> None:
    """In a window of equal entries each has a part of the gradient of the largest."""
    gradient = jax.grad(lambda each: max_pool(each, 2, 2, valid).sum())(jnp.ones((1, 2, 2, 1)))

    assert (gradient > 0).all()
    assert gradient.sum() == 1.0


@pytest.mark.parametrize("length", range(4, 9))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_divides_and_rounds_up(length: int, stride: int) -> None:
    """Padding that keeps the side leaves as many windows as strides fit in it, rounded up."""
    assert count_windows(length, 3, stride, same) == -(-length // stride)
