"""Functions written out in NumPy, that networks are compared with."""

import numpy as np
from jaxtyping import Float


def gelu(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """By its approximation with a hyperbolic tangent."""
    bent: np.ndarray = 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))
    return bent
