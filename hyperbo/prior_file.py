"""A prior as plain data: its structure as JSON, its arrays as safetensors; no code is ever stored.

The structure is a tree of JSON objects, each of exactly one of these shapes:

| object | stands for |
| --- | --- |
| `{"class": name, "fields": {field: object}}` | a module of the catalogue below |
| `{"array": name, "shape": [...], "dtype": name}` | an array, found by name in the weights |
| `{"singleton": name}` | an object without state, of the catalogue below |
| `{"tuple": [...]}`, `{"list": [...]}` | a sequence |
| `{"slice": [start, stop, step]}` | a slice |
| `{"value": v}` | None, a truth value, an integer, a finite float or a string |

The catalogue is closed: a file can name only what stands in it. A module is put together field by
field, without running its constructor, as JAX does when it unflattens a tree. A new surrogate is
storable once its classes are in the catalogue; a name given once is never given to another class.
"""

import dataclasses
import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import cast

import equinox as eqx
import gpjax as gpx
import jax
import jax.numpy as jnp
import numpy as np
import paramax
from gpjax import parameters
from gpjax.kernels.computations import AbstractKernelComputation, DenseKernelComputation
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hyperbo.errors import PriorDamagedError, PriorError
from hyperbo.surrogates import (
    Expert,
    FeatureNetwork,
    GaussianProcessPrior,
    HierarchicalPrior,
    Hierarchy,
    KumaraswamyWarp,
    LinearMean,
    MatrixDistances,
)

Node = Mapping[str, object]

_MODULES: Mapping[str, type[eqx.Module]] = {
    "hyperbo.Expert": Expert,
    "hyperbo.Hierarchy": Hierarchy,
    "hyperbo.HierarchicalPrior": HierarchicalPrior,
    "hyperbo.GaussianProcessPrior": GaussianProcessPrior,
    "hyperbo.FeatureNetwork": FeatureNetwork,
    "hyperbo.KumaraswamyWarp": KumaraswamyWarp,
    "hyperbo.LinearMean": LinearMean,
    "gpjax.Zero": gpx.mean_functions.Zero,
    "gpjax.Constant": gpx.mean_functions.Constant,
    "gpjax.RBF": gpx.kernels.RBF,
    "gpjax.Matern12": gpx.kernels.Matern12,
    "gpjax.Matern32": gpx.kernels.Matern32,
    "gpjax.Matern52": gpx.kernels.Matern52,
    "gpjax.Linear": gpx.kernels.Linear,
    "gpjax.Polynomial": gpx.kernels.Polynomial,
    "gpjax.SumKernel": gpx.kernels.SumKernel,
    "gpjax.ProductKernel": gpx.kernels.ProductKernel,
    "gpjax.Real": parameters.Real,
    "gpjax.PositiveReal": parameters.PositiveReal,
    "gpjax.NonNegativeReal": parameters.NonNegativeReal,
    "gpjax.SigmoidBounded": parameters.SigmoidBounded,
    "paramax.NonTrainable": paramax.NonTrainable,
}
# One instance for all that is loaded: JAX tells static objects apart by identity, so a new one for
# each prior would compile every program anew.
_SINGLETONS: Mapping[str, AbstractKernelComputation] = {
    "gpjax.DenseKernelComputation": DenseKernelComputation(),
    "hyperbo.MatrixDistances": MatrixDistances(),
}
_MODULE_NAMES = {module: name for name, module in _MODULES.items()}
_SINGLETON_NAMES = {type(instance): name for name, instance in _SINGLETONS.items()}
_DTYPES = ("float64", "float32", "int64", "int32", "bool")
_DEEPEST = 32


def describe(model: eqx.Module) -> tuple[Node, dict[str, np.ndarray]]:
    """Take a model apart into its structure, as JSON, and its arrays by name.

    Raises:
        PriorError: If the model holds something that is not in the catalogue.
    """
    return _describe(model, ())


def rebuild(structure: object, arrays: Mapping[str, np.ndarray]) -> object:
    """Put a model together again; the inverse of `describe`, bit by bit.

    Raises:
        PriorDamagedError: If the structure is not in the format, names what is not in the
            catalogue, or does not agree with the arrays.
    """
    unused = set(arrays)
    model = _rebuild(structure, arrays, unused, 0)
    if unused:
        raise PriorDamagedError(
            f"The weights hold arrays that the model does not: {sorted(unused)!r}. "
            "Restore the prior from a copy, or pre-train it again."
        )
    return model


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as the bytes of a safetensors file; equal arrays give equal bytes."""
    return save(dict(arrays))


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """The arrays in the bytes of a safetensors file.

    Raises:
        PriorDamagedError: If the bytes are no safetensors file.
    """
    try:
        return load(content)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise PriorDamagedError(
            f"The weights are no safetensors file: {error}. Restore the prior from a copy, or "
            "pre-train it again."
        ) from error


def _describe(part: object, path: tuple[str, ...]) -> tuple[Node, dict[str, np.ndarray]]:
    """The node of one part, and the arrays in it, named by their path."""
    if type(part) in _MODULE_NAMES:
        module = cast("eqx.Module", part)
        # A field left at its class's default is no leaf of the tree, and must not become one.
        names = [field.name for field in dataclasses.fields(module) if field.name in vars(module)]
        nodes, arrays = _describe_all([getattr(module, name) for name in names], names, path)
        fields = dict(zip(names, nodes, strict=True))
        return {"class": _MODULE_NAMES[type(module)], "fields": fields}, arrays
    match part:
        case jax.Array() | np.ndarray() if str(part.dtype) in _DTYPES:
            name = ".".join(path)
            shape, dtype = list(part.shape), str(part.dtype)
            # Not ascontiguousarray, which would give a scalar an axis.
            array = np.array(part, order="C")
            return {"array": name, "shape": shape, "dtype": dtype}, {name: array}
        case tuple() | list() if type(part) in (tuple, list):
            nodes, arrays = _describe_all(part, [str(i) for i in range(len(part))], path)
            return {type(part).__name__: nodes}, arrays
        case slice(start=start, stop=stop, step=step) if _are_indices((start, stop, step)):
            return {"slice": [start, stop, step]}, {}
        case AbstractKernelComputation() if type(part) in _SINGLETON_NAMES:
            return {"singleton": _SINGLETON_NAMES[type(part)]}, {}
        case _ if _is_plain(part):
            return {"value": part}, {}
    raise PriorError(
        f"The prior's {'.'.join(path) or 'root'} is {reprlib.repr(part)}, of type "
        f"{type(part).__name__}, which cannot be stored; use one of {sorted(_MODULES)!r}, or add "
        "its class to the catalogue in hyperbo/prior_file.py."
    )


def _describe_all(
    parts: Sequence[object], names: Sequence[str], path: tuple[str, ...]
) -> tuple[list[Node], dict[str, np.ndarray]]:
    described = [_describe(part, (*path, name)) for part, name in zip(parts, names, strict=True)]
    arrays = {name: array for _, below in described for name, array in below.items()}
    return [node for node, _ in described], arrays


def _rebuild(
    node: object, arrays: Mapping[str, np.ndarray], unused: set[str], depth: int
) -> object:
    """The part that a node stands for; strikes the arrays it takes off `unused`."""
    if depth > _DEEPEST:
        raise _not_in_format("a structure nested too deeply")

    def below(child: object) -> object:
        return _rebuild(child, arrays, unused, depth + 1)

    match node:
        case {"class": str(name), "fields": dict(fields), **rest} if not rest:
            return _assemble(name, {field: below(child) for field, child in fields.items()})
        case {"array": str(name), "shape": list(shape), "dtype": str(dtype), **rest} if not rest:
            return _take_array(name, shape, dtype, arrays, unused)
        case {"tuple": list(items), **rest} if not rest:
            return tuple(below(item) for item in items)
        case {"list": list(items), **rest} if not rest:
            return [below(item) for item in items]
    return _rebuild_plain(node)


def _rebuild_plain(node: object) -> object:
    """The part that a node without arrays stands for."""
    match node:
        case {"slice": [start, stop, step], **rest} if not rest and _are_indices(
            (start, stop, step)
        ):
            return slice(start, stop, step)
        case {"singleton": str(name), **rest} if not rest and name in _SINGLETONS:
            return _SINGLETONS[name]
        case {"value": value, **rest} if not rest and _is_plain(value):
            return value
    raise _not_in_format(reprlib.repr(node))


def _assemble(name: str, fields: Mapping[str, object]) -> eqx.Module:
    """A module of the catalogue with these fields, its constructor not run."""
    if name not in _MODULES:
        raise PriorDamagedError(
            f"The prior's model holds a {name!r}, which this release does not know; it knows "
            f"{sorted(_MODULES)!r}. Upgrade hyperbo if a newer release wrote the prior, else "
            "restore it from a copy."
        )
    module = _MODULES[name]
    known = {field.name for field in dataclasses.fields(module)}
    needed = {field for field in known if not hasattr(module, field)}
    if not needed <= set(fields) <= known:
        raise PriorDamagedError(
            f"The prior's {name!r} has the fields {sorted(fields)!r}; here it has "
            f"{sorted(known)!r}. Install the library versions that the manifest names, or "
            "pre-train the prior again."
        )
    built = object.__new__(module)
    for field, value in fields.items():
        object.__setattr__(built, field, value)
    return built


def _take_array(
    name: str,
    shape: list[object],
    dtype: str,
    arrays: Mapping[str, np.ndarray],
    unused: set[str],
) -> jax.Array:
    if name not in unused:
        raise PriorDamagedError(
            f"The model wants the array {name!r}, which the weights lack or which it uses twice. "
            "Restore the prior from a copy, or pre-train it again."
        )
    unused.remove(name)
    array = arrays[name]
    if list(array.shape) != shape or str(array.dtype) != dtype or dtype not in _DTYPES:
        raise PriorDamagedError(
            f"The array {name!r} is {array.dtype}{list(array.shape)}; the model wants "
            f"{dtype}{shape}. Restore the prior from a copy, or pre-train it again."
        )
    return jnp.asarray(array)


def _is_plain(value: object) -> bool:
    """Whether JSON keeps the value as it is."""
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)


def _are_indices(values: Sequence[object]) -> bool:
    return all(value is None or type(value) is int for value in values)


def _not_in_format(shown: str) -> PriorDamagedError:
    return PriorDamagedError(
        f"The prior's model holds {shown}, which is not in the format of hyperbo/prior_file.py. "
        "Restore the prior from a copy, or pre-train it again."
    )
