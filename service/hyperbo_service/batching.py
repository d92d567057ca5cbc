"""Batching: callers that ask for points of one study at the same time are answered together."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(eq=False)
class _Request(Generic[Result]):
    count: int
    result: Result | None = None
    error: BaseException | None = None
    is_done: bool = False


@dataclass(eq=False)
class Batcher(Generic[Result]):
    """Answers requests of one kind, one batch at a time.

    While a batch is computed, further requests gather; they make the next. There is no thread of
    its own: one of those who ask computes for all.

    Attributes:
        compute: Given how many each asks for, the result of each.
    """

    compute: Callable[[Sequence[int]], Sequence[Result]]
    _condition: threading.Condition = field(default_factory=threading.Condition)
    _waiting: list[_Request[Result]] = field(default_factory=list)
    _is_busy: bool = False

    def ask(self, count: int) -> Result:
        """The result for one who asks for `count`.

        Raises:
            BaseException: Whatever `compute` raised for the batch.
        """
        mine: _Request[Result] = _Request(count)
        with self._condition:
            self._waiting.append(mine)
        while not mine.is_done:
            with self._condition:
                while self._is_busy and not mine.is_done:
                    self._condition.wait()
                if mine.is_done:
                    break
                self._is_busy = True
                batch, self._waiting = self._waiting, []
            self._answer(batch)
        if mine.error is not None:
            raise mine.error
        assert mine.result is not None  # noqa: S101 - done and without error
        return mine.result

    def _answer(self, batch: Sequence[_Request[Result]]) -> None:
        try:
            results = self.compute([request.count for request in batch])
            for request, result in zip(batch, results, strict=True):
                request.result = result
        except BaseException as error:  # noqa: BLE001 - each of the batch raises it
            for request in batch:
                request.error = error
        finally:
            with self._condition:
                for request in batch:
                    request.is_done = True
                self._is_busy = False
                self._condition.notify_all()
