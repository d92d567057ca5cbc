"""Slices of a prior against the data it was trained on, along one hyperparameter at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from hyperbo.benchmark.appearance import FAINT, lay_out, method_styles
from hyperbo.errors import StudyError


@dataclass(frozen=True, eq=False)
class PriorSlice:
    """The prior along one hyperparameter, the others held fixed, and training data near it.

    Attributes:
        name: The hyperparameter's name.
        positions: Its values along the slice, in native units, ascending.
        mean: Prior mean at each, in the objective's unit.
        stddev: Prior standard deviation at each, same unit.
        observed_positions: The hyperparameter's value in each training trial.
        observed_values: What was observed there, in the objective's unit.
        is_log: True if the hyperparameter is read best on a logarithmic axis.
    """

    name: str
    positions: Float[np.ndarray, " Q"]
    mean: Float[np.ndarray, " Q"]
    stddev: Float[np.ndarray, " Q"]
    observed_positions: Float[np.ndarray, " N"]
    observed_values: Float[np.ndarray, " N"]
    is_log: bool = False


def prior_slices(slices: Sequence[PriorSlice], *, columns: int = 3) -> go.Figure:
    """Prior mean with one and two standard deviations, over the training trials as dots.

    Raises:
        StudyError: If there is no slice.
    """
    if not slices:
        raise StudyError("There is no slice to draw; give one for each hyperparameter.")
    columns = min(columns, len(slices))
    rows = ceil(len(slices) / columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=min(0.14, 0.3 / rows),
        subplot_titles=[piece.name for piece in slices],
    )
    for place, piece in enumerate(slices):
        row, column = divmod(place, columns)
        for trace in _traces(piece):
            trace.showlegend = place == 0
            figure.add_trace(trace, row=row + 1, col=column + 1)
        figure.update_xaxes(_axis(piece), row=row + 1, col=column + 1)
    lay_out(figure, height=110 + 270 * rows)
    figure.update_yaxes(title_text="Objective", col=1)
    figure.update_layout(
        legend={"orientation": "h", "x": 0.0, "y": 1.0 + 62 / (110 + 270 * rows), "yanchor": "top"},
        margin={"t": 84},
    )
    return figure


def _axis(piece: PriorSlice) -> dict[str, object]:
    """A linear axis, or a logarithmic one labelled at whole decades, or at 1, 2 and 5."""
    if not piece.is_log:
        return {"type": "linear"}
    decades = np.log10(piece.positions[-1] / piece.positions[0])
    return {"type": "log", "tickformat": "~g", "dtick": 1 if decades >= 2.0 else "D2"}


def _traces(piece: PriorSlice) -> list[go.Scatter | go.Scattergl]:
    style = method_styles(["baseline", "prior"])["prior"]
    there_and_back = np.concatenate([piece.positions, piece.positions[::-1]])
    bands = [
        go.Scatter(
            x=there_and_back,
            y=np.concatenate(
                [piece.mean + reach * piece.stddev, (piece.mean - reach * piece.stddev)[::-1]]
            ),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=style.veil(0.14),
            name=f"{reach} standard deviation{'s' if reach > 1 else ''}",
            legendgroup=f"reach {reach}",
            hoverinfo="skip",
        )
        for reach in (2, 1)
    ]
    return [
        go.Scattergl(
            x=piece.observed_positions,
            y=piece.observed_values,
            mode="markers",
            marker={"color": FAINT, "size": 4, "opacity": 0.35},
            name="training trials",
            legendgroup="observed",
            hovertemplate="%{x:.4g}: %{y:.4g}<extra>training trial</extra>",
        ),
        *bands,
        go.Scatter(
            x=piece.positions,
            y=piece.mean,
            mode="lines",
            line={"color": style.colour, "width": 3},
            name="prior mean",
            legendgroup="mean",
            hovertemplate="%{x:.4g}: %{y:.4g}<extra>prior mean</extra>",
        ),
    ]
