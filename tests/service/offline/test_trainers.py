"""Trainers: which model is trained by which objective."""

import pytest

from hyperbo_service.choices import ModelName, ObjectiveName
from hyperbo_service.errors import CommandError
from hyperbo_service.offline.trainers import PARAMETRIC, trainer


@pytest.mark.parametrize("model", [model for model in ModelName if model not in PARAMETRIC])
def test_a_model_of_several_spaces_wants_several_tables(model: ModelName) -> None:
    """It is refused for one table, with the remedy."""
    with pytest.raises(CommandError, match="at least two tables"):
        trainer(model, ObjectiveName.NLL, 1)
