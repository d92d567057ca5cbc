"""Every error of the service package, as one tree.

HyperBOError
└── ServiceError          anything about the command line or the service
    ├── CommandError      a command was asked for what it cannot do
    │   └── UnknownNameError    a name that stands for nothing
    └── TrialsFileError   a file of trials that cannot be read or used
"""

from hyperbo.errors import HyperBOError


class ServiceError(HyperBOError):
    """Root of the service's errors; the message names what was got, wanted, and the remedy."""


class CommandError(ServiceError):
    """A command's arguments contradict each other, or what they speak of."""


class UnknownNameError(CommandError):
    """A name that stands for nothing; the message says which names there are."""


class TrialsFileError(ServiceError):
    """A file of trials that is missing, not in its layout, or holds values that cannot be used."""
