"""`hyperbo study`: its subcommands, and tables as its first word."""

from collections.abc import Callable

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
Refusal = Callable[..., str]


@pytest.mark.parametrize("arguments", [("nothing",), ("--folds", "3", "nothing")])
def test_first_word_that_is_no_command_is_a_table(
    refusal: Refusal, arguments: tuple[str, ...]
) -> None:
    """`hyperbo study TABLE` compares methods, also with options before the table."""
    assert "There is no table 'nothing'" in refusal("study", *arguments)


def test_table_called_like_a_command(refusal: Refusal) -> None:
    """`compare` makes a table of any word."""
    assert "There is no table 'list'" in refusal("study", "compare", "list")


def test_misspelt_command_is_noted(cli: Cli) -> None:
    """A word that is close to a command is taken for a table, with a word about it."""
    result = cli("study", "exprot")

    assert "if a command is meant: 'export'" in result.stderr
    assert "There is no table 'exprot'" in result.stderr


def test_help_of_both(cli: Cli) -> None:
    """The group's help lists the commands, a table's help that of the comparison."""
    group, table = cli("study", "--help"), cli("study", "toy", "--help")

    assert "compare" in group.stdout
    assert "export" in group.stdout
    assert "--folds" in table.stdout
