"""A study of 1,000 trials in a database of a million, and the same in one of its own: a command.

`python -m hyperbo_service.benchmark.million_trials [--trials N]` fills a SQLite database through
the API and prints the median time of listing a study, finding its best trial and suggesting a next
one, in both databases by turns, and the ratios. `--database URL` names an empty database to fill
instead, e.g. on PostgreSQL.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from hyperbo_service.app import open_backend
from hyperbo_service.client import Client, Float, Study
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.local import LocalTransport

_SPACE = {axis: Float(0.0, 1.0) for axis in ("w", "x", "y", "z")}
_STUDY_TRIALS = 1000


def fill(client: Client, name: str, seed: int) -> Study:
    """Make a study of 1,000 completed trials."""
    study = client.study(name, space=_SPACE, metric="value", goal="maximize", prior="none")
    rng = np.random.default_rng(seed)
    points = rng.random((_STUDY_TRIALS, len(_SPACE)))
    study.import_trials(
        {
            "parameters": dict(zip(_SPACE, map(float, point), strict=True)),
            "value": -float(((point - 0.4) ** 2).sum()),
        }
        for point in points
    )
    return study


def ask(study: Study) -> None:
    """One suggestion, given up at once so that the study stays as large as it was."""
    trial = study.ask()
    trial.abandon()
    study.delete_trial(trial.number)


def list_all(study: Study) -> None:
    """All trials, page by page."""
    count = sum(1 for _ in study.history())
    assert count >= _STUDY_TRIALS  # noqa: S101 - otherwise the time means nothing


ACTIONS: dict[str, Callable[[Study], object]] = {
    "list the trials": list_all,
    "best trial": lambda study: study.best(),
    "suggestion": ask,
}


def compare(alone: Study, among_many: Study, repeats: int) -> None:
    """Print a row for each action."""
    print("| | alone, ms | among many, ms | ratio |\n|---|---:|---:|---:|")  # noqa: T201 - a command
    for name, action in ACTIONS.items():
        times: dict[str, list[float]] = {"alone": [], "among": []}
        for place in range(repeats + 2):
            for which, study in (("alone", alone), ("among", among_many)):
                begun = time.perf_counter()
                action(study)
                if place >= 2:
                    times[which].append(time.perf_counter() - begun)
        one, many = median(times["alone"]), median(times["among"])
        print(f"| {name} | {one * 1e3:.2f} | {many * 1e3:.2f} | {many / one:.2f} |")  # noqa: T201


def main() -> None:
    """Fill, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--database", help="Default: a SQLite file in the temporary folder.")
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    keep_compiled_programs()
    with tempfile.TemporaryDirectory() as folder:
        database = given.database or f"sqlite:///{Path(folder) / 'million.db'}"
        many = Client(transport=LocalTransport(open_backend(database)))
        one = Client(transport=LocalTransport(open_backend(f"sqlite:///{Path(folder) / 'one.db'}")))
        begun = time.perf_counter()
        count = max(given.trials // _STUDY_TRIALS, 1)
        middle = count // 2
        studies = {}
        for place in range(count):
            study = fill(many, f"study-{place}", seed=place)
            if place == middle:
                studies["among"] = study
        seconds = time.perf_counter() - begun
        print(  # noqa: T201 - a command
            f"{count * _STUDY_TRIALS:,} trials in {count:,} studies, filled in {seconds:.0f} s"
        )
        compare(fill(one, "alone", seed=middle), studies["among"], given.repeats)
        one.close()
        many.close()


if __name__ == "__main__":
    main()
