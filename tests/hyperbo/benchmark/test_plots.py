"""Figures show the numbers they claim to show."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from hyperbo.benchmark import (
    PriorSlice,
    TaskBootstrap,
    average_ranks,
    method_styles,
    performance_profile,
    prior_slices,
    profiles,
    rank_diagram,
    regret_curves,
    target_strips,
    task_curves,
    task_panels,
    trials_to_target,
)
from hyperbo.errors import StudyError

STYLES = method_styles(["good", "fair", "poor"], prominent=["good"])


def lines_of(figure: go.Figure) -> dict[str, list[go.Scatter]]:
    """The named lines of a figure by name."""
    lines: dict[str, list[go.Scatter]] = {}
    for trace in figure.data:
        if trace.name is not None:
            lines.setdefault(trace.name, []).append(trace)
    return lines


def test_styles_differ_and_keep_to_their_position() -> None:
    """Thirty methods look different from each other; more methods change no earlier look."""
    few = method_styles([f"m{number}" for number in range(5)])
    many = method_styles([f"m{number}" for number in range(24)])

    assert all(many[name] == style for name, style in few.items())
    assert len({(style.colour, style.dash) for style in many.values()}) == 24


def test_curves_are_means_with_their_interval(study: pd.DataFrame) -> None:
    """Each line is the mean over tasks, each band the interval around it."""
    curves = task_curves(study)

    figure = regret_curves(study, STYLES, banded=["good"])

    line = lines_of(figure)["fair"][0]
    np.testing.assert_allclose(line.y, curves.of("fair").mean(axis=0))
    assert line.line.color == STYLES["fair"].colour
    band = figure.data[0]
    lower, upper = TaskBootstrap().bounds(curves.of("good"))
    np.testing.assert_allclose(band.y, [*upper, *lower[::-1]])


def test_buttons_switch_every_band_and_no_line(study: pd.DataFrame) -> None:
    """At first only the chosen bands show; the buttons act on bands alone."""
    figure = regret_curves(study, STYLES, banded=["good"])

    assert [trace.visible for trace in figure.data[:3]] == [True, False, False]
    bands = figure.layout.updatemenus[1].buttons
    assert [tuple(button.args[1]) for button in bands] == [(0, 1, 2)] * 3
    assert all(trace.name is None for trace in figure.data[:3])


def test_zero_regret_can_be_drawn(study_of: Callable[..., pd.DataFrame]) -> None:
    """A regret of zero stands at the floor of the logarithmic axis instead of vanishing."""
    study = study_of({name: {"a": [[0.1, 0.0]], "b": [[0.2, 0.0]]} for name in STYLES})

    figure = regret_curves(study, STYLES, banded=[])

    assert lines_of(figure)["good"][0].y[1] == 1e-4
    assert np.isfinite(figure.layout.yaxis.range).all()


def test_profiles_show_the_fractions(study: pd.DataFrame) -> None:
    """One panel a threshold, in order, each with every method's fractions."""
    table = performance_profile(study, [0.05, 0.01]).set_index(["method", "solved_at"])

    lines = lines_of(profiles(study, STYLES, solved_at=[0.05, 0.01]))

    for method, (loose, strict) in lines.items():
        np.testing.assert_array_equal(loose.y, table.loc[(method, 0.05), "fraction"])
        np.testing.assert_array_equal(strict.y, table.loc[(method, 0.01), "fraction"])


def test_strips_show_censored_tasks_apart(study: pd.DataFrame) -> None:
    """A dot a task; those not reached are hollow and lie beyond the budget."""
    targets = trials_to_target(study, "fair").groupby("method")
    figure = target_strips(study, STYLES, reference="fair")

    strips = [trace for trace in figure.data if trace.mode == "markers"]
    by_colour = {trace.marker.color: trace for trace in strips}
    for method, rows in targets:
        strip = by_colour[STYLES[str(method)].colour]
        hollow = np.array(strip.marker.symbol) == "circle-open"
        np.testing.assert_array_equal(hollow, ~rows["is_reached"])
        np.testing.assert_array_equal(strip.x[~hollow], rows["trials"][rows["is_reached"]])
        assert (strip.x[hollow] > 10).all()
    assert {"6 of 6", "0 of 6"} <= {note.text for note in figure.layout.annotations}


def test_panels_show_every_task(study: pd.DataFrame) -> None:
    """Each task has its panel, with the curves of the methods asked for and no others."""
    figure = task_panels(study, STYLES, methods=["good", "fair"], columns=4)

    titles = [note.text for note in figure.layout.annotations]
    assert titles == [f"task {number}" for number in range(6)]
    lines = lines_of(figure)
    assert set(lines) == {"good", "fair"}
    np.testing.assert_allclose(lines["good"][3].y, task_curves(study).of("good")[3].clip(1e-4))


def test_rank_diagram_joins_what_is_not_told_apart(study: pd.DataFrame) -> None:
    """Six tasks tell good from poor but neither from fair: two thick bars."""
    ranking = average_ranks(study, 10)

    figure = rank_diagram(ranking, STYLES)

    thick = [trace for trace in figure.data if trace.mode == "lines" and trace.line.width == 5]
    ends = [[round(end) for end in trace.x] for trace in thick]
    assert ends == [[1, 2], [2, 3]]
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert all(name in texts for name in ranking.methods)
    assert f"critical difference {ranking.critical_difference:.2f}" in texts


def test_prior_slices_show_prior_and_data() -> None:
    """Each slice has its mean, two bands and the observations, on the right kind of axis."""
    positions = np.logspace(-4, -1, 7)
    slices = [
        PriorSlice(
            name,
            positions,
            mean=np.arange(7.0),
            stddev=np.full(7, 0.5),
            observed_positions=positions[:3],
            observed_values=np.ones(3),
            is_log=is_log,
        )
        for name, is_log in (("learning_rate", True), ("momentum", False))
    ]

    figure = prior_slices(slices)

    data, wide, narrow, mean = figure.data[:4]
    np.testing.assert_array_equal(data.x, positions[:3])
    assert wide.y[0] - mean.y[0] == 2.0 * (narrow.y[0] - mean.y[0]) == 1.0
    assert [figure.layout.xaxis.type, figure.layout.xaxis2.type] == ["log", "linear"]


def test_prior_slices_need_a_slice() -> None:
    """An empty figure would say nothing."""
    with pytest.raises(StudyError, match="no slice"):
        prior_slices([])
