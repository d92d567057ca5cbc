"""Which trials a client holds, and when their leases must be renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from weakref import WeakValueDictionary

from hyperbo_service.client import requests
from hyperbo_service.client.calls import Call
from hyperbo_service.client.held import HeldTrial
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning

_LARGEST_BEAT = 1000
_BEATS_PER_LEASE = 3.0
_HASTE = 5.0
"""After a heartbeat that failed, the next comes so many times sooner."""


class Beat:
    """One heartbeat: trials of one study with leases of one length."""

    def __init__(self, trials: list[HeldTrial], lease: float) -> None:
        self.trials = trials
        self.lease = lease

    @property
    def call(self) -> Call[tuning.HeartbeatResponse]:
        """The call that renews them."""
        leases = [(trial.name, trial.fencing_token) for trial in self.trials]
        return requests.heartbeat(self.trials[0].study_name, leases, self.lease)


class LeaseBook:
    """The trials that a client holds.

    It does not keep them alive: a trial that the program has dropped is not held any longer, so it
    is not renewed, and comes back with the next suggestion or goes to another client.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.renew_after_fork()

    def renew_after_fork(self) -> None:
        """Hold nothing: what the parent process holds, it renews itself."""
        self._lock = threading.Lock()
        self._held: WeakValueDictionary[str, HeldTrial] = WeakValueDictionary()
        self._due: dict[str, float] = {}

    def take(self, trials: Iterable[HeldTrial]) -> None:
        """Hold trials that were just leased."""
        with self._lock:
            for trial in trials:
                self._held[trial.name] = trial
                self._due[trial.name] = self._now() + trial.lease / _BEATS_PER_LEASE

    def renewed(self, trial: HeldTrial) -> None:
        """Note that a report has renewed a lease."""
        with self._lock:
            if trial.name in self._due:
                self._due[trial.name] = self._now() + trial.lease / _BEATS_PER_LEASE

    def release(self, trial: HeldTrial) -> None:
        """Hold a trial no longer."""
        with self._lock:
            if self._held.get(trial.name) is trial:
                self._held.pop(trial.name, None)
                self._due.pop(trial.name, None)

    def names(self, study: str) -> list[str]:
        """Names of the trials of a study that are held."""
        with self._lock:
            return [trial.name for trial in self._held.values() if trial.study_name == study]

    def next_beat(self) -> float | None:
        """Seconds until the next heartbeat; None if nothing is held."""
        with self._lock:
            self._drop_dead()
            if not self._due:
                return None
            return max(0.0, min(self._due.values()) - self._now())

    def beats(self) -> list[Beat]:
        """The heartbeats that are due; all trials of a study go along with the first that is."""
        with self._lock:
            self._drop_dead()
            held = list(self._held.values())
            now = self._now()
            due = {
                (trial.study_name, trial.lease) for trial in held if self._due[trial.name] <= now
            }
        groups: dict[tuple[str, float], list[HeldTrial]] = {}
        for trial in held:
            key = (trial.study_name, trial.lease)
            if key in due:
                groups.setdefault(key, []).append(trial)
        return [
            Beat(trials[start : start + _LARGEST_BEAT], lease)
            for (_, lease), trials in groups.items()
            for start in range(0, len(trials), _LARGEST_BEAT)
        ]

    def beaten(self, beat: Beat, answer: tuning.HeartbeatResponse) -> None:
        """Take in the answer to a heartbeat: trials that are lost are marked so."""
        for trial, status in zip(beat.trials, answer.leases, strict=True):
            if status.state == tuning.LeaseStatus.STATE_LOST:
                trial.mark_lost()
                self.release(trial)
            else:
                self.renewed(trial)

    def missed(self, beat: Beat) -> None:
        """Note that a heartbeat did not get through: the next comes soon."""
        pause = max(0.2, beat.lease / _BEATS_PER_LEASE / _HASTE)
        with self._lock:
            for trial in beat.trials:
                if trial.name in self._due:
                    self._due[trial.name] = self._now() + pause

    def lost(self, beat: Beat) -> None:
        """Mark all trials of a heartbeat as lost, as when their study was deleted."""
        for trial in beat.trials:
            trial.mark_lost()
            self.release(trial)

    def _drop_dead(self) -> None:
        for name in [name for name in self._due if name not in self._held]:
            del self._due[name]
