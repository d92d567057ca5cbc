"""Parts: lists that are cut to fit into messages."""

from datetime import UTC, datetime

import pytest

from hyperbo_service.domain import Origin, Trial, TrialState
from hyperbo_service.resources import StudyName
from hyperbo_service.rpc import parts
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a hundred bytes, and of ten measurements."""
    monkeypatch.setattr(parts, "LARGEST_PART", 100)
    monkeypatch.setattr(parts, "MOST_MEASUREMENTS", 10)


def _message(size: int) -> wire.GetStudyRequest:
    return wire.GetStudyRequest(name="x" * size)


def _trial(number: int, count: int) -> Trial:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Trial(
        name=StudyName("p", "s").trial(number),
        state=TrialState.FAILED,
        parameters={},
        origin=Origin.IMPORTED,
        created=moment,
        updated=moment,
        measurement_count=count,
    )


@pytest.mark.parametrize(
    ("sizes", "cut"),
    [
        ([], []),
        ([10], [[10]]),
        ([10, 10, 10], [[10, 10, 10]]),
        ([40, 30, 40, 30], [[40, 30], [40, 30]]),
        ([500], [[500]]),
        ([10, 500, 10], [[10], [500], [10]]),
        ([500, 500], [[500], [500]]),
    ],
)
def test_messages_are_cut_before_they_are_too_large(sizes: list[int], cut: list[list[int]]) -> None:
    """Each once and in order; one that is too large alone is a part of its own."""
    found = list(parts.in_parts(map(_message, sizes)))

    assert [[len(message.name) for message in part] for part in found] == cut
    assert list(parts.first_part(list(map(_message, sizes)))) == (found[0] if found else [])


@pytest.mark.parametrize(
    ("counts", "kept"),
    [([], 0), ([3, 3], 2), ([3, 7, 1], 2), ([3, 8], 1), ([50, 1], 1), ([0, 0, 11], 2)],
)
def test_trials_are_read_while_they_have_few_measurements(counts: list[int], kept: int) -> None:
    """At least one, however many it has."""
    trials = [_trial(number, count) for number, count in enumerate(counts, 1)]

    assert parts.readable(trials) == trials[:kept]
