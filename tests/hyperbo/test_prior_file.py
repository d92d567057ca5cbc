"""A model taken apart into JSON and arrays, and put together again, or refused."""

import json
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from gpjax.kernels import RBF, Linear, Matern32, Matern52
from gpjax.kernels.computations import EigenKernelComputation
from gpjax.mean_functions import Constant, Zero
from gpjax.parameters import PositiveReal, Real
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from paramax import non_trainable

from hyperbo.errors import PriorDamagedError, PriorError
from hyperbo.prior_file import describe, pack, rebuild, unpack
from hyperbo.surrogates import (
    FeatureNetwork,
    GaussianProcessPrior,
    Hierarchy,
    KumaraswamyWarp,
    LinearMean,
    MatrixDistances,
    Prior,
)

KERNEL = RBF(lengthscale=jnp.asarray([0.3, 0.7]), compute_engine=MatrixDistances())
PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
D = 3
MATERN = Matern52(
    lengthscale=jnp.asarray([0.3, 0.5, 1.1]), variance=1.3, compute_engine=MatrixDistances()
)
NOISE = PositiveReal(jnp.asarray(0.02))


def linear_on_features() -> Prior:
    """A linear mean and a dot-product kernel on features of warped inputs: ABLR with a warp."""
    network = FeatureNetwork(jr.key(1), D, (5, 4))
    mean = eqx.tree_at(lambda m: m.weights, LinearMean(4), Real(jnp.arange(4.0)))
    warp = eqx.tree_at(lambda w: w.a, KumaraswamyWarp(D), PositiveReal(jnp.asarray([0.5, 2.0, 3])))
    return GaussianProcessPrior(
        mean, Linear(variance=0.7), NOISE, warp, network, mean_on_features=True,
        kernel_on_features=True,
    )  # fmt: skip


QUERY = jnp.asarray(np.random.default_rng(0).uniform(size=(4, D)))
PRIORS: dict[str, Callable[[], Prior]] = {
    "zero": lambda: GaussianProcessPrior(Zero(), RBF(lengthscale=0.4), NOISE),
    "constant": lambda: GaussianProcessPrior(Constant(Real(jnp.asarray(0.4))), MATERN, NOISE),
    "bare-constant": lambda: GaussianProcessPrior(Constant(0.4), MATERN, NOISE),
    "frozen-noise": lambda: GaussianProcessPrior(Zero(), MATERN, non_trainable(NOISE)),
    "active": lambda: GaussianProcessPrior(Zero(), Matern32(active_dims=[0, 2]), NOISE),
    "sum": lambda: GaussianProcessPrior(Zero(), RBF() + MATERN * Linear(), NOISE),
    "features": linear_on_features,
}


@eqx.filter_jit
def predict(prior: Prior) -> tuple[jax.Array, ...]:
    """Everything a prior says at a few points."""
    embedded = prior.embed(QUERY)
    covariance = prior.covariance(embedded, embedded)
    return prior.mean(embedded), covariance, prior.variance(embedded), prior.noise_variance


@pytest.mark.parametrize("kind", PRIORS)
def test_rebuilt_prior_predicts_bitwise_the_same(kind: str) -> None:
    """What is rebuilt predicts exactly what the original predicts, for every kind of prior."""
    original = PRIORS[kind]()
    structure, parts = describe(original)

    loaded = rebuild(json.loads(json.dumps(structure)), unpack(pack(parts)))

    assert isinstance(loaded, Prior)
    for ours, theirs in zip(predict(loaded), predict(original), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(jax.tree.leaves(loaded), jax.tree.leaves(original), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_kernel_survives(key: jax.Array) -> None:
    """A kernel is rebuilt with its engine and parameters as they were."""
    structure, parts = describe(KERNEL)

    kernel = rebuild(json.loads(json.dumps(structure)), unpack(pack(parts)))

    assert isinstance(kernel, RBF)
    assert isinstance(kernel.compute_engine, MatrixDistances)
    points = jr.uniform(key, (4, 2))
    ours, theirs = (k.cross_covariance(points, points) for k in (kernel, KERNEL))
    np.testing.assert_array_equal(ours, theirs)


def test_active_dimensions_survive() -> None:
    """A kernel's list of dimensions is rebuilt as a list."""
    kernel = rebuild(*describe(RBF(active_dims=[0, 2])))

    assert isinstance(kernel, RBF)
    assert kernel.active_dims == [0, 2]


def test_tree_has_the_same_leaves() -> None:
    """A field that GPJax leaves at its class's default does not become a leaf of the tree."""
    kernel = Linear(variance=0.7)

    rebuilt = rebuild(*describe(kernel))

    assert isinstance(rebuilt, Linear)
    assert rebuilt.name == kernel.name
    assert all(eqx.is_array(leaf) for leaf in jax.tree.leaves(rebuilt))


def test_structure_is_readable() -> None:
    """The structure names classes, shapes and dtypes in plain words."""
    structure, parts = describe(RBF(lengthscale=jnp.ones(2)))

    fields: Any = structure["fields"]
    assert structure["class"] == "gpjax.RBF"
    assert fields["active_dims"] == {"slice": [None, None, None]}
    assert fields["compute_engine"] == {"singleton": "gpjax.DenseKernelComputation"}
    assert fields["lengthscale"]["fields"]["_unconstrained"] == {
        "array": "lengthscale._unconstrained",
        "shape": [2],
        "dtype": "float64",
    }
    assert set(parts) == {"lengthscale._unconstrained", "variance._unconstrained"}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=4),
        arrays(
            st.sampled_from([np.float64, np.float32, np.int32, np.bool_]),
            array_shapes(min_dims=0, min_side=0, max_side=3),
        ),
        max_size=4,
    )
)
def test_arrays_survive_bit_by_bit(given_arrays: dict[str, np.ndarray]) -> None:
    """Arrays of any content, scalars and empty ones too, come back with every bit."""
    found = unpack(pack(given_arrays))

    assert set(found) == set(given_arrays)
    for name, array in given_arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_transposed_array_survives() -> None:
    """An array that does not lie in rows is stored as what it says, not as it lies in memory."""
    hierarchy = eqx.tree_at(
        lambda h: h.scales, Hierarchy.fixed(), np.arange(6.0).reshape(2, 3).T[:, 1]
    )
    structure, parts = describe(hierarchy)

    found = rebuild(structure, unpack(pack(parts)))

    assert isinstance(found, Hierarchy)
    np.testing.assert_array_equal(found.scales, [3.0, 4.0, 5.0])


@settings(deadline=None)
@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_rubbish_is_refused(rubbish: object) -> None:
    """JSON that is not in the format is called damaged, whatever it is."""
    with pytest.raises(PriorDamagedError):
        rebuild(rubbish, {})


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_bytes_that_are_no_safetensors_are_refused(content: bytes) -> None:
    """Bytes of another kind, a pickle's among them, are called damaged."""
    with pytest.raises(PriorDamagedError, match="no safetensors file"):
        unpack(b"\x80\x04\x95" + content)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update({"class": "gpjax.Spline"}), "does not know"),
        (lambda d: d["fields"].pop("variance"), "Install the library versions"),
        (lambda d: d["fields"].update(extra={"value": 1}), "Install the library versions"),
        (lambda d: d["fields"].update(variance=d["fields"]["lengthscale"]), "uses twice"),
        (lambda d: d["fields"].update(variance={"value": 1.0}), "arrays that the model does not"),
        (lambda d: _array(d).update(shape=[3]), r"the model wants float64\[3\]"),
        (lambda d: _array(d).update(dtype="float32"), r"the model wants float32\[2\]"),
        (lambda d: _array(d).update(array="other"), "the weights lack"),
        (lambda d: d["fields"].update(n_dims={"value": 1, "class": "x"}), "not in the format"),
        (lambda d: d["fields"].update(compute_engine={"singleton": "os"}), "not in the format"),
    ],
)
def test_structure_and_arrays_must_agree(
    edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    """Each way in which structure, arrays and catalogue can disagree is refused by name."""
    structure, parts = describe(KERNEL)
    document = json.loads(json.dumps(structure))
    edit(document)

    with pytest.raises(PriorDamagedError, match=message):
        rebuild(document, parts)


def test_deep_nesting_is_refused() -> None:
    """A structure nested beyond reason is refused before Python's stack ends."""
    node: dict[str, object] = {"value": 1}
    for _ in range(500):
        node = {"tuple": [node]}

    with pytest.raises(PriorDamagedError, match="nested too deeply"):
        rebuild(node, {})


def test_class_outside_the_catalogue_is_named() -> None:
    """A model that cannot be stored says which part and what could be."""

    class Unlisted(eqx.Module):
        scale: float

    with pytest.raises(PriorError, match=r"of type Unlisted.*add its class to the catalogue"):
        describe(Unlisted(1.0))
    with pytest.raises(PriorError, match="The prior's compute_engine is"):
        describe(RBF(compute_engine=EigenKernelComputation()))


def _array(document: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = document["fields"]["lengthscale"]["fields"]["_unconstrained"]
    return node
