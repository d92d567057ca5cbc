"""The methods of offline studies that the command line knows, by their short names."""

from collections.abc import Callable, Mapping, Sequence

from hyperbo.benchmark.methods import (
    PortfolioRecipe,
    PortfolioThenScratch,
    RandomSearch,
    Recipe,
    ScratchRecipe,
    SobolSearch,
    Untrained,
)
from hyperbo.benchmark.misled import shuffled_recipe, unrelated_recipe
from hyperbo.benchmark.trained_methods import (
    ablr_recipe,
    alone_recipe,
    divergence_recipe,
    frozen_improvement_probability_recipe,
    frozen_recipe,
    fsbo_recipe,
    hyperbo_recipe,
)
from hyperbo_service.choices import MethodName


def optuna_tpe() -> Recipe:
    """Optuna's tree-structured Parzen estimator.

    Raises:
        MissingExtraError: If Optuna is not installed.
    """
    from hyperbo.benchmark.peers import OPTUNA_TPE  # noqa: PLC0415 - needs the extra `peers`

    return Untrained(OPTUNA_TPE)


def optuna_gp() -> Recipe:
    """Optuna's Gaussian process.

    Raises:
        MissingExtraError: If Optuna is not installed.
    """
    from hyperbo.benchmark.peers import OPTUNA_GP  # noqa: PLC0415 - needs the extra `peers`

    return Untrained(OPTUNA_GP)


METHODS: Mapping[MethodName, Callable[[], Recipe]] = {
    MethodName.HYPERBO: hyperbo_recipe,
    MethodName.HYPERBO_EKL: divergence_recipe,
    MethodName.GP: ScratchRecipe,
    MethodName.PORTFOLIO: PortfolioRecipe,
    MethodName.PORTFOLIO_GP: PortfolioThenScratch,
    MethodName.RANDOM: lambda: Untrained(RandomSearch()),
    MethodName.SOBOL: lambda: Untrained(SobolSearch()),
    MethodName.ABLR: ablr_recipe,
    MethodName.FSBO: fsbo_recipe,
    MethodName.HYPERBO_ALONE: alone_recipe,
    MethodName.HYPERBO_FROZEN: frozen_recipe,
    MethodName.HYPERBO_FROZEN_PI: frozen_improvement_probability_recipe,
    MethodName.HYPERBO_SHUFFLED: shuffled_recipe,
    MethodName.HYPERBO_UNRELATED: unrelated_recipe,
    MethodName.OPTUNA_TPE: optuna_tpe,
    MethodName.OPTUNA_GP: optuna_gp,
}


LEARN_FROM_SHARED = frozenset(
    {MethodName.HYPERBO_EKL, MethodName.PORTFOLIO, MethodName.PORTFOLIO_GP}
)
"""Methods that learn from configurations which all tasks of a fold share, and from no others."""


def recipes(names: Sequence[MethodName]) -> list[Recipe]:
    """The recipes of some methods.

    Raises:
        MissingExtraError: If one of them needs a library that is not installed.
    """
    return [METHODS[name]() for name in names]
