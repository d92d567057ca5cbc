"""Calls on the registry of priors, as values."""

from __future__ import annotations

from collections.abc import Iterator

from hyperbo_service.client.calls import SLOW, Call, Upload, new_request_id
from hyperbo_service.rpc.v1 import prior_service_pb2 as wire

CHUNK = 1024 * 1024
PAGE = 1000


def upload_prior(parent: str, prior: str, manifest: bytes, weights: bytes) -> Upload[wire.Prior]:
    """Store a prior."""
    header = wire.UploadPriorRequest.Header(
        parent=parent, prior_id=prior, request_id=new_request_id()
    )
    parts = [wire.UploadPriorRequest(header=header)]
    parts += [wire.UploadPriorRequest(manifest_chunk=chunk) for chunk in _chunks(manifest)]
    parts += [wire.UploadPriorRequest(weights_chunk=chunk) for chunk in _chunks(weights)]
    return Upload("UploadPrior", parts, wire.Prior)


def download_prior(name: str) -> Call[wire.DownloadPriorResponse]:
    """Read the files of a prior."""
    request = wire.DownloadPriorRequest(name=name)
    return Call("DownloadPrior", request, wire.DownloadPriorResponse, SLOW)


def get_prior(name: str) -> Call[wire.Prior]:
    """Read a prior's manifest."""
    return Call("GetPrior", wire.GetPriorRequest(name=name), wire.Prior)


def list_priors(parent: str, where: str, token: str) -> Call[wire.ListPriorsResponse]:
    """Read a page of priors."""
    request = wire.ListPriorsRequest(parent=parent, page_size=PAGE, page_token=token, filter=where)
    return Call("ListPriors", request, wire.ListPriorsResponse)


def verify_prior(name: str) -> Call[wire.VerifyPriorResponse]:
    """Check a prior."""
    request = wire.VerifyPriorRequest(name=name)
    return Call("VerifyPrior", request, wire.VerifyPriorResponse, SLOW)


def retire_prior(name: str) -> Call[wire.Prior]:
    """Let no new study use a prior."""
    request = wire.RetirePriorRequest(name=name, request_id=new_request_id())
    return Call("RetirePrior", request, wire.Prior)


def _chunks(content: bytes) -> Iterator[bytes]:
    return (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))
