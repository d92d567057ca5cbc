"""Points of a sweep."""

import pytest

from hyperbo_datasets.collect.optimizers import AdamW, Chosen, Nesterov
from hyperbo_datasets.collect.points import (
    MOST_PLACES,
    Kind,
    config_id,
    configurations,
    place_of,
)
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.catalogue import DEFAULT_TASKS
from hyperbo_datasets.errors import CollectError
from hyperbo_datasets.sources.pd1 import SPACE

MATCHED_3 = {
    "hps.lr_hparams.decay_steps_factor": 0.45808033897230777,
    "hps.lr_hparams.initial_value": 0.0014054369113832132,
    "hps.lr_hparams.power": 1.7542242898254585,
    "hps.opt_hparams.momentum": 0.9021814965981994,
}
OWN_0 = {
    "hps.lr_hparams.decay_steps_factor": 0.7417251794807836,
    "hps.lr_hparams.initial_value": 1.2947021084770334,
    "hps.lr_hparams.power": 0.4168440379255791,
    "hps.opt_hparams.momentum": 0.8798109414513557,
}
OWN_NUMBER_7 = 1640235100007

KJV, MNIST = TaskName("kjv", "gemma", 8), TaskName("mnist", "mlp", 32)


def test_matched_points_are_all_tasks() -> None:
    """One sequence for all tasks."""
    ours, theirs = (configurations(SPACE, task, Kind.MATCHED, 0, 20, 0) for task in (KJV, MNIST))

    assert ours == theirs


def test_unmatched_points_are_a_tasks_own() -> None:
    """No two tasks share any, and none is a matched one."""
    sequences = [
        configurations(SPACE, task, kind, 0, 50, 0)
        for task, kind in ((KJV, Kind.MATCHED), (KJV, Kind.UNMATCHED), (MNIST, Kind.UNMATCHED))
    ]

    points = [tuple(point.items()) for sequence in sequences for point in sequence]
    assert len(set(points)) == 150


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("optimizer", [Nesterov(), AdamW(), Chosen()], ids=lambda each: each.name)
def test_a_longer_sequence_keeps_its_points(
    kind: Kind, optimizer: Nesterov | AdamW | Chosen
) -> None:
    """Any part of a sequence is the same part of a longer one."""
    all_at_once = configurations(optimizer.space, KJV, kind, 0, 40, 3)
    parts = [configurations(optimizer.space, KJV, kind, first, 10, 3) for first in (0, 10, 20, 30)]

    assert [point for part in parts for point in part] == all_at_once


def test_seeds_differ() -> None:
    """Another seed scrambles all sequences anew."""
    for kind in Kind:
        first, second = (configurations(SPACE, KJV, kind, 0, 5, seed) for seed in (0, 1))
        assert first != second


def test_points_lie_in_the_space() -> None:
    """Configurations are native values within the bounds, of every parameter that takes part."""
    for optimizer in (Nesterov(), AdamW(), Chosen()):
        points = configurations(optimizer.space, KJV, Kind.UNMATCHED, 0, 30, 0)
        for point in points:
            optimizer.space.check(point)


def test_points_never_change() -> None:
    """What was collected in an earlier release goes on: the sequences are these."""
    matched = configurations(SPACE, KJV, Kind.MATCHED, 3, 1, 0)[0]
    own = configurations(SPACE, TaskName("kjv", "gemma", 8), Kind.UNMATCHED, 0, 1, 0)[0]

    assert matched == pytest.approx(MATCHED_3, rel=1e-12)
    assert own == pytest.approx(OWN_0, rel=1e-12)


def test_numbers_are_for_good() -> None:
    """A configuration's number depends on nothing but its own task and place."""
    assert config_id(KJV, Kind.MATCHED, 7) == config_id(MNIST, Kind.MATCHED, 7) == 7
    assert config_id(KJV, Kind.UNMATCHED, 7) == OWN_NUMBER_7


def test_numbers_tell_all_apart() -> None:
    """No task's own configuration has the number of another's, or of a matched one."""
    numbers = {
        config_id(task, kind, place)
        for task in DEFAULT_TASKS
        for kind in Kind
        for place in (0, 1, MOST_PLACES - 1)
    }

    assert len(numbers) == 3 * (len(DEFAULT_TASKS) + 1)
    assert all(0 <= number < 2**63 for number in numbers)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("place", [0, 1, MOST_PLACES - 1])
def test_a_number_says_its_place(kind: Kind, place: int) -> None:
    """The kind and the place can be read off."""
    assert place_of(config_id(KJV, kind, place)) == (kind, place)


@pytest.mark.parametrize("place", [-1, MOST_PLACES])
def test_sequences_end(place: int) -> None:
    """A number beyond the sequence would be another task's."""
    with pytest.raises(CollectError, match="points 0 to 99999"):
        config_id(KJV, Kind.UNMATCHED, place)
