"""Every error of the core, as one tree.

HyperBOError
├── SpaceError            a search space that cannot be
│   └── ValueOutsideSpaceError   a value the space does not admit
├── TaskError             tuning results that cannot be learned from
├── NumericalError        a computation that left the finite numbers
├── CheckpointError       a training checkpoint that is damaged or another run's
├── PriorError            a prior that cannot be stored or used
│   ├── PriorNameError           a name or reference that is not well formed
│   ├── PriorNotFoundError
│   ├── PriorDamagedError        its content hash or its layout is wrong
│   ├── PriorFormatError         a newer release wrote it
│   └── PriorMismatchError       it belongs to another search space
├── ExhaustedError        no point is left that may be suggested
├── StudyError            an offline study that cannot run
│   └── JobsFailedError          some of its jobs failed; the others' results are stored
└── MissingExtraError     an optional dependency that is not installed
"""


class HyperBOError(Exception):
    """Root of the core's errors; the message names what was got, what was wanted, the remedy."""


class SpaceError(HyperBOError):
    """A search space, parameter or scale is not well defined."""


class ValueOutsideSpaceError(SpaceError):
    """A hyperparameter value is not one that the search space admits."""


class TaskError(HyperBOError):
    """Tuning results cannot be turned into tasks, or learned from."""


class NumericalError(HyperBOError):
    """A computation gave NaN or infinity and had no finite state to return to."""


class CheckpointError(HyperBOError):
    """A training checkpoint is damaged, or belongs to another run."""


class PriorError(HyperBOError):
    """A prior cannot be stored, or a stored prior cannot be used."""


class PriorNameError(PriorError):
    """A prior's name or reference is not well formed."""


class PriorNotFoundError(PriorError):
    """No prior of that name and version is in the registry."""


class PriorDamagedError(PriorError):
    """A stored prior's files do not match its manifest."""


class PriorFormatError(PriorError):
    """A stored prior is in a format that only a newer release reads."""


class PriorMismatchError(PriorError):
    """A prior was trained on another search space than the one it is asked to serve."""


class ExhaustedError(HyperBOError):
    """Every point that may be suggested has been evaluated or is pending."""


class StudyError(HyperBOError):
    """An offline study's description is wrong, or its stored state belongs to another study."""


class JobsFailedError(StudyError):
    """Some jobs of a run failed, and everything else of it is done."""


class MissingExtraError(HyperBOError, ImportError):
    """A part needs an optional dependency; the message names the extra to install."""
