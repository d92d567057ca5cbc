"""The real-gated linear recurrent unit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from hyperbo_datasets.collect.networks.rg_lru import RGLRU, linear_recurrence

WIDTH, HEADS, TOKENS = 8, 2, 20


def _case(key: jax.Array) -> tuple[RGLRU, jax.Array]:
    key_unit, key_x = jr.split(key)
    return RGLRU(key_unit, WIDTH, HEADS), jr.normal(key_x, (TOKENS, WIDTH), jnp.float32)


def test_scan_equals_loop(key: jax.Array) -> None:
    """States are what the published equations give, written out one token and head at a time."""
    unit, x = _case(key)
    unit = eqx.tree_at(lambda unit: unit.gate_bias, unit, unit.gate_bias + 0.3)
    rate = jax.nn.softplus(unit.decay)
    state, states = jnp.zeros(WIDTH, jnp.float32), []
    for token in range(TOKENS):
        halves = x[token].reshape(HEADS, -1)
        logits = [halves[head] @ unit.gates[head] + unit.gate_bias[head] for head in range(HEADS)]
        gates = jax.nn.sigmoid(jnp.stack(logits))
        recurrence, entry = gates[:, :4].reshape(-1), gates[:, 4:].reshape(-1)
        decay = jnp.exp(-8.0 * recurrence * rate)
        gain = 1.0 if token == 0 else jnp.sqrt(1.0 - decay**2)
        state = decay * state + gain * entry * x[token]
        states.append(state)

    assert jnp.allclose(unit(x), jnp.stack(states), atol=1e-5)


def test_scan_equals_associative_scan(key: jax.Array) -> None:
    """The loop in order and the tree of pairs are the same recurrence."""
    key_decay, key_gain = jr.split(key)
    decay = jr.uniform(key_decay, (TOKENS, WIDTH), jnp.float32)
    gain = jr.normal(key_gain, (TOKENS, WIDTH), jnp.float32)

    def join(
        first: tuple[jax.Array, jax.Array], second: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        return first[0] * second[0], second[0] * first[1] + second[1]

    expected = jax.lax.associative_scan(join, (decay, gain))[1]

    assert jnp.allclose(linear_recurrence(decay, gain), expected, atol=1e-5)


def test_token_by_token_is_the_whole(key: jax.Array) -> None:
    """Steps that remember the state give what the whole sequence gives at once."""
    unit, x = _case(key)

    def step(state: jax.Array, inputs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state = unit.step(inputs[0], inputs[1] == 0, state)
        return state, state

    positions = jnp.arange(TOKENS, dtype=jnp.int32)

    assert jnp.allclose(
        jax.lax.scan(step, unit.init_state(), (x, positions))[1], unit(x), atol=1e-6
    )


def test_radii_start_on_the_ring(key: jax.Array) -> None:
    """They lie between 0.9 and 0.999, their squares evenly: the mean within four errors."""
    width = 10_000
    radius = jnp.exp(-jax.nn.softplus(RGLRU(key, width, 1_000).decay))
    low, high = 0.9**2, 0.999**2

    assert radius.min() >= 0.9 - 1e-5
    assert radius.max() <= 0.999 + 1e-5
    error = (high - low) / (12.0 * width) ** 0.5
    assert jnp.abs(jnp.mean(radius**2) - 0.5 * (low + high)) < 4.0 * error


def test_gradient_survives_a_shut_gate(key: jax.Array) -> None:
    """Where nothing decays, the slope of the root would be infinite; it stays finite."""
    unit, x = _case(key)
    shut = eqx.tree_at(lambda unit: unit.gate_bias, unit, unit.gate_bias - 200.0)

    gradient = jax.grad(lambda unit: jnp.sum(unit(x) ** 2))(shut)

    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
