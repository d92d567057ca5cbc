"""Figures of a study's scores, in Plotly: curves, profiles, trials to a target, task by task."""

from collections.abc import Mapping, Sequence
from math import ceil, log10

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from hyperbo.benchmark.appearance import FAINT, MethodStyle, lay_out
from hyperbo.benchmark.intervals import Interval, TaskBootstrap
from hyperbo.benchmark.scores import (
    SOLVED,
    performance_profile,
    speedup_table,
    task_curves,
    trials_to_target,
)

_FLOOR = 1e-4
"""Regrets are drawn no lower than this, as a logarithm knows no zero."""


def regret_curves(
    evaluations: pd.DataFrame,
    styles: Mapping[str, MethodStyle],
    *,
    banded: Sequence[str],
    interval: Interval | None = None,
) -> go.Figure:
    """Mean regret over tasks by trial, with intervals; buttons switch scale and intervals.

    Args:
        evaluations: Trials of one study and setting.
        styles: Looks of the methods.
        banded: Methods whose interval shows at first; a button shows all.
        interval: Around the mean over tasks; a bootstrap of the tasks by default.
    """
    interval = TaskBootstrap() if interval is None else interval
    curves = task_curves(evaluations)
    trials = np.arange(1, curves.regrets.shape[2] + 1)
    figure = go.Figure()
    for method in curves.methods:
        lower, upper = interval.bounds(curves.of(method))
        figure.add_trace(_band(trials, lower, upper, styles[method], method))
    for method in curves.methods:
        mean = curves.of(method).mean(axis=0)
        figure.add_trace(_line(trials, np.maximum(mean, _FLOOR), styles[method], method))
    shown = [method in banded for method in curves.methods]
    for trace, is_shown in zip(figure.data, shown, strict=False):
        trace.visible = is_shown
    means = np.maximum(curves.regrets.mean(axis=1), _FLOOR)
    figure.update_xaxes(title_text="Trials", range=[0.5, len(trials) + 0.5])
    figure.update_yaxes(title_text="Mean regret over tasks")
    lay_out(figure, height=520)
    return _add_switches(figure, shown, float(means.min()), float(means.max()))


def profiles(
    evaluations: pd.DataFrame,
    styles: Mapping[str, MethodStyle],
    *,
    solved_at: Sequence[float] = SOLVED,
) -> go.Figure:
    """Fraction of tasks solved by each trial, one panel for each regret that counts as solved."""
    table = performance_profile(evaluations, solved_at)
    figure = make_subplots(
        rows=1,
        cols=len(solved_at),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[f"Solved to regret ≤ {threshold:g}" for threshold in solved_at],
    )
    for (name, threshold), profile in table.groupby(["method", "solved_at"], sort=False):
        method = str(name)
        column = list(solved_at).index(float(str(threshold))) + 1
        line = _line(
            profile["trial"].to_numpy(), profile["fraction"].to_numpy(), styles[method], method
        )
        line.update(showlegend=column == 1, line_shape="hv")
        line.update(hovertemplate=f"{method}: %{{y:.0%}} at trial %{{x}}<extra></extra>")
        figure.add_trace(line, row=1, col=column)
    lay_out(figure, height=440)
    figure.update_xaxes(title_text="Trials")
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    figure.update_yaxes(title_text="Tasks solved", col=1)
    return figure


def target_strips(
    evaluations: pd.DataFrame,
    styles: Mapping[str, MethodStyle],
    *,
    reference: str,
    budget: int | None = None,
) -> go.Figure:
    """Trials each method needs, task by task, to reach the reference's regret at the budget.

    One dot a task; tasks on which a method did not get there stand hollow beyond the budget. The
    bar is the median, tasks not reached included.
    """
    targets = trials_to_target(evaluations, reference, budget)
    budget = int(evaluations["trial"].max()) if budget is None else budget
    table = speedup_table(targets)
    beyond = budget * 1.1
    figure = go.Figure()
    for position, (method, trials, reached, tasks) in enumerate(
        zip(table["method"], table["trials"], table["reached"], table["tasks"], strict=True)
    ):
        height = float(len(table) - 1 - position)
        rows = targets[targets["method"] == method]
        figure.add_trace(_strip(rows, styles[method], height, beyond))
        figure.add_trace(
            _median_bar(
                float(trials) if trials <= budget else beyond, styles[method], height, method
            )
        )
        _note_beside(figure, f"{reached} of {tasks}", height)
    _note_beside(figure, "<b>reached</b>", len(table) - 0.45)
    _lay_out_strips(figure, list(table["method"]), budget, beyond)
    figure.update_xaxes(title_text=f"Trials to reach {reference}'s regret at trial {budget}")
    return figure


def task_panels(
    evaluations: pd.DataFrame,
    styles: Mapping[str, MethodStyle],
    *,
    methods: Sequence[str],
    columns: int = 5,
) -> go.Figure:
    """Regret by trial on every single task, averaged over its runs, for a few methods."""
    curves = task_curves(evaluations)
    problems = sorted(curves.problems, key=str.casefold)
    columns = min(columns, len(problems))
    rows = ceil(len(problems) / columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes=True,
        shared_yaxes="all",
        horizontal_spacing=0.018,
        vertical_spacing=min(0.04, 0.3 / rows),
        subplot_titles=problems,
    )
    trials = np.arange(1, curves.regrets.shape[2] + 1)
    for place, problem in enumerate(problems):
        row, column = divmod(place, columns)
        for method in reversed(methods):
            regrets = curves.of(method)[curves.problems.index(problem)]
            line = _line(trials, np.maximum(regrets, _FLOOR), styles[method], method)
            line.update(showlegend=place == 0, line_width=styles[method].width * 0.75)
            line.update(legendrank=1000 + list(methods).index(method))
            line.update(hovertemplate=f"{problem}<br>{line.hovertemplate}")
            figure.add_trace(line, row=row + 1, col=column + 1)
    lay_out(figure, height=110 + 135 * rows)
    figure.update_annotations(font_size=11.5)
    figure.update_yaxes(type="log", tickfont_size=10.5, dtick=1, tickformat="~g")
    figure.update_xaxes(nticks=5, tickfont_size=10.5)
    figure.update_xaxes(title_text="Trials", row=rows)
    figure.update_layout(
        legend={"orientation": "h", "x": 0.0, "y": 1.0 + 62 / (110 + 135 * rows), "yanchor": "top"},
        margin={"t": 84},
    )
    return figure


def _line(
    trials: Float[np.ndarray, " T"] | np.ndarray, heights: np.ndarray, style: MethodStyle, name: str
) -> go.Scatter:
    return go.Scatter(
        x=trials,
        y=heights,
        name=name,
        legendgroup=name,
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "width": style.width},
        hovertemplate=f"{name}: %{{y:.4f}} at trial %{{x}}<extra></extra>",
    )


def _band(
    trials: np.ndarray, lower: np.ndarray, upper: np.ndarray, style: MethodStyle, name: str
) -> go.Scatter:
    # There and back again around the interval, as one closed shape.
    return go.Scatter(
        x=np.concatenate([trials, trials[::-1]]),
        y=np.maximum(np.concatenate([upper, lower[::-1]]), _FLOOR),
        legendgroup=name,
        showlegend=False,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=style.veil(0.15),
        hoverinfo="skip",
    )


def _add_switches(
    figure: go.Figure, shown: Sequence[bool], lowest: float, highest: float
) -> go.Figure:
    """Buttons above the plot: logarithmic or linear, intervals of the main methods or of all."""
    bands = list(range(len(shown)))
    logarithmic = [log10(lowest) - 0.15, log10(highest) + 0.1]
    scale = [
        ("Log", {"yaxis.type": "log", "yaxis.range": logarithmic}),
        ("Linear", {"yaxis.type": "linear", "yaxis.range": [0.0, highest * 1.05]}),
    ]
    visible = [("Main intervals", list(shown)), ("All", [True] * len(shown)),
               ("None", [False] * len(shown))]  # fmt: skip
    menus = [
        [{"label": label, "method": "relayout", "args": [change]} for label, change in scale],
        [
            {"label": label, "method": "restyle", "args": [{"visible": which}, bands]}
            for label, which in visible
        ],
    ]
    figure.update_layout(
        yaxis={"type": "log", "range": logarithmic},
        margin={"t": 64},
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "buttons": buttons,
                "x": x,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "pad": {"t": 0, "b": 6},
                "bgcolor": "#F4F6F9",
                "bordercolor": "#D5DBE3",
                "font": {"size": 11.5},
            }
            for x, buttons in zip((0.0, 0.17), menus, strict=True)
        ],
    )
    return figure


def _strip(rows: pd.DataFrame, style: MethodStyle, height: float, beyond: float) -> go.Scatter:
    # Tasks come in one order for every method, so each keeps its shift from row to row.
    shifts = np.random.default_rng(0).permutation(np.linspace(-0.26, 0.26, len(rows)))
    is_reached = rows["is_reached"].to_numpy()
    return go.Scatter(
        x=np.where(is_reached, rows["trials"], beyond),
        y=height + shifts,
        mode="markers",
        marker={
            "symbol": ["circle" if reached else "circle-open" for reached in is_reached],
            "size": 8,
            "color": style.colour,
            "opacity": 0.6,
        },
        text=rows["problem"],
        hovertemplate="%{text}: %{x} trials<extra></extra>",
    )


def _lay_out_strips(figure: go.Figure, methods: Sequence[str], budget: int, beyond: float) -> None:
    """A row for each method, the first on top; trials to the right, and a place beyond them."""
    figure.add_vline(x=budget * 1.04, line={"color": FAINT, "width": 1, "dash": "dot"})
    lay_out(figure, height=144 + 42 * len(methods))
    ticks = [trial for trial in (1, 5, 10, 20, 30, 40, 50, 75, 100, 200) if trial <= budget]
    figure.update_xaxes(
        range=[0.0, beyond * 1.04],
        tickvals=[*ticks, beyond],
        ticktext=[*map(str, ticks), "not reached"],
    )
    figure.update_yaxes(
        tickvals=list(range(len(methods))),
        ticktext=list(reversed(methods)),
        range=[-0.6, len(methods) - 0.4],
        automargin=True,
        ticks="",
    )
    figure.update_layout(showlegend=False, margin={"r": 90, "t": 60})


def _note_beside(figure: go.Figure, text: str, height: float) -> None:
    """Text at the right of the plot, at a height on its axis."""
    figure.add_annotation(
        text=text, x=1.01, xref="paper", xanchor="left", y=height, showarrow=False
    )


def _median_bar(trials: float, style: MethodStyle, height: float, method: str) -> go.Scatter:
    return go.Scatter(
        x=[trials, trials],
        y=[height - 0.38, height + 0.38],
        mode="lines",
        line={"color": style.colour, "width": 4},
        hovertemplate=f"{method}: median %{{x}} trials<extra></extra>",
    )
