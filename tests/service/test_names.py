"""Names that a user typed."""

import pytest

from hyperbo_service.errors import CommandError, UnknownNameError
from hyperbo_service.names import pick, pick_all


def test_close_name_is_offered() -> None:
    """A misspelt name is answered with the closest, whatever its case."""
    with pytest.raises(UnknownNameError, match=r"Did you mean 'Fashion_MNIST'\?"):
        pick("fashion_mnst", ["adult", "Fashion_MNIST"], "task")


def test_all_names_are_listed_where_none_is_close() -> None:
    """A name like none of them is answered with all."""
    with pytest.raises(UnknownNameError, match="There are: adult, higgs"):
        pick("zzz", ["higgs", "adult"], "task")


def test_nothing_to_choose_from() -> None:
    """Where there is nothing, that is said."""
    with pytest.raises(UnknownNameError, match="There are none yet"):
        pick("zzz", [], "task")


def test_name_with_a_comma() -> None:
    """A name that holds a comma is taken whole; others are split there."""
    assert pick_all(["a,b", "c, d"], ["a,b", "c", "d"], "task") == ("a,b", "c", "d")


def test_repeated_name_is_refused() -> None:
    """A name given twice is refused."""
    with pytest.raises(CommandError, match="more than once"):
        pick_all(["a", "a"], ["a"], "task")
