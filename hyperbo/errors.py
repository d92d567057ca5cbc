"""Every error of the core, as one tree.

HyperBOError
├── SpaceError            a search space that cannot be
│   └── ValueOutsideSpaceError   a value the space does not admit
├── TaskError             tuning results that cannot be learned from
├── NumericalError        a computation that left the finite numbers
├── PriorError            a stored prior that cannot be used
│   ├── PriorNotFoundError
│   ├── PriorDamagedError        its content hash or its layout is wrong
│   └── PriorMismatchError       it belongs to another search space
├── StudyError            an offline study that cannot run
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


class PriorError(HyperBOError):
    """A stored prior cannot be used."""


class PriorNotFoundError(PriorError):
    """No prior of that name and version is in the registry."""


class PriorDamagedError(PriorError):
    """A stored prior's files do not match its manifest."""


class PriorMismatchError(PriorError):
    """A prior was trained on another search space than the one it is asked to serve."""


class StudyError(HyperBOError):
    """An offline study's description is wrong, or its stored state belongs to another study."""


class MissingExtraError(HyperBOError):
    """A part needs an optional dependency; the message names the extra to install."""
