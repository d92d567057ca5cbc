"""A trial that a shell script runs: each command is a process of its own, so nothing is held."""

from typing import Any, TypeVar

from google.protobuf.message import Message

from hyperbo_service.client import Client, TrialRecord
from hyperbo_service.client.answers import read_study, read_trial
from hyperbo_service.client.calls import Call
from hyperbo_service.client.connection import Connection
from hyperbo_service.client.outcomes import measurement, metric_values, storable
from hyperbo_service.client.requests import (
    abandon,
    check_early_stopping,
    complete,
    fail,
    get_study,
    get_trial,
    mark_infeasible,
    report,
)
from hyperbo_service.errors import CommandError
from hyperbo_service.resources import TrialName

Answer = TypeVar("Answer", bound=Message)


class ScriptTrial:
    """A trial by its name and the fencing token under which it was handed out.

    Args:
        client: A client of the service.
        name: The trial.
        token: Its fencing token; None where none was given, which some commands do without.
        patience: Seconds for which a call that fails for a passing reason is repeated.
    """

    def __init__(self, client: Client, name: TrialName, token: int | None, patience: float) -> None:
        self._connection = Connection(client.transport, patience)
        self._name = name
        self._token = token

    def read(self) -> TrialRecord:
        """The trial as it is, with its measurements."""
        return read_trial(self._call(get_trial(str(self._name))))

    def report(
        self, value: float, step: int, *, stderr: float | None, elapsed: float | None
    ) -> int:
        """Add a point to the learning curve; gives how many there are."""
        point = measurement(self._values(value, stderr), step, elapsed, None)
        return self._call(report(str(self._name), self._held(), point)).measurement_count

    def stop_reason(self) -> str | None:
        """Why the study's rule advises to stop; None if it does not."""
        answer = self._call(check_early_stopping(str(self._name)))
        return (answer.reason or "the rule says so") if answer.should_stop else None

    def complete(
        self, value: float | None, *, stderr: float | None, cost: float | None
    ) -> TrialRecord:
        """Finish the trial with its result; None stands for the last report."""
        values = [] if value is None else self._values(value, stderr)
        return read_trial(self._call(complete(str(self._name), self._held(), values, cost)))

    def fail(self, reason: str) -> TrialRecord:
        """Finish the trial as broken."""
        return read_trial(self._call(fail(str(self._name), self._held(), storable(reason))))

    def infeasible(self, reason: str) -> TrialRecord:
        """Finish the trial as one whose configuration cannot be evaluated."""
        call = mark_infeasible(str(self._name), self._token or 0, storable(reason))
        return read_trial(self._call(call))

    def abandon(self, reason: str) -> TrialRecord:
        """Give the trial up."""
        call = abandon(str(self._name), self._token or 0, storable(reason))
        return read_trial(self._call(call))

    def _values(self, value: float, stderr: float | None) -> Any:
        study = read_study(self._call(get_study(str(self._name.parent))))
        return metric_values(value, [study.metric], stderr)

    def _held(self) -> int:
        if self._token is None:
            raise CommandError(
                f"Who reports on {self._name} must say under which fencing token it was handed "
                "out: --fencing-token NUMBER, or $HYPERBO_FENCING_TOKEN, which `hyperbo trial ask "
                "--format env` sets."
            )
        return self._token

    def _call(self, call: Call[Answer]) -> Answer:
        return self._connection.call(call)


def trial_name(text: str, project: str) -> TrialName:
    """The trial that a text names: all of its resource name, or `STUDY/NUMBER`.

    Raises:
        CommandError: If it names none.

    Example:
        >>> str(trial_name("digits/3", "default"))
        'projects/default/studies/digits/trials/3'
    """
    parts = text.split("/")
    match parts:
        case [study, number] | [study, "trials", number]:
            parts = ["projects", project, "studies", study, "trials", number]
    if len(parts) != 6:
        raise CommandError(
            f"{text!r} names no trial; wanted STUDY/NUMBER, such as digits/3, or what `hyperbo "
            "trial ask` said."
        )
    return TrialName.parse("/".join(parts))
