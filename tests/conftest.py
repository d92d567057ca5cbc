"""Settings shared by all tests: runtime shape checks, float64, cheap compilation, one fixed key."""

from jaxtyping import install_import_hook

# The hook must be in place before the first import of the package it checks.
_hook = install_import_hook("hyperbo", "beartype.beartype")
_hook.__enter__()

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import jax  # noqa: E402
import jax.random as jr  # noqa: E402
import pytest  # noqa: E402

import hyperbo.arrays  # noqa: E402, F401

# Tests compile much and compute little: optimised programs would take most of their time.
jax.config.update("jax_disable_most_optimizations", True)


MOST_MAPS = 20_000
"""Of the 65,530 that are usual; one file of tests may add tens of thousands."""


@pytest.fixture
def key() -> jax.Array:
    """One fixed key; split it into names."""
    return jr.key(0)


@pytest.fixture(autouse=True, scope="module")
def bounded_programs() -> Iterator[None]:
    """Drop compiled programs before they use up the memory maps that Linux grants a process.

    Each program holds several; at the limit the compiler does not fail but crashes.
    """
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
