"""Acquisitions: where to look next, given what is believed."""

from hyperbo.acquisition.base import Acquisition, MarginalAcquisition, Score
from hyperbo.acquisition.confidence import UpperConfidenceBound, upper_confidence_bound
from hyperbo.acquisition.entropy import (
    MaxValueEntropySearch,
    log_max_value_entropy,
    sample_maxima,
)
from hyperbo.acquisition.improvement import (
    ExpectedImprovement,
    LogExpectedImprovement,
    ProbabilityOfImprovement,
    expected_improvement,
    log_expected_improvement,
    log_probability_of_improvement,
)
from hyperbo.acquisition.maximise import (
    maximise_continuous,
    maximise_pool,
)
from hyperbo.acquisition.monte_carlo import MonteCarloLogExpectedImprovement
from hyperbo.acquisition.pending import (
    ConstantLiar,
    Fantasised,
    Integrated,
    KrigingBeliever,
    Liar,
    Outlook,
    PendingRule,
)
from hyperbo.acquisition.polish import SAME_POINT, polish
from hyperbo.acquisition.thompson import ThompsonSampling

__all__ = [
    "SAME_POINT",
    "Acquisition",
    "ConstantLiar",
    "ExpectedImprovement",
    "Fantasised",
    "Integrated",
    "KrigingBeliever",
    "Liar",
    "LogExpectedImprovement",
    "MarginalAcquisition",
    "MaxValueEntropySearch",
    "MonteCarloLogExpectedImprovement",
    "Outlook",
    "PendingRule",
    "ProbabilityOfImprovement",
    "Score",
    "ThompsonSampling",
    "UpperConfidenceBound",
    "expected_improvement",
    "log_expected_improvement",
    "log_max_value_entropy",
    "log_probability_of_improvement",
    "maximise_continuous",
    "maximise_pool",
    "polish",
    "sample_maxima",
    "upper_confidence_bound",
]
