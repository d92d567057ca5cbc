"""The bundled tables hold what the collector trains."""

import numpy as np

from hyperbo_datasets.catalogue import resolve
from hyperbo_datasets.collect.points import Kind
from hyperbo_datasets.collect.sweep import METRIC_NAME, PLACE, Sweep, digest_of, train_block
from hyperbo_datasets.collect.task_names import TaskName
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.schema import CONFIG_ID, STEP, TASK

_TASK = TaskName("lcbench-median", "mlp", 64)


def test_a_bundled_run_can_be_trained_again() -> None:
    """Same task, places and seed: the same points, steps and, but for rounding, error rates."""
    bundled = resolve("pd1-mini")
    rows = bundled.frame
    kept = rows[(rows[TASK] == str(_TASK)) & (rows[CONFIG_ID] < 4)].sort_values([CONFIG_ID, STEP])

    sweep, digest = Sweep("nesterov", Size.SMALL), digest_of(_TASK)
    block = train_block(sweep, _TASK, Kind.MATCHED, 0, 4, 4, digest)
    trained = block.sort_values([PLACE, STEP])

    exact = [*bundled.space.names, STEP]
    np.testing.assert_array_equal(trained[exact], kept[exact])
    np.testing.assert_allclose(trained[METRIC_NAME], kept[bundled.metric.name], atol=0.02)
