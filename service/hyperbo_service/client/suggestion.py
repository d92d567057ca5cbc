"""What an answer without trials means: wait, or be done."""

from __future__ import annotations

from hyperbo_service.errors import PreconditionError, ServiceError, StudyClosedError
from hyperbo_service.rpc.v1 import study_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning

_PAUSE = 2.0
"""Seconds until the next question where the server does not say."""


def closed(study: study_pb2.Study) -> tuning.SuggestTrialsResponse:
    """An answer without trials, from a study that refused to give any."""
    return tuning.SuggestTrialsResponse(study_state=study.state, stop_reason=study.stop_reason)


def pause_of(answer: tuning.SuggestTrialsResponse) -> float | None:
    """Seconds after which to ask again; None if the study is done."""
    if answer.study_state == study_pb2.Study.STATE_COMPLETED:
        return None
    if answer.HasField("retry_after"):
        return max(0.05, answer.retry_after.ToTimedelta().total_seconds())
    return _PAUSE


def none_left(study: str, answer: tuning.SuggestTrialsResponse) -> ServiceError:
    """The error of asking for one trial where there is none."""
    pause = pause_of(answer)
    if pause is None:
        reason = study_pb2.Study.StopReason.Name(answer.stop_reason)
        return StudyClosedError(
            f"{study} is completed ({reason.removeprefix('STOP_REASON_').lower()}) and gives no "
            "more trials.",
            resource=study,
        )
    if answer.study_state == study_pb2.Study.STATE_PAUSED:
        return StudyClosedError(
            f"{study} is paused; resume it by study.resume().", resource=study, retry_after=pause
        )
    return PreconditionError(
        f"{study} has no trial to give just now, as those left of its budget are running. Ask "
        f"again in {pause:.0f} s, or let study.trials() wait.",
        resource=study,
        retry_after=pause,
    )
