"""The client for asyncio."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from hyperbo_service.client import (
    AsyncClient,
    AsyncStudy,
    AsyncTrial,
    Client,
    Infeasible,
    MockTransport,
    Study,
    Trial,
)
from hyperbo_service.errors import (
    LeaseLostError,
    NotFoundError,
    PreconditionError,
    StudyClosedError,
    UnavailableError,
)
from tests.service.client.fake_server import serve
from tests.service.client.support import POINTS, SPACE, Time

Test = Callable[..., Coroutine[Any, Any, None]]


def run(test: Test) -> Callable[[MockTransport, Time], None]:
    """Run an asynchronous test with a client of the mock, on a clock of its own."""

    def wrapped(mock: MockTransport, time: Time) -> None:
        asyncio.run(_with_client(test, mock, time))

    wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
    return wrapped


async def _with_client(test: Test, mock: MockTransport, time: Time) -> None:
    async def sleep(seconds: float) -> None:
        time.sleep(seconds)
        await asyncio.sleep(0)

    async with AsyncClient(transport=mock, clock=time.clock, sleep=sleep) as client:
        study = await client.study("digits", space=SPACE, metric="accuracy", goal="maximize")
        await test(study, mock, time)


async def run_all(study: AsyncStudy, n: int | None = None) -> int:
    """Run a study's loop; the number of trials."""
    count = 0
    async for trial in study.trials(n):
        async with trial:
            await trial.report(float(trial.number))
        count += 1
    return count


@pytest.mark.parametrize(
    ("kind", "other"), [(Client, AsyncClient), (Study, AsyncStudy), (Trial, AsyncTrial)]
)
def test_same_surface(kind: type, other: type) -> None:
    """Both clients have the same methods with the same arguments."""

    def surface(of: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(of, callable)
            if not name.startswith("_")
        }

    assert surface(kind) == surface(other)


@run
async def test_loop(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A loop runs until the study is done."""
    del mock, time
    assert await run_all(study) == len(POINTS)
    best = await study.best()
    assert best is not None
    assert best.value == len(POINTS)
    assert [each.value async for each in study.history()] == [1.0, 2, 3, 4, 5, 6, 7, 8]


@run
async def test_workers_at_once(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """Several tasks over one study get different trials."""
    del mock, time
    counts = await asyncio.gather(*[run_all(study) for _ in range(4)])

    assert sum(counts) == len(POINTS)
    assert (await study.info()).trial_counts["completed"] == len(POINTS)


@run
async def test_exception(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """An exception fails the trial and goes on its way."""
    del mock, time
    trial = await study.ask()
    with pytest.raises(ZeroDivisionError):
        async with trial:
            raise ZeroDivisionError
    assert (await study.trial(trial.number)).reason == "ZeroDivisionError"


@run
async def test_infeasible(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """`Infeasible` marks the trial so, and goes no further."""
    del mock, time
    async with await study.ask() as trial:
        raise Infeasible("NaN")
    assert (await study.trial(trial.number)).state == "infeasible"


@run
async def test_nothing_reported(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A block without a result fails the trial and says so."""
    del mock, time
    trial = await study.ask()
    with pytest.raises(PreconditionError, match="nothing was reported"):
        async with trial:
            pass
    assert (await study.trial(trial.number)).state == "failed"


@run
async def test_cancelled_task(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A cancelled task leaves its lease to expire."""
    del mock, time
    begun = asyncio.Event()

    async def train(trial: AsyncTrial) -> None:
        async with trial:
            begun.set()
            await asyncio.Event().wait()

    trial = await study.ask()
    task = asyncio.create_task(train(trial))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await study.trial(trial.number)).state == "running"


@run
async def test_lost_lease(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A lost lease refuses reports and ends the block quietly."""
    del time
    async with await study.ask() as trial:
        mock.advance(61.0)
        await AsyncClient(transport=mock).study(study.id)
        Client(transport=mock).study(study.id).ask(1)[0].complete(0.1)
        await trial.report(0.5)
    assert trial.is_lost
    with pytest.raises(LeaseLostError):
        await trial.complete(0.5)
    assert await trial.should_stop()


@run
async def test_retry(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A lost answer is asked for again under the same request id."""
    trial = await study.ask()
    mock.fail_next(UnavailableError("gone"), method="ReportMeasurement", after=True)
    await trial.report(0.5)

    reports = [call.request for call in mock.calls if call.method == "ReportMeasurement"]
    assert reports[0] == reports[1]
    assert time.sleeps == [0.05]


@run
async def test_heartbeat(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """While a trial is held, a task renews its lease; it ends with the last trial."""
    trial = await study.ask()
    heartbeat = study._session.heartbeat
    assert heartbeat.is_running
    time.now += 30.0
    heartbeat.wake()
    while all(call.method != "Heartbeat" for call in mock.calls):
        await asyncio.sleep(0)
    await trial.complete(0.5)
    while heartbeat.is_running:
        await asyncio.sleep(0)
    assert not trial.is_lost


@run
async def test_beat_that_fails(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A heartbeat that does not get through comes again; a deleted study loses its trials."""
    # By hand, without the task.
    await study._session.heartbeat.close()
    trial = await study.ask()
    time.now += 30.0
    mock.fail_next(UnavailableError("down"), method="Heartbeat")
    await study._session.heartbeat.beat()
    assert study._session.book.next_beat() == pytest.approx(4.0)
    time.now += 4.0
    await study.delete(force=True)
    await study._session.heartbeat.beat()
    assert trial.is_lost


@run
async def test_ask_and_tell(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """Asking and telling, by hand and in bulk."""
    del mock, time
    first, second = await study.ask(2)
    await study.tell(first, 0.1)
    await second.abandon()
    await study.tell(POINTS[3], 0.9)
    await study.enqueue(POINTS[4])
    assert (await study.ask()).parameters == POINTS[4]
    assert [each.value for each in await study.best(5)] == [0.9, 0.1]
    names = await study.import_trials([{"parameters": POINTS[5], "value": 0.2}])
    assert len((await study.export()).trials) == len(names) + 4


@run
async def test_states(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A study is paused, resumed, changed and finished."""
    del mock, time
    assert (await study.pause()).state == "paused"
    with pytest.raises(StudyClosedError):
        await study.ask()
    assert (await study.resume()).state == "active"
    assert (await study.update(max_trials=3)).max_trials == 3
    assert (await study.finish()).state == "completed"
    assert await run_all(study) == 0


@run
async def test_watch(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A broken watch is taken up again."""
    del time
    mock.fail_next(UnavailableError("gone"), method="WatchStudy", after=True)
    watch = study.watch()
    for _ in range(2):
        assert (await anext(watch)).study is not None
    assert sum(call.method == "WatchStudy" for call in mock.calls) == 2


@run
async def test_table(study: AsyncStudy, mock: MockTransport, time: Time) -> None:
    """A study as a table."""
    del mock, time
    await run_all(study, 2)
    assert list((await study.to_pandas())["values.accuracy"]) == [1.0, 2.0]


def test_over_grpc(mock: MockTransport) -> None:
    """A whole study runs over the wire, errors and streams included."""

    async def main(address: str) -> None:
        async with AsyncClient(address) as client:
            study = await client.study("s", space=SPACE, metric="m", goal="maximize")
            assert await run_all(study) == len(POINTS)
            assert len((await study.export()).trials) == len(POINTS)
            assert [each.id async for each in client.studies()] == ["s"]
            with pytest.raises(NotFoundError, match="There is no study"):
                await client.study("none")
        with pytest.raises(PreconditionError, match="closed"):
            await client.study("s")

    with serve(mock) as address:
        asyncio.run(main(address))


def test_two_event_loops(mock: MockTransport) -> None:
    """A client may be used in one event loop after another."""

    async def count(client: AsyncClient) -> int:
        return len([each async for each in client.studies()])

    with serve(mock) as address:
        client = AsyncClient(address)
        assert [asyncio.run(count(client)) for _ in range(2)] == [0, 0]
        asyncio.run(client.close())


def test_awaitable_transport_is_used_as_it_is() -> None:
    """A transport for asyncio is not put into threads."""

    class Native:
        async def call(self, method: str, request: Any, *, timeout: float | None) -> Any:
            raise NotFoundError(f"{method} {request} {timeout}")

        def stream(self, method: str, request: Any, *, timeout: float | None) -> AsyncIterator[Any]:
            raise NotImplementedError

        async def upload(self, method: str, requests: Any, *, timeout: float | None) -> Any:
            raise NotImplementedError

        async def close(self) -> None:
            return None

    native = Native()
    client = AsyncClient(transport=native)
    assert id(client.transport) == id(native)
