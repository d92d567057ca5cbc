"""Requests at random: of any shape the messages allow, or sound ones with some fields changed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

_DEEPEST = 5
_INTEGERS = (0, 1, -1, 2, 5, 100, 1000, 1001, 2**31 - 1, -(2**31), 2**53, 2**63 - 1, -(2**63))
_NUMBERS = (0.0, 1.0, -1.0, 0.01, 0.5, 1e300, -1e300, 5e-324, math.nan, math.inf, -math.inf)

ATTACKS = (
    "'; DROP TABLE trials; --",
    '" OR 1=1 --',
    "' UNION SELECT digest FROM tokens --",
    "\\'; SELECT pg_sleep(100); --",
    "$$; DROP SCHEMA public CASCADE; $$",
    "%(name)s %s :name ? {0} {name}",
    "../../../etc/passwd",
    "..",
    "%2e%2e%2f",
    "a/../../b",
    "\0",
    "nul\0inside",
    "\ufeff\u202e\u2028\uffff",
    "😀" * 50,
    "\u0130\u0131\u017f\u212a",
    "e\u0301" * 30,
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "-1",
    "NaN",
    "null",
    "%",
    "_",
    "\\",
    "",
    " ",
    "x" * 5000,
)
"""Texts that have broken other programs."""

text = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
integers = st.one_of(st.sampled_from(_INTEGERS), st.integers(-(2**63), 2**63 - 1))
numbers = st.one_of(st.sampled_from(_NUMBERS), st.floats())

Pools = Mapping[str, Sequence[str]]
"""Texts worth trying, by the name of the field."""


def fill(into: Any, data: st.DataObject, pools: Pools, depth: int = 0) -> None:
    """Set some fields of a message, and fields of what is below it."""
    for field in into.DESCRIPTOR.fields:
        if data.draw(st.booleans()):
            set_field(into, field, data, pools, depth)


def mutate(into: Any, data: st.DataObject, pools: Pools, depth: int = 0) -> None:
    """Change one field, of the message or of one below it."""
    field = data.draw(st.sampled_from(list(into.DESCRIPTOR.fields)))
    below = _messages(into, field)
    if below and depth < _DEEPEST and data.draw(st.integers(0, 3)):
        mutate(data.draw(st.sampled_from(below)), data, pools, depth + 1)
        return
    if data.draw(st.integers(0, 5)) == 0:
        into.ClearField(field.name)
        return
    set_field(into, field, data, pools, depth)


def set_field(
    into: Any, field: FieldDescriptor, data: st.DataObject, pools: Pools, depth: int
) -> None:
    """Set one field to something."""
    if _is_map(field):
        _set_map(into, field, data, pools, depth)
    elif field.is_repeated:
        _set_list(into, field, data, pools, depth)
    elif field.message_type is not None:
        if depth < _DEEPEST:
            below = getattr(into, field.name)
            below.SetInParent()
            fill(below, data, pools, depth + 1)
    else:
        setattr(into, field.name, data.draw(_scalar(field, pools)))


def _set_map(
    into: Any, field: FieldDescriptor, data: st.DataObject, pools: Pools, depth: int
) -> None:
    entries = getattr(into, field.name)
    value_field = field.message_type.fields_by_name["value"]
    for key in data.draw(st.lists(_texts("key", field.name, pools), max_size=3)):
        if value_field.message_type is None:
            entries[key] = data.draw(text)
        else:
            fill(entries[key], data, pools, depth + 1)


def _set_list(
    into: Any, field: FieldDescriptor, data: st.DataObject, pools: Pools, depth: int
) -> None:
    if depth >= _DEEPEST:
        return
    items = getattr(into, field.name)
    count = data.draw(st.integers(0, 3))
    for _ in range(count):
        if field.message_type is None:
            items.append(data.draw(_scalar(field, pools)))
        else:
            fill(items.add(), data, pools, depth + 1)
    if count and data.draw(st.integers(0, 9)) == 0:
        items.extend(list(items)[:1] * 1200)


def _scalar(field: FieldDescriptor, pools: Pools) -> st.SearchStrategy[Any]:
    kinds = FieldDescriptor
    match field.type:
        case kinds.TYPE_STRING:
            return _texts(field.name, field.containing_type.name, pools)
        case kinds.TYPE_ENUM:
            known = [value.number for value in field.enum_type.values]
            return st.sampled_from([*known, 99, -1, 2**31 - 1])
        case kinds.TYPE_INT32:
            return integers.filter(lambda number: -(2**31) <= number < 2**31)
    others: dict[int, st.SearchStrategy[Any]] = {
        kinds.TYPE_BYTES: st.binary(max_size=200),
        kinds.TYPE_DOUBLE: numbers,
        kinds.TYPE_BOOL: st.booleans(),
    }
    return others.get(field.type, integers)


def _texts(name: str, owner: str, pools: Pools) -> st.SearchStrategy[str]:
    pool = pools.get(f"{owner}.{name}") or pools.get(name)
    return st.one_of(st.sampled_from(list(pool)), text) if pool else text


def _messages(into: Any, field: FieldDescriptor) -> list[Any]:
    """Messages that stand in a field."""
    if field.message_type is None:
        return []
    if _is_map(field):
        if field.message_type.fields_by_name["value"].message_type is None:
            return []
        entries = getattr(into, field.name)
        return [entries[key] for key in sorted(entries)]
    if field.is_repeated:
        return list(getattr(into, field.name))[:3]
    return [getattr(into, field.name)] if into.HasField(field.name) else []


def _is_map(field: FieldDescriptor) -> bool:
    kind: Descriptor | None = field.message_type
    return field.is_repeated and kind is not None and kind.GetOptions().map_entry
