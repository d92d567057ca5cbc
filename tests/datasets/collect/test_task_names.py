"""Names of collected tasks."""

import pytest

from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.catalogue import DEFAULT_TASKS
from hyperbo_datasets.errors import CollectError


@pytest.mark.parametrize("task", DEFAULT_TASKS, ids=str)
def test_every_task_of_ours_reads_back(task: TaskName) -> None:
    """A name is what its text says."""
    assert TaskName.parse(str(task)) == task


def test_parts_may_hold_dashes_and_dots() -> None:
    """Only underscores part a name."""
    task = TaskName.parse("my-data.v2_wide-resnet_8")

    assert (task.corpus, task.architecture, task.batch_size) == ("my-data.v2", "wide-resnet", 8)


def test_shared_parts_relate() -> None:
    """Tasks are related by their corpus or their architecture, and by whole names only."""
    task = TaskName("kjv", "gemma", 8)

    assert task.is_related(TaskName("kjv", "griffin", 32))
    assert task.is_related(TaskName("python-source", "gemma", 32))
    assert not task.is_related(TaskName("kjv-2", "gemma2", 8))


def test_a_part_of_a_corpus_is_related_to_it() -> None:
    """What is learned from the one could be asked in the other."""
    task = TaskName("mnist-5k", "simple-cnn", 16)

    assert task.is_related(TaskName("mnist", "mlp", 32))
    assert TaskName("mnist", "mlp", 32).is_related(task)
    assert not task.is_related(TaskName("fashion-mnist", "mlp", 32))


def test_who_teaches_makes_no_other_network() -> None:
    """A decoder that learns from a teacher is related to the one that learns from text."""
    task = TaskName("kjv", "gemma-distilled", 8)

    assert task.is_related(TaskName("python-source", "gemma", 8))
    assert TaskName("python-source", "gemma", 8).is_related(task)
    assert not task.is_related(TaskName("python-source", "gemma2", 8))
    assert {each.network for each in DEFAULT_TASKS} < {each.architecture for each in DEFAULT_TASKS}


@pytest.mark.parametrize(
    "text",
    ["", "kjv", "kjv_gemma", "kjv_gemma_8_x", "kjv_gemma_-8", "kjv_gemma_8.0", "kjv_gemma_x"],
)
def test_other_shapes_are_refused(text: str) -> None:
    """A name of another shape is answered with the right one."""
    with pytest.raises(CollectError, match="wanted corpus_architecture_batch, such as"):
        TaskName.parse(text)


@pytest.mark.parametrize(
    "text", ["KJV_gemma_8", "_gemma_8", "kjv__8", "kjv_gemma_0", "kjv_gemma_65537", "../x_y_1"]
)
def test_bad_parts_are_refused(text: str) -> None:
    """Capitals, empty parts, paths and empty batches name nothing."""
    with pytest.raises(CollectError, match="name no task"):
        TaskName.parse(text)
