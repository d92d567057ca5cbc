"""Changes to make on a store, and batches of them that a writer takes together."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from hyperbo_service.domain import Call, Goal
from hyperbo_service.errors import (
    InvalidArgumentError,
)
from hyperbo_service.resources import StudyName
from hyperbo_service.storage import Writer
from hyperbo_service.storage.sql import SqlStore
from hyperbo_service.study_checks import StudyDraft, checked
from tests.service.clocks import START
from tests.service.populated import SPACE

Work = Callable[[Writer], bytes]


def name_of(study: str) -> StudyName:
    """The name of a study of the one project there is."""
    return StudyName("p", study)


def call_of(request_id: str, content: str = "") -> Call:
    """A call under a request id; other content makes it another call."""
    return Call("p", request_id, "ann", "CreateStudy", "r", content.encode().ljust(32, b"\0"))


def adding(study: str) -> Work:
    """Add a study."""

    def work(writer: Writer) -> bytes:
        draft = StudyDraft(name_of(study), SPACE.to_json(), (("m", Goal.MAXIMIZE),))
        writer.add_study(checked(draft, 1, START))
        return study.encode()

    return work


def refusing_after(study: str) -> Work:
    """Add a study, then refuse."""

    def work(writer: Writer) -> bytes:
        adding(study)(writer)
        raise InvalidArgumentError("refused after it had written")

    return work


def refusing(_: Writer) -> bytes:
    """Refuse before anything is written."""
    raise InvalidArgumentError("refused before it had written")


def breaking_after(study: str) -> Work:
    """Add a study, then break."""

    def work(writer: Writer) -> bytes:
        adding(study)(writer)
        raise ZeroDivisionError("a fault")

    return work


def stored_studies(store: SqlStore) -> set[str]:
    """Ids of the studies there are."""
    with store.read() as reader:
        return {study.name.study for study in reader.studies("p", [], None, 100)}


class Batch:
    """Calls that wait while the writer is busy, so that it takes them together."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._busy, self._go = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(32)
        self._hold = self._pool.submit(store.change, self._wait)
        assert self._busy.wait(30.0)

    def _wait(self, _: Writer) -> None:
        self._busy.set()
        assert self._go.wait(30.0)

    def add(self, call: Callable[[], bytes]) -> "Future[bytes]":
        """Let a call wait."""
        waiting = self._store.waiting
        future = self._pool.submit(call)
        while self._store.waiting == waiting and not future.done():
            threading.Event().wait(0.001)
        return future

    def transact(self, request_id: str, work: Work, content: str = "") -> "Future[bytes]":
        """Let a change wait."""
        return self.add(lambda: self._store.transact(call_of(request_id, content), work))

    def go(self, *futures: "Future[bytes]") -> list[bytes | BaseException]:
        """Let the writer take them all; what became of each."""
        self._go.set()
        self._hold.result(30.0)
        outcomes: list[bytes | BaseException] = []
        for future in futures:
            error = future.exception(30.0)
            outcomes.append(future.result() if error is None else error)
        self._pool.shutdown()
        return outcomes
