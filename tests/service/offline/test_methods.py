"""Names of methods, models, objectives and settings."""

import sys

import pytest

from hyperbo.errors import MissingExtraError
from hyperbo_service.choices import MethodName, ModelName, ObjectiveName, SettingName
from hyperbo_service.offline.methods import METHODS, recipes
from hyperbo_service.offline.study import SETTINGS
from hyperbo_service.offline.trainers import OBJECTIVES, trainer

PEERS = (MethodName.OPTUNA_TPE, MethodName.OPTUNA_GP)


def test_every_name_stands_for_something() -> None:
    """Whatever the help offers can be run."""
    assert set(METHODS) == set(MethodName)
    assert set(SETTINGS) == set(SettingName)
    assert set(OBJECTIVES) == set(ObjectiveName)
    for model in set(ModelName) - {ModelName.HIERARCHICAL}:
        assert trainer(model, ObjectiveName.NLL, 5).settings()["model"] == model.value


def test_methods_have_different_long_names() -> None:
    """Two methods under one name would be taken for one in a study."""
    own = [name for name in MethodName if name not in PEERS]
    names = [recipe.name for recipe in recipes(own)]

    assert len(set(names)) == len(own)


@pytest.mark.parametrize("name", PEERS)
def test_missing_peer_names_its_extra(name: MethodName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Optuna is not installed, the message says which extra to install."""
    monkeypatch.delitem(sys.modules, "hyperbo.benchmark.peers", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(MissingExtraError, match="peers"):
        recipes([name])
