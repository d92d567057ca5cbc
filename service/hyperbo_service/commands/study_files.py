"""`hyperbo study export` and `import`: trials into files, and out of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hyperbo.files import write_atomically
from hyperbo_service.commands.documents import counted
from hyperbo_service.commands.native_values import parameters_of, read_configuration
from hyperbo_service.commands.options import AsJson
from hyperbo_service.commands.service_options import Service, StudyId, add_command
from hyperbo_service.console import note, print_json, say
from hyperbo_service.errors import CommandError, NotFoundError, TrialsFileError
from hyperbo_service.names import advice
from hyperbo_service.rows_file import read_json, read_rows

_FINISHED = ("completed", "infeasible", "failed")
_STATUSES = {each: each for each in _FINISHED} | {"diverged": "infeasible", "complete": "completed"}
_EXPORTED = ("task", "trial", "seconds")
"""Columns of an exported table that are no part of a trial."""


def register(group: typer.Typer) -> None:
    """Add the commands to the group of studies."""
    add_command(
        group,
        "export",
        export_study,
        "Export a study to a file, which is whole or not there.\n\n"
        ".json has everything, learning curves too, and can be imported again; .csv and .parquet "
        "have a row for each finished trial, and a space file is written beside them, so that "
        "hyperbo data import csv reads them.",
        ("hyperbo study export digits digits.json", "everything"),
        ("hyperbo study export digits digits.csv", "also digits.space.json"),
    )
    add_command(
        group,
        "import",
        import_study,
        "Import finished trials: an exported study (.json), or a table of trials (.csv).\n\n"
        "An exported study is created where there is none of its name. A table has a column for "
        "each parameter, one for the metric, and may have 'status' (completed, infeasible, "
        "diverged, failed) and 'trial_cost'. The same file imported again adds nothing twice.",
        ("hyperbo study import digits.json", "as it was exported"),
        ("hyperbo study import digits.json --into digits-2", "under another name"),
        ("hyperbo study import old-runs.csv --into digits", "into a study that there is"),
    )


def export_study(
    service: Service,
    study: StudyId,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to: a .json, .csv or .parquet file.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Write the file, and say what is in it."""
    kind = path.suffix.lower()
    if kind not in (".json", ".csv", ".parquet"):
        raise CommandError(f"{path} ends in {kind!r}; wanted .json, .csv or .parquet.")
    with service.asked("exporting the study") as client:
        export = client.study(study).export()
    files, count = _write(export, path)
    if as_json:
        print_json({"study": study, "trials": count, "files": [str(file) for file in files]})
        return
    say(f"Wrote {counted(count, 'trial')} of {study} to {escape(str(path))}.")
    if len(files) > 1:
        command = f"hyperbo data import csv {path} --space {files[1]}"
        say(f"Next: [cyan]{escape(command)}[/]")


def import_study(
    service: Service,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="An exported study, or a table of trials.")
    ],
    *,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="The study to add them to. Default: the one of that name in a .json file.",
            show_default=False,
        ),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="PRIOR",
            help="Prior of a study that is created. Default: as exported.",
            show_default=False,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of a table to leave out; repeatable."),
    ] = None,
    batch: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Another text here adds equal trials once more."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add the trials, and say how many there were."""
    is_export = path.suffix.lower() == ".json"
    if not is_export and into is None:
        raise CommandError("A table does not say its study; give --into STUDY.")
    record, trials = _read_export(path) if is_export else (None, [])
    state = ""
    with service.asked("importing trials") as client:
        if record is None:
            study = client.study(into)
            trials = list(_rows(path, study, ignore or []))
        else:
            study, state = _open(client, record, into or record.id, prior)
        names = study.import_trials(trials, batch=batch)
        if state and study.info().state == "active":
            study.update(state=state)
    if as_json:
        print_json({"study": study.id, "trials": names})
    else:
        say(f"Imported {counted(len(names), 'trial')} of {escape(str(path))} into {study.id}.")


def _write(export: Any, path: Path) -> tuple[list[Path], int]:
    """Write an export in the format of its suffix: the files, and how many trials they hold."""
    from hyperbo_service.commands import study_document, trials_table

    if path.suffix.lower() == ".json":
        text = json.dumps(study_document.to_document(export), indent=1, allow_nan=False)
        write_atomically(path, lambda file: file.write_text(text + "\n", encoding="utf-8"))
        return [path], len(export.trials)
    table = trials_table.table_of(export)
    space_file = path.with_suffix(".space.json")
    is_csv = path.suffix.lower() == ".csv"
    write = trials_table.write_csv if is_csv else trials_table.write_parquet
    write(table, path)
    trials_table.write_space_file(table, space_file)
    if table.left_out:
        note(f"left out, as not finished: {counted(table.left_out, 'trial')}")
    return [path, space_file], len(table.rows)


def _read_export(path: Path) -> tuple[Any, Sequence[Any]]:
    """An exported study, and its trials that are finished."""
    from hyperbo_service.commands.study_document import from_document

    record, trials = from_document(read_json(path), path)
    finished = [trial for trial in trials if trial.state in _FINISHED]
    if len(finished) < len(trials):
        note(f"left out, as not finished: {counted(len(trials) - len(finished), 'trial')}")
    return record, finished


def _open(client: Any, record: Any, name: str, prior: str | None) -> tuple[Any, str]:
    """The study to add to; if it had to be created, also the state to bring it to afterwards."""
    try:
        return client.study(name), ""
    except NotFoundError:
        created = client.study(
            name,
            space=record.space,
            metric=record.metric,
            goal=record.goal,
            prior=prior or record.prior,
            max_trials=record.max_trials,
            max_duration=record.max_duration,
            target=record.target,
            early_stopping=_RULES.get(record.early_stopping),
            seed=record.seed,
            labels=record.labels,
            display_name=record.display_name,
        )
        return created, "" if record.state == "active" else record.state


_RULES = {"median": "median", "successive_halving": "halving"}


def _rows(path: Path, study: Any, ignored: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """A table's rows as trials to import."""
    parameters = parameters_of(study.info().space)
    known = [*parameters, study.metric, "status", "trial_cost"]
    for place, row in enumerate(read_rows(path), start=1):
        where = f"{path}, row {place}"
        skipped = [*ignored, *(name for name in _EXPORTED if name not in known)]
        cells = {name: text for name, text in row.items() if name not in skipped}
        unknown = [name for name in cells if name not in known]
        if unknown:
            raise TrialsFileError(
                f"{where}: column {unknown[0]!r} is neither a parameter nor the metric "
                f"{study.metric!r}. {advice(unknown[0], known)} Leave it out by --ignore."
            )
        texts = {name: text for name, text in cells.items() if name in parameters}
        trial: dict[str, Any] = {"parameters": read_configuration(texts, parameters, where)}
        trial["state"] = _state(cells, study.metric, where)
        if trial["state"] == "completed":
            trial["value"] = _number(cells.get(study.metric), study.metric, where)
        if "trial_cost" not in parameters and cells.get("trial_cost"):
            trial["cost"] = _number(cells["trial_cost"], "trial_cost", where)
        yield trial


def _state(cells: Mapping[str, str], metric: str, where: str) -> str:
    status = str(cells.get("status") or "").strip().lower()
    if not status and cells.get(metric) not in ("", None):
        return "completed"
    if status not in _STATUSES:
        raise TrialsFileError(
            f"{where}: there is no {metric}, and the status is {status!r}. Only finished trials "
            f"can be imported; a status is one of {', '.join(_STATUSES)}."
        )
    return _STATUSES[status]


def _number(text: str | float | None, name: str, where: str) -> float:
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TrialsFileError(f"{where}: {name} is {text!r}; wanted a number.") from None
