"""Corpora by name: the user's folder first, and a remedy whenever one is missing or damaged."""

import gzip
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hyperbo_datasets.collect.corpora import catalogue
from hyperbo_datasets.collect.corpora.catalogue import download, entries, load
from hyperbo_datasets.collect.corpora.downloads import Download
from hyperbo_datasets.collect.corpora.known import KNOWN, KnownCorpus
from hyperbo_datasets.collect.corpora.values import Images, Rows, Sequences, Text, digest, kind_of
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.errors import CorpusError
from tests.datasets.collect.corpora.test_bible_data import data_file

# What the packages install today; a change of loaders must not change what is read. LCBench is
# left out, since its features are logarithms, which differ in the last bit between machines.
DIGESTS = {
    "fashion-mnist": "7e4dd4ebcb9b",
    "mnist-5k": "0bd70624e916",
    "digits": "562a4e88a8b0",
    "kjv": "aa8b6f5da67b",
    "uniprot": "f4c1483cc6f6",
    "breast-cancer": "5325c57d086b",
    "wine": "931bcfb42c35",
}


def md5(path: Path) -> str:
    """A file's hash, as publishers state it."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def folder(home: Path) -> Path:
    """The user's folder of corpora."""
    path = home / "corpora"
    path.mkdir()
    return path


@pytest.fixture
def bare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, on a machine where nothing is installed."""
    nowhere = {name: replace(corpus, places=()) for name, corpus in catalogue.BY_NAME.items()}
    monkeypatch.setattr(catalogue, "BY_NAME", nowhere)
    return folder


@pytest.mark.usefixtures("home")
def test_installed_corpora_are_those_we_know() -> None:
    """What is installed on this machine is read, and is what the datasheets speak of."""
    present = {entry.name for entry in entries() if entry.is_present}

    assert {"digits", "wine", "breast-cancer", "lcbench-median", "python-source"} <= present
    for name in present & DIGESTS.keys():
        assert digest(load(name))[:12] == DIGESTS[name]


@pytest.mark.usefixtures("home")
def test_each_corpus_says_all_there_is_to_say() -> None:
    """Every entry names its kind, licence and remedy, and can be a task's corpus."""
    kinds = {kind_of(kind) for kind in (Images, Text, Sequences, Rows)}
    for entry in entries():
        assert entry.summary
        assert entry.licence
        assert entry.remedy
        assert entry.kind in kinds
        assert TaskName(entry.name, "mlp", 16).corpus == entry.name
    for corpus in KNOWN:
        assert len({layout.kind for layout in corpus.layouts}) == 1


def test_users_folder_comes_first(folder: Path, mnist: Path) -> None:
    """A corpus in the user's folder is read in place of the installed one."""
    shutil.copytree(mnist, folder / "fashion-mnist")

    entry = next(entry for entry in entries() if entry.name == "fashion-mnist")

    assert entry.path == folder / "fashion-mnist"
    assert load("fashion-mnist").size == 6


def test_known_corpus_may_come_as_plain_files(folder: Path) -> None:
    """The Bible as text and the wines as CSV are read where the packages are not to be had."""
    for name in ("kjv", "wine"):
        (folder / name).mkdir()
    (folder / "kjv/bible.txt").write_text("In the beginning")
    (folder / "wine/wine.csv").write_text("a,label\n1,x\n2,y\n")

    assert str(load("kjv")) == "in the beginning"
    assert load("wine").size == 2


def test_bible_of_debian_is_preferred(folder: Path) -> None:
    """Of two layouts in one folder the first of the corpus' own is read."""
    (folder / "kjv").mkdir()
    (folder / "kjv/bible.txt").write_text("text")
    (folder / "kjv/bible.data").write_bytes(data_file(b"Title\nGe1:1 data\n", 64))

    assert str(load("kjv")) == "data\n"


def test_own_corpora_are_folders(folder: Path) -> None:
    """Text, sequences and tables of the user's own are listed after the known ones, and read."""
    for name, file, content in (
        ("my-text", "a.txt", "words"),
        ("my-proteins", "a.fasta", ">a\nMKV"),
        ("my-rows", "a.csv", "a,label\n1,x\n2,y\n"),
        ("Not-A-Name", "a.txt", "words"),
        ("empty", "a.pdf", ""),
    ):
        (folder / name).mkdir()
        (folder / name / file).write_text(content)

    own = {entry.name: entry for entry in entries()[len(KNOWN) :]}

    assert {name: entry.kind for name, entry in own.items()} == {
        "my-proteins": "sequences",
        "my-rows": "rows",
        "my-text": "text",
    }
    assert all(own[name].is_present and load(name).size for name in own)


@pytest.mark.parametrize("corpus", KNOWN, ids=lambda corpus: corpus.name)
def test_missing_corpus_says_how_to_get_it(corpus: KnownCorpus, bare: Path) -> None:
    """The command that installs or downloads it, and the folder it may be put into."""
    assert not any(entry.is_present for entry in entries())

    with pytest.raises(CorpusError, match="is not installed") as caught:
        load(corpus.name)

    assert corpus.remedy in str(caught.value)
    assert str(bare / corpus.name) in str(caught.value)


def test_damaged_corpus_says_how_to_get_it(folder: Path, mnist: Path) -> None:
    """What is wrong, then the remedy."""
    shutil.copytree(mnist, folder / "mnist")
    path = folder / "mnist/train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(CorpusError, match=r"mnist is damaged: .* cut off.* --download mnist"):
        load("mnist")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("a.csv", "a,label\n1,x\n2,x\n", "of the class 'x'.*Add examples of other classes"),
        ("a.fasta", ">a\nXXXX\n>b\nXX\n", "same or unknown.*Add what holds others"),
        ("a.txt", "aaaaaaaa", "same or unknown.*Add what holds others"),
    ],
)
def test_what_teaches_nothing_is_refused(folder: Path, file: str, content: str, words: str) -> None:
    """Everything would be right, whoever says it."""
    (folder / "mine").mkdir()
    (folder / "mine" / file).write_text(content)

    with pytest.raises(CorpusError, match=words):
        load("mine")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["fashion-minst", "../tables", "/usr/lib", "", "a" * 200])
def test_unknown_corpus_is_refused(name: str) -> None:
    """A name that is none lists those there are; no path gets out of the folder."""
    with pytest.raises(CorpusError, match="Known corpora: fashion-mnist, mnist"):
        load(name)


@pytest.mark.usefixtures("home")
def test_misspelt_corpus_is_guessed() -> None:
    """The name that was meant comes first."""
    with pytest.raises(CorpusError, match="Did you mean 'fashion-mnist'"):
        load("fashion-minst")


def test_home_that_is_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder can be, the installed corpora are still found."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HYPERBO_HOME", str(tmp_path / "file"))

    assert load("wine").size == 178


def test_download_lands_where_it_is_looked_for(
    bare: Path, mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was downloaded is found and read."""
    images = mnist / "train-images-idx3-ubyte.gz"
    labels = mnist / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress((mnist / "train-labels-idx1-ubyte").read_bytes()))
    published = tuple(
        Download(path.as_uri(), path.stat().st_size, md5(path)) for path in (images, labels)
    )
    corpus = replace(catalogue.BY_NAME["mnist"], downloads=published)
    monkeypatch.setitem(catalogue.BY_NAME, "mnist", corpus)
    files = []

    path = download("mnist", lambda file: lambda *_: files.append(file))

    assert path == bare / "mnist"
    assert {*files} == {images.name, labels.name}
    assert load("mnist").size == 6


@pytest.mark.usefixtures("home")
def test_what_cannot_be_downloaded_says_what_can() -> None:
    """Those without a published hash are got otherwise."""
    with pytest.raises(
        CorpusError, match=r"those of fashion-mnist, mnist, cifar10, cifar100 have.*apt install"
    ):
        download("kjv", lambda _: lambda *_: None)
    with pytest.raises(CorpusError, match="Did you mean 'mnist'"):
        download("mmnist", lambda _: lambda *_: None)
