"""Griffin and RecurrentGemma: two recurrent blocks, then one of local attention, and again."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from hyperbo_datasets.collect.networks.architecture import DecoderConfig
from hyperbo_datasets.collect.networks.attention import Attention, AttentionShape
from hyperbo_datasets.collect.networks.blocks import Layer, PreNormBlock
from hyperbo_datasets.collect.networks.causal_convolution import CausalConvolution
from hyperbo_datasets.collect.networks.decoder import Decoder
from hyperbo_datasets.collect.networks.embedding import TiedEmbedding
from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.linear import Affine
from hyperbo_datasets.collect.networks.norms import RMSNorm
from hyperbo_datasets.collect.networks.rg_lru import RGLRU
from hyperbo_datasets.collect.networks.rotary import Rotary
from hyperbo_datasets.collect.networks.visibility import RecentPast

_TAPS = 4
_PERIOD = 3
"""Each third block attends; the two before it are recurrent."""


@dataclass(frozen=True)
class GriffinConfig(DecoderConfig):
    """Sizes of a Griffin decoder as RecurrentGemma has them.

    Attributes:
        width: Features of the stream; the attention heads share them out.
        layers: Blocks, in the order recurrent, recurrent, attention.
        heads: Query heads, which share one key and value head, and blocks of the recurrent gates.
        recurrent_width: Features of the recurrent state.
        hidden: Features inside the feed-forward layer, after the gate.
        window: How far back a query sees: its own key and this many before it.
        logit_cap: Bound of the logits.

    References:
        De et al. (2024), arXiv:2402.19427; Botev et al. (2024), arXiv:2404.07839.
    """

    width: int
    layers: int
    heads: int
    recurrent_width: int
    hidden: int
    window: int
    logit_cap: float | None = 30.0

    def init(self, key: PRNGKeyArray) -> Decoder:
        """A decoder with fresh parameters.

        Normal with variance one over the inputs; what is added to the stream has 2 / layers of
        that, as in the published code.
        """
        key_embedding, key_blocks = jr.split(key)
        blocks = tuple(
            self._init_block(key_block, layer)
            for layer, key_block in enumerate(jr.split(key_blocks, self.layers))
        )
        embedding = TiedEmbedding(key_embedding, self.vocabulary, self.width)
        return Decoder(embedding, blocks, RMSNorm(self.width), cap=self.logit_cap)

    def _init_block(self, key: PRNGKeyArray, layer: int) -> PreNormBlock:
        key_mixer, key_feed_forward = jr.split(key)
        variance = 2.0 / self.layers
        attends = layer % _PERIOD == _PERIOD - 1
        mixer = self._init_attention(key_mixer) if attends else self._init_recurrence(key_mixer)
        feed_forward = GeGLU(key_feed_forward, self.width, self.hidden, Affine, variance)
        return PreNormBlock(self.width, mixer, feed_forward)

    def _init_attention(self, key: PRNGKeyArray) -> Layer:
        head_width = self.width // self.heads
        shape = AttentionShape(
            self.heads,
            1,
            head_width,
            head_width**-0.5,
            Rotary(head_width // 2),
            RecentPast(self.window + 1),
        )
        return Attention(key, self.width, shape, Affine, 2.0 / self.layers)

    def _init_recurrence(self, key: PRNGKeyArray) -> Layer:
        return Recurrence(key, self.width, self.recurrent_width, self.heads, 2.0 / self.layers)


class RecurrentState(eqx.Module):
    """What a recurrence remembers: the unit's state, and the convolution's last inputs."""

    unit: Float[Array, " R"]
    convolution: Float[Array, "P R"]


class Recurrence(Layer):
    """A gated branch around a short convolution and a real-gated linear recurrent unit.

    Attributes:
        entry: Of the gate and of what it gates, side by side: one matrix product, not two.
        convolution: Along the sequence.
        unit: The recurrence.
        output: Back to the stream.
    """

    entry: Affine
    convolution: CausalConvolution
    unit: RGLRU
    output: Affine

    def __init__(
        self, key: PRNGKeyArray, width: int, recurrent_width: int, heads: int, variance: float
    ) -> None:
        key_entry, key_convolution, key_unit, key_output = jr.split(key, 4)
        self.entry = Affine(key_entry, width, 2 * recurrent_width)
        self.convolution = CausalConvolution(key_convolution, recurrent_width, _TAPS)
        self.unit = RGLRU(key_unit, recurrent_width, heads)
        self.output = Affine(key_output, recurrent_width, width, variance)

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """What is added to the stream at each token."""
        gate, signal = jnp.split(self.entry(x), 2, axis=-1)
        states = self.unit(self.convolution(signal))
        return self.output(jax.nn.gelu(gate, approximate=True) * states)

    def init_state(self, length: int) -> RecurrentState:
        """Zeros, however many tokens follow."""
        del length
        return RecurrentState(self.unit.init_state(), self.convolution.init_state())

    def step(
        self, x: Float[Array, " D"], position: Int[Array, ""], state: RecurrentState
    ) -> tuple[Float[Array, " D"], RecurrentState]:
        """What is added to the stream at one token, and the state after it."""
        gate, signal = jnp.split(self.entry(x), 2, axis=-1)
        smooth, window = self.convolution.step(signal, state.convolution)
        unit = self.unit.step(smooth, position == 0, state.unit)
        result = self.output(jax.nn.gelu(gate, approximate=True) * unit)
        return result, RecurrentState(unit, window)


RECURRENTGEMMA_2B = GriffinConfig(256_000, 2560, 26, 10, 2560, 7680, 2048)
RECURRENTGEMMA_9B = GriffinConfig(256_000, 4096, 38, 16, 4096, 12_288, 2048)
GRIFFIN_SMALL = GriffinConfig(96, 32, 3, 2, 32, 64, 8)
"""Trains in about a second on a processor's core; give it the corpus's vocabulary."""
