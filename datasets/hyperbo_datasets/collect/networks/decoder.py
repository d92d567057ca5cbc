"""What all decoders share: an embedding, blocks that add to a stream, a norm, logits."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hyperbo_datasets.collect.networks.blocks import Layer, State
from hyperbo_datasets.collect.networks.embedding import TiedEmbedding
from hyperbo_datasets.collect.networks.norms import RMSNorm
from hyperbo_datasets.collect.networks.soft_cap import soft_cap


class DecoderState(eqx.Module):
    """Where decoding stands: the next token's position, and what the blocks remember."""

    position: Int[Array, ""]
    blocks: tuple[State, ...]


class Decoder(eqx.Module):
    """A language model: says at each token how likely each next one is.

    Attributes:
        embedding: The table of tokens, used on the way in and on the way out.
        blocks: What the stream goes through.
        norm: Before the logits.
        cap: Bound of the logits, if any.
    """

    embedding: TiedEmbedding
    blocks: tuple[Layer, ...]
    norm: RMSNorm
    cap: float | None = eqx.field(static=True)

    def __call__(self, tokens: Int[Array, " T"]) -> Float[Array, "T V"]:
        """Logits of the token after each token."""
        x = self.embedding.encode(tokens)
        for block in self.blocks:
            x = block(x)
        return soft_cap(self.embedding.decode(self.norm(x)), self.cap)

    def init_state(self, length: int) -> DecoderState:
        """The state before the first of `length` tokens."""
        blocks = tuple(block.init_state(length) for block in self.blocks)
        return DecoderState(jnp.zeros((), jnp.int32), blocks)

    def step(
        self, token: Int[Array, ""], state: DecoderState
    ) -> tuple[Float[Array, " V"], DecoderState]:
        """Logits of the token after this one, and the state that the next step takes."""
        x = self.embedding.encode(token)
        states = []
        for block, before in zip(self.blocks, state.blocks, strict=True):
            x, after = block.step(x, state.position, before)
            states.append(after)
        logits = soft_cap(self.embedding.decode(self.norm(x)), self.cap)
        return logits, DecoderState(state.position + 1, tuple(states))
