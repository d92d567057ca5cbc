"""How figures look: one colour, dash and marker a method throughout, and one quiet layout."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

INK = "#1F2933"
"""Colour of text."""

FAINT = "#8A94A3"
"""Colour of what should stand back: unreached targets, observations, notes."""

GRID = "#E9EDF2"
"""Colour of grid lines."""

FONT = "Inter, 'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class MethodStyle:
    """The look of one method, the same in every figure.

    Attributes:
        colour: Hexadecimal colour.
        dash: Plotly's name of the line's dash.
        symbol: Plotly's name of the marker.
        width: Width of the line in pixels.
    """

    colour: str
    dash: str
    symbol: str
    width: float

    def veil(self, opacity: float) -> str:
        """The colour as a translucent fill."""
        red, green, blue = (int(self.colour[start : start + 2], 16) for start in (1, 3, 5))
        return f"rgba({red},{green},{blue},{opacity})"


def method_styles(methods: Sequence[str], prominent: Sequence[str] = ()) -> dict[str, MethodStyle]:
    """A style for each method: by its position, so that an order kept is a look kept.

    The first seven colours are Okabe and Ito's, told apart by people with any of the common colour
    deficiencies; no more than that can be, so later methods differ in dash and marker as well.

    Args:
        methods: All methods of a report, in an order of its own; not by their scores, which vary.
        prominent: Those to draw with a heavier line.
    """
    styles = {}
    for position, method in enumerate(methods):
        cycle, place = divmod(position, len(_COLOURS))
        pattern = 2 * cycle + (1 if place >= _SAFE else 0)
        styles[method] = MethodStyle(
            colour=_COLOURS[place],
            dash=_DASHES[pattern % len(_DASHES)],
            symbol=_SYMBOLS[pattern % len(_SYMBOLS)],
            width=3.4 if method in prominent else 1.7,
        )
    return styles


def lay_out(figure: go.Figure, *, height: int) -> go.Figure:
    """Give a figure the common layout; returns the same figure."""
    figure.update_layout(
        height=height,
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"family": FONT, "size": 13, "color": INK},
        margin={"l": 64, "r": 24, "t": 48, "b": 56},
        hoverlabel={"font": {"family": FONT, "size": 12}},
        legend={
            "orientation": "v",
            "x": 1.015,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "top",
            "font": {"size": 12.5},
            "itemsizing": "trace",
            "tracegroupgap": 2,
        },
    )
    axis = {
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": "#C5CDD8",
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#C5CDD8",
        "title": {"standoff": 10},
    }
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_annotations(font={"size": 13, "color": INK})
    return figure


_COLOURS = (
    *("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4A4E57"),
    *("#882255", "#8A8A1C", "#5B4BB7", "#A6761D", "#9AA3AF"),
)
_SAFE = 7
_DASHES = ("solid", "6px,3px", "2px,2px", "9px,3px,2px,3px")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up")
