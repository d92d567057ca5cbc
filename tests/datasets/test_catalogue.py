"""Tables by name, descriptions, and importers."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hyperbo.space import SearchSpace
from hyperbo_datasets import catalogue
from hyperbo_datasets.catalogue import IMPORTERS, describe, entries, resolve
from hyperbo_datasets.collect.optimizers import OPTIMIZERS
from hyperbo_datasets.collect.points import MOST_PLACES
from hyperbo_datasets.errors import SourceError, TableNotFoundError
from hyperbo_datasets.schema import CONFIG_ID, TuningTable
from hyperbo_datasets.sources import pd1
from hyperbo_datasets.store import folder_for, save

Make = Callable[[pd.DataFrame], TuningTable]


def test_bundled_and_stored_tables_are_listed(table: TuningTable, home: Path) -> None:
    """The bundled tables are always there; stored ones follow."""
    assert home.exists()
    save(table, folder_for("small"))

    bundled = [(name, True) for name in ("lcbench", "pd1-mini", "adamw-mini")]
    assert [(e.name, e.is_bundled) for e in entries()] == [*bundled, ("small", False)]


@pytest.mark.parametrize(
    ("name", "space", "tasks", "runs"),
    [("pd1-mini", pd1.SPACE, 24, 200), ("adamw-mini", OPTIMIZERS["adamw"].space, 8, 100)],
)
def test_a_collected_table_is_as_its_manifest_says(
    name: str, space: SearchSpace, tasks: int, runs: int
) -> None:
    """Its rows match their hash; every task has the same matched runs, and as many of its own."""
    table = resolve(name)

    assert table.space == space
    assert table.provenance.settings["corpora"].keys() == {*table.tasks}
    assert len(table.tasks) == len(set(table.tasks)) >= tasks
    is_shared = table.final[CONFIG_ID] < MOST_PLACES
    shared, own = (
        part.groupby("task", observed=True)[CONFIG_ID].agg(frozenset)
        for part in (table.final[is_shared], table.final[~is_shared])
    )
    assert len(set(shared)) == 1
    assert len(shared) == len(own) == len(table.tasks)
    assert min(len(each) for each in (*shared, *own)) >= runs
    errors = table.final.loc[table.final["status"] == "completed", table.metric.name]
    assert errors.between(0.0, 1.0).all()


def test_bundled_tables_are_small() -> None:
    """All that is shipped takes less than 20 MB."""
    folder = Path(catalogue.__file__).parent / "tables"

    sizes = [path.stat().st_size for path in folder.rglob("*.*")]

    assert len(sizes) >= 6
    assert sum(sizes) < 20e6


def test_the_datasheet_tells_of_the_tables_as_they_are() -> None:
    """Runs, tasks, time and divergence, each in the table's own column."""
    text = (Path(catalogue.__file__).parent / "tables" / "DATASHEET.md").read_text()
    lines = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("| ")]
    said = {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines}
    mini, adamw = (resolve(name).final for name in ("pd1-mini", "adamw-mini"))

    for place, final in enumerate((mini, adamw)):
        assert said["runs"][place] == f"{len(final):,}"
        assert said["tasks"][place] == f"{final['task'].nunique()}"
        median = said["time of a run on one core, median"][place]
        assert median == f"{final['cost'].median():.2f} s"
    hours, minutes = said["time of all runs on one core"]
    assert hours == f"{mini['cost'].sum() / 3600.0:.1f} h"
    assert minutes == f"{adamw['cost'].sum() / 60.0:.1f} min"
    assert said["runs that diverged"] == [
        f"{100.0 * (mini['status'] == 'diverged').mean():.1f} %",
        f"{(adamw['status'] == 'diverged').sum()} run",
    ]


def test_a_name_or_a_folder_resolves(table: TuningTable, home: Path) -> None:
    """A stored table is found by its name, and by the path of its folder."""
    save(table, folder_for("small"))

    assert resolve("small").frame.equals(table.frame)
    assert resolve(str(home / "tables" / "small")).frame.equals(table.frame)


@pytest.mark.parametrize("name", ["smal", "../../etc", "", "a b"])
def test_unknown_names_list_the_known(name: str, home: Path) -> None:
    """A wrong name gets the names there are, never a path outside the store."""
    assert home.exists()
    with pytest.raises(TableNotFoundError, match="Known tables: lcbench"):
        resolve(name)


def test_a_description_counts_runs(table: TuningTable) -> None:
    """Tasks, configurations, bests by the goal, and the share of lost runs."""
    document = json.loads(json.dumps(describe(table)))

    assert (document["tasks"], document["configurations"], document["runs"]) == (2, 3, 6)
    assert document["is_matched"] is True
    assert document["has_curves"] is False
    assert document["share_not_completed"] == pytest.approx(1 / 6)
    first, second = document["by_task"]
    assert (first["best"], first["median"], first["worst"]) == (0.25, 0.375, 0.5)
    assert first["share_not_completed"] == pytest.approx(1 / 3)
    assert (second["best"], second["worst"]) == (0.1, 0.3)


def test_tasks_with_other_configurations_are_not_matched(frame: pd.DataFrame, make: Make) -> None:
    """One missing configuration makes the tasks unmatched."""
    assert describe(make(frame.drop(index=5)))["is_matched"] is False


def test_an_unusable_table_can_still_be_described(frame: pd.DataFrame, make: Make) -> None:
    """A task without results has no best; the description says so instead of failing."""
    frame["status"] = "failed"

    assert describe(make(frame))["by_task"][0]["best"] is None


@pytest.mark.parametrize(("layout", "option"), [("fcnet", "x"), ("csv", None), ("pd1", "both")])
def test_wrong_options_are_refused(layout: str, option: str | None, tmp_path: Path) -> None:
    """An option that a layout does not have, or needs and lacks, is one clear error."""
    with pytest.raises(SourceError):
        IMPORTERS[layout].read(tmp_path, option)


@pytest.mark.parametrize("layout", sorted(IMPORTERS))
def test_missing_files_are_source_errors(layout: str, tmp_path: Path) -> None:
    """Every importer answers a wrong path with the same kind of error."""
    option = str(tmp_path / "space.json") if layout == "csv" else None

    with pytest.raises(SourceError, match=r"There is no file|space"):
        IMPORTERS[layout].read(tmp_path / "nothing.parquet", option)
