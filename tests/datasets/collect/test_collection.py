"""Collections: killed, resumed, extended or refused, a folder's runs are those of its sweep."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hyperbo.errors import JobsFailedError, StudyError
from hyperbo.files import write_atomically
from hyperbo.jobs import (
    Failed,
    Finished,
    Job,
    Progress,
    SerialExecutor,
    TimeLimited,
    harness,
)
from hyperbo_datasets.collect import collection
from hyperbo_datasets.collect.collected_table import (
    METRIC,
    is_collection,
    read_runs,
    read_speeds,
    to_table,
)
from hyperbo_datasets.collect.collection import Plan, collect
from hyperbo_datasets.collect.corpora import Corpus
from hyperbo_datasets.collect.sweep import Sweep
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads import catalogue
from hyperbo_datasets.collect.workloads.base import Workload
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CollectError, CorpusError
from hyperbo_datasets.schema import TuningTable
from tests.datasets.collect.conftest import forget_corpora
from tests.datasets.collect.gathering import Recorder, assert_same, gather
from tests.datasets.collect.tiny import TASKS, plan

ABYSS = TaskName("cloud", "abyss", 4)

pytestmark = pytest.mark.usefixtures("cloud")


def test_killed_ten_times_it_is_the_same(home: Path, tmp_path: Path) -> None:
    """Ten SIGKILLs at random moments lose nothing, double nothing and leave nothing behind."""
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    done = subprocess.run(
        [sys.executable, "-m", "tests.datasets.collect.killed_run", killed, undisturbed],
        env=os.environ | {"HYPERBO_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr

    counts = [int(count) for count in done.stdout.split()]
    assert len(counts) == 10
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[-1] < len(list((killed / "runs" / "results").iterdir()))
    assert_same(to_table(killed, "t"), to_table(undisturbed, "t"))
    assert not list(killed.glob("**/.*"))


def test_table_has_every_run(undisturbed: TuningTable) -> None:
    """Both tasks share the matched configurations and have their own, with whole curves."""
    final = undisturbed.final
    ids = {task: set(final.loc[final["task"] == task, "config_id"]) for task in undisturbed.tasks}

    assert undisturbed.tasks == ("cloud_middle_4", "cloud_middle_8")
    assert [len(each) for each in ids.values()] == [23, 23]
    assert set.intersection(*ids.values()) == set(range(20))
    completed = final[final["status"] == "completed"]
    assert {*completed["step"]} == {20}
    assert len(completed) > 30
    assert undisturbed.metric == METRIC
    assert "size small, optimiser nesterov, seed 0" in undisturbed.provenance.notes


def test_instalments_add(folder: Path, undisturbed: TuningTable) -> None:
    """More tasks and more configurations come later; nothing is trained twice."""
    first = gather(plan(5, 0, TASKS[:1]), folder)
    second = gather(plan(18, 1), folder)
    third = gather(plan(), folder)

    assert len(first.trained) == 5
    trained = first.trained + second.trained + third.trained
    assert len(set(trained)) == len(trained) == 46
    assert_same(to_table(folder, "t"), undisturbed)


def test_less_asked_is_nothing_lost(folder: Path, undisturbed: TuningTable) -> None:
    """A call that asks for fewer tasks or configurations trains none and drops none."""
    gather(plan(), folder)

    assert gather(plan(7, 1, TASKS[1:]), folder).trained == []
    assert_same(to_table(folder, "t"), undisturbed)


def test_progress_counts_what_was_there(folder: Path) -> None:
    """A later instalment says how many blocks were done before, and counts up to all of them."""
    gather(plan(5, 3), folder)
    heard: list[tuple[str, Progress]] = []

    collect(plan(), folder, executor=SerialExecutor(), report=lambda *told: heard.append(told))

    assert {stage for stage, _ in heard} == {"training"}
    assert [(p.finished, p.resumed, p.total) for _, p in heard] == [
        (done, 4, 8) for done in (4, 5, 6, 7, 8)
    ]


def test_two_at_once_are_refused(folder: Path) -> None:
    """While one collector is at work, a second is told which process it is, and trains nothing."""

    def intrude() -> None:
        second = Recorder()
        with pytest.raises(StudyError, match=f"Another process .*process {os.getpid()}"):
            collect(plan(30), folder, executor=second)
        assert second.trained == []

    recorder = Recorder(before=intrude)
    collect(plan(5, 0), folder, executor=recorder)

    assert len(read_runs(folder).drop_duplicates(["task", "place"])) == 10


def test_other_settings_are_refused(folder: Path) -> None:
    """A folder belongs to one sweep; the error says what differs."""
    gather(plan(5, 0), folder)
    before = read_runs(folder)

    with pytest.raises(StudyError, match=r"seed: stored 0, now 1.*another folder"):
        gather(plan(5, 0, seed=1), folder)

    pd.testing.assert_frame_equal(read_runs(folder), before)


def test_a_task_that_only_diverges_is_left_out(folder: Path) -> None:
    """It teaches nothing; the notes name it, and its runs stay in the folder."""
    gather(plan(5, 0, (*TASKS, ABYSS)), folder)

    table = to_table(folder, "t")

    assert table.tasks == ("cloud_middle_4", "cloud_middle_8")
    assert table.provenance.notes.endswith("since every run diverged: cloud_abyss_4.")
    assert "cloud_abyss_4" in set(read_runs(folder)["task"])


def test_all_that_diverges_is_no_table(folder: Path) -> None:
    """Where no run of any task ended well, there is an error in place of an empty table."""
    gather(plan(3, 0, (ABYSS,)), folder)

    with pytest.raises(CollectError, match=r"Every run in .* diverged\. Collect more"):
        to_table(folder, "t")


def test_missing_corpus_keeps_what_is_there(folder: Path) -> None:
    """The remedy is named before anything is trained, and earlier runs stand."""
    gather(plan(5, 0), folder)
    before, recorder = read_runs(folder), Recorder()

    with pytest.raises(CorpusError, match=r"cifar10 is not installed.*--download cifar10"):
        collect(plan(20, 0, (*TASKS, TaskName("cifar10", "mlp", 32))), folder, executor=recorder)

    assert recorder.jobs == []
    pd.testing.assert_frame_equal(read_runs(folder), before)


def test_all_that_is_missing_is_told_at_once(folder: Path) -> None:
    """Who installs one corpus need not find out by another call that a second is missing."""
    absent = (TaskName("cifar10", "mlp", 32), TaskName("cifar100", "mlp", 32))

    with pytest.raises(CorpusError) as refused:
        collect(plan(20, 0, (*TASKS, *absent)), folder, executor=Recorder())

    assert [f"The corpus {task.corpus} is not installed" in str(refused.value) for task in absent]
    assert len(str(refused.value).splitlines()) == 2


def test_what_is_not_there_in_the_size_is_refused(folder: Path) -> None:
    """No teacher of the published size can be trained on the way: that is told first of all."""
    wanted = Plan(Sweep("nesterov", Size.PUBLISHED), (TaskName("kjv", "gemma-distilled", 8),), 1, 0)

    with pytest.raises(CollectError, match=r"gemma-distilled is not there in the size published"):
        collect(wanted, folder, executor=Recorder())


def test_changed_corpus_is_refused(folder: Path, cloud: Path) -> None:
    """Runs on other data are not mixed in, and the old ones stand."""
    gather(plan(5, 0), folder)
    before, recorder = read_runs(folder), Recorder()
    cloud.write_text(cloud.read_text().replace(",1\n", ",0\n", 1))
    forget_corpora()

    with pytest.raises(CollectError, match=r"another content of the corpus cloud .*another folder"):
        collect(plan(), folder, executor=recorder)

    assert recorder.jobs == []
    pd.testing.assert_frame_equal(read_runs(folder), before)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("cloud_midle_4", "no architecture 'midle'. Did you mean 'middle'"),
        ("clowd_middle_4", "no corpus 'clowd'. Did you mean 'cloud'"),
        ("cloud_gemma_4", "gemma does not learn from cloud, which is rows; these do: mlp"),
    ],
)
def test_unknown_workloads_are_guessed(folder: Path, task: str, words: str) -> None:
    """What cannot be trained is refused before anything else is, with what was meant."""
    recorder = Recorder()

    with pytest.raises(CollectError, match=words):
        collect(plan(tasks=(*TASKS, TaskName.parse(task))), folder, executor=recorder)

    assert recorder.jobs == []


def test_full_disk_keeps_what_was_stored(
    folder: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: TuningTable
) -> None:
    """The error says what to do; afterwards only what is missing is trained."""
    written: list[Path] = []

    def write(path: Path, content: Callable[[Path], object]) -> None:
        written.append(path)
        if len(written) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write_atomically(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(harness, "write_atomically", write)
        with pytest.raises(StudyError, match=r"No space left.*is kept; make room, or name"):
            gather(plan(), folder)
    assert len(list((folder / "runs" / "results").iterdir())) == 3

    recorder = gather(plan(), folder)

    assert len(recorder.jobs) == 8 - 3 - 2
    assert_same(to_table(folder, "t"), undisturbed)


def test_damaged_result_is_named(folder: Path, undisturbed: TuningTable) -> None:
    """A file that was cut off is named with the remedy, which brings back the very runs."""
    gather(plan(), folder)
    victim = sorted((folder / "runs" / "results").iterdir())[1]
    victim.write_bytes(victim.read_bytes()[:100])

    for attempt in (lambda: gather(plan(), folder), lambda: to_table(folder, "t")):
        with pytest.raises(StudyError, match=f"{victim.name} cannot be read.*Delete it and run"):
            attempt()
    victim.unlink()
    assert 0 < len(gather(plan(), folder).trained) <= 16
    assert_same(to_table(folder, "t"), undisturbed)


@pytest.fixture
def worth_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the runs."""
    monkeypatch.setattr(collection, "WORTH_MEASURING", 1)


@pytest.mark.usefixtures("worth_measuring")
def test_speed_is_measured_once(folder: Path) -> None:
    """Where no width is given, each task's is measured, and a later call keeps to it."""
    first, second = gather(plan(9, 0, width=None), folder), gather(plan(20, 0, width=None), folder)

    measured = [job for job in first.jobs if "kind" not in job.arguments]
    assert len(measured) == 2
    assert [job for job in second.jobs if "kind" not in job.arguments] == []
    speeds = read_speeds(folder)
    fastest = speeds.loc[speeds.groupby("task")["seconds"].idxmin()].set_index("task")["width"]
    widths = read_runs(folder).groupby("task")["width"].unique()
    assert {task: [width] for task, width in fastest.items()} == {
        task: width.tolist() for task, width in widths.items()
    }


@pytest.mark.usefixtures("worth_measuring")
def test_speed_is_measured_where_something_is_missing(
    folder: Path, undisturbed: TuningTable
) -> None:
    """A table that has it all, or all of a task, leaves nothing to be measured for it."""
    gather(plan(20, 4, TASKS[:1], width=None, base=undisturbed), folder)

    assert set(read_speeds(folder)["task"]) == {"cloud_middle_4"}
    assert gather(plan(width=None, base=undisturbed), folder.with_name("other")).jobs == []


@pytest.mark.usefixtures("worth_measuring")
def test_a_failed_measurement_stops_no_other_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are trained, then the failure is told; the next call trains the rest."""
    build = catalogue.ARCHITECTURES["middle"].build

    def fail(task: TaskName, size: Size, corpus: Corpus) -> Workload:
        if task == TASKS[0]:
            raise MemoryError("it does not fit")
        return build(task, size, corpus)

    broken = replace(catalogue.ARCHITECTURES["middle"], build=fail)
    with monkeypatch.context() as patch:
        patch.setitem(catalogue.ARCHITECTURES, "middle", broken)  # type: ignore[arg-type]
        with pytest.raises(JobsFailedError, match=r"1 of 2 jobs failed.*(\n.*)*it does not fit"):
            gather(plan(5, 0, width=None), folder)
    assert set(read_runs(folder)["task"]) == {str(TASKS[1])}

    gather(plan(5, 0, width=None), folder)

    assert set(read_runs(folder)["task"]) == set(map(str, TASKS))


def test_few_runs_are_not_worth_measuring(folder: Path) -> None:
    """They are trained one by one, and nothing is measured before."""
    assert {job.arguments["width"] for job in gather(plan(5, 3, width=None), folder).jobs} == {1}
    assert plan(60, 4, width=None).known_width is None


@pytest.mark.usefixtures("worth_measuring")
def test_published_networks_are_trained_one_by_one() -> None:
    """One of them keeps a machine busy, and eight would not fit."""
    assert Plan(Sweep("nesterov", Size.PUBLISHED), TASKS, 1, 0).known_width == 1
    assert Plan(Sweep("nesterov", Size.PUBLISHED), TASKS, 1, 0, width=2).known_width == 2
    assert plan(width=None).known_width is None


@pytest.mark.usefixtures("worth_measuring")
@pytest.mark.parametrize("width", [None, 8])
def test_no_time_is_no_harm(folder: Path, width: int | None) -> None:
    """An instalment that was over before it began says that there is no run yet; the next goes."""
    over = TimeLimited(SerialExecutor(), time.monotonic() - 1.0)
    collect(plan(width=width), folder, executor=over)
    with pytest.raises(StudyError, match=r"No run in .* has ended yet.*more time"):
        to_table(folder, "t")

    gather(plan(5, 0), folder)

    assert len(to_table(folder, "t").final) == 10


@pytest.mark.usefixtures("worth_measuring")
def test_tasks_that_were_not_measured_wait(folder: Path) -> None:
    """Time that ends while speeds are measured leaves the others to the next instalment."""

    class First:
        """Runs the first job only."""

        def run(self, jobs: Sequence[Job]) -> Generator[Finished | Failed, None, None]:
            """Yield one outcome."""
            yield from SerialExecutor().run(jobs[:1])

    collect(plan(5, 0, width=None), folder, executor=First())

    assert set(read_runs(folder)["task"]) == {"cloud_middle_4"}


@pytest.mark.parametrize(("matched", "unmatched"), [(0, 0), (-1, 5), (5, -1), (100_001, 0)])
def test_nothing_to_collect_is_refused(matched: int, unmatched: int) -> None:
    """A plan has a task, and at least one configuration."""
    with pytest.raises(CollectError, match="nothing to collect; wanted a task, and 1 to 100,000"):
        plan(matched, unmatched)
    with pytest.raises(CollectError, match="0 tasks"):
        plan(5, 5, ())


def test_what_cannot_be_swept_is_refused() -> None:
    """Before a folder is bound to it."""
    for optimizer, seed in (("adam", 0), ("nesterov", -1)):
        with pytest.raises(CollectError, match=r"wanted one of nesterov, .* a seed of 0 or more"):
            Sweep(optimizer, Size.SMALL, seed)
    with pytest.raises(CollectError, match="0 side by side; wanted 1 or more"):
        plan(width=0)


def test_no_collection_no_table(tmp_path: Path) -> None:
    """A folder of something else is no empty table."""
    with pytest.raises(StudyError, match="missing or damaged"):
        to_table(tmp_path, "t")
    assert not is_collection(tmp_path)
