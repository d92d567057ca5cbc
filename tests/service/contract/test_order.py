"""Numbers, and the order in which trials are handed out."""

import pytest

from hyperbo_service.errors import InvalidArgumentError, NotFoundError, OutsideSpaceError
from hyperbo_service.rpc.spaces import values_from_wire
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as wire
from tests.service.contract.services import SPACE, Service, Studied, numbers, points


def test_trials_are_handed_out_in_the_order_they_were_made(service: Service) -> None:
    """First in, first out."""
    study = service.create()
    for rate in (0.1, 0.2, 0.3):
        study.add({"rate": rate, "layers": 1})

    handed = [study.ask(client_id=client)[0] for client in ("ann", "bob", "eve")]

    assert [values_from_wire(each.parameters)["rate"] for each in handed] == [0.1, 0.2, 0.3]


def test_numbers_count_up_whoever_makes_the_trial(service: Service) -> None:
    """Suggested, made by hand and imported trials share one count."""
    study = service.create()
    done = trial_pb2.Trial(parameters=study.add().parameters, state=trial_pb2.Trial.STATE_FAILED)
    study.ask(2)
    imported = service.send(wire.ImportTrialsRequest(parent=study.name, trials=[done, done]))
    study.finished(0.5)

    listed = service.send(wire.ListTrialsRequest(parent=study.name)).trials

    assert numbers(listed) == [1, 2, 3, 4, 5]
    assert [name.rpartition("/")[2] for name in imported.names] == ["3", "4"]
    assert [
        trial_pb2.Trial.Origin.Name(each.origin).removeprefix("ORIGIN_") for each in listed
    ] == [
        "CREATED",
        "SUGGESTED",
        "IMPORTED",
        "IMPORTED",
        "CREATED",
    ]


def test_a_number_is_never_used_twice(service: Service) -> None:
    """Neither the highest one nor all of them, once deleted, come back."""
    study = service.create()
    trials = study.ask(3)
    service.send(wire.DeleteTrialRequest(name=trials[2].name))
    assert numbers(study.ask(client_id="bob")) == [4]
    for number in (1, 2, 4):
        service.send(wire.DeleteTrialRequest(name=f"{study.name}/trials/{number}"))

    assert numbers([study.add()]) == [5]


def test_a_batch_holds_different_points(service: Service) -> None:
    """Neither within it nor with what runs, ended or was given up is a point suggested twice."""
    study = service.create()
    first = study.ask(2)
    study.complete(first[0], 0.5)
    study.end(wire.AbandonTrialRequest, first[1])

    more = study.ask(2, client_id="bob")

    assert len(points([*first, *more])) == 4


def test_equal_seeds_suggest_equal_points(service: Service) -> None:
    """A study's suggestions follow from its seed and its trials."""
    one, two = service.create("one", seed=7), service.create("two", seed=7)

    assert points(one.ask(3)) == points(two.ask(3))
    assert one.get().seed == two.get().seed == 7


def test_a_study_without_seed_is_given_one(service: Service) -> None:
    """It is kept, and another study's is another."""
    one, two = service.create("one"), service.create("two")

    assert one.get().seed == one.get().seed
    assert one.get().seed != two.get().seed


@pytest.mark.parametrize("count", [-1, 1001, 2**31 - 1, -(2**31)])
def test_a_count_has_bounds(service: Service, count: int) -> None:
    """Asking for less than none or too many is refused."""
    study = service.create()

    with pytest.raises(InvalidArgumentError) as refused:
        study.ask(count)
    assert refused.value.field == "count"
    assert study.rows()[1] == []


def test_no_count_is_one(service: Service) -> None:
    """Zero stands for one."""
    study = service.create()
    study.add()
    study.add()

    assert numbers(study.ask(0)) == [1]


@pytest.mark.parametrize("client_id", ["", "x" * 129, "new\nline", "nul\0", "tab\t", "\u2028"])
def test_a_client_id_is_printable(service: Service, client_id: str) -> None:
    """Empty, too long or unprintable ids are refused."""
    study = service.create()
    study.add()
    rows = study.rows()

    with pytest.raises(InvalidArgumentError) as refused:
        study.ask(client_id=client_id)
    assert refused.value.field == "client_id"
    assert study.rows() == rows


WRONG = {
    "unknown parameter": {"rate": 0.1, "layers": 1, "depth": 3},
    "missing parameter": {"rate": 0.1},
    "below": {"rate": 1e-5, "layers": 1},
    "above": {"rate": 0.1, "layers": 9},
    "no integer": {"rate": 0.1, "layers": 1.5},
    "NaN": {"rate": float("nan"), "layers": 1},
    "text": {"rate": "0.1", "layers": 1},
    "truth value": {"rate": 0.1, "layers": True},
    "other case": {"Rate": 0.1, "layers": 1},
}


@pytest.mark.parametrize("parameters", WRONG.values(), ids=WRONG)
def test_a_configuration_outside_the_space_is_refused(
    service: Service, parameters: dict[str, object]
) -> None:
    """Made by hand, imported or to be foretold."""
    study = service.create()
    rows = study.rows()

    with pytest.raises(OutsideSpaceError) as refused:
        study.add(parameters)
    assert refused.value.field == "trial.parameters"
    with pytest.raises(OutsideSpaceError):
        study.finished(0.5, parameters)
    assert study.rows() == rows


def test_values_come_back_in_their_parameters_type(service: Service) -> None:
    """Of numbers that stand for the same value, the parameter's own kind is kept."""
    space = {
        "parameters": [
            *SPACE["parameters"],
            {"type": "discrete", "name": "batch", "values": [16, 32]},
            {"type": "categorical", "name": "nesterov", "categories": [True, False]},
            {"type": "categorical", "name": "seed", "categories": [1, 2]},
            {"type": "fixed", "name": "epochs", "value": 90},
        ]
    }
    study = service.create(space=space)

    made = study.add(
        {"rate": 1, "layers": 3.0, "batch": 32.0, "nesterov": True, "seed": 2.0, "epochs": 90.0}
    )

    found = values_from_wire(study.trial(made.name).parameters)
    assert found == {
        "rate": 1.0,
        "layers": 3,
        "batch": 32,
        "nesterov": True,
        "seed": 2,
        "epochs": 90,
    }
    assert {name: type(value) for name, value in found.items()} == {
        "rate": float,
        "layers": int,
        "batch": int,
        "nesterov": bool,
        "seed": int,
        "epochs": int,
    }


def test_a_float_is_kept_to_the_last_digit(service: Service) -> None:
    """Also where its unit coordinate would round it."""
    study = service.create()
    rate = 0.1 + 0.2

    made = study.add({"rate": rate, "layers": 1})

    assert study.trial(made.name).parameters["rate"].number == rate


def test_children_exist_with_their_category_alone(service: Service) -> None:
    """A conditional parameter is required under its category, and refused under another."""
    space = {
        "parameters": [
            {
                "type": "categorical",
                "name": "optimizer",
                "categories": ["sgd", "adam"],
                "children": [
                    {
                        "category": "sgd",
                        "parameters": [
                            {"type": "float", "name": "momentum", "low": 0.0, "high": 1.0}
                        ],
                    }
                ],
            }
        ]
    }
    study = service.create(space=space)

    made = study.add({"optimizer": "sgd", "momentum": 0.9})
    other = study.add({"optimizer": "adam"})
    for wrong in ({"optimizer": "sgd"}, {"optimizer": "adam", "momentum": 0.9}):
        with pytest.raises(OutsideSpaceError):
            study.add(wrong)

    assert set(study.trial(made.name).parameters) == {"optimizer", "momentum"}
    assert set(study.trial(other.name).parameters) == {"optimizer"}


@pytest.mark.parametrize("number", [1, 10**18 - 1])
def test_a_trial_that_is_not_there_is_not_found(service: Service, number: int) -> None:
    """Of a study that exists, the trial is missed; of another, the study."""
    study = service.create()
    with pytest.raises(NotFoundError) as refused:
        study.trial(f"{study.name}/trials/{number}")
    assert refused.value.resource.endswith(f"/trials/{number}")
    with pytest.raises(NotFoundError) as missed:
        study.trial(f"{service.parent}/studies/none/trials/1")
    assert missed.value.resource == Studied(service, f"{service.parent}/studies/none").name
