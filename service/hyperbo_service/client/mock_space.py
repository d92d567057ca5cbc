"""Configurations of a mock server's search space: drawn from it, and checked against it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from random import Random

from hyperbo_service.errors import OutsideSpaceError
from hyperbo_service.rpc.spaces import Value, value_from_wire
from hyperbo_service.rpc.v1 import space_pb2 as wire

Config = Mapping[str, Value]


def draw(space: wire.SearchSpace, random: Random) -> dict[str, Value]:
    """A configuration at random, uniform on each parameter's scale."""
    return dict(_drawn(space.parameters, random))


def check(space: wire.SearchSpace, config: Config) -> None:
    """Refuse a configuration that the space does not admit.

    Raises:
        OutsideSpaceError: If a parameter is missing, unknown or outside its range.
    """
    known = dict(_existing(space.parameters, config))
    for name, spec in known.items():
        if name not in config or not _admits(spec, config[name]):
            raise OutsideSpaceError(
                f"Parameter {name!r} is {config.get(name)!r}, which the space does not admit.",
                field="parameters",
            )
    unknown = sorted(set(config) - set(known))
    if unknown:
        raise OutsideSpaceError(
            f"The space has no parameter {unknown[0]!r}; it has {sorted(known)}.",
            field="parameters",
        )


def _drawn(specs: Iterable[wire.ParameterSpec], random: Random) -> Iterator[tuple[str, Value]]:
    for spec in specs:
        value = _value(spec, random)
        yield spec.name, value
        yield from _drawn(_children(spec, value), random)


def _existing(
    specs: Iterable[wire.ParameterSpec], config: Config
) -> Iterator[tuple[str, wire.ParameterSpec]]:
    for spec in specs:
        yield spec.name, spec
        yield from _existing(_children(spec, config.get(spec.name)), config)


def _children(spec: wire.ParameterSpec, value: Value | None) -> Iterable[wire.ParameterSpec]:
    return [
        below
        for child in spec.categorical.children
        if _same(value_from_wire(child.category), value)
        for below in child.parameters
    ]


def _value(spec: wire.ParameterSpec, random: Random) -> Value:
    match spec.WhichOneof("kind"):
        case "float":
            return _spread(spec.float.low, spec.float.high, spec.float.scale, random.random())
        case "integer":
            return random.randint(spec.integer.low, spec.integer.high)
        case "fixed":
            return value_from_wire(spec.fixed)
    return random.choice(_choices(spec))


def _admits(spec: wire.ParameterSpec, value: Value) -> bool:
    match spec.WhichOneof("kind"):
        case "float":
            is_float = isinstance(value, int | float) and not isinstance(value, bool)
            return is_float and spec.float.low <= float(value) <= spec.float.high
        case "integer":
            is_integer = isinstance(value, int) and not isinstance(value, bool)
            return is_integer and spec.integer.low <= int(value) <= spec.integer.high
        case "fixed":
            return _same(value_from_wire(spec.fixed), value)
    return any(_same(each, value) for each in _choices(spec))


def _choices(spec: wire.ParameterSpec) -> list[Value]:
    values = spec.discrete.values if spec.HasField("discrete") else spec.categorical.values
    return [value_from_wire(each) for each in values]


def _same(one: Value, other: Value | None) -> bool:
    """Whether two values are one: 1 and 1.0 are, 1 and True are not."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _spread(low: float, high: float, scale: wire.Scale, unit: float) -> float:
    match scale:
        case wire.SCALE_LOG:
            value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        case wire.SCALE_REVERSE_LOG:
            value = 1.0 - math.exp(math.log1p(-low) + unit * (math.log1p(-high) - math.log1p(-low)))
        case _:
            value = low + unit * (high - low)
    return min(max(value, low), high)
