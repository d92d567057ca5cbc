"""Critical difference diagram: methods on a line of average ranks, joined where not told apart."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from hyperbo.benchmark.appearance import FAINT, INK, MethodStyle, lay_out
from hyperbo.benchmark.ranks import Ranking

_STEP = 1.0
"""Height of one label's row."""

_BAR = 0.42
"""Height between the bars of two groups."""


def rank_diagram(ranking: Ranking, styles: Mapping[str, MethodStyle]) -> go.Figure:
    """Average ranks on a line, best at the left; a bar joins methods that are not told apart.

    The better half is labelled on the left, the other on the right, as in Demsar (2006).
    """
    count = len(ranking.methods)
    cliques = ranking.cliques()
    left = (count + 1) // 2
    start = -(_BAR * (len(cliques) + 1) + 0.3)
    low, high = 0.0, count + 1.0
    figure = go.Figure()
    for position, (method, rank) in enumerate(zip(ranking.methods, ranking.average, strict=True)):
        is_left = position < left
        row = position if is_left else count - 1 - position
        height = start - _STEP * row
        end = low if is_left else high
        _draw(figure, [rank, rank, end], [0.0, height, height], styles[method].colour, 1.5)
        figure.add_trace(
            go.Scatter(
                x=[rank],
                y=[0.0],
                mode="markers",
                marker={"color": styles[method].colour, "size": 9, "symbol": styles[method].symbol},
                hovertemplate=f"{method}: average rank {rank:.2f}<extra></extra>",
            )
        )
        figure.add_annotation(
            x=end,
            y=height,
            text=f"{method}  <b>{rank:.2f}</b>" if is_left else f"<b>{rank:.2f}</b>  {method}",
            xanchor="right" if is_left else "left",
            xshift=-6 if is_left else 6,
            showarrow=False,
        )
    for group, (first, last) in enumerate(cliques):
        height = -_BAR * (group + 1)
        ends = [ranking.average[first] - 0.04, ranking.average[last] + 0.04]
        _draw(figure, ends, [height, height], INK, 5.0)
    _draw_scale(figure, ranking)
    lay_out(figure, height=round(190 + 34 * left + 14 * len(cliques)))
    figure.update_xaxes(visible=False, range=[low - 0.25 * high, high * 1.25])
    figure.update_yaxes(visible=False, range=[start - _STEP * left, 2.2])
    figure.update_layout(showlegend=False, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure


def _draw_scale(figure: go.Figure, ranking: Ranking) -> None:
    """The line of ranks with its ticks, and the critical difference above it."""
    count = len(ranking.methods)
    _draw(figure, [1.0, float(count)], [0.0, 0.0], INK, 1.5)
    for rank in range(1, count + 1):
        _draw(figure, [float(rank)] * 2, [0.0, 0.22], INK, 1.5)
        figure.add_annotation(x=rank, y=0.5, text=str(rank), showarrow=False)
    end = min(1.0 + ranking.critical_difference, 1.25 * (count + 1.0))
    _draw(figure, [1.0, 1.0, 1.0, end, end, end], [1.2, 1.5, 1.35, 1.35, 1.5, 1.2], FAINT, 2.0)
    figure.add_annotation(
        x=(1.0 + end) / 2.0,
        y=1.85,
        text=f"critical difference {ranking.critical_difference:.2f}",
        showarrow=False,
    )


def _draw(
    figure: go.Figure, x: Sequence[float], y: Sequence[float], colour: str, width: float
) -> None:
    line = {"color": colour, "width": width}
    figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip"))
