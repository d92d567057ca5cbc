"""Running a decoder token by token, as one does who writes text with it."""

import jax
from jaxtyping import Array, Float, Int

from hyperbo_datasets.collect.networks.decoder import Decoder, DecoderState


def decode(model: Decoder, tokens: Int[Array, " T"]) -> Float[Array, "T V"]:
    """Logits after each token, worked out one token at a time; equal to `model(tokens)`."""

    def step(state: DecoderState, token: Int[Array, ""]) -> tuple[DecoderState, Float[Array, " V"]]:
        logits, state = model.step(token, state)
        return state, logits

    return jax.lax.scan(step, model.init_state(tokens.shape[0]), tokens)[1]
