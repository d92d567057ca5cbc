"""Logs of what Gaussian tails weigh, exact in value and gradient however deep in the tail."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.arrays import Array

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
# Beyond this many standard deviations the asymptotic series below is exact to float64, and
# erfc times exp is still far from underflow.
_DEEP = 15.0
# (-1)^k (2k + 1)!!: the asymptotic series of t^2 (1 - t R(t)), R being Mills' ratio.
_SERIES = tuple((-1.0) ** k * math.prod(range(1, 2 * k + 2, 2)) for k in range(10))


def log_cdf(z: Float[Array, "*S"]) -> Float[Array, "*S"]:
    r"""Log of $\Phi(z)$, the probability of a standard normal below `z`.

    `jax.scipy.special.log_ndtr` loses digits above 4 and, as it divides two exponentials, has no
    finite gradient below about -1e8.
    """
    above = 0.5 * jax.lax.erfc(math.sqrt(0.5) * jnp.maximum(z, 0.0))
    below = 0.5 * jax.lax.erfc(math.sqrt(0.5) * jnp.clip(-z, 0.0, _DEEP))
    body = jnp.where(z > 0.0, jnp.log1p(-above), jnp.log(below))
    depth = jnp.maximum(-z, _DEEP)
    tail = -0.5 * jnp.square(depth) - _HALF_LOG_TWO_PI - jnp.log(depth)
    tail = tail + jnp.log1p(-_deficit_series(depth) / jnp.square(depth))
    return jnp.where(z < -_DEEP, tail, body)


def log_mean_excess(z: Float[Array, "*S"]) -> Float[Array, "*S"]:
    r"""Log of $\phi(z) + z \Phi(z)$, the mean of the positive part of a normal around `z`.

    References:
        Ament et al. (2023), arXiv:2310.20708, equation 9 and appendix A.
    """
    # 1. Not far below zero, and above: the formula itself loses nothing.
    near = jnp.maximum(z, -1.0)
    direct = jnp.log(jnp.exp(_log_density(near)) + near * jax.scipy.special.ndtr(near))
    # 2. In the tail: factor out the density; 1 - t R(t) cancels to about 1 / t^2.
    depth = jnp.clip(-z, 1.0, _DEEP)
    tail = _log_density(depth) + jnp.log1p(-depth * _mills_ratio(depth))
    # 3. Where that cancellation would cost digits: its asymptotic series.
    abyss = jnp.maximum(-z, _DEEP)
    deep = _log_density(abyss) - 2.0 * jnp.log(abyss) + jnp.log(_deficit_series(abyss))
    return jnp.where(z > -1.0, direct, jnp.where(z > -_DEEP, tail, deep))


def log_truncation_gain(z: Float[Array, "*S"]) -> Float[Array, "*S"]:
    r"""Log of the entropy a standard normal loses when it is cut off above `z`.

    That is $z \phi(z) / (2 \Phi(z)) - \log \Phi(z)$, positive and decreasing in `z`.

    References:
        Wang and Jegelka (2017), arXiv:1703.01968, equation 6.
    """
    # 1. Around zero: the formula itself.
    near = jnp.clip(z, -_DEEP, 5.0)
    log_below = log_cdf(near)
    direct = jnp.log(0.5 * near * jnp.exp(_log_density(near) - log_below) - log_below)
    # 2. Little is cut off: factor out the density, and expand the log of one minus a tiny tail.
    above = jnp.maximum(z, 5.0)
    mills = _mills_ratio(jnp.minimum(above, _DEEP))
    mills = jnp.where(above > _DEEP, _deep_mills_ratio(jnp.maximum(above, _DEEP)), mills)
    cut = jnp.exp(_log_density(above)) * mills
    light = _log_density(above) + jnp.log(0.5 * above / (1.0 - cut) + mills * (1.0 + 0.5 * cut))
    # 3. Almost all is cut off: the squares of `z` in both terms cancel on paper.
    depth = jnp.maximum(-z, _DEEP)
    series = _deficit_series(depth)
    deficit = series / jnp.square(depth)
    gain = _HALF_LOG_TWO_PI + jnp.log(depth) - jnp.log1p(-deficit) - 0.5 * series / (1.0 - deficit)
    return jnp.where(z > 5.0, light, jnp.where(z > -_DEEP, direct, jnp.log(gain)))


def _log_density(z: Float[Array, "*S"]) -> Float[Array, "*S"]:
    """Log of the standard normal density."""
    return -0.5 * jnp.square(z) - _HALF_LOG_TWO_PI


def _mills_ratio(depth: Float[Array, "*S"]) -> Float[Array, "*S"]:
    """Upper tail over density, for `depth` between 0 and `_DEEP`."""
    tail = jax.lax.erfc(depth * math.sqrt(0.5)) * jnp.exp(0.5 * jnp.square(depth))
    return math.sqrt(0.5 * math.pi) * tail


def _deep_mills_ratio(depth: Float[Array, "*S"]) -> Float[Array, "*S"]:
    """Upper tail over density, for `depth` of at least `_DEEP`."""
    return (1.0 - _deficit_series(depth) / jnp.square(depth)) / depth


def _deficit_series(depth: Float[Array, "*S"]) -> Float[Array, "*S"]:
    """The square of `depth` times one minus `depth` times Mills' ratio, beyond `_DEEP`."""
    inverse_square = jnp.square(1.0 / depth)
    total = jnp.zeros_like(depth)
    for coefficient in reversed(_SERIES):
        total = total * inverse_square + coefficient
    return total
