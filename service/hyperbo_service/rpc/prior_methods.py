"""The prior registry's methods."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hyperbo_service import listing, priors
from hyperbo_service.domain import Call
from hyperbo_service.errors import InvalidArgumentError, TooLargeError
from hyperbo_service.resources import PriorName, ProjectName, check_request_id
from hyperbo_service.rpc import answers
from hyperbo_service.rpc.calls import Asker, call_of, fingerprint
from hyperbo_service.rpc.v1 import prior_service_pb2 as wire
from hyperbo_service.transactions import Transactions

_LARGEST = 272 * 2**20
_CHUNK = 2**20


class PriorMethods:
    """Methods that concern pre-trained priors."""

    def __init__(self, transactions: Transactions, adopt: Callable[[str], None]) -> None:
        self._transactions = transactions
        self._adopt = adopt

    def UploadPrior(  # noqa: N802
        self, requests: Iterable[wire.UploadPriorRequest], asker: Asker
    ) -> bytes:
        """Store a prior, once its hashes and its model were checked."""
        header, manifest, weights = _received(requests)
        project = ProjectName.parse(header.parent, "header.parent").project
        call = Call(
            project=project,
            request_id=check_request_id(header.request_id),
            principal=asker.principal,
            method="UploadPrior",
            resource=f"projects/{project}/priors/{header.prior_id}"[:255],
            fingerprint=fingerprint("UploadPrior", header.prior_id.encode(), manifest, weights),
        )
        known = self._transactions.read(lambda reader: reader.recall(call))
        if known is not None:
            return known
        checked = priors.check(header.prior_id, manifest, weights)
        return self._transactions.change(
            call,
            lambda writer, now: priors.add(writer, project, checked, now),
            lambda prior: answers.prior_to_wire(prior).SerializeToString(),
        )

    def DownloadPrior(  # noqa: N802
        self,
        request: wire.DownloadPriorRequest,
        asker: Asker,  # noqa: ARG002
    ) -> Iterator[bytes]:
        """The bytes of a prior's manifest and weights."""
        name = PriorName.parse(request.name)

        def find(reader: Any) -> tuple[bytes, bytes]:
            prior = reader.prior(name.project, name.prior, name.version)
            files: tuple[bytes, bytes] = reader.prior_files(
                name.project, prior.prior, prior.version
            )
            return files

        manifest, weights = self._transactions.read(find)
        for chunk in _chunks(manifest):
            yield wire.DownloadPriorResponse(manifest_chunk=chunk).SerializeToString()
        for chunk in _chunks(weights):
            yield wire.DownloadPriorResponse(weights_chunk=chunk).SerializeToString()

    def GetPrior(self, request: wire.GetPriorRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """A prior with its manifest."""
        name = PriorName.parse(request.name)
        self._adopt(name.project)
        prior = self._transactions.read(
            lambda reader: reader.prior(name.project, name.prior, name.version)
        )
        return answers.prior_to_wire(prior).SerializeToString()

    def ListPriors(self, request: wire.ListPriorsRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """A page of a project's priors."""
        project = ProjectName.parse(request.parent).project
        conditions = listing.read_filter(request.filter, listing.PRIOR_FIELDS)
        size = listing.page_size(request.page_size)
        listed = ("priors", project, request.filter)
        place = listing.read_token(request.page_token, (str, int), *listed)
        after = None if place is None else (str(place[0]), int(place[1]))
        self._adopt(project)
        found = self._transactions.read(
            lambda reader: reader.priors(project, conditions, after, size + 1)
        )
        page, token = found[:size], ""
        if len(found) > size:
            token = listing.write_token([page[-1].prior, page[-1].version], *listed)
        messages = [answers.prior_to_wire(prior) for prior in page]
        return wire.ListPriorsResponse(priors=messages, next_page_token=token).SerializeToString()

    def VerifyPrior(self, request: wire.VerifyPriorRequest, asker: Asker) -> bytes:  # noqa: N802, ARG002
        """Whether a prior is as it was uploaded and can be computed with."""
        name = PriorName.parse(request.name)
        problem = self._transactions.read(lambda reader: priors.verify(reader, name))
        return wire.VerifyPriorResponse(is_sound=not problem, problem=problem).SerializeToString()

    def RetirePrior(self, request: wire.RetirePriorRequest, asker: Asker) -> bytes:  # noqa: N802
        """Let no new study use a prior."""
        name = PriorName.parse(request.name)
        return self._transactions.change(
            call_of(asker, "RetirePrior", request, name.project, request.name),
            lambda writer, now: priors.retire(writer, name),  # noqa: ARG005
            lambda prior: answers.prior_to_wire(prior).SerializeToString(),
        )


def _received(
    requests: Iterable[wire.UploadPriorRequest],
) -> tuple[wire.UploadPriorRequest.Header, bytes, bytes]:
    """The parts of an upload."""
    header: wire.UploadPriorRequest.Header | None = None
    manifest, weights = bytearray(), bytearray()
    for request in requests:
        part = request.WhichOneof("part")
        if part == "header" and header is None:
            header = request.header
        elif part == "manifest_chunk" and header is not None and not weights:
            manifest += request.manifest_chunk
        elif part == "weights_chunk" and header is not None:
            weights += request.weights_chunk
        else:
            raise InvalidArgumentError(
                "An upload is one header, then chunks of the manifest, then chunks of the "
                f"weights; {part or 'an empty message'} came out of place.",
                field=part or "part",
            )
        if len(manifest) + len(weights) > _LARGEST:
            raise TooLargeError(f"The prior takes more than {_LARGEST} bytes; use fewer units.")
    if header is None:
        raise InvalidArgumentError("The upload is empty; send the header first.", field="header")
    return header, bytes(manifest), bytes(weights)


def _chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]
