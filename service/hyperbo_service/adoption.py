"""Adoption: priors in the user's own folder become priors of the default project."""

import threading
from pathlib import Path

from hyperbo.errors import PriorError
from hyperbo.registry import Registry
from hyperbo_service import priors
from hyperbo_service.domain import Call
from hyperbo_service.errors import ServiceError
from hyperbo_service.resources import DEFAULT_PROJECT
from hyperbo_service.rpc.calls import fingerprint
from hyperbo_service.transactions import Transactions


class Adopter:
    """Brings priors of a folder into the database, each once; damaged ones are passed over.

    Args:
        registry: The folder.
        transactions: Where use cases run.
    """

    def __init__(self, registry: Registry, transactions: Transactions) -> None:
        self._registry = registry
        self._transactions = transactions
        self._lock = threading.Lock()
        self._seen: object = None

    def adopt(self, project: str) -> None:
        """Bring in what is new in the folder, if the project is the default one."""
        if project != DEFAULT_PROJECT:
            return
        with self._lock:
            state = _state(self._registry.root)
            if state == self._seen:
                return
            for entry in self._registry.list():
                if entry.problem is None:
                    self._add(entry.reference.name, str(entry.reference))
            self._seen = state

    def _add(self, name: str, reference: str) -> None:
        try:
            files = self._registry.read_files(reference)
            call = Call(
                project=DEFAULT_PROJECT,
                request_id=f"adopt-{files.identity()[:48]}",
                principal="folder",
                method="UploadPrior",
                resource=f"projects/{DEFAULT_PROJECT}/priors/{name}",
                fingerprint=fingerprint("adopt", files.identity().encode()),
            )
            if self._transactions.read(lambda reader: reader.recall(call)) is not None:
                return
            checked = priors.check(name, files.manifest, files.weights)
        except (PriorError, ServiceError):
            return
        self._transactions.change(
            call,
            lambda writer, now: priors.add(writer, DEFAULT_PROJECT, checked, now),
            lambda prior: prior.reference.encode(),
        )


def _state(root: Path) -> object:
    """What changes whenever a prior is added below a folder."""
    try:
        folders = [root, *(path for path in root.iterdir() if path.is_dir())]
        return sorted((str(path), path.stat().st_mtime_ns) for path in folders)
    except OSError:
        return None
