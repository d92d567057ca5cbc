"""The report: complete, valid, self-contained, and never half written."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from hyperbo.benchmark import Block, Reproduction, Section, write_report
from hyperbo.errors import StudyError

REPRODUCTION = Reproduction(
    command="hyperbo study --trials 10 > log & echo <done>",
    settings={"trials": 10, "methods": ["good", "fair"]},
    versions={"numpy": "2.4.6"},
)
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Reads a page, and checks on the way that its tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.resources: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag loads or is called."""
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "data", "srcset", "poster"} and value:
                self.resources.append(value)
            if name == "id" and value:
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        """Insist that it closes what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather headings and readable words."""
        if self.open and self.open[-1] in {"h1", "h2", "h3"}:
            self.headings.append(data)
        if "script" not in self.open and "style" not in self.open:
            self.words.append(data)


def write(study: pd.DataFrame, path: Path, method: str = "good", reference: str = "fair") -> None:
    """Write a report with one extra section."""
    extra = Section("Slices", "", [Block("A table", "Words.", pd.DataFrame({"a|<b>": ["**1**"]}))])
    write_report(
        study,
        path,
        title="Good & fair",
        method=method,
        reference=reference,
        reproduction=REPRODUCTION,
        extras=[extra],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the module's report, which is read by several tests."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture
def page(study: pd.DataFrame, folder: Path) -> Page:
    """The report of two settings, parsed."""
    path = folder / "report.html"
    if not path.exists():
        write(pd.concat([study, study.assign(setting="same points")]), path)
    return Page(path.read_text(encoding="utf-8"))


def test_tags_are_closed_and_ids_unique(page: Page) -> None:
    """The page is well formed; figures of different sections do not share an element."""
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_loaded_from_elsewhere(page: Page, folder: Path) -> None:
    """All links lead into the page, styles import nothing, and the script is there once."""
    text = (folder / "report.html").read_text(encoding="utf-8")
    styles = " ".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))

    assert page.resources
    assert all(link.startswith("#section-") for link in page.resources)
    assert "@import" not in styles
    assert "url(" not in styles
    assert text.count("* plotly.js v") == 1


def test_every_section_is_there(page: Page) -> None:
    """Both settings, each with all its figures, then the extra section and the reproduction."""
    parts = [
        "Regret after a number of trials",
        "Regret, trial by trial",
        "good against each baseline, paired by task",
        "How many tasks are solved",
        "Trials to reach what fair reaches in 10",
        "Average rank after 10 trials",
        "Task by task",
        "Time for a suggestion",
    ]
    assert page.headings == [
        "Good & fair",
        *("study: new points", *parts),
        *("study: same points", *parts),
        *("Slices", "A table"),
        *("How to reproduce", "Settings", "Versions"),
    ]
    assert sum(name.startswith("figure-") for name in page.ids) == 10


def test_says_how_to_reproduce(page: Page) -> None:
    """Command, settings and versions stand in the page, special characters and all."""
    words = " ".join(page.words)

    assert REPRODUCTION.command in words
    assert '["good", "fair"]' in words
    assert "2.4.6" in words


def test_marks_become_tags(folder: Path, page: Page) -> None:
    """Bold marks of tables are shown bold, and table headers are escaped."""
    text = (folder / "report.html").read_text(encoding="utf-8")

    assert "<th>a|&lt;b&gt;</th>" in text
    assert "<td><strong>1</strong></td>" in text
    assert not any("**" in word for word in page.words)


@pytest.mark.parametrize(
    ("method", "reference"), [("good", "unknown"), ("unknown", "fair"), ("good", "good")]
)
def test_refused_report_leaves_the_old_one(
    study: pd.DataFrame, tmp_path: Path, method: str, reference: str
) -> None:
    """A wrong choice of methods is named, and a report that stood there still stands."""
    path = tmp_path / "report.html"
    path.write_text("old")

    with pytest.raises(StudyError, match="wanted two methods"):
        write(study, path, method, reference)

    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_smallest_study(study_of: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    """Two methods, one task, one seed, one trial: a report all the same, without intervals."""
    study = study_of({"good": {"a": [[0.0]]}, "fair": {"a": [[0.5]]}})

    write(study, tmp_path / "report.html")

    words = " ".join(Page((tmp_path / "report.html").read_text(encoding="utf-8")).words)
    assert "nan" not in words.lower()
