"""Settings shared by all tests: runtime shape checks, float64, cheap compilation, one fixed key."""

import atexit
import os
import shutil
import tempfile

from jaxtyping import install_import_hook

# Tests compile much and compute little: optimised programs would take most of their time, and
# XLA's older emitters compile twice as fast as its new ones. What one process has compiled is kept
# for the others of the run, and for the servers and commands that they start. JAX reads these
# variables when it is imported; workers inherit them.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"
_EMITTERS = "--xla_cpu_use_fusion_emitters=false"
if _EMITTERS not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_EMITTERS}".strip()
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="hyperbo-programs-")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

# The hook must be in place before the first import of the package it checks.
_hook = install_import_hook("hyperbo", "beartype.beartype")
_hook.__enter__()

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import jax  # noqa: E402
import jax.random as jr  # noqa: E402
import pytest  # noqa: E402

import hyperbo.arrays  # noqa: E402, F401

MOST_MAPS = 10_000
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
