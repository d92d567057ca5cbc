"""Names that a user typed, resolved to the ones there are."""

import difflib
from collections.abc import Collection, Iterable

from hyperbo_service.errors import CommandError, UnknownNameError


def pick(text: str, known: Collection[str], what: str) -> str:
    """The name itself, if it is known.

    Args:
        text: What was typed.
        known: The names there are.
        what: What they name, in the singular, for the message.

    Raises:
        UnknownNameError: If it is not known; the message says what is close, or what there is.
    """
    if text in known:
        return text
    raise UnknownNameError(f"There is no {what} {text!r}. {advice(text, known)}")


def pick_all(typed: Iterable[str], known: Collection[str], what: str) -> tuple[str, ...]:
    """Several names, given one by one or separated by commas, each once.

    Raises:
        UnknownNameError: If one is not known.
        CommandError: If one is given twice.

    Example:
        >>> pick_all(["gp,random", "hyperbo"], ["random", "gp", "hyperbo"], "method")
        ('gp', 'random', 'hyperbo')
    """
    found: list[str] = []
    for text in typed:
        # A task may have a comma in its name, so the whole is tried before its parts.
        parts = [text] if text in known else [part.strip() for part in text.split(",")]
        found.extend(pick(part, known, what) for part in parts if part)
    repeated = sorted({name for name in found if found.count(name) > 1})
    if repeated:
        raise CommandError(f"The {what} {repeated[0]!r} is given more than once; give it once.")
    return tuple(found)


def advice(text: str, known: Collection[str]) -> str:
    """A sentence for a message: the known name that is close, or all there are."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(text.lower(), lowered, n=1)
    if close:
        return f"Did you mean {lowered[close[0]]!r}?"
    if not known:
        return "There are none yet."
    names = sorted(known)
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"There are: {shown}."
