"""One HTML page that holds all it needs: figures, tables, styles and Plotly's script."""

import html
import importlib.resources
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs


@dataclass(frozen=True)
class Block:
    """A figure or table with the words that go under its heading.

    Attributes:
        heading: What it shows, in a few words; may be empty.
        text: A short explanation in plain words; a blank line parts paragraphs.
        content: The figure, a table of display texts (`**bold**` is shown bold), or None.
    """

    heading: str
    text: str
    content: go.Figure | pd.DataFrame | None = None


@dataclass(frozen=True)
class Fact:
    """A number that the reader should take home.

    Attributes:
        number: The number, with its unit.
        text: What it says.
    """

    number: str
    text: str


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        heading: Its heading, also in the list of contents.
        text: A short introduction; may be empty.
        blocks: Figures and tables in order.
        facts: Numbers to show large at its top.
    """

    heading: str
    text: str
    blocks: Sequence[Block]
    facts: Sequence[Fact] = ()


def render_page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """The page as text; nothing in it is loaded from elsewhere."""
    style = importlib.resources.files(__package__).joinpath("report.css").read_text("utf-8")
    numbers = iter(range(1, 1_000_000))
    contents = "".join(
        f'<a href="#section-{place}">{html.escape(section.heading)}</a>'
        for place, section in enumerate(sections, start=1)
    )
    body = "\n".join(
        _section(section, place, numbers) for place, section in enumerate(sections, start=1)
    )
    return _PAGE.format(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        style=style,
        script=get_plotlyjs(),
        contents=contents,
        body=body,
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
<script>{script}</script>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="subtitle">{subtitle}</p>
<nav>{contents}</nav>
</header>
<main>
{body}
</main>
</body>
</html>
"""

_CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "sendDataToCloud"],
    "plotlyServerURL": "",
    "toImageButtonOptions": {"format": "svg"},
}


def _section(section: Section, place: int, numbers: Iterator[int]) -> str:
    facts = "".join(
        f'<div class="fact"><span class="number">{html.escape(fact.number)}</span>'
        f'<span class="what">{html.escape(fact.text)}</span></div>'
        for fact in section.facts
    )
    return "\n".join(
        [
            f'<section id="section-{place}">',
            f"<h2>{html.escape(section.heading)}</h2>",
            _paragraphs(section.text),
            f'<div class="facts">{facts}</div>' if facts else "",
            *(_block(block, numbers) for block in section.blocks),
            "</section>",
        ]
    )


def _block(block: Block, numbers: Iterator[int]) -> str:
    heading = f"<h3>{html.escape(block.heading)}</h3>" if block.heading else ""
    return f'<div class="block">{heading}{_paragraphs(block.text)}{_content(block, numbers)}</div>'


def _content(block: Block, numbers: Iterator[int]) -> str:
    if block.content is None:
        return ""
    if isinstance(block.content, pd.DataFrame):
        return _table(block.content)
    figure: str = block.content.to_html(
        full_html=False,
        include_plotlyjs=False,
        config=_CONFIG,
        div_id=f"figure-{next(numbers)}",
        default_width="100%",
        default_height=f"{block.content.layout.height}px",
    )
    return f'<div class="figure">{figure}</div>'


def _table(table: pd.DataFrame) -> str:
    header = "".join(f"<th>{html.escape(str(name))}</th>" for name in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>"
        for row in table.itertuples(index=False)
    )
    return (
        f'<div class="table"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(cell: object) -> str:
    """Bold and code marks become tags; what follows a number, its interval, is set small."""
    text = html.escape(str(cell))
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    return re.sub(r" ([\[(][-+\d].*[\])])$", r'<span class="interval">\1</span>', text)


def _paragraphs(text: str) -> str:
    pieces = [piece.strip() for piece in text.split("\n\n") if piece.strip()]
    return "".join(f"<p>{_cell(piece)}</p>" for piece in pieces)
