"""Settings shared by all tests: runtime shape checks, float64, cheap compilation, one fixed key."""

from jaxtyping import install_import_hook

# The hook must be in place before the first import of the package it checks.
_hook = install_import_hook("hyperbo", "beartype.beartype")
_hook.__enter__()

import jax  # noqa: E402
import jax.random as jr  # noqa: E402
import pytest  # noqa: E402

import hyperbo.arrays  # noqa: E402, F401

# Tests compile much and compute little: optimised programs would take most of their time.
jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture
def key() -> jax.Array:
    """One fixed key; split it into names."""
    return jr.key(0)
