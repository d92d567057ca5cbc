"""Tables that are extended: by what they lack, of the same sweep and data, and by nothing else."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hyperbo.jobs import installed_versions
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo_datasets.collect.collected_table import METRIC, is_collection, to_table
from hyperbo_datasets.collect.collection import collect
from hyperbo_datasets.collect.sweep import Sweep, digest_of
from hyperbo_datasets.collect.workloads.size import Size
from hyperbo_datasets.errors import CollectError
from hyperbo_datasets.schema import TuningTable, make_table
from tests.datasets.collect.conftest import forget_corpora
from tests.datasets.collect.gathering import Recorder, assert_same, gather
from tests.datasets.collect.tiny import MOMENTUM, TASKS, plan

pytestmark = pytest.mark.usefixtures("cloud")


def test_a_table_is_extended(folder: Path, tmp_path: Path, undisturbed: TuningTable) -> None:
    """What an earlier table has is not trained again, to the single run, and is in the new one."""
    gather(plan(18, 1), tmp_path / "earlier")
    base = to_table(tmp_path / "earlier", "earlier")

    recorder = gather(plan(base=base), folder)

    assert {(kind, place) for _, kind, place in recorder.trained} == {
        ("matched", 18),
        ("matched", 19),
        ("unmatched", 1),
        ("unmatched", 2),
    }
    assert len(recorder.trained) == 8
    assert_same(to_table(folder, "t", base), undisturbed)


def test_an_extension_may_have_nothing_to_do(folder: Path, undisturbed: TuningTable) -> None:
    """Where the earlier table has it all, the new one is the same."""
    assert gather(plan(10, 0, base=undisturbed), folder).trained == []
    assert_same(to_table(folder, "t", undisturbed), undisturbed)


def test_runs_of_folder_and_table_count_once(folder: Path, undisturbed: TuningTable) -> None:
    """A folder that holds runs of the table already extends it all the same."""
    gather(plan(5, 0), folder)

    assert_same(to_table(folder, "t", undisturbed), undisturbed)


def test_a_run_of_two_blocks_counts_once(folder: Path, tmp_path: Path) -> None:
    """Blocks that overlap, as an earlier release could make them, double no run."""
    gather(plan(5, 0), tmp_path / "short")
    gather(plan(7, 0), folder)
    for path in (tmp_path / "short" / "runs" / "results").iterdir():
        (folder / "runs" / "results" / path.name).write_bytes(path.read_bytes())
    gather(plan(7, 0), tmp_path / "undisturbed")

    assert_same(to_table(folder, "t"), to_table(tmp_path / "undisturbed", "t"))


def test_only_a_table_of_the_same_sweep_is_extended(folder: Path, undisturbed: TuningTable) -> None:
    """In another space or of another seed, the same ids would be other configurations."""
    space = SearchSpace((FloatParameter("x", 0.0, 1.0),))
    frame = pd.DataFrame({"task": ["a"], "x": [0.5], "config_id": [0], METRIC.name: [0.5]})
    recorder = Recorder()

    with pytest.raises(CollectError, match="'strange' is over another search space"):
        collect(plan(base=make_table("strange", space, METRIC, frame)), folder, executor=recorder)
    with pytest.raises(CollectError, match=r"seeds \[0\], not of 1.*Extend it with the seed"):
        collect(plan(seed=1, base=undisturbed), folder, executor=recorder)

    assert recorder.jobs == []
    assert not is_collection(folder)


def test_only_a_table_of_the_same_networks_and_data_is_extended(
    folder: Path, cloud: Path, undisturbed: TuningTable
) -> None:
    """Of another size, or trained on other data, its runs would be of another task."""
    published = replace(plan(base=undisturbed), sweep=Sweep("nesterov", Size.PUBLISHED))
    recorder = Recorder()

    with pytest.raises(CollectError, match=r"of size small, not published\. Extend it"):
        collect(published, folder, executor=recorder)
    cloud.write_text(cloud.read_text().replace(",1\n", ",0\n", 1))
    forget_corpora()
    with pytest.raises(CollectError, match=r"cloud_middle_4, .* another content of the corpus"):
        collect(plan(30, base=undisturbed), folder, executor=recorder)

    assert recorder.jobs == []
    assert not is_collection(folder)


def test_only_a_table_of_the_same_configurations_is_extended(
    folder: Path, undisturbed: TuningTable
) -> None:
    """Other versions may draw other points: added to them, ids would stand for two each."""
    frame = undisturbed.frame.assign(**{MOMENTUM: 1.0 - undisturbed.frame[MOMENTUM]})
    recorder = Recorder()

    with pytest.raises(CollectError, match=r"not those that its numbers stand for.*another name"):
        collect(plan(30, base=replace(undisturbed, frame=frame)), folder, executor=recorder)

    assert recorder.jobs == []


def test_a_table_says_what_it_was_collected_with(folder: Path, tmp_path: Path) -> None:
    """Optimiser, size, seed, corpora and versions, with those of the table that it extends."""
    gather(plan(5, 0, TASKS[:1]), tmp_path / "earlier")
    earlier = to_table(tmp_path / "earlier", "earlier")
    older = {**earlier.provenance.settings, "versions": [{"jax": "0.1"}]}
    base = replace(earlier, provenance=replace(earlier.provenance, settings=older))
    gather(plan(5, 0, base=base), folder)

    settings = to_table(folder, "t", base).provenance.settings

    assert settings == {
        "optimizer": "nesterov",
        "size": "small",
        "seed": 0,
        "corpora": {str(task): digest_of(task) for task in TASKS},
        "versions": [{"jax": "0.1"}, installed_versions()],
    }
