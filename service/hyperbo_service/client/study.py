"""A study as a client sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, overload

from hyperbo_service.client import requests
from hyperbo_service.client.answers import (
    Prediction,
    PriorReport,
    StudyChange,
    StudyExport,
    StudyRecord,
    TrialRecord,
    read_change,
    read_export,
    read_prediction,
    read_prior_report,
    read_study,
    read_trial,
)
from hyperbo_service.client.imports import import_calls
from hyperbo_service.client.optional import load
from hyperbo_service.client.outcomes import Values, completed_trial, waiting_trial
from hyperbo_service.client.retry import Attempts
from hyperbo_service.client.session import Session
from hyperbo_service.client.settings import (
    UNCHANGED,
    Changes,
    EarlyStopping,
    StudyState,
    Unchanged,
)
from hyperbo_service.client.suggestion import closed, none_left, pause_of
from hyperbo_service.client.trial import Trial
from hyperbo_service.errors import ServiceError, StudyClosedError, UnavailableError
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning

LEASE = 60.0
"""Seconds that a lease lasts by default; it is renewed three times as often."""


class Study:
    """A study, opened by `Client.study`.

    Attributes:
        name: Resource name.
        metric: What is tuned.
        goal: `maximize` or `minimize`.

    Example:
        >>> from hyperbo_service.client import Client, Float, MockTransport
        >>> client = Client(transport=MockTransport([{"lr": 0.1}, {"lr": 0.2}]))
        >>> space = {"lr": Float(1e-5, 1.0, scale="log")}
        >>> study = client.study("digits", space=space, metric="loss", goal="minimize")
        >>> for trial in study.trials():
        ...     with trial:
        ...         trial.report(trial.parameters["lr"] * 2)
        >>> study.best().parameters
        {'lr': 0.1}
    """

    def __init__(self, session: Session, study: study_pb2.Study) -> None:
        record = read_study(study)
        self.name = record.name
        self.metric = record.metric
        self.goal = record.goal
        self._session = session
        self._metrics = [each.name for each in study.metrics]

    @property
    def id(self) -> str:
        """Last part of the name."""
        return self.name.rpartition("/")[2]

    def info(self) -> StudyRecord:
        """The study as it is now: its state, settings and numbers of trials."""
        return read_study(self._session.connection.call(requests.get_study(self.name)))

    def trials(self, n: int | None = None, *, lease: float = LEASE) -> Iterator[Trial]:
        """Trials to run, one after the other, until the study is done.

        Where there is none just now but others are still running, it waits: theirs may come back.
        It waits likewise while the study is paused.

        Args:
            n: Trials to give out at most in this loop; None: until the study is done.
            lease: Seconds after which a trial is handed to another if nothing is heard of this
                process; 1 s to 30 days.
        """
        given = 0
        while n is None or given < n:
            trials, answer = self._lease(1, lease)
            pause = pause_of(answer)
            while trials:
                given += 1
                # Without a name here, so that a trial the loop drops is not held any longer.
                yield trials.pop()
                pause = 0.0
            if pause is None:
                return
            if pause:
                clock = self._session.connection.clock
                clock.sleep(pause * (1.0 + 0.25 * clock.chance()))

    @overload
    def ask(self, *, lease: float = LEASE) -> Trial: ...
    @overload
    def ask(self, count: int, *, lease: float = LEASE) -> list[Trial]: ...
    def ask(self, count: int | None = None, *, lease: float = LEASE) -> Trial | list[Trial]:
        """Lease a trial, or up to `count` of them; does not wait where there are none.

        A trial that the program drops is not held any longer, and comes back with the next one.

        Raises:
            StudyClosedError: If one was asked for and the study is done or paused.
            PreconditionError: If one was asked for and all that are left are running.
        """
        if count is not None and count < 1:
            return []
        trials, answer = self._lease(count or 1, lease)
        if count is not None:
            return trials
        if not trials:
            raise none_left(self.name, answer)
        return trials[0]

    def tell(
        self,
        trial: Trial | Mapping[str, Any],
        value: Values,
        *,
        stderr: Values | None = None,
        cost: float | None = None,
    ) -> TrialRecord:
        """Complete a trial; parameters make a new, completed one.

        Raises:
            InvalidArgumentError: If a value is NaN or infinite, or the metric is unknown.
            OutsideSpaceError: If the parameters are not of the study's space.
            LeaseLostError: If the trial was handed to another meanwhile.
        """
        if isinstance(trial, Trial):
            return trial.complete(value, stderr=stderr, cost=cost)
        new = completed_trial(trial, value, self._metrics, stderr, cost)
        return read_trial(self._session.connection.call(requests.create_trial(self.name, new)))

    def enqueue(self, parameters: Mapping[str, Any]) -> TrialRecord:
        """Add a trial that is handed out before any suggestion.

        Raises:
            OutsideSpaceError: If the parameters are not of the study's space.
        """
        new = waiting_trial(parameters)
        return read_trial(self._session.connection.call(requests.create_trial(self.name, new)))

    @overload
    def best(self) -> TrialRecord | None: ...
    @overload
    def best(self, n: int) -> list[TrialRecord]: ...
    def best(self, n: int | None = None) -> TrialRecord | list[TrialRecord] | None:
        """The best completed trial, None if there is none; or the best `n`, best first."""
        if n is not None and n < 1:
            return []
        answer = self._session.connection.call(requests.best_trials(self.name, n or 1))
        trials = [read_trial(each) for each in answer.trials]
        return trials if n is not None else next(iter(trials), None)

    def trial(self, number: int) -> TrialRecord:
        """A trial by its number, with its measurements.

        Raises:
            NotFoundError: If there is none.
        """
        call = requests.get_trial(f"{self.name}/trials/{number}")
        return read_trial(self._session.connection.call(call))

    def history(self, filter: str = "", *, measurements: bool = False) -> Iterator[TrialRecord]:  # noqa: A002 - the wire's name
        """All trials by number, read page by page as they are asked for.

        Args:
            filter: Comparisons joined by AND, e.g. `state = COMPLETED`; fields are state,
                client_id, origin, create_time and update_time.
            measurements: Whether to read the learning curves too.
        """
        token = ""
        while True:
            call = requests.list_trials(self.name, filter, token, measurements=measurements)
            page = self._session.connection.call(call)
            yield from map(read_trial, page.trials)
            token = page.next_page_token
            if not token:
                return

    def delete_trial(self, number: int) -> None:
        """Delete a trial and its measurements.

        Raises:
            NotFoundError: If there is none.
        """
        self._session.connection.call(requests.delete_trial(f"{self.name}/trials/{number}"))

    def predict(self, points: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """What the study's posterior foretells of the noise-free metric at points."""
        answer = self._session.connection.call(requests.predict(self.name, points))
        return [read_prediction(each) for each in answer.predictions]

    def prior_report(self) -> PriorReport:
        """Whether the prior helped: its evidence against starting from nothing."""
        return read_prior_report(self._session.connection.call(requests.prior_report(self.name)))

    def export(self) -> StudyExport:
        """The study and all its trials with their measurements."""
        return read_export(self._session.connection.gather(requests.export_study(self.name)))

    def import_trials(
        self, trials: Iterable[TrialRecord | Mapping[str, Any]], *, batch: str = ""
    ) -> list[str]:
        """Add finished trials from elsewhere, and return their names.

        An import that broke off may be begun anew with the same trials: none is added twice. To
        add equal trials once more, give the batch another name.

        Args:
            trials: Records, or mappings with `parameters` and `value` or `values`, and any of
                `stderr`, `cost`, `state`, `reason` and `measurements`.
            batch: A name for this import.
        """
        calls = import_calls(self.name, trials, self._metrics, batch)
        return [name for call in calls for name in self._session.connection.call(call).names]

    def watch(self, since: datetime | None = None) -> Iterator[StudyChange]:
        """The study and its trials, then all changes as they happen, without end.

        A stream that breaks is taken up again where it was, for as long as patience lasts; a change
        may then come twice.

        Args:
            since: Leave out trials that did not change since then; a change's `watermark`.

        Raises:
            NotFoundError: If there is no such study, or it is deleted.
        """
        connection = self._session.connection
        attempts = Attempts(connection.patience, connection.clock)
        while True:
            # A server that stops ends its streams; another, or the same again, goes on.
            ended: ServiceError = UnavailableError(f"The watch over {self.name} ended.")
            try:
                for part in connection.stream(requests.watch_study(self.name, since)):
                    change = read_change(part)
                    since = change.watermark or since
                    attempts = Attempts(connection.patience, connection.clock)
                    yield change
            except ServiceError as error:
                ended = error
            connection.clock.sleep(attempts.pause(ended))

    def update(
        self,
        *,
        display_name: str | Unchanged = UNCHANGED,
        labels: Mapping[str, str] | Unchanged = UNCHANGED,
        state: StudyState | Unchanged = UNCHANGED,
        max_trials: int | Unchanged | None = UNCHANGED,
        max_duration: float | timedelta | Unchanged | None = UNCHANGED,
        target: float | Unchanged | None = UNCHANGED,
        early_stopping: EarlyStopping | Unchanged = UNCHANGED,
    ) -> StudyRecord:
        """Change the study; what is not given stays, and None takes a limit or rule away.

        A completed study whose budget is raised must also be made active: `resume()`.

        Raises:
            IllegalMoveError: If the study cannot go from its state to the one asked for.
        """
        changes = Changes(
            display_name=display_name,
            labels=labels,
            state=state,
            max_trials=max_trials,
            max_duration=max_duration,
            target=target,
            early_stopping=early_stopping,
        )
        connection, old = self._session.connection, study_pb2.Study()
        if changes.needs_old:
            old = connection.call(requests.get_study(self.name))
        return read_study(connection.call(requests.update_study(*changes.applied(self.name, old))))

    def pause(self) -> StudyRecord:
        """Give no suggestions until it is resumed; running trials may go on."""
        return self.update(state="paused")

    def resume(self) -> StudyRecord:
        """Give suggestions again, also where the study was completed."""
        return self.update(state="active")

    def finish(self) -> StudyRecord:
        """Complete the study; running trials may still report."""
        return self.update(state="completed")

    def delete(self, *, force: bool = False) -> None:
        """Delete the study; `force` is needed where it has trials, which are deleted too."""
        self._session.connection.call(requests.delete_study(self.name, force=force))

    def to_pandas(self, *, measurements: bool = False) -> Any:
        """The study as a pandas DataFrame: a row for each trial, or for each measurement.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        frames = load("hyperbo_service.client.frames", "to_pandas()", "pip install pandas")
        return frames.frame_of(self.history(measurements=measurements), measurements=measurements)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.goal} {self.metric}>"

    def _lease(self, count: int, lease: float) -> tuple[list[Trial], tuning.SuggestTrialsResponse]:
        """Ask for trials and hold what comes."""
        session = self._session
        with session.asking(self.name):
            client_id, held = session.identity.client_id, session.book.names(self.name)
            call = requests.suggest(self.name, count, client_id, held, lease)
            try:
                answer = session.connection.call(call)
            except StudyClosedError:
                answer = closed(session.connection.call(requests.get_study(self.name)))
            trials = [
                Trial(session, self._with_past(each), self._metrics, lease)
                for each in answer.trials
            ]
            session.book.take(trials)
        session.heartbeat.wake()
        return trials, answer

    def _with_past(self, trial: trial_pb2.Trial) -> trial_pb2.Trial:
        """A trial with what was measured under earlier leases."""
        if trial.measurement_count == len(trial.measurements):
            return trial
        full = self._session.connection.call(requests.get_trial(trial.name))
        trial.measurements.extend(full.measurements)
        return trial
