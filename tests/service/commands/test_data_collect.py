"""`hyperbo data collect` and `hyperbo data workloads`, as a user runs them."""

import errno
import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from hyperbo.errors import StudyError
from hyperbo.files import write_atomically
from hyperbo.jobs import Failed, Finished, Job, SerialExecutor, harness
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo_datasets.collect import collection
from hyperbo_datasets.collect.collected_table import read_runs
from hyperbo_datasets.collect.workloads.catalogue import DEFAULT_TASKS
from hyperbo_datasets.metric import Metric, Minimise
from hyperbo_datasets.schema import TuningTable, make_table
from hyperbo_datasets.sources.pd1 import SPACE
from hyperbo_datasets.store import load, save
from hyperbo_service.cli import app
from hyperbo_service.offline import executors
from tests.datasets.collect.conftest import cloud

__all__ = ["cloud"]

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home of the test's own."""
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in that home, in a folder of its own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    runner = CliRunner(env={"HYPERBO_HOME": str(home), "COLUMNS": "120"})

    def invoke(*arguments: object) -> Result:
        return runner.invoke(app, ["data", *(str(argument) for argument in arguments)])

    return invoke


@pytest.fixture
def collect(run: Run, monkeypatch: pytest.MonkeyPatch, cloud: Path) -> Run:  # noqa: ARG001
    """Collect tiny tasks in this process; a later option stands in place of an earlier one."""
    monkeypatch.setattr(executors, "make_executor", lambda *_: SerialExecutor())
    few = ("--tasks", "cloud_middle_4", "--matched", "2", "--unmatched", "1", "--width", "1")

    def invoke(*arguments: object) -> Result:
        chosen = () if "--tasks" in arguments else few[:2]
        return run("collect", *chosen, *few[2:], *arguments)

    return invoke


@pytest.fixture
def refused(collect: Run, home: Path) -> Iterator[Callable[..., str]]:
    """Collect what must be refused with code 2; nothing is printed, no table changes."""

    def tables() -> dict[Path, bytes]:
        paths = (home / "tables").rglob("*")
        return {path: path.read_bytes() for path in paths if path.is_file()}

    def invoke(*arguments: object) -> str:
        before = tables()
        result = collect(*arguments)
        lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert len(lines) == 1
        assert tables() == before
        return lines[0]

    return invoke


def stored(result: Result) -> TuningTable:
    """The table that a command says it has stored."""
    assert result.exit_code == 0, result.output
    return load(Path(json.loads(result.stdout)["table"]))


@pytest.mark.usefixtures("cloud")
def test_collects_in_worker_processes(run: Run, home: Path) -> None:
    """A corpus of one's own is trained on, the table stored; again, there is nothing to do."""
    corpus = home / "corpora" / "mine" / "runs.csv"
    corpus.parent.mkdir()
    corpus.write_text(
        "a,b,label\n" + "".join(f"{i % 7},{i % 5},{(i % 7 + i % 5) // 6}\n" for i in range(60))
    )
    arguments = ("collect", "--tasks", "mine_mlp_8", "--matched", 2, "--unmatched", 1)

    first = run(*arguments, "--width", 1, "--workers", 1, "--json")
    again = run(*arguments, "--width", 1)

    table = stored(first)
    assert table.tasks == ("mine_mlp_8",)
    assert table.space == SPACE
    assert len(table.final) == 3
    assert set(table.frame["step"]) >= {30, 60, 300}
    assert Path("collected-nesterov/runs/manifest.json").is_file()
    assert again.exit_code == 0, again.output
    assert "note: training: 2 of 2 blocks were done before" in again.stderr
    assert "To be gone on with" not in again.stdout
    assert "3 runs of 1 tasks are the table nesterov" in again.stdout


def test_shows_what_came_of_it(collect: Run, home: Path, run: Run) -> None:
    """People see each task's runs and errors, and where the table lies."""
    result = collect("--name", "mine", "--folder", "runs")

    assert result.exit_code == 0, result.output
    (row,) = [line.split() for line in result.stdout.splitlines() if "cloud_middle_4" in line]
    assert row[:2] == ["cloud_middle_4", "3"]
    assert str(home / "tables" / "mine") in result.stdout
    assert Path("runs/runs/results").is_dir()
    assert json.loads(run("describe", "mine", "--json").stdout)["runs"] == 3


def test_a_later_call_adds(collect: Run) -> None:
    """The same folder takes more tasks and more configurations; earlier runs are the same ones."""
    first = stored(collect("--json"))
    second = stored(collect("--tasks", "cloud_middle_4,cloud_middle_8", "--matched", 4, "--json"))

    assert second.tasks == ("cloud_middle_4", "cloud_middle_8")
    assert len(second.final) == 10
    kept = second.frame[second.frame["config_id"].isin(first.frame["config_id"].unique())]
    kept = kept[kept["task"] == "cloud_middle_4"].reset_index(drop=True)
    text = {"task": str, "status": str}
    pd.testing.assert_frame_equal(kept.astype(text), first.frame.astype(text), check_exact=True)


def test_an_instalment_says_what_is_left(collect: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored, and does not look as if it were all."""

    class First(SerialExecutor):
        def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
            yield from super().run(jobs[:1])

    with monkeypatch.context() as patch:
        patch.setattr(executors, "make_executor", lambda *_: First())
        part = collect()
    whole = collect()

    assert part.exit_code == 0, part.output
    assert "training, 1 of 2 blocks are done. Run the same command again" in part.stdout
    assert "100%" not in part.stderr
    assert "To be gone on with" not in whole.stdout


def test_default_tasks_are_there_in_the_size(collect: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published networks have no teachers: stars, and no names at all, leave the taught out."""
    plans: list[Any] = []
    monkeypatch.setattr(collection, "collect", lambda plan, *_, **__: plans.append(plan))

    for arguments in (("--tasks", "kjv_gemma*"), ("--tasks", "kjv_gemma*", "--size", "published")):
        collect(*arguments)

    small, published = ({task.architecture for task in plan.tasks} for plan in plans)
    assert small == {"gemma", "gemma2", "gemma-distilled"}
    assert published == {"gemma", "gemma2"}


def test_extends_a_table(collect: Run) -> None:
    """A folder of its own holds what the earlier table lacks; the new table has both."""
    collect("--name", "earlier")

    later = stored(collect("--extend", "earlier", "--name", "later", "--matched", 4, "--json"))

    assert len(later.final) == 5
    new = read_runs(Path("collected-later"))
    assert new.groupby("kind")["place"].unique().map(list).to_dict() == {"matched": [2, 3]}


def test_an_extension_goes_on_with_the_tables_tasks(collect: Run, run: Run) -> None:
    """Where none are named; nobody is told to train all of the bundled table's."""
    collect("--tasks", "cloud_middle_4,cloud_middle_8", "--name", "earlier")

    later = run("collect", "--extend", "earlier", "--name", "later", "--matched", 3, "--json")

    assert stored(later).tasks == ("cloud_middle_4", "cloud_middle_8")


def test_patterns_are_the_bundled_tables_tasks(
    collect: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A star stands for anything in a name, and each task is taken once."""
    plans: list[Any] = []

    def note(plan: Any, *_: object, **__: object) -> None:
        plans.append(plan)

    monkeypatch.setattr(collection, "collect", note)
    collect("--tasks", "lcbench-median_mlp_*,cloud_middle_4", "--tasks", "*_mlp_64")

    wanted = [task for task in DEFAULT_TASKS if str(task).startswith("lcbench-median_mlp_")]
    assert len(wanted) >= 2
    assert [str(task) for task in plans[0].tasks[: len(wanted) + 1]] == [
        *map(str, wanted),
        "cloud_middle_4",
    ]
    assert len(set(plans[0].tasks)) == len(plans[0].tasks)
    assert (plans[0].matched, plans[0].unmatched, plans[0].width) == (2, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tasks", "cloud_midle_4"), "Did you mean 'middle'?"),
        (("--tasks", "clowd_middle_4"), "Did you mean 'cloud'?"),
        (("--tasks", "cloud-middle-4"), "such as kjv_gemma2_16"),
        (("--tasks", "zebra_*"), "hyperbo data workloads lists them"),
        (("--tasks", "cifar10_mlp_8"), "hyperbo data corpora --download cifar10"),
        (("--tasks", "cloud_gemma_8"), "does not learn from cloud"),
        (("--matched", 0, "--unmatched", 0), "nothing to collect"),
        (("--name", "no/name"), "cannot name a table"),
        (("--extend", "nothing"), "There is no table 'nothing'"),
        (("--extend", "lcbench"), "over another search space"),
        (("--stop-after", "soon"), "wanted such as 90s"),
    ],
)
def test_what_cannot_be_is_refused(
    refused: Callable[..., str], arguments: tuple[object, ...], words: str
) -> None:
    """One line says what is wrong and what would be right, before anything is trained."""
    assert words in refused(*arguments)
    assert not list(Path.cwd().rglob("*.parquet"))


@pytest.mark.usefixtures("cloud")
def test_what_was_not_collected_is_not_extended(run: Run) -> None:
    """Its tasks are no workloads; that it is over another space is what is told."""
    result = run("collect", "--extend", "lcbench", "--name", "more")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "over another search space" in result.stderr


def test_address_needs_an_engine(run: Run, cloud: Path) -> None:  # noqa: ARG001
    """Worker processes are nowhere else."""
    result = run("collect", "--tasks", "cloud_middle_4", "--address", "auto")

    assert result.exit_code == 2
    assert "--address is for --executor ray or slurm" in result.stderr


def test_another_sweeps_folder_is_left_alone(collect: Run, refused: Callable[..., str]) -> None:
    """With another seed, neither the folder nor the table that was made of it changes."""
    collect()

    assert "runs of the seeds [0], not of 1" in refused("--seed", 1)
    assert "seed: stored 0, now 1" in refused(
        "--seed", 1, "--name", "b", "--folder", "collected-nesterov"
    )


def test_a_table_is_never_made_smaller(collect: Run) -> None:
    """From another folder, a table of the same name is gone on with: its runs are taken over."""
    before = stored(collect("--matched", 4, "--json"))

    after = stored(collect("--folder", "elsewhere", "--matched", 1, "--unmatched", 2, "--json"))

    assert len(after.final) == len(before.final) + 1 == 6
    new = read_runs(Path("elsewhere"))
    assert new.groupby("kind")["place"].unique().map(list).to_dict() == {"unmatched": [1]}


def test_a_table_that_would_lose_runs_is_left_alone(
    collect: Run, refused: Callable[..., str]
) -> None:
    """An extension of one table under the name of another; the runs stay in the folder."""
    collect("--name", "one", "--matched", 4)
    collect("--name", "two")

    message = refused("--extend", "two", "--name", "one", "--folder", "third", "--matched", 3)

    assert "one has 1 runs that are not among these, and stays as it is" in message
    assert len(read_runs(Path("third")).groupby("place")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--optimizer", "adamw"), "over another search space"),
        (("--size", "published"), "of size small, not published"),
    ],
)
def test_a_name_belongs_to_one_sweep(
    collect: Run, refused: Callable[..., str], arguments: tuple[str, ...], words: str
) -> None:
    """Another optimiser or size is refused before anything is trained, and the way out named."""
    collect("--name", "mine")

    message = refused(*arguments, "--name", "mine", "--folder", "elsewhere")

    assert words in message
    assert "Or choose another --name" in message
    assert not Path("elsewhere").exists()


def test_bundled_tables_stay(refused: Callable[..., str]) -> None:
    """A collection of their name could not be reached."""
    assert "pd1-mini is bundled and stays. Choose another --name" in refused("--name", "pd1-mini")


def test_no_table_is_made_of_nothing_new(
    collect: Run, run: Run, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing could be trained, the table to extend is not stored under another name."""
    collect("--name", "mine")

    class Silent(SerialExecutor):
        def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
            raise StudyError(f"No cluster answers for {len(jobs)} jobs.")
            yield

    monkeypatch.setattr(executors, "make_executor", lambda *_: Silent())

    assert "No cluster answers" in refused("--extend", "mine", "--name", "new", "--matched", 9)
    assert "new" not in run("list").stdout


def test_an_imported_table_is_left_alone(home: Path, refused: Callable[..., str]) -> None:
    """What was not collected is not replaced by what is."""
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
    frame = pd.DataFrame({"task": "a", "config_id": [0, 1], "x": [0.1, 0.2], "loss": [0.3, 0.4]})
    save(make_table("mine", space, Metric("loss", Minimise()), frame), home / "tables" / "mine")

    assert "already that was not collected" in refused("--name", "mine")


def test_full_disk_keeps_the_runs(collect: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was stored is made a table of; the error says to make room; the next call goes on."""
    results: list[Path] = []

    def write(path: Path, content: Callable[[Path], object]) -> None:
        results.extend([path] if path.suffix == ".parquet" else [])
        if len(results) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_atomically(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(harness, "write_atomically", write)
        result = collect("--json")

    assert result.exit_code == 2
    assert "and run the same again to go on" in result.stderr
    assert len(load(Path(json.loads(result.stdout)["table"])).final) == 2
    assert len(stored(collect("--json")).final) == 3


def test_a_damaged_file_is_named(collect: Run, refused: Callable[..., str]) -> None:
    """The file, and that deleting it is the remedy."""
    collect()
    victim = next(Path("collected-nesterov/runs/results").iterdir())
    victim.write_bytes(b"")

    assert f"{victim.name} cannot be read" in refused()


def test_nothing_but_divergence_is_an_error(refused: Callable[..., str]) -> None:
    """A table of nothing is not stored; what to do is said."""
    message = refused("--tasks", "cloud_abyss_4")

    assert "diverged. Collect more of each task, or other tasks" in message


def test_a_task_that_only_diverges_is_left_out(collect: Run) -> None:
    """The other tasks are stored; the table's notes name it."""
    table = stored(collect("--tasks", "cloud_abyss_4,cloud_middle_4", "--json"))

    assert table.tasks == ("cloud_middle_4",)
    assert "every run diverged: cloud_abyss_4" in table.provenance.notes


def test_no_time_no_table(refused: Callable[..., str]) -> None:
    """An instalment without time says that there is nothing yet."""
    assert "has ended yet. Run the same again" in refused("--stop-after", "0s")


def test_workloads_are_listed(run: Run) -> None:
    """People see each architecture, what it learns from, and its tasks."""
    shown = run("workloads").stdout

    assert "Gemma 2 decoder" in shown
    assert all(str(task) in shown for task in DEFAULT_TASKS)
    assert "hyperbo data corpora" in shown


def test_workloads_for_a_script(run: Run) -> None:
    """Every task of the bundled table belongs to one architecture."""
    rows = json.loads(run("workloads", "--json").stdout)

    assert sorted(task for row in rows for task in row["tasks"]) == sorted(map(str, DEFAULT_TASKS))
    assert {"images", "rows"} == set(next(r for r in rows if r["name"] == "mlp")["learns_from"])
