"""What a database refuses by itself: rows that are not there, and request ids of other calls."""

from hyperbo_service.domain import Call
from hyperbo_service.errors import NotFoundError, RequestReusedError
from hyperbo_service.resources import StudyName


def first_answer(call: Call, fingerprint: bytes, answer: bytes) -> bytes:
    """The journal's answer, if it belongs to the same call.

    Raises:
        RequestReusedError: If it belongs to another.
    """
    if bytes(fingerprint) != call.fingerprint:
        raise RequestReusedError(
            f"The request id {call.request_id!r} belongs to another call. Make a new one, such as "
            "a UUID, for every call that is not a repeat.",
            field="request_id",
        )
    return bytes(answer)


def missing_study(name: StudyName) -> NotFoundError:
    """That there is no such study."""
    return NotFoundError(
        f"There is no study {name}. Create it, or list the project's studies.",
        field="name",
        resource=str(name),
    )


def missing_prior(project: str, prior: str, version: int | None) -> NotFoundError:
    """That there is no such prior."""
    shown = f"{prior}@{'latest' if version is None else version}"
    return NotFoundError(
        f"There is no prior {shown} in project {project!r}. List the priors, or upload it.",
        field="name",
        resource=f"projects/{project}/priors/{shown}",
    )
