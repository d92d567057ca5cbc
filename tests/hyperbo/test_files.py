"""Files are complete or absent."""

from pathlib import Path

import pytest

from hyperbo.files import write_atomically


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """A writer that fails half way changes nothing and leaves nothing behind."""
    path = tmp_path / "file"
    path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, write)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_success_replaces_the_old_file(tmp_path: Path) -> None:
    """The new content stands under the name, and only there."""
    path = tmp_path / "file"
    path.write_text("old")

    write_atomically(path, lambda temporary: temporary.write_text("new"))

    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
