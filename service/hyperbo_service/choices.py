"""The values that options take; light, so that `--help` can show them."""

from enum import StrEnum


class ModelName(StrEnum):
    """A prior model."""

    HYPERBO = "hyperbo"
    ABLR = "ablr"
    FSBO = "fsbo"
    HIERARCHICAL = "hierarchical"


class ObjectiveName(StrEnum):
    """What a parametric model is trained by."""

    NLL = "nll"
    EKL = "ekl"
    EUCLID = "euclid"


class GoalName(StrEnum):
    """Which way a metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class SettingName(StrEnum):
    """Which configurations an offline study learns from and tests on."""

    NEW_POINTS = "new-points"
    SAME_POINTS = "same-points"


class HoldOutName(StrEnum):
    """Which tasks of an offline study are held out together."""

    TURNS = "turns"
    RELATED = "related"


class MethodName(StrEnum):
    """A method of offline studies."""

    HYPERBO = "hyperbo"
    HYPERBO_EKL = "hyperbo-ekl"
    GP = "gp"
    PORTFOLIO = "portfolio"
    PORTFOLIO_GP = "portfolio-gp"
    RANDOM = "random"
    SOBOL = "sobol"
    ABLR = "ablr"
    FSBO = "fsbo"
    HYPERBO_ALONE = "hyperbo-alone"
    HYPERBO_FROZEN = "hyperbo-frozen"
    HYPERBO_FROZEN_PI = "hyperbo-frozen-pi"
    HYPERBO_SHUFFLED = "hyperbo-shuffled"
    HYPERBO_UNRELATED = "hyperbo-unrelated"
    OPTUNA_TPE = "optuna-tpe"
    OPTUNA_GP = "optuna-gp"


class OptimizerName(StrEnum):
    """What a sweep of training runs tunes."""

    NESTEROV = "nesterov"
    ADAMW = "adamw"
    CHOSEN = "chosen"


class SizeName(StrEnum):
    """How large the networks of a sweep are."""

    SMALL = "small"
    PUBLISHED = "published"


class ExecutorName(StrEnum):
    """Where jobs run."""

    PROCESSES = "processes"
    RAY = "ray"
    SLURM = "slurm"


class StoppingName(StrEnum):
    """A rule by which a trial is advised to stop early."""

    MEDIAN = "median"
    HALVING = "halving"
    NONE = "none"


class StateName(StrEnum):
    """A trial's state."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    ABANDONED = "abandoned"


class FormatName(StrEnum):
    """How a trial is written for a script."""

    JSON = "json"
    ENV = "env"
    ARGS = "args"
