"""A mixture of posteriors, each believed as far as its prior foretold the trials."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Float

from hyperbo.arrays import Array, Key
from hyperbo.surrogates.base import Marginals, Posterior


class MixturePosterior(Posterior):
    """Several posteriors over one objective, with weights that sum to one.

    Attributes:
        members: The posteriors.
        log_weight: Log weight of each member.
    """

    members: tuple[Posterior, ...]
    log_weight: Float[Array, " E"]

    def marginals(self, inputs: Float[Array, "Q D"]) -> Marginals:
        """The members' components side by side, reweighted."""
        parts = [member.marginals(inputs) for member in self.members]
        return Marginals(
            jnp.concatenate([part.mean for part in parts]),
            jnp.concatenate([part.stddev for part in parts]),
            jnp.concatenate([part.log_weight + self.log_weight[i] for i, part in enumerate(parts)]),
        )

    def sample(
        self, key: Key, inputs: Float[Array, "Q D"], count: int
    ) -> Float[Array, "{count} Q"]:
        """Draw each function from a member chosen by weight."""
        key_member, *keys = jr.split(key, 1 + len(self.members))
        draws = jnp.stack(
            [
                member.sample(key_draws, inputs, count)
                for member, key_draws in zip(self.members, keys, strict=True)
            ]
        )
        chosen = jr.categorical(key_member, self.log_weight, shape=(count,))
        return draws[chosen, jnp.arange(count)]

    def fantasise(
        self, inputs: Float[Array, "B D"], values: Float[Array, " B"]
    ) -> "MixturePosterior":
        """Condition every member; the weights stay."""
        grown = tuple(member.fantasise(inputs, values) for member in self.members)
        return eqx.tree_at(lambda mixture: mixture.members, self, grown)
