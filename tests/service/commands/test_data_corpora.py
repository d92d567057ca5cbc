"""`hyperbo data corpora`."""

import gzip
import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo_datasets.collect.corpora import catalogue
from hyperbo_datasets.collect.corpora.downloads import Download

Run = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site in a folder, with an MNIST of four images that has the hashes of the real one."""
    folder = tmp_path / "site"
    folder.mkdir()
    images = struct.pack(">HBB3I", 0, 8, 3, 4, 2, 2) + bytes(range(16))
    labels = struct.pack(">HBBI", 0, 8, 1, 4) + bytes([0, 1, 2, 3])
    downloads = []
    for name, content in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"train-{name}-ubyte.gz"
        path.write_bytes(gzip.compress(content))
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        downloads.append(Download(path.as_uri(), path.stat().st_size, digest))
    corpus = replace(catalogue.BY_NAME["mnist"], downloads=tuple(downloads))
    monkeypatch.setitem(catalogue.BY_NAME, "mnist", corpus)
    return folder


def test_lists_what_is_there_and_how_to_get_the_rest(run: Run) -> None:
    """People see each corpus with its kind, its licence, and the command that brings it."""
    shown = run("data", "corpora").stdout

    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert {"rows", "yes"} <= {*rows["wine"].split()}
    assert {"images", "no", "--download"} <= {*rows["cifar10"].split()}
    assert "pip install 'hyperbo[collect]'" in rows["wine"]
    assert "apt install bible-kjv-text" in shown
    assert "PSF-2.0" in rows["python-source"]


def test_json_has_all_of_it(run: Run, home: Path) -> None:
    """A script learns where each one lies, and which can be downloaded."""
    (home / "corpora/mine").mkdir(parents=True)
    (home / "corpora/mine/a.txt").write_text("words")

    rows = {row["name"]: row for row in json.loads(run("data", "corpora", "--json").stdout)}

    assert {name for name, row in rows.items() if row["can_be_downloaded"]} == {
        "fashion-mnist", "mnist", "cifar10", "cifar100",
    }  # fmt: skip
    assert Path(rows["wine"]["path"]).is_file()
    assert rows["cifar100"]["path"] is None
    assert not rows["cifar100"]["is_present"]
    assert rows["mine"]["path"] == str(home / "corpora/mine")
    assert rows["mine"]["kind"] == "text"


@pytest.mark.usefixtures("published")
def test_download_is_there_afterwards(run: Run, home: Path) -> None:
    """What was fetched is read, named by its content, and listed as present."""
    document = json.loads(run("data", "corpora", "--download", "mnist", "--json").stdout)

    assert document["folder"] == str(home / "corpora/mnist")
    assert document["size"] == 4
    assert len(document["content_sha256"]) == 64
    rows = json.loads(run("data", "corpora", "--json").stdout)
    assert [row["path"] for row in rows if row["name"] == "mnist"] == [document["folder"]]
    shown = run("data", "corpora", "--download", "mnist").stdout
    assert "4 examples" in shown
    assert document["content_sha256"][:12] in shown


def test_wrong_file_is_refused(refused: Refused, home: Path, published: Path) -> None:
    """A file that is not the published one leaves nothing behind."""
    path = published / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    message = refused("data", "corpora", "--download", "mnist")

    assert "Nothing was kept" in message
    assert not list((home / "corpora").iterdir())


def test_unknown_name_is_guessed(refused: Refused) -> None:
    """A misspelt corpus is answered with the one that was meant."""
    assert "Did you mean 'cifar10'?" in refused("data", "corpora", "--download", "cifar-10")


def test_needs_no_jax() -> None:
    """Looking for corpora is quick: numerics are not loaded for it."""
    code = (
        "import sys; from hyperbo_datasets.collect.corpora import entries; entries(); "
        "print(sorted({'jax', 'sklearn', 'mlxtend'} & sys.modules.keys()))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert result.stdout.strip() == "[]"
