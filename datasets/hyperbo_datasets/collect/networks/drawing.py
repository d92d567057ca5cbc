"""The first kernels of a network, all drawn at once."""

import math
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

_Network = TypeVar("_Network", bound=eqx.Module)


def draw_kernels(key: PRNGKeyArray, blank: _Network) -> _Network:
    """The network with every kernel drawn from a normal of variance 1 / inputs; biases stay.

    A kernel is any array of two or more axes: the last counts outputs, the others the inputs that
    an output sums. The networks that PD1 trained started so too, but from a truncated normal.

    One draw serves all kernels: the random generator is most of what an initialisation compiles,
    and compiling it for each layer takes longer than training does.
    """
    leaves, structure = jax.tree.flatten(blank)
    sizes = [_size(leaf) for leaf in leaves]
    noise = jr.normal(key, (sum(sizes),), jnp.float32)
    begin, drawn = 0, []
    for leaf, size in zip(leaves, sizes, strict=True):
        inputs = math.prod(leaf.shape[:-1])
        fresh = noise[begin : begin + size].reshape(leaf.shape) / inputs**0.5 if size else leaf
        begin += size
        drawn.append(fresh)
    network: _Network = jax.tree.unflatten(structure, drawn)
    return network


def parameter_count(model: eqx.Module) -> int:
    """How many numbers a network learns; its arrays may be no more than shapes."""
    return sum(leaf.size for leaf in jax.tree.leaves(model))


def _size(leaf: Array) -> int:
    return leaf.size if leaf.ndim > 1 else 0
