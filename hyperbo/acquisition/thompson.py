"""Thompson sampling: draw one function from the posterior and go to its maximum."""

import jax.numpy as jnp
from jaxtyping import Float

from hyperbo.acquisition.base import Acquisition, Score, mean_until_observed
from hyperbo.arrays import Array, Key
from hyperbo.surrogates.base import Posterior


class ThompsonSampling(Acquisition):
    """Score by one function drawn from the posterior, jointly at all candidates.

    A candidate is therefore chosen as often as it is believed to be the best of them. The draw
    costs the cube of the number of candidates.
    """

    def bind(
        self,
        key: Key,
        posterior: Posterior,
        candidates: Float[Array, "Q D"],
        best: Float[Array, ""],
    ) -> Score:
        """Draw the function's values at the candidates."""
        values = posterior.sample(key, candidates, 1)[0]
        return SampledScore(posterior, candidates, values, best)


class SampledScore(Score):
    """A drawn function: exact at the candidates, elsewhere the nearest candidate's value.

    Being piecewise constant, it has a gradient of zero and its maximum at a candidate: the
    function between candidates was never drawn, and following anything else there, such as the
    mean, would no longer choose points as often as they are believed to be best.

    Attributes:
        posterior: Beliefs about the objective.
        candidates: Where the function was drawn.
        values: What it is there, in the objective's unit.
        best: Largest noise-free value so far, or minus infinity.
    """

    posterior: Posterior
    candidates: Float[Array, "P D"]
    values: Float[Array, " P"]
    best: Float[Array, ""]

    def __call__(self, inputs: Float[Array, "Q D"]) -> Float[Array, " Q"]:
        """The drawn function at `Q` points, or the mean while nothing was observed."""
        # The squared distance less the input's own norm, which is the same for every candidate.
        norms = jnp.sum(jnp.square(self.candidates), axis=1)
        distances = norms[None, :] - 2.0 * inputs @ self.candidates.T
        scores = self.values[jnp.argmin(distances, axis=1)]
        return mean_until_observed(self.best, self.posterior.marginals(inputs), scores)
