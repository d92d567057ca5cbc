"""HPO-B's layout, on a small release made in the same JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperbo_datasets.catalogue import IMPORTERS
from hyperbo_datasets.errors import SourceError, TableError
from hyperbo_datasets.sources import hpob
from hyperbo_datasets.to_tasks import to_pools


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two search spaces; the first has a data set in each split."""
    shared = [[0.0, 1.0], [0.5, 0.25]]
    documents: dict[str, Any] = {
        "train": {
            "5971": {"31": {"X": [*shared, [0.5, 0.25]], "y": [[0.5], [0.75], [0.8]]}},
            "4796": {"3": {"X": [[0.1, 0.2, 0.3]], "y": [[0.9]]}},
        },
        "validation": {"5971": {"37": {"X": shared, "y": [[0.6], [1.0]]}}},
        "test": {"5971": {"43": {"X": [[0.25, 0.5]], "y": [[0.7]]}}},
    }
    for split, document in documents.items():
        (tmp_path / f"meta-{split}-dataset.json").write_text(json.dumps(document))
    return tmp_path


def test_a_search_space_is_a_table(release: Path) -> None:
    """Its data sets, of all splits, are the tasks; its points are the unit inputs themselves."""
    table = hpob.load(release, "5971")
    pools = {pool.name: pool for pool in to_pools(table)}

    assert set(pools) == {"31", "37", "43"}
    np.testing.assert_array_equal(pools["43"].inputs, [[0.25, 0.5]])
    np.testing.assert_allclose(pools["43"].values, -np.log(0.3 + 1e-3))


def test_points_are_numbered_across_data_sets(release: Path) -> None:
    """The same point has the same id in every data set; twice in one is two seeds."""
    pools = {pool.name: pool for pool in to_pools(hpob.load(release, "5971"))}

    assert pools["31"].config_ids[1] == pools["31"].config_ids[2] == pools["37"].config_ids[1]
    assert pools["31"].seeds.tolist() == [0, 0, 1]


def test_a_perfect_accuracy_is_finite(release: Path) -> None:
    """Some data sets are solved perfectly."""
    pools = {pool.name: pool for pool in to_pools(hpob.load(release, "5971"))}

    np.testing.assert_allclose(pools["37"].values.max(), -np.log(1e-3))


def test_test_tasks_can_be_kept_out(release: Path) -> None:
    """Splits are read one by one, and say which data sets they hold."""
    splits = (hpob.Split.TRAIN, hpob.Split.VALIDATION)

    assert hpob.load(release, "5971", splits=splits).tasks == ("31", "37")
    assert hpob.data_sets(release, "5971", hpob.Split.TEST) == ("43",)


def test_one_file_alone_can_be_read(release: Path) -> None:
    """A path to a file reads that file."""
    assert hpob.load(release / "meta-test-dataset.json", "5971").tasks == ("43",)


def test_importing_reads_every_search_space(release: Path) -> None:
    """Without an option each search space becomes a table of its own."""
    tables = IMPORTERS["hpob"].read(release, None)

    assert [table.name for table in tables] == ["hpob-4796", "hpob-5971"]
    assert [table.space.dimension for table in tables] == [3, 2]


def test_unknown_search_spaces_list_the_known(release: Path) -> None:
    """A wrong id gets the ids there are."""
    with pytest.raises(SourceError, match=r"no search space '1'.*'4796', '5971'"):
        hpob.load(release, "1")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"X": [[0.1]], "y": [[0.1], [0.2]]}, SourceError),
        ({"X": [[0.1], [0.1, 0.2]], "y": [[0.1], [0.2]]}, SourceError),
        ({"X": [["a"]], "y": [[0.1]]}, SourceError),
        ({"y": [[0.1]]}, SourceError),
        ({"X": [[1.5]], "y": [[0.1]]}, TableError),
        ({"X": [[0.5]], "y": [[97.0]]}, TableError),
    ],
)
def test_damaged_content_is_refused(
    content: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    """Ragged arrays, text, missing parts, points outside the cube, percent for fractions."""
    document = {"7": {"t": content}}
    (tmp_path / "meta-train-dataset.json").write_text(json.dumps(document))

    with pytest.raises(error):
        hpob.load(tmp_path, "7")


def test_data_sets_of_different_dimension_are_refused(tmp_path: Path) -> None:
    """All points of a search space have the same coordinates."""
    document = {"7": {"s": {"X": [[0.5]], "y": [[0.1]]}, "t": {"X": [[0.5, 0.5]], "y": [[0.1]]}}}
    (tmp_path / "meta-train-dataset.json").write_text(json.dumps(document))

    with pytest.raises(SourceError, match="differ in length"):
        hpob.load(tmp_path, "7")


@pytest.mark.parametrize("text", ["{", "[1]", '{"7": 3}'])
def test_other_json_is_refused(text: str, tmp_path: Path) -> None:
    """What is not in the layout is refused before anything is computed."""
    (tmp_path / "meta-train-dataset.json").write_text(text)

    with pytest.raises(SourceError):
        hpob.load(tmp_path, "7")
