"""Processes that Ctrl-C does not reach, since the one that started them ends them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment, so that a process started meanwhile never hears of it.

    It reaches the whole process group, but the parent alone decides, and ends its workers; one that
    were still importing would die of it with a stack trace.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
