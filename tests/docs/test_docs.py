"""The documentation: its Python runs, and it speaks of every command."""

import re
from pathlib import Path

import pytest
import typer

from hyperbo_service.cli import app

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/guide.md")


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_run(page: str) -> None:
    """The Python blocks of a page run one after the other, as a reader would type them."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102 - that is the point


def _paths(command: object, prefix: str) -> list[str]:
    children = getattr(command, "commands", {})
    return [path for name in children for path in _paths(children[name], f"{prefix} {name}")] or [
        prefix
    ]


def test_guide_speaks_of_every_command() -> None:
    """Every command of the command line is in the guide, by its full name."""
    guide = (ROOT / "docs/guide.md").read_text()
    commands = _paths(typer.main.get_command(app), "hyperbo")
    assert len(commands) > 5
    assert [path for path in commands if path not in guide] == []


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of README and docs is a file of the repository."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"
