"""The real-gated linear recurrent unit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from hyperbo_datasets.collect.networks.linear import draw_weights

_SHARPNESS = 8.0
_RADII = (0.9, 0.999)
_SMALLEST = 0.25e-6
"""Of what is under a root, so that its slope stays below 1000; the published code bounds that."""


class RGLRU(eqx.Module):
    r"""A diagonal linear recurrence whose decay and whose input are gated by the input itself.

    $r = \sigma(W_r x + b_r)$, $i = \sigma(W_i x + b_i)$,
    $\log a = -8 r\, \mathrm{softplus}(\Lambda)$,
    $h_t = a_t h_{t-1} + \sqrt{1 - a_t^2}\, i_t x_t$; at the first token $h = i x$.

    $\Lambda$ starts so that $e^{-\mathrm{softplus}(\Lambda)}$ lies between 0.9 and 0.999, evenly
    by the ring's area. That is what the published code does; the paper's text says so of that
    number's eighth power.

    Attributes:
        gates: Of recurrence and input, side by side, block-diagonal: one block a head.
        gate_bias: Of the same.
        decay: The parameter Lambda.

    References:
        De et al. (2024), arXiv:2402.19427.
    """

    gates: Float[Array, "H F FF"]
    gate_bias: Float[Array, "H FF"]
    decay: Float[Array, " D"]

    def __init__(self, key: PRNGKeyArray, width: int, heads: int) -> None:
        key_gates, key_decay = jr.split(key)
        block = width // heads
        self.gates = draw_weights(key_gates, (heads, block, 2 * block))
        self.gate_bias = jnp.zeros((heads, 2 * block), jnp.float32)
        low, high = _RADII
        area = jr.uniform(key_decay, (width,), jnp.float32, low**2, high**2)
        # The radius is the area's root; softplus(decay) = -log(radius) is inverted here.
        self.decay = jnp.log(jnp.expm1(-0.5 * jnp.log(area)))

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """The states after each token."""
        decay, gain = self._gate(x, jnp.arange(x.shape[0], dtype=jnp.int32) == 0)
        return linear_recurrence(decay, gain)

    def init_state(self) -> Float[Array, " D"]:
        """The state before the first token."""
        return jnp.zeros_like(self.decay)

    def step(
        self, x: Float[Array, " D"], is_first: Bool[Array, ""], state: Float[Array, " D"]
    ) -> Float[Array, " D"]:
        """The state after one more token."""
        decay, gain = self._gate(x[None], is_first[None])
        return decay[0] * state + gain[0]

    def _gate(
        self, x: Float[Array, "T D"], is_first: Bool[Array, " T"]
    ) -> tuple[Float[Array, "T D"], Float[Array, "T D"]]:
        """What the last state is multiplied by, and what is added to it."""
        heads, block, _ = self.gates.shape
        blocks = x.reshape(x.shape[0], heads, block)
        logits = jnp.einsum("thi,hij->thj", blocks, self.gates) + self.gate_bias[None]
        halves = jnp.split(jax.nn.sigmoid(logits), 2, axis=-1)
        recurrence, entry = (half.reshape(x.shape) for half in halves)
        log_decay = -_SHARPNESS * recurrence * jax.nn.softplus(self.decay)[None, :]
        rest = jnp.sqrt(jnp.maximum(-jnp.expm1(2.0 * log_decay), _SMALLEST))
        gain = jnp.where(is_first[:, None], 1.0, rest)
        return jnp.exp(log_decay), gain * entry * x


def linear_recurrence(decay: Float[Array, "T D"], gain: Float[Array, "T D"]) -> Float[Array, "T D"]:
    """States `h[t] = decay[t] * h[t - 1] + gain[t]`, with zeros before the first.

    A loop in the order of time: on a processor it is two to three times quicker than an
    associative scan at 32 tokens, and compiles quicker.
    """

    def step(
        state: Float[Array, " D"], inputs: tuple[Float[Array, " D"], Float[Array, " D"]]
    ) -> tuple[Float[Array, " D"], Float[Array, " D"]]:
        after = inputs[0] * state + inputs[1]
        return after, after

    return jax.lax.scan(step, jnp.zeros_like(gain[0]), (decay, gain))[1]
