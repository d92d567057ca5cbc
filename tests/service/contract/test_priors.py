"""The prior registry: priors are stored once, checked, listed, given out and retired."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from hyperbo.prior_files import PriorFiles
from hyperbo_service.errors import (
    InvalidArgumentError,
    NotFoundError,
    PriorUnusableError,
    RequestReusedError,
    ServiceError,
    TooLargeError,
)
from hyperbo_service.rpc import prior_methods
from hyperbo_service.rpc.v1 import prior_service_pb2 as wire
from hyperbo_service.storage.models import PRIORS
from tests.service.contract.conftest import Open
from tests.service.contract.prior_files import prior_files
from tests.service.contract.services import Service, new_id

CHUNK = 1000


def _parts(
    service: Service, name: str, files: PriorFiles, request_id: str
) -> list[wire.UploadPriorRequest]:
    header = wire.UploadPriorRequest.Header(
        parent=service.parent, prior_id=name, request_id=request_id
    )
    parts = [wire.UploadPriorRequest(header=header)]
    for field, content in (("manifest_chunk", files.manifest), ("weights_chunk", files.weights)):
        for start in range(0, len(content), CHUNK):
            chunk = {field: content[start : start + CHUNK]}
            parts.append(wire.UploadPriorRequest(**chunk))
    return parts


def _send(service: Service, parts: Iterable[wire.UploadPriorRequest]) -> wire.Prior:
    stored: wire.Prior = service.transport.upload("UploadPrior", parts, timeout=60.0)
    return stored


def _upload(service: Service, name: str = "toy", files: PriorFiles | None = None) -> wire.Prior:
    return _send(service, _parts(service, name, files or prior_files(), new_id()))


def _download(service: Service, name: str) -> PriorFiles:
    parts = list(service.stream(wire.DownloadPriorRequest(name=name)))
    return PriorFiles(
        b"".join(part.manifest_chunk for part in parts),
        b"".join(part.weights_chunk for part in parts),
    )


def _names(service: Service, where: str = "") -> list[str]:
    found = service.send(wire.ListPriorsRequest(parent=service.parent, filter=where)).priors
    return [prior.name.rpartition("/")[2] for prior in found]


def _damage(service: Service, **columns: Any) -> None:
    """Change the bytes of the project's priors behind the service's back."""
    with service.backend.store._write_engine.begin() as connection:
        is_mine = PRIORS.c.project == service.project
        connection.execute(update(PRIORS).where(is_mine).values(columns))


def test_a_prior_comes_back_as_it_was_uploaded(service: Service) -> None:
    """Under its new name and first version; all but name and version is the same to the byte."""
    files = prior_files()

    stored = _upload(service, "toy")

    back = _download(service, stored.name)
    assert stored.name == f"{service.parent}/priors/toy@1"
    assert stored.state == wire.Prior.STATE_ACTIVE
    assert back.weights == files.weights
    assert back.identity() == files.identity() == stored.content_digest
    assert str(back.open().reference) == "toy@1"
    assert stored.size_bytes == len(back.manifest) + len(back.weights)
    assert service.send(wire.GetPriorRequest(name=stored.name)) == stored
    assert stored.manifest == back.manifest.decode()


def test_the_same_content_is_stored_once(service: Service) -> None:
    """Under the same name it is the same prior; under another it is one of its own."""
    first, second = _upload(service), _upload(service)
    other = _upload(service, "other")

    assert first == second
    assert other.content_digest == first.content_digest
    assert _names(service) == ["other@1", "toy@1"]


def test_versions_count_up(service: Service) -> None:
    """New content under a name is its next version, and the latest is the newest."""
    for noise in (0.1, 0.2, 0.3):
        _upload(service, files=prior_files(noise))

    latest = service.send(wire.GetPriorRequest(name=f"{service.parent}/priors/toy@latest"))

    assert _names(service) == ["toy@1", "toy@2", "toy@3"]
    assert latest.name.endswith("toy@3")
    assert service.send(wire.GetPriorRequest(name=f"{service.parent}/priors/toy")) == latest


def test_uploads_at_the_same_time_get_versions_of_their_own(service: Service) -> None:
    """Six different priors under one name are six versions, without a gap."""
    files = [prior_files(0.1 * place) for place in range(1, 7)]

    with ThreadPoolExecutor(6) as pool:
        stored = list(pool.map(lambda each: _upload(service, files=each), files))

    assert sorted(prior.name.rpartition("@")[2] for prior in stored) == list("123456")
    assert {prior.content_digest for prior in stored} == {each.identity() for each in files}


def test_a_repeated_upload_gets_the_first_answer(service: Service) -> None:
    """Also where it is cut into other chunks; other content under its id is refused."""
    spent = new_id()
    first = _send(service, _parts(service, "toy", prior_files(), spent))
    header, *_ = _parts(service, "toy", prior_files(), spent)
    whole = [
        header,
        wire.UploadPriorRequest(manifest_chunk=prior_files().manifest),
        wire.UploadPriorRequest(weights_chunk=prior_files().weights),
    ]

    assert _send(service, whole) == first
    for parts in (
        _parts(service, "toy", prior_files(0.2), spent),
        _parts(service, "other", prior_files(), spent),
    ):
        with pytest.raises(RequestReusedError):
            _send(service, parts)
    assert _names(service) == ["toy@1"]


def test_an_upload_is_remembered_after_a_restart(reopened: Open) -> None:
    """Though its content is stored once anyway, the answer is the first one."""
    spent = new_id()
    with reopened() as service:
        first = _send(service, _parts(service, "toy", prior_files(), spent))
        project = service.project
        service.send(wire.RetirePriorRequest(name=first.name))

    with reopened() as opened:
        service = Service(opened.transport, opened.backend, opened.clock, project)
        assert _send(service, _parts(service, "toy", prior_files(), spent)) == first
        assert _names(service) == ["toy@1"]


DAMAGED = {
    "no weights": PriorFiles(prior_files().manifest, b""),
    "no manifest": PriorFiles(b"", prior_files().weights),
    "other weights": PriorFiles(prior_files().manifest, b"x" * 1000),
    "one bit of the weights": PriorFiles(
        prior_files().manifest, bytes([prior_files().weights[0] ^ 1]) + prior_files().weights[1:]
    ),
    "cut weights": PriorFiles(prior_files().manifest, prior_files().weights[:-1]),
    "no JSON": PriorFiles(b"\xff\xfe not JSON", prior_files().weights),
    "an empty object": PriorFiles(b"{}", prior_files().weights),
    "a changed manifest": PriorFiles(
        prior_files().manifest.replace(b"maximise", b"minimise"), prior_files().weights
    ),
    "deep JSON": PriorFiles(b"[" * 100_000, b""),
}


@pytest.mark.parametrize("files", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_prior_is_not_stored(service: Service, files: PriorFiles) -> None:
    """Hashes are checked before anything is kept."""
    with pytest.raises(InvalidArgumentError) as refused:
        _upload(service, files=files)
    assert refused.value.field == "manifest_chunk"
    assert _names(service) == []


@pytest.mark.parametrize("name", ["", "Toy", "a b", "../a", "toy@1", "a" * 65, "-a", "ä", "a\0"])
def test_a_priors_name_is_well_formed(service: Service, name: str) -> None:
    """Anything else is refused by its field."""
    with pytest.raises(InvalidArgumentError) as refused:
        _upload(service, name)
    assert refused.value.field == "header.prior_id"


def _orders(parts: list[wire.UploadPriorRequest]) -> dict[str, list[wire.UploadPriorRequest]]:
    header, *chunks = parts
    return {
        "nothing": [],
        "no header": chunks,
        "header last": [*chunks, header],
        "header twice": [header, header, *chunks],
        "weights first": [header, *chunks[::-1]],
        "an empty part": [header, wire.UploadPriorRequest(), *chunks],
    }


@pytest.mark.parametrize("order", list(_orders([wire.UploadPriorRequest()])))
def test_an_upload_has_an_order(service: Service, order: str) -> None:
    """The header, the manifest, the weights; anything else is refused."""
    parts = _orders(_parts(service, "toy", prior_files(), new_id()))[order]

    with pytest.raises(InvalidArgumentError):
        _send(service, parts)
    assert _names(service) == []


def test_an_upload_has_a_limit(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused as soon as it is passed."""
    monkeypatch.setattr(prior_methods, "_LARGEST", 3 * CHUNK)
    sent: list[int] = []

    def endless() -> Iterable[wire.UploadPriorRequest]:
        yield _parts(service, "toy", prior_files(), new_id())[0]
        while len(sent) < 10_000:
            sent.append(1)
            yield wire.UploadPriorRequest(manifest_chunk=b"x" * CHUNK)

    with pytest.raises(TooLargeError):
        _send(service, endless())
    assert _names(service) == []


def test_a_retired_prior_is_used_by_no_new_study(service: Service) -> None:
    """Those that use it go on, and it can still be read."""
    stored = _upload(service)
    study = service.create(prior="toy@1")

    retired = service.send(wire.RetirePriorRequest(name=stored.name))

    assert retired.state == wire.Prior.STATE_RETIRED
    assert service.send(wire.GetPriorRequest(name=stored.name)) == retired
    assert _names(service, "state = RETIRED") == ["toy@1"]
    assert _names(service, "state = ACTIVE") == _names(service, "state != RETIRED") == []
    with pytest.raises(ServiceError, match="retired") as refused:
        service.create("another", prior="toy@1")
    assert (refused.value.code, refused.value.field) == ("FAILED_PRECONDITION", "study.prior")
    assert study.get().prior == "toy@1"


def test_retiring_twice_is_harmless(service: Service) -> None:
    """It stays retired."""
    stored = _upload(service)
    first = service.send(wire.RetirePriorRequest(name=stored.name))

    assert service.send(wire.RetirePriorRequest(name=stored.name)) == first


def test_priors_are_listed_by_pages_without_manifests(service: Service) -> None:
    """By name and version."""
    for name in ("b", "a"):
        for noise in (0.1, 0.2):
            _upload(service, name, prior_files(noise))
    request = wire.ListPriorsRequest(parent=service.parent, page_size=3)
    first = service.send(request)
    request.page_token = first.next_page_token
    second = service.send(request)

    assert [prior.name.rpartition("/")[2] for prior in first.priors] == ["a@1", "a@2", "b@1"]
    assert [prior.name.rpartition("/")[2] for prior in second.priors] == ["b@2"]
    assert not second.next_page_token
    assert not any(prior.manifest for prior in first.priors)
    assert _names(service, "prior_id = b") == ["b@1", "b@2"]
    assert _names(service, "prior_id : a") == ["a@1", "a@2"]
    assert _names(service, f"space_digest = {first.priors[0].space_digest}") == [
        "a@1",
        "a@2",
        "b@1",
        "b@2",
    ]


def test_a_prior_that_is_not_there_is_not_found(service: Service) -> None:
    """By every call on one, and by a study that names it."""
    _upload(service)
    name = f"{service.parent}/priors/toy@2"
    for request in (
        wire.GetPriorRequest(name=name),
        wire.VerifyPriorRequest(name=name),
        wire.RetirePriorRequest(name=name),
    ):
        with pytest.raises(NotFoundError):
            service.send(request)
    with pytest.raises(NotFoundError):
        _download(service, name)
    with pytest.raises(NotFoundError):
        service.create(prior="toy@2")


@pytest.mark.parametrize("name", ["toy@1", "priors/toy@1", "projects/p/priors/", "x/y/z"])
def test_a_priors_full_name_is_well_formed(service: Service, name: str) -> None:
    """Anything else is refused by its field."""
    with pytest.raises(InvalidArgumentError) as refused:
        service.send(wire.GetPriorRequest(name=name))
    assert refused.value.field == "name"


def test_a_sound_prior_is_verified(service: Service) -> None:
    """Its hashes are right, and it can be computed with."""
    answer = service.send(wire.VerifyPriorRequest(name=_upload(service).name))

    assert (answer.is_sound, answer.problem) == (True, "")


@pytest.mark.parametrize(
    "columns",
    [
        {"weights": b"not what was uploaded"},
        {"weights": b""},
        {"manifest": "{}"},
        {"manifest": "not JSON"},
        {"digest": "0" * 64},
    ],
)
def test_damage_in_the_database_is_found(service: Service, columns: dict[str, Any]) -> None:
    """Verification says that it is not sound, and why."""
    stored = _upload(service)
    _damage(service, **columns)

    answer = service.send(wire.VerifyPriorRequest(name=stored.name))

    assert not answer.is_sound
    assert answer.problem


def test_a_prior_under_anothers_name_is_found(service: Service) -> None:
    """Its manifest says which one it is."""
    _upload(service)
    _damage(service, prior="other")

    answer = service.send(wire.VerifyPriorRequest(name=f"{service.parent}/priors/other@1"))

    assert "toy@1" in answer.problem


def test_a_damaged_prior_is_not_computed_with(service: Service) -> None:
    """The study that names it is told so, and nothing is given out."""
    _upload(service, files=prior_files(0.7))
    study = service.create(prior="toy@1")
    _damage(service, weights=b"damaged")

    with pytest.raises(PriorUnusableError) as refused:
        study.ask()
    assert refused.value.code == "DATA_LOSS"
    assert study.rows()[1] == []


def test_the_client_carries_priors(service: Service) -> None:
    """Through the public client: upload, list, read, verify, download and retire."""
    files = prior_files()
    with service.client() as client:
        stored = client.upload_prior("toy", files.manifest, files.weights)
        client.verify_prior("toy")
        assert stored.reference == "toy@1"
        assert [prior.reference for prior in client.priors()] == ["toy@1"]
        assert client.download_prior("toy@1").weights == files.weights
        assert client.retire_prior("toy@1").state == "retired"
        _damage(service, weights=b"damaged")
        with pytest.raises(PriorUnusableError):
            client.verify_prior("toy@1")
