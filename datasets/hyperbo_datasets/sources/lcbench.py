"""LCBench: 35 OpenML tasks x the same 2,000 configurations of a neural network, bundled.

Zimmer, Lindauer and Hutter (2021), "Auto-PyTorch Tabular: Multi-Fidelity MetaLearning for
Efficient and Robust AutoDL", IEEE TPAMI; Apache-2.0, see `tables/LCBENCH-LICENSE.txt`.
"""

from importlib.resources import as_file, files
from pathlib import Path

import pandas as pd

from hyperbo.space import FloatParameter, IntegerParameter, Log, SearchSpace
from hyperbo_datasets.checks import validate
from hyperbo_datasets.metric import Maximise, Metric, NegativeLogError
from hyperbo_datasets.schema import Provenance, TuningTable, make_table
from hyperbo_datasets.sources.reading import read_frame

# The table holds networks of 1 to 4 layers, so that is the space. Momentum is declared linear, as
# published, although the values drawn crowd towards 0.1 (their median is 0.3).
SPACE = SearchSpace(
    (
        IntegerParameter("batch_size", 16, 512, Log()),
        FloatParameter("learning_rate", 1e-4, 1e-1, Log()),
        IntegerParameter("max_units", 64, 1024, Log()),
        FloatParameter("max_dropout", 0.0, 1.0),
        FloatParameter("momentum", 0.1, 0.99),
        IntegerParameter("num_layers", 1, 4),
        FloatParameter("weight_decay", 1e-5, 1e-1),
    )
)

# The best accuracy in the table is 99.7 percent, an error of 0.003, so epsilon rules nowhere.
METRIC = Metric("val_accuracy", Maximise(), NegativeLogError(scale=100.0, epsilon=1e-3))

PROVENANCE = Provenance(
    source=(
        "LCBench; Zimmer, Lindauer, Hutter (2021), Auto-PyTorch Tabular; "
        "https://github.com/automl/LCBench"
    ),
    licence="Apache-2.0",
    notes="Final validation accuracy only; learning curves and other metrics are left out.",
)


def load(path: Path | None = None) -> TuningTable:
    """The LCBench table.

    Values are final validation accuracy in percent, maximised and warped by
    `-log(error + 0.001)`. The tasks are matched: the same 2,000 configuration ids in each.

    Args:
        path: A parquet file in the bundled one's columns; default the bundled one.

    Raises:
        SourceError: If the file cannot be read.
        TableError: If its content is not LCBench's.
    """
    if path is not None:
        return _from_frame(read_frame(path))
    with as_file(files("hyperbo_datasets") / "tables" / "lcbench.parquet") as bundled:
        return _from_frame(read_frame(bundled))


def _from_frame(frame: pd.DataFrame) -> TuningTable:
    return validate(make_table("lcbench", SPACE, METRIC, frame, PROVENANCE))
