"""Surrogates: beliefs about an objective, before and after its trials."""

from hyperbo.surrogates.base import Marginals, Posterior, log_mix

__all__ = ["Marginals", "Posterior", "log_mix"]
