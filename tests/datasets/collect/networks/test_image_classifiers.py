"""What all classifiers of images have in common, and how large each is."""

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

from hyperbo_datasets.collect.networks.classifier import ClassifierConfig
from hyperbo_datasets.collect.networks.convolution import same
from hyperbo_datasets.collect.networks.drawing import parameter_count
from hyperbo_datasets.collect.networks.max_pooling_cnn import MaxPoolingCNNConfig
from hyperbo_datasets.collect.networks.mlp import MLPConfig
from hyperbo_datasets.collect.networks.simple_cnn import SimpleCNNConfig
from hyperbo_datasets.collect.networks.wide_resnet import WideResNetConfig
from hyperbo_datasets.errors import CollectError

SHAPE = (9, 8, 2)
CONFIGS = [
    MLPConfig(SHAPE, 3, hidden=(4,)),
    SimpleCNNConfig(SHAPE, 3, channels=(4, 3), strides=(1, 2), hidden=(5,)),
    MaxPoolingCNNConfig(SHAPE, 3, channels=(4,), windows=(3,), paddings=(same,), hidden=(5,)),
    WideResNetConfig(SHAPE, 3, depth=10, width=1, channels=4, norm_groups=2),
]
config_of_each = pytest.mark.parametrize("config", CONFIGS, ids=lambda each: type(each).__name__)


@config_of_each
def test_neighbours_do_not_matter(key: jax.Array, config: ClassifierConfig) -> None:
    """An image's logits are the same alone and among others."""
    key_model, key_images = jr.split(key)
    images = jr.normal(key_images, (5, *SHAPE), jnp.float32)

    @jax.jit
    def logits(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = config.init(key)
        return model(images[2:3]), model(images)[2:3]

    alone, among_others = logits(key_model)

    assert jnp.allclose(alone, among_others, atol=1e-5)


@config_of_each
def test_is_float32(key: jax.Array, config: ClassifierConfig) -> None:
    """Parameters and logits are float32, though the process's default is float64."""
    images = jax.ShapeDtypeStruct((2, *SHAPE), jnp.float32)
    model = jax.eval_shape(config.init, key)
    logits = jax.eval_shape(lambda model, images: model(images), model, images)

    assert {leaf.dtype for leaf in jax.tree.leaves(model)} == {jnp.dtype("float32")}
    assert (logits.shape, logits.dtype) == ((2, 3), jnp.float32)


@config_of_each
def test_all_parameters_matter(key: jax.Array, config: ClassifierConfig) -> None:
    """The gradient reaches every array of the network."""
    key_model, key_images = jr.split(key)
    images = jr.normal(key_images, (4, *SHAPE), jnp.float32)

    @jax.jit
    def largest(key: jax.Array) -> list[jax.Array]:
        gradient = jax.grad(lambda model: jnp.square(model(images)).sum())(config.init(key))
        return [jnp.abs(leaf).max() for leaf in jax.tree.leaves(gradient)]

    assert all(each > 0 for each in largest(key_model))


@config_of_each
def test_allows_no_promotion(key: jax.Array, config: ClassifierConfig) -> None:
    """Neither ranks nor types are promoted on the way, whatever the process's defaults."""
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        model = jax.eval_shape(config.init, key)
        images = jax.ShapeDtypeStruct((2, *SHAPE), jnp.float32)
        jax.eval_shape(lambda model, images: model(images), model, images)


@config_of_each
def test_is_hashable(config: ClassifierConfig) -> None:
    """A workload can hold it as a static field."""
    assert hash(config) == hash(config)


@pytest.mark.parametrize(
    ("config", "count"),
    [
        # 784 x 64 + 64, 64 x 64 + 64, 64 x 10 + 10.
        (MLPConfig.small((28, 28, 1), 10), 50_240 + 4_160 + 650),
        # 9 x 8 + 8, 72 x 16 + 16, 7 x 7 x 16 x 10 + 10.
        (SimpleCNNConfig.small((14, 14, 1), 10), 80 + 1_168 + 7_850),
        # 9 x 20 + 20, 180 x 10 + 10, 28 x 28 x 10 x 10 + 10.
        (SimpleCNNConfig.published((28, 28, 1), 10), 200 + 1_810 + 78_410),
        # 9 x 8 + 8, 72 x 16 + 16, 4 x 4 x 16 x 32 + 32, 32 x 10 + 10.
        (MaxPoolingCNNConfig.small((14, 14, 1), 10), 80 + 1_168 + 8_224 + 330),
        # DeepOBS's 3c3d on CIFAR-10.
        (MaxPoolingCNNConfig.published((32, 32, 3), 10), 895_210),
    ],
)
def test_counts_parameters(config: ClassifierConfig, count: int) -> None:
    """Each network has the parameters that its layers add up to."""
    assert parameter_count(jax.eval_shape(config.init, jr.key(0))) == count


def test_published_wide_resnet_has_its_size() -> None:
    """WRN-28-10 has 36.5 million parameters, as in the paper's table 2."""
    count = parameter_count(
        jax.eval_shape(WideResNetConfig.published((32, 32, 3), 10).init, jr.key(0))
    )

    assert round(count / 1e6, 1) == 36.5


def test_widening_multiplies_channels() -> None:
    """Stages have width x channels, and each further one twice as many."""
    config = WideResNetConfig((8, 8, 1), 10, depth=16, width=2, channels=4, norm_groups=2)
    model = jax.eval_shape(config.init, jr.key(0))

    outputs = [block.convolutions[1].kernel.shape[-1] for block in model.blocks]
    assert outputs == [8, 8, 16, 16, 32, 32]


def test_identity_shortcuts_where_the_shape_stays() -> None:
    """Only the first block of a stage projects its input."""
    config = WideResNetConfig((8, 8, 1), 10, depth=16, width=2, channels=4, norm_groups=2)
    model = jax.eval_shape(config.init, jr.key(0))

    assert [block.shortcut is None for block in model.blocks] == [False, True] * 3


@pytest.mark.parametrize("depth", [4, 12, 27])
def test_refuses_a_depth_that_no_blocks_make(depth: int) -> None:
    """With three stages the depth is four plus a positive multiple of six."""
    with pytest.raises(CollectError, match="wanted 4 plus a positive multiple of 6"):
        WideResNetConfig((8, 8, 1), 10, depth=depth, width=1)


def test_refuses_groups_that_do_not_divide() -> None:
    """Channels must divide into the groups of normalisation."""
    with pytest.raises(CollectError, match="6 channels do not divide into 4 groups"):
        WideResNetConfig((8, 8, 1), 10, depth=10, width=1, channels=6, norm_groups=4)
