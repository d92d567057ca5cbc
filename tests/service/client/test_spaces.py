"""Search spaces in all their forms."""

import json
from pathlib import Path

import pytest

from hyperbo.space import SearchSpace
from hyperbo_service.client import Categorical, Discrete, Fixed, Float, Integer
from hyperbo_service.client.spaces import read_space
from hyperbo_service.errors import InvalidArgumentError
from hyperbo_service.rpc.spaces import space_from_wire

WRITTEN = {
    "lr": Float(1e-5, 1, "log"),
    "layers": Integer(1, 8),
    "batch": Discrete([16, 32, 64]),
    "optimizer": Categorical(["adam", "sgd"], {"sgd": {"momentum": Float(0, 0.99, "reverse_log")}}),
    "epochs": Fixed(10),
}
DOCUMENT = space_from_wire(read_space(WRITTEN))


def test_parameters_without_numpy_are_those_of_the_core() -> None:
    """What the short forms write is a space that the core reads, unchanged."""
    text = json.dumps(DOCUMENT)

    assert json.loads(SearchSpace.from_json(text).to_json())["parameters"] == DOCUMENT["parameters"]


def test_all_forms_are_one_space(tmp_path: Path) -> None:
    """A mapping, JSON's object, list and text, a file and the core's own object say the same."""
    text = json.dumps(DOCUMENT)
    path = tmp_path / "space.json"
    path.write_text(text)
    forms = [DOCUMENT, DOCUMENT["parameters"], text, f"\n{text}", path, str(path)]
    forms += [json.dumps(DOCUMENT["parameters"]), SearchSpace.from_json(text)]

    assert all(read_space(form) == read_space(WRITTEN) for form in forms)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("nowhere.json", "cannot be read"),
        ("{not json", "no JSON"),
        ('"text"', "cannot be read"),
        ({"lr": 0.1}, "wanted a Float"),
        ({"lr": {"type": "float"}}, "wanted a Float"),
        ([{"type": "float"}], "not in the format"),
        ([{"name": "lr", "type": "real"}], "not in the format"),
        (3, "wanted a mapping"),
        ({"n": Integer(1.5, 2)}, "not in the format"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_space(space: object, message: str) -> None:
    """What is no space is refused, and what was wanted is said."""
    with pytest.raises(InvalidArgumentError, match=message):
        read_space(space)  # type: ignore[arg-type]


def test_shown() -> None:
    """A parameter shows what it is."""
    assert repr(Fixed(3)) == "Fixed(type='fixed', name='', value=3)"
