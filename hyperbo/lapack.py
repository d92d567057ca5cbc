"""LAPACK on one thread while JAX computes, whose own threads share out the work already."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import scipy.linalg  # noqa: F401 - has the LAPACK that JAX calls: it must be loaded to be limited
from threadpoolctl import ThreadpoolController


class _Limit:
    """One thread for as long as anybody is inside; whatever the user has set after that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._set = ExitStack()
        self._libraries = ThreadpoolController()
        # A limit may be lifted only by the thread that has set it, and we come from any.
        self._warden = ThreadPoolExecutor(1, thread_name_prefix="hyperbo-lapack")

    def enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._warden.submit(self._begin).result()
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._warden.submit(self._set.close).result()

    def _begin(self) -> None:
        self._set.enter_context(self._libraries.limit(limits=1, user_api="blas"))


_LIMIT = _Limit()


@contextmanager
def one_lapack_thread() -> Iterator[None]:
    """Keep LAPACK on the threads that call it; also a decorator.

    Threads of its own gain little on the small matrices of a Gaussian process. On a machine that
    has other work they do harm: they spin while they wait for each other, on the cores that they
    wait for, and everything takes ten times as long (docs/decisions/0012-one-lapack-thread.md).

    The number of threads is the process's: NumPy, too, has one meanwhile. Several threads may be
    inside at once, and may nest it; the last to leave restores what was set before.
    """
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()
