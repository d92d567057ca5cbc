"""The Gemma decoder."""

import equinox as eqx
import jax
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.attention import AttentionShape
from hyperbo_datasets.collect.networks.gemma import GEMMA_2B, GEMMA_7B, GemmaConfig
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import Past


@pytest.mark.parametrize(
    ("config", "embedding", "others"),
    [(GEMMA_2B, 524_550_144, 1_981_884_416), (GEMMA_7B, 786_825_216, 7_751_248_896)],
    ids=["2B", "7B"],
)
def test_has_the_published_parameters(config: GemmaConfig, embedding: int, others: int) -> None:
    """The counts are those of table 2 of arXiv:2403.08295, to the last one."""
    model = eqx.filter_eval_shape(config.init, jr.key(0))

    assert model.embedding.table.size == embedding
    assert sum(leaf.size for leaf in jax.tree.leaves(model)) == embedding + others


@pytest.mark.parametrize(
    ("config", "heads", "groups"), [(GEMMA_2B, 8, 1), (GEMMA_7B, 16, 16)], ids=["2B", "7B"]
)
def test_attends_as_published(config: GemmaConfig, heads: int, groups: int) -> None:
    """One key and value head in 2B, one a query in 7B; all features turned, to all the past."""
    for block in eqx.filter_eval_shape(config.init, jr.key(0)).blocks:
        assert block.mixer.shape == AttentionShape(
            heads, groups, 256, 1.0 / 16.0, Rotary(256), Past(), cap=None
        )
