"""Manifests are read only as they were written."""

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo.errors import PriorDamagedError, PriorError, PriorNameError
from hyperbo.prior_manifest import Manifest, PriorReference, TrainingData, WeightsFile, seal
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo.tasks import Task

SPACE = SearchSpace((FloatParameter("x", 0.1, 0.3),))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=64)
    .filter(lambda x: abs(x) < 1e300),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


def manifest(**changes: object) -> Manifest:
    """A small manifest with these fields changed."""
    fields = {
        "reference": PriorReference("mine", 3),
        "created": datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
        "libraries": {"jax": "0.10.2"},
        "space": SPACE,
        "metric": {"name": "accuracy", "goal": "maximise"},
        "training": TrainingData("ab", ("one", "two"), 7),
        "scores": {},
        "notes": {},
        "model": {"value": 1},
        "weights": WeightsFile.of(b"weights"),
    }
    return Manifest(**(fields | changes))


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON), st.dictionaries(st.text(), JSON))
def test_any_json_survives(scores: dict[str, object], notes: dict[str, object]) -> None:
    """Whatever JSON the caller hands in comes back equal, and under the same hash."""
    written = manifest(scores=scores, notes=notes)

    read = Manifest.from_bytes(written.to_bytes())

    assert read == written
    assert read.content_hash() == written.content_hash()


def test_hash_stands_in_the_file() -> None:
    """The file's content hash is the one the manifest speaks of, and follows every field."""
    written = manifest()

    assert json.loads(written.to_bytes())["content_hash"] == written.content_hash()
    assert manifest(notes={"seed": 1}).content_hash() != written.content_hash()
    assert manifest(weights=WeightsFile.of(b"weightt")).content_hash() != written.content_hash()


def test_time_is_kept_in_utc() -> None:
    """A time given in another zone is written as the same moment in UTC."""
    zone = timezone(timedelta(hours=5))
    written = manifest(created=datetime(2025, 1, 2, 8, 4, 5, tzinfo=zone))

    assert written.to_bytes() == manifest().to_bytes()


def test_new_white_space_is_noticed() -> None:
    """A file whose JSON says the same in other bytes is refused, so no byte is free."""
    content = manifest().to_bytes()

    for other in (content + b" ", json.dumps(json.loads(content)).encode(), b" " + content):
        with pytest.raises(PriorDamagedError, match="content hash is wrong"):
            Manifest.from_bytes(other)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100_000, b"NaN"])
def test_other_content_is_refused(content: bytes) -> None:
    """What is no JSON object is called damaged."""
    with pytest.raises(PriorDamagedError, match="Restore the prior"):
        Manifest.from_bytes(content)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "other"),
        ("format_version", 0),
        ("format_version", "1"),
        ("name", "../mine"),
        ("version", True),
        ("version", 0),
        ("created", "yesterday"),
        ("space", {"parameters": []}),
        ("space_digest", "00"),
        ("metric", {}),
        ("training", {"digest": "ab"}),
        ("weights", []),
        ("surplus", 1),
    ],
)
def test_sealed_nonsense_is_refused(key: str, value: object) -> None:
    """A manifest with the right hash but content of another form is called damaged."""
    document = {**manifest().to_json(), key: value}

    with pytest.raises(PriorDamagedError, match="format version 1"):
        Manifest.from_bytes(seal(document))


@pytest.mark.parametrize("lost", sorted(manifest().to_json()))
def test_every_key_is_needed(lost: str) -> None:
    """A manifest that lacks any key is called damaged, though its hash be right."""
    document = {key: value for key, value in manifest().to_json().items() if key != lost}

    with pytest.raises(PriorDamagedError, match="format version 1"):
        Manifest.from_bytes(seal(document))


def test_metric_needs_name_and_goal() -> None:
    """A prior whose metric has no goal could be read upside down, so it is refused."""
    with pytest.raises(PriorError, match="'goal'"):
        manifest(metric={"name": "accuracy"})


def test_callers_dict_is_copied() -> None:
    """A dict that the caller changes later does not change the manifest."""
    notes = {"seed": 1}
    written = manifest(notes=notes)
    notes["seed"] = 2

    assert written.notes == {"seed": 1}


def test_versions_start_at_one() -> None:
    """There is no version zero."""
    with pytest.raises(PriorNameError, match="start at 1"):
        PriorReference("mine", 0)


def test_training_digest_follows_the_data() -> None:
    """The digest changes with a name, a value, or where one task ends and the next begins."""
    inputs, values = np.full((4, 1), 0.5), np.arange(4.0)

    def digest(*parts: tuple[str, slice]) -> str:
        return TrainingData.of([Task(name, inputs[s], values[s]) for name, s in parts]).digest

    whole = digest(("a", slice(0, 4)))
    assert whole == digest(("a", slice(0, 4)))
    assert len({
        whole,
        digest(("b", slice(0, 4))),
        digest(("a", slice(0, 3))),
        digest(("a", slice(0, 2)), ("b", slice(2, 4))),
        digest(("a", slice(0, 3)), ("b", slice(3, 4))),
    }) == 5  # fmt: skip
