"""Methods that concern studies: each reads its request, runs a use case, and writes its answer."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from hyperbo_service import listing, studies
from hyperbo_service.domain import Study
from hyperbo_service.insights import Insights
from hyperbo_service.resources import ProjectName, StudyName
from hyperbo_service.rpc import answers, questions
from hyperbo_service.rpc.calls import Asker, call_of
from hyperbo_service.rpc.parts import first_part
from hyperbo_service.rpc.v1 import study_pb2 as study_wire
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from hyperbo_service.study_checks import AUTO, NONE
from hyperbo_service.suggestions import random_seed
from hyperbo_service.transactions import Transactions


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()


class StudyMethods:
    """Methods that concern studies."""

    def __init__(self, transactions: Transactions, adopt: Callable[[str], None]) -> None:
        self._transactions = transactions
        self._adopt = adopt

    def CreateStudy(self, request: wire.CreateStudyRequest, asker: Asker) -> bytes:  # noqa: N802
        """Create a study, or open the one there is."""
        project = ProjectName.parse(request.parent).project
        draft = questions.study_draft(project, request.study_id, request.study)
        call = call_of(asker, "CreateStudy", request, project, str(draft.name))
        if draft.prior not in ("", AUTO, NONE):
            self._adopt(project)
        seed = random_seed()
        return self._transactions.change(
            call,
            lambda writer, now: studies.create(
                writer, draft, seed=seed, allow_existing=request.allow_existing, now=now
            ),
            lambda study: _bytes(answers.study_to_wire(study)),
        )

    def GetStudy(self, request: wire.GetStudyRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """A study, with the numbers of its trials."""
        name = StudyName.parse(request.name)

        def find(reader: Any) -> study_wire.Study:
            study = reader.study(name)
            return answers.study_to_wire(study, reader.trial_counts(study))

        return _bytes(self._transactions.read(find))

    def ListStudies(self, request: wire.ListStudiesRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """A page of a project's studies."""
        project = ProjectName.parse(request.parent).project
        conditions = listing.read_filter(request.filter, listing.STUDY_FIELDS)
        size = listing.page_size(request.page_size)
        listed = ("studies", project, request.filter)
        place = listing.read_token(request.page_token, (str, int), *listed)
        after = None if place is None else (listing.read_time(place[0]), int(place[1]))

        def find(reader: Any) -> list[study_wire.Study]:
            found.extend(reader.studies(project, conditions, after, size + 1))
            return [
                answers.study_to_wire(study, reader.trial_counts(study)) for study in found[:size]
            ]

        found: list[Study] = []
        page = first_part(self._transactions.read(find))
        token = ""
        if len(found) > len(page):
            last = found[len(page) - 1]
            token = listing.write_token([last.created.isoformat(), last.key], *listed)
        return _bytes(wire.ListStudiesResponse(studies=page, next_page_token=token))

    def UpdateStudy(self, request: wire.UpdateStudyRequest, asker: Asker) -> bytes:  # noqa: N802
        """Change a study."""
        name = StudyName.parse(request.study.name, "study.name")
        changes = questions.study_changes(request.study, request.update_mask.paths)
        return self._transactions.change(
            call_of(asker, "UpdateStudy", request, name.project, str(name)),
            lambda writer, now: studies.change(writer, name, changes, now),
            lambda study: _bytes(answers.study_to_wire(study)),
        )

    def DeleteStudy(self, request: wire.DeleteStudyRequest, asker: Asker) -> bytes:  # noqa: N802
        """Delete a study."""
        name = StudyName.parse(request.name)
        return self._transactions.change(
            call_of(asker, "DeleteStudy", request, name.project, str(name)),
            lambda writer, now: studies.delete(writer, name, force=request.force),  # noqa: ARG005
            lambda nothing: b"",  # noqa: ARG005
        )


class InsightMethods:
    """Methods that ask the study's posterior."""

    def __init__(self, insights: Insights) -> None:
        self._insights = insights

    def Predict(self, request: wire.PredictRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """What the posterior foretells."""
        found = self._insights.predict(StudyName.parse(request.name), questions.points(request))
        return _bytes(
            wire.PredictResponse(
                predictions=[
                    wire.Prediction(median=each.median, lower=each.lower, upper=each.upper)
                    for each in found
                ]
            )
        )

    def GetPriorReport(self, request: wire.GetPriorReportRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """Whether the prior helped."""
        report = self._insights.prior_report(StudyName.parse(request.name))
        return _bytes(answers.report_to_wire(report))
