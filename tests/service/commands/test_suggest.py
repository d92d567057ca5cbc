"""`hyperbo suggest`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import Result

from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.errors import CommandError

Run = Callable[..., Result]
Refused = Callable[..., str]

HEADER = "rate,layers,error\n"


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    """Two finished trials and one that is running."""
    path = tmp_path / "trials.csv"
    path.write_text(f"{HEADER}0.1,2,0.35\n0.01,3,0.2\n0.02,1,\n")
    return path


def test_first_suggestion_from_a_prior(run: Run) -> None:
    """Without any trial the prior alone says where tasks are good: rates about 0.01."""
    document = json.loads(run("suggest", "--prior", "toy", "--json").stdout)

    (suggestion,) = document["suggestions"]
    assert 1e-3 < suggestion["rate"] < 1e-1
    assert 1 <= suggestion["layers"] <= 8
    assert document["prior"] == "toy@1"
    assert document["trust"] == pytest.approx({"toy@1": 0.7, "from scratch": 0.3})


def test_missing_file_is_a_new_study(run: Run, tmp_path: Path) -> None:
    """A file that is not there yet gives the same as no file, and that is said."""
    missing = run("suggest", tmp_path / "none.csv", "--prior", "toy", "--json")
    without = run("suggest", "--prior", "toy", "--json")

    assert missing.stdout == without.stdout
    assert "does not exist yet" in missing.stderr


def test_empty_file_is_a_new_study(run: Run, tmp_path: Path) -> None:
    """A file without a row, or without a byte, is a new study."""
    without = run("suggest", "--prior", "toy", "--json").stdout
    for content in ("", HEADER):
        path = tmp_path / "empty.csv"
        path.write_text(content)
        assert run("suggest", path, "--prior", "toy", "--json").stdout == without


def test_trials_count(run: Run, trials: Path) -> None:
    """Finished and running trials are told apart; the best is the smallest error."""
    document = json.loads(run("suggest", trials, "--prior", "toy", "--count", "3", "--json").stdout)

    assert document["trials"] == {
        "completed": 2, "pending": 1, "without_result": 0, "best": 0.2,
    }  # fmt: skip
    assert len(document["suggestions"]) == 3
    points = {(s["rate"], s["layers"]) for s in document["suggestions"]}
    assert len(points | {(0.1, 2), (0.01, 3), (0.02, 1)}) == 6
    assert sum(document["trust"].values()) == pytest.approx(1.0)


def test_csv_and_json_agree(run: Run, trials: Path, tmp_path: Path) -> None:
    """The same trials as CSV and as JSON give the same suggestion."""
    rows = [
        {"rate": 0.1, "layers": 2, "error": 0.35},
        {"rate": 0.01, "layers": 3, "error": 0.2},
        {"rate": 0.02, "layers": 1, "error": None},
    ]
    path = tmp_path / "trials.json"
    path.write_text(json.dumps(rows))

    left, right = (
        run("suggest", file, "--prior", "toy", "--json").stdout for file in (trials, path)
    )

    assert left == right


def test_from_scratch_in_a_space(run: Run, written: Path) -> None:
    """A space file alone starts from nothing; it knows the metric too."""
    arguments = ("suggest", "--space", written / "space.json", "--json")
    document = json.loads(run(*arguments).stdout)

    assert document["prior"] is None
    assert document["trust"] == {"from scratch": 1.0}
    assert document["metric"]["name"] == "error"


def test_space_without_metric_needs_one(refused: Refused, run: Run, tmp_path: Path) -> None:
    """A bare space needs a metric and a goal; with both it is enough."""
    path = tmp_path / "space.json"
    path.write_text('{"parameters": [{"type": "float", "name": "x", "low": 0, "high": 1}]}')
    options = ("--metric", "loss", "--goal", "minimize")

    assert "--metric NAME and --goal" in refused("suggest", "--space", path)
    assert run("suggest", "--space", path, *options).exit_code == 0


def test_table_for_people(run: Run, trials: Path) -> None:
    """People see the parameters, the trials so far, and what the suggestion rests on."""
    shown = run("suggest", trials, "--prior", "toy").stdout

    assert "Try next, to minimise error" in shown
    assert "2 completed, 1 running; best error 0.2" in shown
    assert "toy@1" in shown


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (f"{HEADER}0.1,2,nan\n", "trial 1: error is 'nan'; wanted a finite number"),
        (f"{HEADER}0.1,2,inf\n", "wanted a finite number"),
        (f"{HEADER}0.1,2,good\n", "wanted a finite number"),
        (f"{HEADER}0.1,9,0.5\n", "trial 1"),
        (f"{HEADER}0.1,,0.5\n", "'layers'"),
        ("rat,layers,error\n0.1,2,0.5\n", "Did you mean 'rate'?"),
        ("rate,layers\n0.1,2\n", "no column 'error'"),
        (f"{HEADER}0.1,2\n", "2 cells in a table of 3 columns"),
        ("rate,layers,error,status\n0.1,2,,faild\n", "Did you mean 'failed'?"),
        (f"{HEADER}0.1,2,-0.5\n", "better than perfect"),
    ],
)
def test_bad_trials(refused: Refused, tmp_path: Path, content: str, wanted: str) -> None:
    """Each kind of bad row is refused with its place and the remedy."""
    path = tmp_path / "trials.csv"
    path.write_text(content)

    message = refused("suggest", path, "--prior", "toy", "--json")

    assert wanted in message
    assert "trials.csv" in message


def test_wrong_space(refused: Refused, tmp_path: Path) -> None:
    """A prior of another space is refused, and the difference named."""
    path = tmp_path / "space.json"
    path.write_text('{"parameters": [{"type": "float", "name": "speed", "low": 0, "high": 1}]}')

    message = refused("suggest", "--prior", "toy", "--space", path)

    assert "another search space" in message
    assert "speed" in message


def test_contradicting_goal(refused: Refused) -> None:
    """The goal that the prior was trained for cannot be turned round."""
    assert "contradicts it" in refused("suggest", "--prior", "toy", "--goal", "maximize")


def test_needs_a_start(refused: Refused) -> None:
    """Neither prior nor space: nothing to suggest from."""
    assert "--prior NAME" in refused("suggest")


def test_file_of_another_kind(refused: Refused, tmp_path: Path) -> None:
    """Only CSV and JSON are read."""
    path = tmp_path / "trials.txt"
    path.write_text("x")

    assert "neither CSV" in refused("suggest", path, "--prior", "toy")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("[" * 100_000, "is no JSON"),
        (f'[{{"rate": 0.1, "layers": 2, "error": 1{"0" * 400}}}]', "wanted a finite number"),
        ('[{"rate": 0.1, "layers": 2, "error": {}}]', "wanted a finite number"),
    ],
    ids=["too deep", "too large an integer", "an object"],
)
def test_bad_json_trials(refused: Refused, tmp_path: Path, content: str, wanted: str) -> None:
    """JSON that no number can be read from is refused, never a fault."""
    path = tmp_path / "trials.json"
    path.write_text(content)

    assert wanted in refused("suggest", path, "--prior", "toy")


def test_a_used_up_space_says_how_many_are_left(refused: Refused, tmp_path: Path) -> None:
    """Of three configurations two are left, and then none."""
    space = tmp_path / "tiny.json"
    parameter = {"type": "integer", "name": "layers", "low": 1, "high": 3}
    space.write_text(json.dumps({"parameters": [parameter]}))
    path = tmp_path / "trials.csv"
    arguments = ("--space", space, "--metric", "error", "--goal", "minimize")
    path.write_text("layers,error\n1,0.5\n")
    some_left = refused("suggest", path, *arguments, "--count", "5")
    path.write_text("layers,error\n1,0.5\n2,0.4\n3,0.3\n")
    none_left = refused("suggest", path, *arguments)

    assert "Ask for 2." in some_left
    assert "the space is used up" in none_left


def test_home_that_is_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that cannot be one is said at once, before any training."""
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("HYPERBO_HOME", str(file / "below"))
    with pytest.raises(CommandError, match="is a file"):
        keep_compiled_programs()


def test_programs_are_kept_wherever_jax_was_imported(tmp_path: Path) -> None:
    """Before or after, they go to the same folder, the tiny ones too."""
    program = """
        import {0}
        from hyperbo_service.commands.numerics import keep_compiled_programs
        keep_compiled_programs()
        import jax
        print(jax.config.jax_compilation_cache_dir)
        print(jax.config.jax_persistent_cache_min_compile_time_secs)
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith("JAX_")}
    found = [
        subprocess.run(
            [sys.executable, "-c", dedent(program.format(first))],
            env=environment | {"HYPERBO_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.split()
        for first in ("jax", "json")
    ]

    assert found == [[str(tmp_path / "cache" / "programs"), "0.0"]] * 2
