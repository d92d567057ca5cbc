"""FCNet: 4 regression tasks x every one of 62,208 configurations of a two-layer network.

Klein and Hutter (2019), "Tabular Benchmarks for Joint Architecture and Hyperparameter
Optimization", arXiv:1905.04970.
"""

from pathlib import Path

from hyperbo.space import CategoricalParameter, DiscreteParameter, Log, SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.metric import Metric, Minimise, NegativeLogError
from hyperbo_datasets.schema import COST, Provenance, TuningTable, make_table
from hyperbo_datasets.sources.reading import read_frame

_UNITS = (16, 32, 64, 128, 256, 512)

SPACE = SearchSpace(
    (
        CategoricalParameter("activation_fn_1", ("relu", "tanh")),
        CategoricalParameter("activation_fn_2", ("relu", "tanh")),
        DiscreteParameter("batch_size", (8, 16, 32, 64), Log()),
        DiscreteParameter("dropout_1", (0.0, 0.3, 0.6)),
        DiscreteParameter("dropout_2", (0.0, 0.3, 0.6)),
        DiscreteParameter("init_lr", (5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1), Log()),
        CategoricalParameter("lr_schedule", ("const", "cosine")),
        DiscreteParameter("n_units_1", _UNITS, Log()),
        DiscreteParameter("n_units_2", _UNITS, Log()),
    )
)

# A mean squared error, from 3e-5 to 4e7; epsilon lies below the smallest.
METRIC = Metric("val_loss", Minimise(), NegativeLogError(epsilon=1e-6))

PROVENANCE = Provenance(
    source="FCNet; Klein and Hutter (2019), arXiv:1905.04970",
    licence="Apache-2.0",
    notes="Validation loss is the mean of four runs.",
)


def load(path: Path, *, name: str = "fcnet") -> TuningTable:
    """FCNet from one parquet or CSV file.

    Its columns are `task`, `config_id`, the nine hyperparameters, `val_loss` (minimised) and
    `train_time` in seconds, which becomes the cost.

    Args:
        path: The file.
        name: The table's name.

    Raises:
        SourceError: If the file cannot be read.
        TableError: If its content is not FCNet's.
    """
    frame = read_frame(path).rename(columns={"train_time": COST})
    return validate(make_table(name, SPACE, METRIC, frame, PROVENANCE))
