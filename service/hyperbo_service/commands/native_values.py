"""Values that were written as text, read as the search space has them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hyperbo_service.errors import CommandError
from hyperbo_service.names import advice

Entry = Mapping[str, Any]


def parameters_of(space: Mapping[str, Any]) -> dict[str, Entry]:
    """All parameters of a space's JSON object by name, conditional ones too."""
    return {entry["name"]: entry for entry in _walk(space["parameters"])}


def read_configuration(
    texts: Mapping[str, Any], parameters: Mapping[str, Entry], where: str
) -> dict[str, Any]:
    """A configuration's native values; an empty text is a parameter that does not exist.

    Values that are no text stay as they are.

    Args:
        texts: A text for each parameter.
        parameters: The space's.
        where: What they come from, for messages.

    Raises:
        CommandError: If a parameter is unknown, or a text spells none of its values.
    """
    found = {}
    for name, text in texts.items():
        if name not in parameters:
            raise CommandError(f"{where}: no parameter {name!r}. {advice(name, parameters)}")
        if text in ("", None):
            continue
        try:
            found[name] = _native(parameters[name], text) if isinstance(text, str) else text
        except ValueError:
            raise CommandError(
                f"{where}: {name} is {text!r}; wanted {_wanted(parameters[name])}."
            ) from None
    return found


def read_assignments(pairs: Sequence[str], parameters: Mapping[str, Entry]) -> dict[str, Any]:
    """A configuration of texts `NAME=VALUE`.

    Raises:
        CommandError: If a text is no such pair, or as `read_configuration`.

    Example:
        >>> read_assignments(["lr=1e-3"], {"lr": {"type": "float", "low": 0.0, "high": 1.0}})
        {'lr': 0.001}
    """
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise CommandError(f"{wrong[0]!r} is no NAME=VALUE; write such as lr=0.01.")
    texts = {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}
    return read_configuration(texts, parameters, "the configuration")


def _walk(entries: Sequence[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        for child in entry.get("children", ()):
            yield from _walk(child["parameters"])


def _native(entry: Entry, text: str) -> Any:
    """The value that a text spells.

    Raises:
        ValueError: If it spells none.
    """
    match entry["type"]:
        case "float":
            return float(text)
        case "integer":
            return _whole(text)
        case "discrete":
            return _listed(float(text), {float(each): each for each in entry["values"]})
        case "categorical":
            return _listed(text, _spellings(entry["categories"]))
        case "fixed":
            value = entry["value"]
            if isinstance(value, str | bool):
                return _listed(text, _spellings([value]))
            return _listed(float(text), {float(value): value})
    raise ValueError(text)


def _whole(text: str) -> int:
    """An integer, also where a table wrote it as a float."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def _spellings(categories: Sequence[Any]) -> dict[str, Any]:
    """Categories by how they are written: as Python has them, and truth values also as JSON."""
    truths = {str(each).lower(): each for each in categories if isinstance(each, bool)}
    return truths | {str(each): each for each in categories}


def _listed(key: Any, values: Mapping[Any, Any]) -> Any:
    if key not in values:
        raise ValueError(key)
    return values[key]


def _wanted(entry: Entry) -> str:
    if "low" in entry:
        return f"a number from {entry['low']:g} to {entry['high']:g}"
    listed = entry.get("categories") or entry.get("values") or [entry.get("value")]
    return f"one of {', '.join(map(str, listed))}"
