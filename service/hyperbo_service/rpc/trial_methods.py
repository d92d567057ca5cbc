"""Methods that concern trials: each reads its request, runs a use case, and writes its answer."""

from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import Message

from hyperbo_service import listing, stopping, trials
from hyperbo_service.domain import Detail, TrialState
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.resources import StudyName, TrialName
from hyperbo_service.rpc import answers, questions
from hyperbo_service.rpc.calls import Asker, call_of
from hyperbo_service.rpc.parts import first_part, readable
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.suggestions import Suggester
from hyperbo_service.transactions import Transactions
from hyperbo_service.trial_checks import check_measurement, check_text


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()


def _trial_bytes(trial: trials.Trial) -> bytes:
    return answers.trial_to_wire(trial).SerializeToString()


def _report_bytes(count: int, expires: datetime) -> bytes:
    return wire.ReportMeasurementResponse(
        lease_expire_time=answers.moment(expires), measurement_count=count
    ).SerializeToString()


class TrialMethods:
    """Methods that concern trials.

    Args:
        transactions: Where use cases run.
        suggester: Hands out trials.
        lease: How long a trial is leased if the client does not say.
    """

    def __init__(self, transactions: Transactions, suggester: Suggester, lease: timedelta) -> None:
        self._transactions = transactions
        self._suggester = suggester
        self._lease = lease
        self._leases = trials.Leases()

    def SuggestTrials(self, request: wire.SuggestTrialsRequest, asker: Asker) -> bytes:  # noqa: N802
        """Lease trials to a client."""
        ask = questions.ask(request, self._lease)
        call = call_of(asker, "SuggestTrials", request, ask.study.project, str(ask.study))
        return self._suggester.suggest(
            call, ask, lambda suggested: _bytes(answers.suggested_to_wire(suggested))
        )

    def CreateTrial(self, request: wire.CreateTrialRequest, asker: Asker) -> bytes:  # noqa: N802
        """Add a trial by hand."""
        name = StudyName.parse(request.parent, "parent")
        draft = questions.trial_draft(request.trial, "trial", self._transactions.now())
        return self._transactions.change(
            call_of(asker, "CreateTrial", request, name.project, str(name)),
            lambda writer, now: trials.create(writer, name, draft, now),
            _trial_bytes,
        )

    def GetTrial(self, request: wire.GetTrialRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """A trial."""
        name = TrialName.parse(request.name)
        detail = questions.detail(request.view, Detail.FULL)
        _, trial = self._transactions.read(lambda reader: reader.trial(name, detail=detail))
        return _trial_bytes(trial)

    def ListTrials(self, request: wire.ListTrialsRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """A page of a study's trials."""
        name = StudyName.parse(request.parent, "parent")
        conditions = listing.read_filter(request.filter, listing.TRIAL_FIELDS)
        detail = questions.detail(request.view, Detail.BASIC)
        size = listing.page_size(request.page_size)
        listed = ("trials", str(name), request.filter)
        place = listing.read_token(request.page_token, (int,), *listed)
        after = 0 if place is None else int(place[0])

        def find(reader: Any) -> tuple[list[trials.Trial], int]:
            study = reader.study(name)
            bare = reader.trials(study, conditions, after=after, limit=size + 1, detail=Detail.BARE)
            kept = bare[:size] if detail is Detail.BASIC else readable(bare[:size])
            numbers = [trial.name.number for trial in kept]
            return reader.trials_by_number(study, numbers, detail=detail), len(bare)

        found, count = self._transactions.read(find)
        page = first_part(answers.trials_to_wire(found))
        token = ""
        if count > len(page):
            token = listing.write_token([found[len(page) - 1].name.number], *listed)
        return _bytes(wire.ListTrialsResponse(trials=page, next_page_token=token))

    def DeleteTrial(self, request: wire.DeleteTrialRequest, asker: Asker) -> bytes:  # noqa: N802
        """Delete a trial."""
        name = TrialName.parse(request.name)
        return self._transactions.change(
            call_of(asker, "DeleteTrial", request, name.project, str(name)),
            lambda writer, now: trials.delete(writer, name),  # noqa: ARG005
            lambda nothing: b"",  # noqa: ARG005
        )

    def ReportMeasurement(  # noqa: N802
        self, request: wire.ReportMeasurementRequest, asker: Asker
    ) -> bytes:
        """Add a point to a learning curve."""
        name = TrialName.parse(request.name)
        token = request.fencing_token
        measurement = questions.measurement(request.measurement, self._transactions.now())

        call = call_of(asker, "ReportMeasurement", request, name.project, request.name)

        def report(writer: Any, now: datetime) -> bytes:
            made = trials.report(writer, self._leases, name, token, measurement, now)
            return _report_bytes(made.count, made.expires)

        lease = self._leases.get(name, token)
        if lease is None:
            return self._transactions.change(call, report, bytes)
        check_measurement(lease.metric, measurement, "measurement")
        return self._transactions.extend(call, lease, measurement, _report_bytes, report)

    def CompleteTrial(self, request: wire.CompleteTrialRequest, asker: Asker) -> bytes:  # noqa: N802
        """Give a trial its final values."""
        name = TrialName.parse(request.name)
        values = questions.metric_values(request.values)
        cost = request.cost if request.HasField("cost") else None
        return self._transactions.change(
            call_of(asker, "CompleteTrial", request, name.project, request.name),
            lambda writer, now: trials.complete(
                writer, name, request.fencing_token, values, cost, now
            ),
            _trial_bytes,
        )

    def FailTrial(self, request: wire.FailTrialRequest, asker: Asker) -> bytes:  # noqa: N802
        """End a trial that broke."""
        return self._end("FailTrial", request, asker, TrialState.FAILED)

    def MarkTrialInfeasible(  # noqa: N802
        self, request: wire.MarkTrialInfeasibleRequest, asker: Asker
    ) -> bytes:
        """End a trial whose configuration cannot be evaluated."""
        return self._end("MarkTrialInfeasible", request, asker, TrialState.INFEASIBLE)

    def AbandonTrial(self, request: wire.AbandonTrialRequest, asker: Asker) -> bytes:  # noqa: N802
        """Give a trial up."""
        return self._end("AbandonTrial", request, asker, TrialState.ABANDONED)

    def Heartbeat(self, request: wire.HeartbeatRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """Renew leases."""
        name = StudyName.parse(request.parent, "parent")
        leases = {
            (
                questions.number_within(name, lease.name, f"leases[{place}].name"),
                lease.fencing_token,
            )
            for place, lease in enumerate(questions.few(request.leases, "leases"))
        }
        length = questions.lease(request, timedelta(0)) or None
        ends = self._transactions.renew(
            lambda writer, now: writer.renew_leases(
                writer.study(name), leases, now=now, length=length
            )
        )
        held = {(str(name.trial(number)), token): end for (number, token), end in ends.items()}
        return _bytes(answers.leases_to_wire(request.leases, held))

    def CheckEarlyStopping(  # noqa: N802
        self,
        request: wire.CheckEarlyStoppingRequest,
        asker: Asker,  # noqa: ARG002
    ) -> bytes:
        """Whether a trial should be stopped."""
        name = TrialName.parse(request.name)
        advice = self._transactions.read(lambda reader: stopping.advise(reader, name))
        return _bytes(
            wire.CheckEarlyStoppingResponse(should_stop=advice.should_stop, reason=advice.reason)
        )

    def ListBestTrials(self, request: wire.ListBestTrialsRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """The best completed trials, as many as one message holds."""
        name = StudyName.parse(request.parent, "parent")
        size = questions.count(request.page_size, 1, "page_size")
        detail = questions.detail(request.view, Detail.BASIC)

        def find(reader: Any) -> list[trials.Trial]:
            study = reader.study(name)
            best: list[trials.Trial] = reader.best_trials(study, size, detail=Detail.BASIC)
            if detail is Detail.BASIC:
                return best
            order = [trial.name.number for trial in readable(best)]
            full = {
                trial.name.number: trial
                for trial in reader.trials_by_number(study, order, detail=Detail.FULL)
            }
            return [full[number] for number in order]

        found = answers.trials_to_wire(self._transactions.read(find))
        return _bytes(wire.ListBestTrialsResponse(trials=first_part(found)))

    def ImportTrials(self, request: wire.ImportTrialsRequest, asker: Asker) -> bytes:  # noqa: N802
        """Add finished trials from elsewhere."""
        name = StudyName.parse(request.parent, "parent")
        if not request.trials:
            raise InvalidArgumentError("No trial was given; wanted 1 to 1000.", field="trials")
        now = self._transactions.now()
        drafts = [
            questions.trial_draft(trial, f"trials[{place}]", now)
            for place, trial in enumerate(questions.few(request.trials, "trials"))
        ]
        return self._transactions.change(
            call_of(asker, "ImportTrials", request, name.project, str(name)),
            lambda writer, now: trials.import_all(writer, name, drafts, now),
            lambda made: _bytes(
                wire.ImportTrialsResponse(names=[str(trial.name) for trial in made])
            ),
        )

    def _end(
        self,
        method: str,
        request: wire.FailTrialRequest | wire.MarkTrialInfeasibleRequest | wire.AbandonTrialRequest,
        asker: Asker,
        state: TrialState,
    ) -> bytes:
        name = TrialName.parse(request.name)
        reason = check_text(request.reason, "reason")
        return self._transactions.change(
            call_of(asker, method, request, name.project, request.name),
            lambda writer, now: trials.end(writer, name, request.fencing_token, state, reason, now),
            _trial_bytes,
        )
