"""Every error of the datasets, as one tree.

HyperBOError
└── DatasetError          anything about tuning tables
    ├── TableError        a table whose content cannot be used
    ├── SourceError       a file that is not in the layout its loader reads
    ├── CollectError      training runs that cannot be collected
    │   └── CorpusError          a corpus is missing or damaged
    └── StoreError        a stored table that cannot be written or trusted
        ├── TableNotFoundError   no table of that name
        └── TableDamagedError    its content hash or its layout is wrong
"""

from hyperbo.errors import HyperBOError


class DatasetError(HyperBOError):
    """Root of the datasets' errors; the message names what was got, wanted, and the remedy."""


class TableError(DatasetError):
    """A tuning table's rows contradict its space, its metric or each other."""


class SourceError(DatasetError):
    """A file of tuning results is missing or not in the layout its loader reads."""


class CollectError(DatasetError):
    """Training runs cannot be collected as asked."""


class CorpusError(CollectError):
    """A corpus is not installed, or its files are damaged; the message says how to get it."""


class StoreError(DatasetError):
    """A table cannot be written to, or read from, the store."""


class TableNotFoundError(StoreError):
    """No table of that name is bundled or stored."""


class TableDamagedError(StoreError):
    """A stored table's files do not match its manifest."""
