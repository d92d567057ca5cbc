"""What must be made anew in a child process: locks, threads and channels do not survive a fork."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    """Something that a fork breaks."""

    def renew_after_fork(self) -> None:
        """Drop what belongs to the parent; runs in the child, before anything else does."""
        ...


_FORKED: "WeakSet[Forked]" = WeakSet()


def survive_fork(something: Forked) -> None:
    """Have it renewed in every child process for as long as it lives."""
    _FORKED.add(something)


def _renew_all() -> None:
    for each in list(_FORKED):
        each.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
