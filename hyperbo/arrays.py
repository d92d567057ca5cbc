"""Array types and axis letters; importing this module switches JAX to float64.

Axes: `N` points, `D` unit-cube dimensions, `F` features, `Q` candidates, `M` tasks, `S` samples,
`B` points of a batch, `J` components of a mixture.
"""

import jax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

# A Cholesky factor of clustered points is wrong in float32: see docs/decisions/0001-float64.md.
jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]

Key = PRNGKeyArray | Array

__all__ = ["Array", "Bool", "Float", "Int", "Key"]
