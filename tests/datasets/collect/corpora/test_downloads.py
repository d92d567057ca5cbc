"""Downloads are whole and as published, or not there at all."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hyperbo_datasets.collect.corpora.downloads import Download, fetch
from hyperbo_datasets.errors import CorpusError

CONTENT = bytes(range(256)) * 4096


@dataclass
class Site:
    """A web site of one file.

    Attributes:
        address: Where it is.
        content: What it sends.
        claimed: How many bytes it says that it sends.
        requests: What was asked for.
    """

    address: str
    content: bytes = CONTENT
    claimed: int = len(CONTENT)
    requests: list[str] = field(default_factory=list)

    def published(self) -> Download:
        """The file as its publisher describes it."""
        return Download(
            f"{self.address}/corpus.gz",
            len(CONTENT),
            hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
        )


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site on this machine, which is reached without a proxy."""
    monkeypatch.setenv("no_proxy", "*")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.requests.append(self.path)
            if self.path != "/corpus.gz":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(found.claimed))
            self.end_headers()
            self.wfile.write(found.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def ignore(_received: int, _size: int) -> None:
    """Report to nobody."""


def test_published_file_is_put_in_place(site: Site, tmp_path: Path) -> None:
    """The file, in a folder that is made for it, and progress from the first byte to the last."""
    seen: list[tuple[int, int]] = []

    path = fetch(site.published(), tmp_path / "new", lambda *now: seen.append(now))

    assert path == tmp_path / "new/corpus.gz"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert seen == sorted(seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_sound_file_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    """What is there already and has the hash is kept."""
    fetch(site.published(), tmp_path, ignore)
    fetch(site.published(), tmp_path, ignore)

    assert len(site.requests) == 1


def test_damaged_file_is_replaced(site: Site, tmp_path: Path) -> None:
    """What is there and lacks the hash is fetched anew."""
    (tmp_path / "corpus.gz").write_bytes(CONTENT[:100])

    assert fetch(site.published(), tmp_path, ignore).read_bytes() == CONTENT


def test_wrong_hash_leaves_nothing(site: Site, tmp_path: Path) -> None:
    """Another file of the same size is refused, with both hashes, and its folder goes."""
    site.content = CONTENT[::-1]

    with pytest.raises(CorpusError, match=f"wanted .* with {site.published().md5}"):
        fetch(site.published(), tmp_path / "new", ignore)

    assert not list(tmp_path.iterdir())


def test_wrong_hash_keeps_what_was_there(site: Site, tmp_path: Path) -> None:
    """A failed download does not take away the old file."""
    (tmp_path / "corpus.gz").write_bytes(b"old")
    site.content = CONTENT[::-1]

    with pytest.raises(CorpusError, match="Nothing was kept"):
        fetch(site.published(), tmp_path, ignore)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_endless_file_is_not_taken(site: Site, tmp_path: Path) -> None:
    """No more than a byte beyond the published size is received."""
    site.content = CONTENT * 20
    site.claimed = len(site.content)
    seen = [0]

    with pytest.raises(CorpusError, match=f"sent {len(CONTENT) + 1:,} bytes"):
        fetch(site.published(), tmp_path / "new", lambda received, _: seen.append(received))

    assert max(seen) == len(CONTENT) + 1
    assert not list(tmp_path.iterdir())


def test_broken_connection_leaves_nothing(site: Site, tmp_path: Path) -> None:
    """A server that stops half-way is an error with a remedy."""
    site.content = CONTENT[:1000]

    with pytest.raises(CorpusError, match=r"put corpus.gz in place by hand|Try again"):
        fetch(site.published(), tmp_path / "new", ignore)

    assert not list(tmp_path.iterdir())


def test_missing_file_and_silent_server_are_told(site: Site, tmp_path: Path) -> None:
    """404, and nobody who listens."""
    gone = Download(f"{site.address}/gone.gz", 1, "0" * 32)
    with pytest.raises(CorpusError, match=r"gone.gz cannot be downloaded: .*404"):
        fetch(gone, tmp_path / "new", ignore)

    nobody = Download("http://127.0.0.1:1/corpus.gz", 1, "0" * 32)
    with pytest.raises(CorpusError, match=r"cannot be downloaded: .*Check the network"):
        fetch(nobody, tmp_path / "new", ignore)

    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_is_told(site: Site, tmp_path: Path) -> None:
    """Where a file stands there can be no folder."""
    (tmp_path / "file").write_text("")

    with pytest.raises(CorpusError, match=r"cannot be written: .*set HYPERBO_HOME"):
        fetch(site.published(), tmp_path / "file", ignore)


def test_full_disk_leaves_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that has no more room is named, and the half file goes."""

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hyperbo.files.os.fsync", refuse)

    with pytest.raises(CorpusError, match=r"No space left on device.* Free the disk"):
        fetch(site.published(), tmp_path / "new", ignore)

    assert not list(tmp_path.iterdir())
