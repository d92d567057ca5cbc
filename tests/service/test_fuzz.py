"""Requests at random against every method, on SQLite and PostgreSQL: refused in order, or done.

Each is sent to both databases, which must answer alike. Nothing ends in a fault or hangs, what is
refused leaves no trace, and afterwards the check of the database finds nothing.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperbo_service.rpc.methods import METHODS
from hyperbo_service.rpc.v1 import prior_service_pb2 as prior_wire
from tests.service.contract.prior_files import prior_files
from tests.service.contract.services import (
    Studied,
)
from tests.service.databases import PostgresServer
from tests.service.fuzz_targets import POOLS, PROJECT, SOUND, STUDY, Both, two_databases
from tests.service.fuzzing import fill, mutate


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Both]:
    """The two databases."""
    with two_databases(tmp_path_factory.mktemp("fuzz"), postgres_server) as made:
        yield made


FUZZ = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _with_id(request: Any, data: st.DataObject) -> bytes:
    """The bytes of a request, which gets a fresh request id as a rule."""
    fields = request.DESCRIPTOR.fields_by_name
    if "request_id" in fields and data.draw(st.integers(0, 7)):
        request.request_id = uuid4().hex
    content: bytes = request.SerializeToString()
    return content


@pytest.mark.parametrize("method", SOUND)
def test_a_sound_request_is_sound(both: Both, method: str) -> None:
    """So what is mutated below begins beyond the first checks."""
    request = both.sound(method)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = uuid4().hex

    code = both.send(method, request.SerializeToString())

    expected = {"DeleteStudy": "NOT_FOUND", "DeleteTrial": "NOT_FOUND"}
    assert code == expected.get(method, "OK")


@pytest.mark.parametrize("method", SOUND)
@FUZZ
@given(data=st.data())
def test_any_request_is_done_or_refused(both: Both, method: str, data: st.DataObject) -> None:
    """Fields of every kind set to anything."""
    request = METHODS[method].request()
    fill(request, data, POOLS)

    both.send(method, _with_id(request, data))


@pytest.mark.parametrize("method", SOUND)
@FUZZ
@given(data=st.data())
def test_a_request_that_is_almost_sound_is_done_or_refused(
    both: Both, method: str, data: st.DataObject
) -> None:
    """One to three fields of a sound one changed."""
    request = both.sound(method)
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(request, data, POOLS)

    both.send(method, _with_id(request, data))


@pytest.mark.parametrize("method", METHODS)
@FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_or_done(both: Both, method: str, content: bytes) -> None:
    """They are no message, or one of unknown fields and odd values."""
    both.send(method, content)


@FUZZ
@given(data=st.data())
def test_any_upload_is_done_or_refused(both: Both, data: st.DataObject) -> None:
    """Parts in any order, with any content."""
    files = prior_files()
    header = prior_wire.UploadPriorRequest(
        header={"parent": PROJECT, "prior_id": "new", "request_id": uuid4().hex}
    )
    parts = [
        header,
        prior_wire.UploadPriorRequest(manifest_chunk=files.manifest),
        prior_wire.UploadPriorRequest(weights_chunk=files.weights),
    ]
    chosen = data.draw(st.lists(st.sampled_from(parts), max_size=5))
    copies = [prior_wire.UploadPriorRequest.FromString(each.SerializeToString()) for each in chosen]
    for copy in copies:
        if data.draw(st.booleans()):
            mutate(copy, data, POOLS)

    both.upload([copy.SerializeToString() for copy in copies])


def test_nothing_is_left_that_a_check_finds(both: Both) -> None:
    """After all of it the databases are consistent, and the studies still work."""
    both.check()
    for target in both.targets:
        study = Studied(target.service, STUDY)
        assert study.get().name == STUDY
        assert study.service.create("last").ask()
