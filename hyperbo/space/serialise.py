"""Search spaces as JSON: one canonical text for each space, and a reader for hand-made ones.

The text is an object with a `version` (1) and the list `parameters`. Each parameter is an object:

| `type` | further keys |
| --- | --- |
| `"float"` | `name`, `low`, `high`, `scale` |
| `"integer"` | `name`, `low`, `high`, `scale` |
| `"discrete"` | `name`, `values` (increasing numbers), `scale` |
| `"categorical"` | `name`, `categories` (strings, truth values, integers), `children` |
| `"fixed"` | `name`, `value` |

`scale` is `"linear"`, `"log"` or `"reverse_log"`. `children` is a list of objects with a `category`
and the `parameters` that exist only then. For example:

    {"version": 1, "parameters": [
        {"type": "float", "name": "learning_rate", "low": 1e-5, "high": 1.0, "scale": "log"},
        {"type": "categorical", "name": "optimizer", "categories": ["adam", "sgd"], "children": [
            {"category": "sgd", "parameters": [
                {"type": "float", "name": "momentum", "low": 0.0, "high": 0.999,
                 "scale": "reverse_log"}]}]}]}

A reader may leave out `version`, a linear `scale` and empty `children`. The canonical text leaves
out empty `children` only, sorts the keys, has no white space and is plain ASCII; the digest is the
SHA-256 of that text. Parameters and categories keep their order, which is the order of the unit
coordinates: two spaces with another order are different spaces.
"""

import json
from collections.abc import Callable, Mapping

from hyperbo.errors import SpaceError
from hyperbo.space.categorical import CategoricalParameter, Category
from hyperbo.space.fixed import FixedParameter
from hyperbo.space.numeric import DiscreteParameter, FloatParameter, IntegerParameter
from hyperbo.space.parameter import Parameter, Value
from hyperbo.space.scales import Linear, Log, ReverseLog, Scale

_VERSION = 1
_SCALES: Mapping[str, Scale] = {"linear": Linear(), "log": Log(), "reverse_log": ReverseLog()}
_Entry = Mapping[str, object]


def write_parameters(parameters: tuple[Parameter, ...]) -> str:
    """The canonical JSON text of a tree of parameters.

    Raises:
        SpaceError: If a parameter or scale is of a kind the format does not know.
    """
    document = {"version": _VERSION, "parameters": [_written(each) for each in parameters]}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read_parameters(text: str) -> tuple[Parameter, ...]:
    """The parameters that a JSON text describes.

    Raises:
        SpaceError: If the text is no JSON, or not in this format, or a parameter is not well
            defined. The message says where.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_constant)
    except RecursionError as error:
        raise SpaceError("The search space is nested too deeply to be read; flatten it.") from error
    except ValueError as error:
        raise SpaceError(
            f"The search space is no JSON: {error}. Correct the text, or write it with to_json()."
        ) from error
    entry = _object(document, "search space", required={"parameters"}, optional={"version"})
    version = entry.get("version", _VERSION)
    if version != _VERSION or isinstance(version, bool):
        raise SpaceError(
            f"The search space has format version {version!r}; this release reads version "
            f"{_VERSION}. Upgrade hyperbo, or write the space anew."
        )
    return _parameters(entry["parameters"], "parameters")


def _written(parameter: Parameter) -> _Entry:
    """A parameter as a JSON object."""
    match parameter:
        case FloatParameter(name=name, low=low, high=high):
            scale = _scale_name(parameter.name, parameter.scale)
            return {"type": "float", "name": name, "low": low, "high": high, "scale": scale}
        case IntegerParameter(name=name, low=least, high=most):
            scale = _scale_name(parameter.name, parameter.scale)
            return {"type": "integer", "name": name, "low": least, "high": most, "scale": scale}
        case DiscreteParameter(name=name, values=values):
            scale = _scale_name(parameter.name, parameter.scale)
            return {"type": "discrete", "name": name, "values": list(values), "scale": scale}
        case CategoricalParameter(name=name, categories=categories):
            children = [
                {"category": category, "parameters": [_written(each) for each in below]}
                for category, below in parameter.children.items()
            ]
            entry = {"type": "categorical", "name": name, "categories": list(categories)}
            return entry | {"children": children} if children else entry
        case FixedParameter(name=name, value=value):
            return {"type": "fixed", "name": name, "value": value}
    raise SpaceError(
        f"Parameter {parameter.name!r} is a {type(parameter).__name__}, which cannot be stored; "
        "use one of the parameter types of hyperbo.space."
    )


def _scale_name(name: str, scale: Scale) -> str:
    for known, instance in _SCALES.items():
        if scale == instance:
            return known
    raise SpaceError(
        f"Parameter {name!r} has the scale {scale!r}, which cannot be stored; use one of "
        f"{[type(instance).__name__ for instance in _SCALES.values()]}."
    )


def _parameters(entries: object, where: str) -> tuple[Parameter, ...]:
    return tuple(
        _parameter(entry, f"{where}[{position}]")
        for position, entry in enumerate(_list(entries, where))
    )


def _parameter(entry: object, where: str) -> Parameter:
    """The parameter of one JSON object."""
    kind = entry.get("type") if isinstance(entry, Mapping) else None
    if not isinstance(kind, str) or kind not in _READERS:
        raise SpaceError(
            f"{where} is {_shown(entry)}; wanted an object whose type is one of {list(_READERS)!r}."
        )
    return _READERS[kind](entry, where)


def _read_float(entry: object, where: str) -> Parameter:
    fields = _object(entry, where, {"type", "name", "low", "high"}, {"scale"})
    low, high = _number(fields["low"], f"{where}.low"), _number(fields["high"], f"{where}.high")
    return FloatParameter(
        _text(fields["name"], f"{where}.name"),
        low,
        high,
        _scale(fields.get("scale", "linear"), f"{where}.scale"),
    )


def _read_integer(entry: object, where: str) -> Parameter:
    fields = _object(entry, where, {"type", "name", "low", "high"}, {"scale"})
    low, high = _integer(fields["low"], f"{where}.low"), _integer(fields["high"], f"{where}.high")
    return IntegerParameter(
        _text(fields["name"], f"{where}.name"),
        low,
        high,
        _scale(fields.get("scale", "linear"), f"{where}.scale"),
    )


def _read_discrete(entry: object, where: str) -> Parameter:
    fields = _object(entry, where, {"type", "name", "values"}, {"scale"})
    values = tuple(
        _number(item, f"{where}.values[{position}]")
        for position, item in enumerate(_list(fields["values"], f"{where}.values"))
    )
    return DiscreteParameter(
        _text(fields["name"], f"{where}.name"),
        values,
        _scale(fields.get("scale", "linear"), f"{where}.scale"),
    )


def _read_categorical(entry: object, where: str) -> Parameter:
    fields = _object(entry, where, {"type", "name", "categories"}, {"children"})
    name = _text(fields["name"], f"{where}.name")
    categories = tuple(
        _category(item, f"{where}.categories[{position}]")
        for position, item in enumerate(_list(fields["categories"], f"{where}.categories"))
    )
    children: dict[Category, tuple[Parameter, ...]] = {}
    for position, item in enumerate(_list(fields.get("children", []), f"{where}.children")):
        here = f"{where}.children[{position}]"
        child = _object(item, here, {"category", "parameters"}, set())
        category = _category(child["category"], f"{here}.category")
        if category in children:
            raise SpaceError(f"{here} repeats the category {category!r}; merge the two entries.")
        children[category] = _parameters(child["parameters"], f"{here}.parameters")
    return CategoricalParameter(name, categories, children)


def _read_fixed(entry: object, where: str) -> Parameter:
    fields = _object(entry, where, {"type", "name", "value"}, set())
    value = fields["value"]
    if not isinstance(value, str | bool | int | float):
        raise SpaceError(
            f"{where}.value is {_shown(value)}; wanted a string, a truth value or a number."
        )
    return FixedParameter(_text(fields["name"], f"{where}.name"), value)


_READERS: Mapping[str, Callable[[object, str], Parameter]] = {
    "float": _read_float,
    "integer": _read_integer,
    "discrete": _read_discrete,
    "categorical": _read_categorical,
    "fixed": _read_fixed,
}


def _object(entry: object, where: str, required: set[str], optional: set[str]) -> _Entry:
    """The entry, if it is an object with just these keys."""
    if not isinstance(entry, Mapping):
        raise SpaceError(f"{where} is {_shown(entry)}; wanted an object.")
    missing, unknown = required - set(entry), set(entry) - required - optional
    if missing:
        raise SpaceError(f"{where} lacks {sorted(missing)!r}; add them.")
    if unknown:
        raise SpaceError(
            f"{where} has unknown keys {sorted(unknown)!r}; wanted {sorted(required | optional)!r}."
            " Correct or remove them."
        )
    return entry


def _list(items: object, where: str) -> list[object]:
    if not isinstance(items, list):
        raise SpaceError(f"{where} is {_shown(items)}; wanted a list.")
    return items


def _text(item: object, where: str) -> str:
    if not isinstance(item, str):
        raise SpaceError(f"{where} is {_shown(item)}; wanted a string.")
    return item


def _number(item: object, where: str) -> float | int:
    if isinstance(item, bool) or not isinstance(item, int | float):
        raise SpaceError(f"{where} is {_shown(item)}; wanted a number without quotes.")
    return item


def _integer(item: object, where: str) -> int:
    number = _number(item, where)
    if number != number // 1:
        raise SpaceError(f"{where} is {_shown(item)}; wanted an integer.")
    return int(number)


def _scale(item: object, where: str) -> Scale:
    if not isinstance(item, str) or item not in _SCALES:
        raise SpaceError(f"{where} is {_shown(item)}; wanted one of {list(_SCALES)!r}.")
    return _SCALES[item]


def _category(item: object, where: str) -> Category:
    if not isinstance(item, str | bool | int):
        raise SpaceError(
            f"{where} is {_shown(item)}; wanted a string, a truth value or an integer."
        )
    return item


def _shown(value: object) -> str:
    """A value as JSON, cut short."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object; a key given twice would silently hide the first value."""
    entry = dict(pairs)
    if len(entry) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        raise SpaceError(f"The search space repeats the keys {repeated!r} in one object.")
    return entry


def _no_constant(constant: str) -> Value:
    raise SpaceError(f"The search space holds {constant}; JSON has finite numbers only.")
