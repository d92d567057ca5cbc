"""Calls on studies, as values: what is sent is decided here, for threads and asyncio alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from hyperbo_service.client.calls import SLOW, Call, new_request_id
from hyperbo_service.rpc.spaces import values_to_wire
from hyperbo_service.rpc.v1 import study_pb2, trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning

PAGE = 1000


def create_study(
    parent: str, study_id: str, study: study_pb2.Study, *, allow_existing: bool
) -> Call[study_pb2.Study]:
    """Create a study, or open the one that is there."""
    request = tuning.CreateStudyRequest(
        parent=parent,
        study_id=study_id,
        study=study,
        request_id=new_request_id(),
        allow_existing=allow_existing,
    )
    return Call("CreateStudy", request, study_pb2.Study)


def get_study(name: str) -> Call[study_pb2.Study]:
    """Read a study."""
    return Call("GetStudy", tuning.GetStudyRequest(name=name), study_pb2.Study)


def list_studies(parent: str, where: str, token: str) -> Call[tuning.ListStudiesResponse]:
    """Read a page of studies."""
    request = tuning.ListStudiesRequest(
        parent=parent, page_size=PAGE, page_token=token, filter=where
    )
    return Call("ListStudies", request, tuning.ListStudiesResponse)


def update_study(study: study_pb2.Study, paths: Sequence[str]) -> Call[study_pb2.Study]:
    """Change fields of a study."""
    request = tuning.UpdateStudyRequest(
        study=study, update_mask=FieldMask(paths=paths), request_id=new_request_id()
    )
    return Call("UpdateStudy", request, study_pb2.Study)


def delete_study(name: str, *, force: bool) -> Call[Empty]:
    """Delete a study."""
    request = tuning.DeleteStudyRequest(name=name, request_id=new_request_id(), force=force)
    return Call("DeleteStudy", request, Empty)


def suggest(
    study: str, count: int, client_id: str, held: Sequence[str], lease: float
) -> Call[tuning.SuggestTrialsResponse]:
    """Lease trials."""
    request = tuning.SuggestTrialsRequest(
        parent=study,
        count=count,
        client_id=client_id,
        request_id=new_request_id(),
        held_trials=held,
        lease_duration=duration(lease),
    )
    return Call("SuggestTrials", request, tuning.SuggestTrialsResponse, SLOW)


def create_trial(study: str, trial: trial_pb2.Trial) -> Call[trial_pb2.Trial]:
    """Add a trial by hand."""
    request = tuning.CreateTrialRequest(parent=study, trial=trial, request_id=new_request_id())
    return Call("CreateTrial", request, trial_pb2.Trial)


def get_trial(name: str) -> Call[trial_pb2.Trial]:
    """Read a trial with its measurements."""
    request = tuning.GetTrialRequest(name=name, view=trial_pb2.TRIAL_VIEW_FULL)
    return Call("GetTrial", request, trial_pb2.Trial)


def list_trials(
    study: str, where: str, token: str, *, measurements: bool
) -> Call[tuning.ListTrialsResponse]:
    """Read a page of trials."""
    view = trial_pb2.TRIAL_VIEW_FULL if measurements else trial_pb2.TRIAL_VIEW_BASIC
    request = tuning.ListTrialsRequest(
        parent=study, page_size=PAGE, page_token=token, filter=where, view=view
    )
    return Call("ListTrials", request, tuning.ListTrialsResponse)


def delete_trial(name: str) -> Call[Empty]:
    """Delete a trial."""
    request = tuning.DeleteTrialRequest(name=name, request_id=new_request_id())
    return Call("DeleteTrial", request, Empty)


def report(
    trial: str, token: int, measurement: trial_pb2.Measurement
) -> Call[tuning.ReportMeasurementResponse]:
    """Add a point to a trial's learning curve."""
    request = tuning.ReportMeasurementRequest(
        name=trial, fencing_token=token, measurement=measurement, request_id=new_request_id()
    )
    return Call("ReportMeasurement", request, tuning.ReportMeasurementResponse)


def complete(
    trial: str, token: int, values: Sequence[trial_pb2.MetricValue], cost: float | None
) -> Call[trial_pb2.Trial]:
    """Give a trial its final values."""
    request = tuning.CompleteTrialRequest(
        name=trial, fencing_token=token, values=values, cost=cost, request_id=new_request_id()
    )
    return Call("CompleteTrial", request, trial_pb2.Trial)


def fail(trial: str, token: int, reason: str) -> Call[trial_pb2.Trial]:
    """Say that a trial broke."""
    request = tuning.FailTrialRequest(
        name=trial, fencing_token=token, reason=reason, request_id=new_request_id()
    )
    return Call("FailTrial", request, trial_pb2.Trial)


def mark_infeasible(trial: str, token: int, reason: str) -> Call[trial_pb2.Trial]:
    """Say that a trial's configuration cannot be evaluated."""
    request = tuning.MarkTrialInfeasibleRequest(
        name=trial, fencing_token=token, reason=reason, request_id=new_request_id()
    )
    return Call("MarkTrialInfeasible", request, trial_pb2.Trial)


def abandon(trial: str, token: int, reason: str) -> Call[trial_pb2.Trial]:
    """Give a trial up."""
    request = tuning.AbandonTrialRequest(
        name=trial, fencing_token=token, reason=reason, request_id=new_request_id()
    )
    return Call("AbandonTrial", request, trial_pb2.Trial)


def heartbeat(
    study: str, leases: Sequence[tuple[str, int]], lease: float
) -> Call[tuning.HeartbeatResponse]:
    """Renew leases of a study's trials, each by its name and token."""
    request = tuning.HeartbeatRequest(
        parent=study,
        leases=[tuning.Lease(name=name, fencing_token=token) for name, token in leases],
        lease_duration=duration(lease),
    )
    return Call("Heartbeat", request, tuning.HeartbeatResponse, min(max(lease / 3.0, 1.0), 30.0))


def check_early_stopping(trial: str) -> Call[tuning.CheckEarlyStoppingResponse]:
    """Ask whether to go on with a trial."""
    request = tuning.CheckEarlyStoppingRequest(name=trial)
    return Call("CheckEarlyStopping", request, tuning.CheckEarlyStoppingResponse)


def best_trials(study: str, count: int) -> Call[tuning.ListBestTrialsResponse]:
    """Read the best trials, without their measurements, which might not fit into one message."""
    request = tuning.ListBestTrialsRequest(
        parent=study, page_size=count, view=trial_pb2.TRIAL_VIEW_BASIC
    )
    return Call("ListBestTrials", request, tuning.ListBestTrialsResponse)


def predict(study: str, points: Sequence[Mapping[str, object]]) -> Call[tuning.PredictResponse]:
    """Ask what the posterior foretells at points."""
    request = tuning.PredictRequest(
        name=study,
        points=[tuning.Configuration(parameters=values_to_wire(each)) for each in points],
    )
    return Call("Predict", request, tuning.PredictResponse, SLOW)


def prior_report(study: str) -> Call[tuning.PriorReport]:
    """Ask whether the prior helped."""
    request = tuning.GetPriorReportRequest(name=study)
    return Call("GetPriorReport", request, tuning.PriorReport, SLOW)


def export_study(study: str) -> Call[tuning.ExportStudyResponse]:
    """Read a study with all its trials."""
    request = tuning.ExportStudyRequest(name=study)
    return Call("ExportStudy", request, tuning.ExportStudyResponse, SLOW)


def watch_study(study: str, since: datetime | None) -> Call[tuning.WatchStudyResponse]:
    """Follow a study's changes."""
    request = tuning.WatchStudyRequest(name=study)
    if since is not None:
        stamp = Timestamp()
        stamp.FromDatetime(since)
        request.since.CopyFrom(stamp)
    return Call("WatchStudy", request, tuning.WatchStudyResponse, None)


def duration(seconds: float) -> Duration:
    """Seconds as a message."""
    whole = int(seconds // 1)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))
