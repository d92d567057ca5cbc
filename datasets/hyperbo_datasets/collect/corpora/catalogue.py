"""Every corpus by name: whether it is there, how to get it, and its content."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from hyperbo_datasets.collect.corpora.downloads import Report, fetch
from hyperbo_datasets.collect.corpora.known import KNOWN, KnownCorpus
from hyperbo_datasets.collect.corpora.layouts import USERS, Layout
from hyperbo_datasets.collect.corpora.places import corpora_folder
from hyperbo_datasets.collect.corpora.values import Corpus, check_usable, kind_of
from hyperbo_datasets.errors import CorpusError

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
BY_NAME = {corpus.name: corpus for corpus in KNOWN}


@dataclass(frozen=True)
class Entry:
    """A corpus in the catalogue.

    Attributes:
        name: Its name.
        summary: What it is.
        kind: Images, text, sequences or rows.
        licence: What its source may be used for.
        path: Where it lies; None if it is not there.
        installed_by: The command that installs it, or what it comes with; empty if none does.
        remedy: All ways to get it, as commands where there are any.
        can_be_downloaded: Whether HyperBO can fetch it.
    """

    name: str
    summary: str
    kind: str
    licence: str
    path: Path | None
    installed_by: str
    remedy: str
    can_be_downloaded: bool

    @property
    def is_present(self) -> bool:
        """Whether it is there; its content is checked only when it is loaded."""
        return self.path is not None


def entries() -> tuple[Entry, ...]:
    """The corpora that have a name, then the user's own, which are folders in theirs."""
    known = tuple(_entry(corpus, _located(corpus)) for corpus in BY_NAME.values())
    root = corpora_folder()
    folders = sorted(root.iterdir()) if root.is_dir() else []
    own = (_own(folder.name) for folder in folders if folder.name not in BY_NAME)
    return (*known, *(_own_entry(*found) for found in own if found is not None))


def load(name: str) -> Corpus:
    """The content of a corpus; its `digest` names what was read.

    A corpus is looked for in the user's folder of that name first, then where its Debian or Python
    package puts it. Only published training parts are read.

    Raises:
        CorpusError: If it is unknown, not installed, or damaged; the message says how to get it.
    """
    known = BY_NAME.get(name)
    if known is None:
        own = _own(name)
        if own is None:
            raise CorpusError(f"There is no corpus {name!r}. {_known_names(name)}")
        return _read(*own)
    located = _located(known)
    if located is None:
        raise CorpusError(f"The corpus {name} is not installed. {_remedy(known)}")
    try:
        return _read(*located)
    except CorpusError as error:
        raise CorpusError(f"The corpus {name} is damaged: {error} {_remedy(known)}") from None


def download(name: str, report: Callable[[str], Report]) -> Path:
    """Fetch a corpus into the user's folder, and return that folder.

    Args:
        name: The corpus.
        report: Given a file's name, what to tell of its progress.

    Raises:
        CorpusError: If it is unknown or cannot be downloaded, or what comes is not what was
            published; nothing is left behind then.
    """
    known = BY_NAME.get(name)
    if known is None:
        raise CorpusError(f"There is no corpus {name!r}. {_known_names(name)}")
    if not known.downloads:
        able = ", ".join(corpus.name for corpus in KNOWN if corpus.downloads)
        raise CorpusError(
            f"{name} has no published file of a known hash to download; those of {able} have. "
            f"{_remedy(known)}"
        )
    folder = corpora_folder() / name
    for file in known.downloads:
        fetch(file, folder, report(file.file))
    return folder


def _read(layout: Layout, path: Path) -> Corpus:
    corpus = layout.read(path)
    check_usable(corpus, path)
    return corpus


def _located(corpus: KnownCorpus) -> tuple[Layout, Path] | None:
    """The first layout found, in the first place that has one."""
    places = (corpora_folder() / corpus.name, *(place() for place in corpus.places))
    for place in places:
        found = None if place is None else _match(place, corpus.layouts)
        if found is not None:
            return found
    return None


def _own(name: str) -> tuple[Layout, Path] | None:
    """The layout and place of a user's own corpus."""
    return _match(corpora_folder() / name, USERS) if _NAME.fullmatch(name) else None


def _match(place: Path, layouts: tuple[Layout, ...]) -> tuple[Layout, Path] | None:
    """The first layout found in a place, and what to read there."""
    try:
        found = ((layout, layout.find(place)) for layout in layouts)
        return next(((layout, path) for layout, path in found if path is not None), None)
    except OSError as error:
        raise CorpusError(
            f"{place} cannot be looked into: {error}. Free it, or set HYPERBO_HOME to a folder you "
            "may read."
        ) from None


def _entry(corpus: KnownCorpus, located: tuple[Layout, Path] | None) -> Entry:
    return Entry(
        name=corpus.name,
        summary=corpus.summary,
        kind=kind_of(corpus.layouts[0].kind),
        licence=corpus.licence,
        path=None if located is None else located[1],
        installed_by=corpus.installed_by,
        remedy=corpus.remedy,
        can_be_downloaded=bool(corpus.downloads),
    )


def _own_entry(layout: Layout, path: Path) -> Entry:
    name = path.name if path.parent == corpora_folder() else path.parent.name
    return Entry(
        name=name,
        summary="your own",
        kind=kind_of(layout.kind),
        licence="unknown",
        path=path,
        installed_by="",
        remedy="",
        can_be_downloaded=False,
    )


def _remedy(corpus: KnownCorpus) -> str:
    wanted = " or ".join(layout.wanted for layout in corpus.layouts)
    return (
        f"Ways to get it: {corpus.remedy}, or put {wanted} into {corpora_folder() / corpus.name}."
    )


def _known_names(wanted: str) -> str:
    names = [entry.name for entry in entries()]
    close = get_close_matches(wanted, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    layouts = "; ".join(layout.wanted for layout in USERS)
    return (
        f"{hint}Known corpora: {', '.join(names)}. One of your own is a folder in "
        f"{corpora_folder()}, named in small letters, digits, dots and dashes, that holds "
        f"{layouts}."
    )
