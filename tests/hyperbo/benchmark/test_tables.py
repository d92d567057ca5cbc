"""Tables as people read them."""

from collections.abc import Callable

import pandas as pd

from hyperbo.benchmark import (
    average_ranks,
    compare,
    display_comparison,
    display_ranking,
    display_speedups,
    display_summary,
    display_timing,
    speedup_table,
    summary_table,
    timing_table,
    to_markdown,
    trials_to_target,
)


def test_summary_marks_the_best(study: pd.DataFrame) -> None:
    """In every column exactly the smallest mean is bold."""
    display = display_summary(summary_table(study, [1, 10])).set_index("method")

    for column in ("1 trial", "10 trials"):
        bold = display[column].str.startswith("**")
        assert bold[bold].index.tolist() == ["good"]


def test_single_task_shows_no_interval(study: pd.DataFrame) -> None:
    """Where there is no interval the cell holds the mean alone."""
    display = display_summary(summary_table(study[study["problem"] == "task 1"], [1]))

    assert not display["1 trial"].str.contains("nan|\\[").any()


def test_comparison_marks_what_is_clear(study_of: Callable[..., pd.DataFrame]) -> None:
    """Bold where the interval leaves out zero, with wins, ties and losses beside it."""
    study = study_of(
        {
            "new": {"a": [[0.1]], "b": [[0.1]], "c": [[0.1]]},
            "worse": {"a": [[0.5]], "b": [[0.6]], "c": [[0.5]]},
            "other": {"a": [[0.5]], "b": [[0.0]], "c": [[0.1]]},
        }
    )

    display = display_comparison(compare(study, "new", ["worse", "other"], [1]))

    assert display["1 trial"].tolist() == [
        "**-0.433** [-0.577, -0.290] (3-0-0)",
        "-0.100 [-0.757, +0.557] (1-1-1)",
    ]


def test_markdown_is_aligned_and_escaped() -> None:
    """Columns are padded to one width; a bar in a cell does not end it."""
    lines = to_markdown(pd.DataFrame({"method": ["a|b", "c"], "x": ["1", "22"]})).splitlines()

    assert lines == ["| method |  x |", "| :----- | -: |", "| a\\|b   |  1 |", "| c      | 22 |"]


def test_every_display_can_be_printed(study: pd.DataFrame) -> None:
    """Speed-ups, ranks and times name every method with its numbers."""
    displays = [
        display_speedups(speedup_table(trials_to_target(study, "fair")), "fair"),
        display_ranking(average_ranks(study, 10)),
        display_timing(timing_table(study)),
    ]

    texts = [to_markdown(display) for display in displays]

    assert all(method in text for text in texts for method in ("good", "fair", "poor"))
    assert "| fair   | " in texts[0]
    assert "1.00x" in texts[0]
    assert "1.00" in texts[1]
    assert "10 ms" in texts[2]
