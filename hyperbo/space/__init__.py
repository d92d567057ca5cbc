"""Search spaces: parameters, the unit cube they are tuned in, JSON, and space-filling designs."""

from hyperbo.space.categorical import CategoricalParameter, Category
from hyperbo.space.differences import describe_differences
from hyperbo.space.fixed import FixedParameter
from hyperbo.space.numeric import DiscreteParameter, FloatParameter, IntegerParameter
from hyperbo.space.parameter import Parameter, Value
from hyperbo.space.sampling import sample_halton, sample_sobol, sample_uniform
from hyperbo.space.scales import Linear, Log, ReverseLog, Scale
from hyperbo.space.search_space import SearchSpace

__all__ = [
    "CategoricalParameter",
    "Category",
    "DiscreteParameter",
    "FixedParameter",
    "FloatParameter",
    "IntegerParameter",
    "Linear",
    "Log",
    "Parameter",
    "ReverseLog",
    "Scale",
    "SearchSpace",
    "Value",
    "describe_differences",
    "sample_halton",
    "sample_sobol",
    "sample_uniform",
]
