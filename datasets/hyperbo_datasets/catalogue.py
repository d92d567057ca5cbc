"""Every table by name: the bundled ones, those in the user's store, and what can be imported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hyperbo_datasets.errors import DatasetError, SourceError, TableNotFoundError
from hyperbo_datasets.schema import CONFIG_ID, STATUS, TASK, Status, TuningTable
from hyperbo_datasets.sources import collected, csv, fcnet, hpob, lcbench, pd1, taskset
from hyperbo_datasets.store import MANIFEST, StoredTable, folder_for, list_tables, load

BUNDLED: Mapping[str, Callable[[], TuningTable]] = {
    "lcbench": lcbench.load,
    **{name: partial(collected.read, name) for name in collected.NAMES},
}


@dataclass(frozen=True)
class Entry:
    """One table that can be resolved by name.

    Attributes:
        name: Its name.
        is_bundled: Whether it comes with the package.
        stored: Its entry in a store: the user's, or the package's own.
    """

    name: str
    is_bundled: bool
    stored: StoredTable | None = None


@dataclass(frozen=True)
class Importer:
    """How to read a public layout.

    Attributes:
        summary: What it reads, in a line.
        option: What the second argument of `read` means, empty if it takes none.
        read: From the path and the option (None if not given), the tables found there.
    """

    summary: str
    option: str
    read: Callable[[Path, str | None], list[TuningTable]]


def entries() -> tuple[Entry, ...]:
    """All tables that can be resolved by name, the bundled ones first."""
    bundled = tuple(
        Entry(name, True, collected.entry(name) if name in collected.NAMES else None)
        for name in BUNDLED
    )
    stored = tuple(
        Entry(table.name, is_bundled=False, stored=table)
        for table in list_tables()
        if table.name not in BUNDLED
    )
    return (*bundled, *stored)


def resolve(name: str) -> TuningTable:
    """The table of that name: bundled, in the user's store, or the folder of a stored table.

    Raises:
        TableNotFoundError: If there is none; the message lists those there are.
        TableDamagedError: If it is stored and damaged.
    """
    if name in BUNDLED:
        return BUNDLED[name]()
    if (Path(name) / MANIFEST).is_file():
        return load(Path(name))
    try:
        folder = folder_for(name)
    except DatasetError as error:
        raise TableNotFoundError(f"There is no table {name!r}. {error} {_known(name)}") from None
    if not (folder / MANIFEST).is_file():
        raise TableNotFoundError(f"There is no table {name!r}. {_known(name)}")
    return load(folder)


def describe(table: TuningTable) -> dict[str, Any]:
    """A summary of a table, fit for JSON: sizes, space, metric, and each task's range.

    Bests, medians and worsts are of completed runs' final steps, in the metric's native unit.
    """
    final = table.final
    sets = final.groupby(TASK, observed=True)[CONFIG_ID].agg(frozenset)
    return {
        "name": table.name,
        "source": table.provenance.source,
        "licence": table.provenance.licence,
        "notes": table.provenance.notes,
        "tasks": len(table.tasks),
        "configurations": int(final[CONFIG_ID].nunique()),
        "runs": len(final),
        "rows": len(table.frame),
        "has_curves": len(table.frame) > len(final),
        "is_matched": len(table.tasks) > 1 and sets.nunique() == 1,
        "share_not_completed": _share_lost(final[STATUS].to_numpy()),
        "parameters": list(table.space.names),
        "dimension": table.space.dimension,
        "metric": table.metric.to_dict(),
        "by_task": [_describe_task(table, task) for task in table.tasks],
    }


def _describe_task(table: TuningTable, task: str) -> dict[str, Any]:
    """One task's runs."""
    final = table.final
    runs = final.loc[(final[TASK] == task).to_numpy()]
    completed = runs[STATUS] == Status.COMPLETED.value
    values = runs.loc[completed, table.metric.name].to_numpy()
    order = values[np.argsort(-table.metric.maximised(values), kind="stable")]
    return {
        "task": task,
        "runs": len(runs),
        "share_not_completed": _share_lost(runs[STATUS].to_numpy()),
        "best": float(order[0]) if order.size else None,
        "median": float(np.median(order)) if order.size else None,
        "worst": float(order[-1]) if order.size else None,
    }


def _share_lost(statuses: np.ndarray) -> float:
    """Share of runs that did not complete; zero if there is no run."""
    return float(np.mean(statuses != Status.COMPLETED.value)) if len(statuses) else 0.0


def _known(wanted: str) -> str:
    """A sentence on what there is, the closest first."""
    names = [entry.name for entry in entries()]
    close = get_close_matches(wanted, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known tables: {', '.join(names)}. Add one with 'hyperbo data import'."


def _read_csv(path: Path, option: str | None) -> list[TuningTable]:
    if option is None:
        raise SourceError("A CSV or parquet file needs its space file; give its path.")
    return [csv.load(path, Path(option))]


def _read_pd1(path: Path, option: str | None) -> list[TuningTable]:
    selections = {None: pd1.EVERYTHING, "matched": pd1.MATCHED, "unmatched": pd1.UNMATCHED}
    if option not in selections:
        raise SourceError(f"PD1 has 'matched' and 'unmatched' trials, not {option!r}.")
    name = "pd1" if option is None else f"pd1-{option}"
    return [pd1.load(path, selections[option], name=name)]


def _read_hpob(path: Path, option: str | None) -> list[TuningTable]:
    spaces = hpob.search_spaces(path) if option is None else (option,)
    return [hpob.load(path, space) for space in spaces]


def _read_alone(
    read: Callable[[Path], TuningTable],
) -> Callable[[Path, str | None], list[TuningTable]]:
    """A reader that takes no option."""

    def reader(path: Path, option: str | None) -> list[TuningTable]:
        if option is not None:
            raise SourceError(f"This layout takes no option, but was given {option!r}.")
        return [read(path)]

    return reader


IMPORTERS: Mapping[str, Importer] = {
    "csv": Importer("any CSV or parquet file", "its space file", _read_csv),
    "pd1": Importer("PD1's official release", "matched or unmatched; default both", _read_pd1),
    "hpob": Importer("HPO-B's JSON files", "a search-space id; default all", _read_hpob),
    "taskset": Importer("TaskSet's JSON files", "", _read_alone(taskset.load)),
    "fcnet": Importer("FCNet in one parquet file", "", _read_alone(fcnet.load)),
    "lcbench": Importer("LCBench in the bundled columns", "", _read_alone(lcbench.load)),
}
