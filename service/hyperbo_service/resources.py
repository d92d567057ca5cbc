"""Resource names: `projects/{project}/studies/{study}/trials/{number}`, and those of priors."""

import re
from dataclasses import dataclass
from typing import Self

from hyperbo_service.errors import InvalidArgumentError

DEFAULT_PROJECT = "default"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PRIOR = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_REQUEST = re.compile(r"[A-Za-z0-9._-]{8,64}")
_RULE = "a letter or digit, then up to 62 letters, digits, dots, underscores or hyphens"


@dataclass(frozen=True, slots=True)
class ProjectName:
    """`projects/{project}`."""

    project: str

    def __str__(self) -> str:
        return f"projects/{self.project}"

    @classmethod
    def parse(cls, text: str, field: str = "parent") -> Self:
        """Read a project's name.

        Raises:
            InvalidArgumentError: If it is not well formed.
        """
        match text.split("/"):
            case ["projects", project] if _ID.fullmatch(project):
                return cls(project)
        raise _malformed(text, "projects/{project}", field)


@dataclass(frozen=True, slots=True)
class StudyName:
    """`projects/{project}/studies/{study}`."""

    project: str
    study: str

    def __str__(self) -> str:
        return f"projects/{self.project}/studies/{self.study}"

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a study's name.

        Raises:
            InvalidArgumentError: If it is not well formed.
        """
        match text.split("/"):
            case ["projects", project, "studies", study] if is_id(project) and is_id(study):
                return cls(project, study)
        raise _malformed(text, "projects/{project}/studies/{study}", field)

    def trial(self, number: int) -> "TrialName":
        """The name of one of its trials."""
        return TrialName(self.project, self.study, number)


@dataclass(frozen=True, slots=True)
class TrialName:
    """`projects/{project}/studies/{study}/trials/{number}`."""

    project: str
    study: str
    number: int

    def __str__(self) -> str:
        return f"projects/{self.project}/studies/{self.study}/trials/{self.number}"

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a trial's name.

        Raises:
            InvalidArgumentError: If it is not well formed.
        """
        match text.split("/"):
            case ["projects", project, "studies", study, "trials", number] if (
                is_id(project) and is_id(study) and _NUMBER.fullmatch(number)
            ):
                return cls(project, study, int(number))
        raise _malformed(text, "projects/{project}/studies/{study}/trials/{number}", field)

    @property
    def parent(self) -> StudyName:
        """The study's name."""
        return StudyName(self.project, self.study)


@dataclass(frozen=True, slots=True)
class PriorName:
    """`projects/{project}/priors/{prior}@{version}`; version None stands for the newest."""

    project: str
    prior: str
    version: int | None

    def __str__(self) -> str:
        return f"projects/{self.project}/priors/{self.reference}"

    @property
    def reference(self) -> str:
        """`{prior}@{version}`."""
        return f"{self.prior}@{'latest' if self.version is None else self.version}"

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a prior's name.

        Raises:
            InvalidArgumentError: If it is not well formed.
        """
        match text.split("/"):
            case ["projects", project, "priors", reference] if is_id(project):
                return cls.within(project, reference, field)
        raise _malformed(text, "projects/{project}/priors/{name}@{version}", field)

    @classmethod
    def within(cls, project: str, reference: str, field: str = "prior") -> Self:
        """Read `name`, `name@latest` or `name@3` of a project.

        Raises:
            InvalidArgumentError: If it is not well formed.
        """
        prior, _, version = reference.partition("@")
        if not _PRIOR.fullmatch(prior):
            raise _malformed(reference, "name@version", field)
        if version in ("", "latest"):
            return cls(project, prior, None)
        if not _VERSION.fullmatch(version):
            raise _malformed(reference, "name@version", field)
        return cls(project, prior, int(version))


def is_id(text: str) -> bool:
    """Whether a text may be the last part of a project's or study's name."""
    return _ID.fullmatch(text) is not None


def check_study_id(text: str, field: str = "study_id") -> str:
    """A study's id, if it is well formed.

    Raises:
        InvalidArgumentError: If it is not.
    """
    if not is_id(text):
        raise InvalidArgumentError(f"The study id is {_shown(text)}; wanted {_RULE}.", field=field)
    return text


def check_request_id(text: str) -> str:
    """A request id, if it is well formed.

    Raises:
        InvalidArgumentError: If it is not.
    """
    if not _REQUEST.fullmatch(text):
        raise InvalidArgumentError(
            f"The request id is {_shown(text)}; every call that changes something needs one of 8 "
            "to 64 letters, digits, dots, underscores or hyphens, such as a UUID.",
            field="request_id",
        )
    return text


def _malformed(text: str, pattern: str, field: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{field} is {_shown(text)}; wanted {pattern}, each part {_RULE}.", field=field
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
