"""The limit on LAPACK's threads: it holds while computations run, and leaves what it found."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hyperbo import suggest as door
from hyperbo.lapack import one_lapack_thread
from hyperbo.pretraining import Adam, LikelihoodObjective, fit
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo.surrogates.presets import matern_prior
from hyperbo.tasks import Task, pad

USERS = 3
"""What the user has set, whatever the machine's cores are."""


@pytest.fixture(autouse=True)
def _users_setting() -> Iterator[None]:
    # A thread that has set a limit keeps others from setting theirs as long as it lives.
    with ThreadPoolExecutor(1) as passing:
        limit = passing.submit(threadpool_limits, USERS, "blas").result()
    yield
    with ThreadPoolExecutor(1) as passing:
        passing.submit(limit.restore_original_limits).result()


def threads() -> set[int]:
    """How many threads the libraries of this process have now."""
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_one_inside_and_as_before_outside() -> None:
    """However it is left, and nested too."""
    assert threads() == {USERS}
    with one_lapack_thread():
        with pytest.raises(ValueError, match="broken"), one_lapack_thread():
            raise ValueError("broken")
        assert threads() == {1}
    assert threads() == {USERS}


def test_the_last_thread_to_leave_restores() -> None:
    """One that leaves first takes the limit from nobody; one that comes later saves no limit."""
    may_leave = threading.Event()
    has_entered = threading.Event()

    def stay() -> None:
        with one_lapack_thread():
            has_entered.set()
            may_leave.wait(30.0)

    other = threading.Thread(target=stay)
    with one_lapack_thread():
        other.start()
        assert has_entered.wait(30.0)
    inside = threads()
    may_leave.set()
    other.join(30.0)

    assert inside == {1}
    assert threads() == {USERS}


def test_suggestions_are_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What computes for a suggestion finds one thread."""
    seen: list[set[int]] = []
    polish = door.polish

    def spy(*arguments: object, **named: object) -> object:
        seen.append(threads())
        return polish(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(door, "polish", spy)
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
    inputs = np.linspace(0.1, 0.9, 5)[:, None]
    history = door.History(inputs, inputs[:, 0], np.zeros((0, 1)))

    door.suggest(np.random.default_rng(0), door.from_scratch(1), space, history)

    assert seen == [{1}]
    assert threads() == {USERS}


def test_pretraining_is_inside() -> None:
    """From its first step to its last."""
    inputs = np.linspace(0.0, 1.0, 8)[:, None]
    batch = pad([Task("wave", inputs, np.sin(6.0 * inputs[:, 0]))])
    seen: list[set[int]] = []

    fit(
        jax.random.key(0),
        matern_prior(1),
        LikelihoodObjective(batch),
        method=Adam(4),
        chunk=2,
        on_progress=lambda _: seen.append(threads()),
    )

    assert seen
    assert set.union(*seen) == {1}
    assert threads() == {USERS}
