"""Search spaces and native values on the wire: between messages and plain JSON objects.

The JSON is that of a search space's own text, `{"parameters": [...]}`, so that the client needs
neither arrays nor the core to describe one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.v1 import space_pb2 as wire

Value = bool | int | float | str

_SCALES = {
    "linear": wire.SCALE_LINEAR,
    "log": wire.SCALE_LOG,
    "reverse_log": wire.SCALE_REVERSE_LOG,
}
_SCALE_NAMES = {number: name for name, number in _SCALES.items()} | {0: "linear"}
_DEEPEST = 32


def space_to_wire(document: Mapping[str, Any]) -> wire.SearchSpace:
    """The message of a search space's JSON object.

    Raises:
        InvalidArgumentError: If the object is not in the format.
    """
    try:
        return wire.SearchSpace(parameters=[_to_wire(each) for each in document["parameters"]])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidArgumentError(
            f"The search space is not in the format: {type(error).__name__} {error}. Write it as "
            '{"parameters": [{"type": "float", "name": "lr", "low": 1e-5, "high": 0.1, "scale": '
            '"log"}]}.',
            field="study.space",
        ) from error


def space_from_wire(space: wire.SearchSpace) -> dict[str, Any]:
    """The JSON object of a search space's message.

    Raises:
        InvalidArgumentError: If a parameter has no kind, a value is not set, or conditional
            parameters are nested too deeply.
    """
    return {"parameters": [_from_wire(each, 0) for each in space.parameters]}


def value_to_wire(value: object) -> wire.ParameterValue:
    """The message of a native value; NumPy's scalars count as Python's.

    Raises:
        InvalidArgumentError: If it is no string, truth value or number, or too large an integer.
    """
    plain = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    match plain:
        case bool():
            return wire.ParameterValue(truth=plain)
        case int() if -(2**63) <= plain < 2**63:
            return wire.ParameterValue(integer=plain)
        case float():
            return wire.ParameterValue(number=plain)
        case str():
            return wire.ParameterValue(text=plain)
    raise InvalidArgumentError(
        f"A parameter's value is {plain!r}; wanted a string, a truth value, a float or an integer "
        "of 64 bits.",
        field="parameters",
    )


def value_from_wire(value: wire.ParameterValue) -> Value:
    """The native value of a message.

    Raises:
        InvalidArgumentError: If it is not set.
    """
    kind = value.WhichOneof("kind")
    if kind is None:
        raise InvalidArgumentError("A parameter's value is not set.", field="parameters")
    native: Value = getattr(value, kind)
    return native


def values_to_wire(config: Mapping[str, object]) -> dict[str, wire.ParameterValue]:
    """Messages of a configuration's values; None counts as left out.

    Raises:
        InvalidArgumentError: As `value_to_wire`.
    """
    return {name: value_to_wire(value) for name, value in config.items() if value is not None}


def values_from_wire(config: Mapping[str, wire.ParameterValue]) -> dict[str, Value]:
    """A configuration's native values, by name: on the wire they have no order.

    Raises:
        InvalidArgumentError: As `value_from_wire`.
    """
    return {name: value_from_wire(config[name]) for name in sorted(config)}


def _to_wire(entry: Mapping[str, Any]) -> wire.ParameterSpec:
    name, kind = entry["name"], entry["type"]
    scale = _SCALES[entry.get("scale", "linear")]
    match kind:
        case "float":
            limits = wire.FloatRange(low=entry["low"], high=entry["high"], scale=scale)
            return wire.ParameterSpec(name=name, float=limits)
        case "integer":
            bounds = wire.IntegerRange(low=entry["low"], high=entry["high"], scale=scale)
            return wire.ParameterSpec(name=name, integer=bounds)
        case "discrete":
            values = [value_to_wire(each) for each in entry["values"]]
            return wire.ParameterSpec(
                name=name, discrete=wire.DiscreteValues(values=values, scale=scale)
            )
        case "categorical":
            return wire.ParameterSpec(name=name, categorical=_categories_to_wire(entry))
        case "fixed":
            return wire.ParameterSpec(name=name, fixed=value_to_wire(entry["value"]))
    raise ValueError(f"the type of parameter {name!r} is {kind!r}")


def _categories_to_wire(entry: Mapping[str, Any]) -> wire.Categories:
    children: Sequence[Mapping[str, Any]] = entry.get("children", ())
    return wire.Categories(
        values=[value_to_wire(each) for each in entry["categories"]],
        children=[
            wire.ConditionalParameters(
                category=value_to_wire(child["category"]),
                parameters=[_to_wire(each) for each in child["parameters"]],
            )
            for child in children
        ],
    )


def _from_wire(spec: wire.ParameterSpec, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise InvalidArgumentError(
            f"Conditional parameters are nested more than {_DEEPEST} deep.", field="study.space"
        )
    kind = spec.WhichOneof("kind")
    entry: dict[str, Any] = {"type": kind, "name": spec.name}
    match kind:
        case "float" | "integer":
            limits = getattr(spec, kind)
            return entry | {"low": limits.low, "high": limits.high, "scale": _scale(limits.scale)}
        case "discrete":
            values = [value_from_wire(each) for each in spec.discrete.values]
            return entry | {"values": values, "scale": _scale(spec.discrete.scale)}
        case "categorical":
            return entry | _categories_from_wire(spec.categorical, depth)
        case "fixed":
            return entry | {"value": value_from_wire(spec.fixed)}
    raise InvalidArgumentError(
        f"Parameter {spec.name!r} has no kind; wanted float, integer, discrete, categorical or "
        "fixed.",
        field="study.space",
    )


def _categories_from_wire(categories: wire.Categories, depth: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"categories": [value_from_wire(each) for each in categories.values]}
    if categories.children:
        entry["children"] = [
            {
                "category": value_from_wire(child.category),
                "parameters": [_from_wire(each, depth + 1) for each in child.parameters],
            }
            for child in categories.children
        ]
    return entry


def _scale(number: int) -> str:
    if number not in _SCALE_NAMES:
        raise InvalidArgumentError(f"A scale is {number}, which is unknown.", field="study.space")
    return _SCALE_NAMES[number]
