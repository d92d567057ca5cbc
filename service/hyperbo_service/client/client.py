"""The client for programs with threads."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from hyperbo_service.client import prior_requests, requests
from hyperbo_service.client.answers import (
    PriorFiles,
    PriorRecord,
    StudyRecord,
    read_prior,
    read_prior_files,
    read_study,
)
from hyperbo_service.client.connection import Connection
from hyperbo_service.client.endpoint import Bytes, Endpoint
from hyperbo_service.client.grpc_transport import GrpcTransport
from hyperbo_service.client.identity import Identity
from hyperbo_service.client.retry import PATIENCE, SYSTEM_CLOCK, Clock
from hyperbo_service.client.session import Session
from hyperbo_service.client.settings import (
    EarlyStopping,
    Goal,
    check_opening,
    new_budget,
    new_study,
)
from hyperbo_service.client.spaces import Space
from hyperbo_service.client.study import Study
from hyperbo_service.client.transport import Transport
from hyperbo_service.errors import PriorUnusableError


class Client:
    """A client of the tuning service; making one sends nothing.

    It may be used by several threads at once, and in child processes after a fork. A call that
    meets a server which is down or restarting is repeated until patience is over; what it changes,
    it changes once.

    Example:
        >>> from hyperbo_service.client import Float, MockTransport
        >>> client = Client(transport=MockTransport())
        >>> space = {"lr": Float(1e-5, 1.0, scale="log")}
        >>> study = client.study("digits", space=space, metric="accuracy", goal="maximize")
        >>> [study.id for study in client.studies()]
        ['digits']
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        project: str = "default",
        token: str | None = None,
        tls: bool | None = None,
        root_certificates: Bytes | None = None,
        private_key: Bytes | None = None,
        certificate_chain: Bytes | None = None,
        insecure: bool = False,
        client_id: str | None = None,
        patience: float = PATIENCE,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Say where the server is and who asks.

        Args:
            target: `host:port`, `grpcs://host:port`, `unix:path`, or of several replicas
                `ipv4:10.0.0.1:8080,10.0.0.2:8080`; None: the environment's `HYPERBO_SERVER`, else
                `localhost:8080`.
            project: Whose studies and priors these are.
            token: Bearer token; None: the environment's `HYPERBO_TOKEN`, if set.
            tls: Whether to use TLS; None: if the target is `grpcs://` or certificates are given.
            root_certificates: PEM, or a path to it, of who signed the server's certificate.
            private_key: PEM of this client's key, or a path to it, for mutual TLS.
            certificate_chain: PEM of this client's certificate, or a path to it.
            insecure: Whether a token may go over the network in clear.
            client_id: A lasting name of this worker, under which it gets its trials back after a
                restart; no two clients may use one at once. None: a new one.
            patience: Seconds for which a call that fails for a passing reason is repeated.
            transport: Takes the place of gRPC, e.g. a `MockTransport`.
            clock: Time and sleep, for tests.

        Raises:
            InvalidArgumentError: If an argument is malformed, or a token would be readable on the
                network.
        """
        self.project = project
        if transport is None:
            transport = GrpcTransport(
                Endpoint(
                    target,
                    token=token,
                    tls=tls,
                    root_certificates=root_certificates,
                    private_key=private_key,
                    certificate_chain=certificate_chain,
                    insecure=insecure,
                )
            )
        self._connection = Connection(transport, patience, clock)
        self._session = Session(self._connection, Identity(client_id))

    @classmethod
    def local(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        project: str = "default",
        client_id: str | None = None,
    ) -> Self:
        """A client without a server, on a database file in this process.

        Args:
            path: The file; None: the one that `hyperbo serve` uses.
            project: Whose studies and priors these are.
            client_id: As for a client of a server.

        Raises:
            MissingExtraError: If the extra `server` is not installed.
        """
        # Loaded only now: entry points take longer to import than all of the client.
        opener = importlib.import_module("hyperbo_service.client.local").open_local
        transport = opener(None if path is None else os.fspath(path))
        return cls(project=project, client_id=client_id, transport=transport)

    @property
    def client_id(self) -> str:
        """Who asks for trials."""
        return self._session.identity.client_id

    @property
    def transport(self) -> Transport:
        """What carries the calls."""
        return self._connection.transport

    def study(
        self,
        study_id: str,
        *,
        space: Space | None = None,
        metric: str | None = None,
        goal: Goal | None = None,
        prior: str = "auto",
        max_trials: int | None = None,
        max_duration: float | timedelta | None = None,
        target: float | None = None,
        early_stopping: EarlyStopping = "median",
        seed: int | None = None,
        labels: Mapping[str, str] | None = None,
        display_name: str = "",
        allow_existing: bool = True,
    ) -> Study:
        """Open a study; with a space, create it where there is none.

        A study that exists with the same space and metric is opened as it is: its other settings
        stay, until `Study.update` changes them.

        Args:
            study_id: A letter or digit, then up to 62 letters, digits, dots, underscores, hyphens.
            space: Search space in any form of `hyperbo_service.client.spaces`.
            metric: Name of what is tuned.
            goal: Which way is better: `maximize` or `minimize`.
            prior: `auto`, `none`, or a stored prior's `name@version`.
            max_trials: Trials to be given out; None: no limit.
            max_duration: Seconds, or a timedelta, since the study's creation.
            target: A value of the metric that is good enough.
            early_stopping: By which rule `trial.should_stop()` advises; None: never.
            seed: Feeds all randomness; None: the server draws one.
            labels: For filters.
            display_name: For people.
            allow_existing: Whether to open a study that exists.

        Raises:
            NotFoundError: If there is no such study and no space was given.
            StudyDiffersError: If it exists with another space or metric.
        """
        name = f"{self._parent}/studies/{study_id}"
        if space is None:
            given = (metric, goal, max_trials, max_duration, target, seed, labels)
            check_opening(given, prior, display_name)
            return Study(self._session, self._connection.call(requests.get_study(name)))
        study = new_study(
            space,
            metric,
            goal,
            prior,
            new_budget(max_trials, max_duration, target),
            early_stopping,
            seed,
            labels or {},
            display_name,
        )
        call = requests.create_study(self._parent, study_id, study, allow_existing=allow_existing)
        return Study(self._session, self._connection.call(call))

    def studies(self, filter: str = "") -> Iterator[StudyRecord]:  # noqa: A002 - the wire's name
        """All studies of the project by creation time, read page by page as they are asked for.

        Args:
            filter: Comparisons joined by AND, e.g. `state = ACTIVE AND labels.team = "vision"`.
        """
        token = ""
        while True:
            page = self._connection.call(requests.list_studies(self._parent, filter, token))
            yield from map(read_study, page.studies)
            token = page.next_page_token
            if not token:
                return

    def upload_prior(self, name: str, manifest: bytes, weights: bytes) -> PriorRecord:
        """Store a prior under a name; the same content again is the same version.

        Args:
            name: Without a version: lower-case letters, digits, dots, underscores, hyphens.
            manifest: Bytes of its JSON manifest.
            weights: Bytes of its safetensors file.

        Raises:
            PriorUnusableError: If the files do not belong together.
        """
        upload = prior_requests.upload_prior(self._parent, name, manifest, weights)
        return read_prior(self._connection.upload(upload))

    def download_prior(self, reference: str) -> PriorFiles:
        """The files of a stored prior.

        Raises:
            NotFoundError: If there is none.
        """
        call = prior_requests.download_prior(self._prior_name(reference))
        return read_prior_files(self._connection.gather(call))

    def priors(self, filter: str = "") -> Iterator[PriorRecord]:  # noqa: A002 - the wire's name
        """All stored priors of the project by name and version, without their manifests."""
        token = ""
        while True:
            call = prior_requests.list_priors(self._parent, filter, token)
            page = self._connection.call(call)
            yield from map(read_prior, page.priors)
            token = page.next_page_token
            if not token:
                return

    def prior(self, reference: str) -> PriorRecord:
        """A stored prior with its manifest; a name without version stands for the newest.

        Raises:
            NotFoundError: If there is none.
        """
        return read_prior(
            self._connection.call(prior_requests.get_prior(self._prior_name(reference)))
        )

    def verify_prior(self, reference: str) -> None:
        """Check a stored prior's hashes, and that it can be computed with.

        Raises:
            PriorUnusableError: If it is damaged; the message says how.
        """
        name = self._prior_name(reference)
        answer = self._connection.call(prior_requests.verify_prior(name))
        if not answer.is_sound:
            raise PriorUnusableError(f"{name} is not sound: {answer.problem}", resource=name)

    def retire_prior(self, reference: str) -> PriorRecord:
        """Let no new study use a prior; studies that do go on."""
        call = prior_requests.retire_prior(self._prior_name(reference))
        return read_prior(self._connection.call(call))

    def close(self) -> None:
        """Stop renewing leases and close the connection; trials still held run out."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._parent}>"

    @property
    def _parent(self) -> str:
        return f"projects/{self.project}"

    def _prior_name(self, reference: str) -> str:
        return f"{self._parent}/priors/{reference if '@' in reference else f'{reference}@latest'}"
