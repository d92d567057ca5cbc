"""Goals and warps: signs, monotony, and survival of perfect trials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperbo_datasets.errors import TableError
from hyperbo_datasets.metric import (
    Goal,
    Identity,
    Maximise,
    Metric,
    Minimise,
    NegativeLogError,
    Warp,
    goal_from_name,
    metric_from_dict,
    warp_from_dict,
)

FRACTIONS = st.floats(0.0, 1.0, allow_subnormal=False)


def test_accuracy_and_error_warp_alike() -> None:
    """An accuracy of 90 percent and an error of 0.1 are the same result."""
    by_accuracy = NegativeLogError(100.0, 1e-3).apply(np.array([90.0, 100.0]), Maximise())
    by_error = NegativeLogError(1.0, 1e-3).apply(np.array([0.1, 0.0]), Minimise())

    np.testing.assert_allclose(by_accuracy, by_error, rtol=1e-12)
    np.testing.assert_allclose(by_error, [-np.log(0.101), -np.log(0.001)], rtol=1e-12)


@given(st.lists(FRACTIONS, min_size=2, max_size=20), st.sampled_from([Maximise(), Minimise()]))
@pytest.mark.parametrize("warp", [Identity(), NegativeLogError()])
def test_a_warp_keeps_the_order(warp: Warp, values: list[float], goal: Goal) -> None:
    """What is better by the goal is never smaller after the warp."""
    metric = Metric("m", goal, warp)
    order = np.argsort(metric.maximised(np.array(values)))

    assert np.all(np.diff(metric.warped(np.array(values))[order]) >= 0.0)


@given(st.lists(FRACTIONS, min_size=1, max_size=20))
def test_perfect_trials_stay_finite(values: list[float]) -> None:
    """A zero error warps to minus log epsilon, the largest value there is."""
    warped = NegativeLogError(epsilon=1e-3).apply(np.array([0.0, *values]), Minimise())

    assert np.all(np.isfinite(warped))
    assert warped.max() == warped[0] == -np.log(1e-3)


@given(
    st.lists(FRACTIONS, min_size=1, max_size=20),
    st.sampled_from([Maximise(), Minimise()]),
    st.sampled_from([Identity(), NegativeLogError(), NegativeLogError(100.0, 1e-6)]),
)
def test_unwarping_gives_the_native_values_back(
    values: list[float], goal: Goal, warp: Warp
) -> None:
    """Warped and back again, every value is itself, perfect and worst ones included."""
    metric, native = Metric("m", goal, warp), np.array(values)

    np.testing.assert_allclose(metric.unwarped(metric.warped(native)), native, atol=1e-12)


@given(
    st.lists(st.floats(-40.0, 6.9), min_size=1, max_size=20),
    st.sampled_from([Maximise(), Minimise()]),
)
def test_warping_gives_the_models_values_back(values: list[float], goal: Goal) -> None:
    """Out of the model's unit and back, a value short of the perfect one is itself."""
    metric, warped = Metric("m", goal, NegativeLogError(100.0)), np.array(values)

    np.testing.assert_allclose(metric.warped(metric.unwarped(warped)), warped, atol=1e-9)


@pytest.mark.parametrize(("goal", "perfect"), [(Maximise(), 100.0), (Minimise(), 0.0)])
def test_beyond_perfect_is_perfect(goal: Goal, perfect: float) -> None:
    """A model's belief above the largest warped value means no error at all."""
    native = NegativeLogError(100.0).invert(np.array([7.0, 50.0, 1e6, np.inf]), goal)

    np.testing.assert_array_equal(native, perfect)


def test_absurd_beliefs_stay_finite() -> None:
    """A value whose error no float can hold comes back as a large finite one; NaN stays NaN."""
    for goal in (Maximise(), Minimise()):
        native = NegativeLogError(100.0).invert(np.array([-1e9, np.nan]), goal)
        assert np.isfinite(native[0])
        assert np.isnan(native[1])


def test_rounding_counts_as_perfect() -> None:
    """float32 turns 100 percent into 100.00001, which is perfect and no error."""
    warped = NegativeLogError(100.0).apply(np.array([100.00001]), Maximise())

    np.testing.assert_allclose(warped, -np.log(1e-3))


def test_better_than_perfect_is_refused() -> None:
    """Percent read as fractions is caught, and the message names the scale."""
    with pytest.raises(TableError, match=r"such as 97\.0.*scale \(100 for percent\)"):
        NegativeLogError(scale=1.0).apply(np.array([0.5, 97.0]), Maximise())


def test_missing_stays_missing() -> None:
    """NaN is neither refused nor made into a number; the bridge to tasks fills it."""
    assert np.isnan(NegativeLogError().apply(np.array([np.nan]), Minimise())).all()


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_epsilon_must_be_positive(value: float) -> None:
    """Without a positive epsilon a perfect trial is infinite."""
    with pytest.raises(TableError, match="positive"):
        NegativeLogError(epsilon=value)


@pytest.mark.parametrize("warp", [Identity(), NegativeLogError(100.0, 1e-4)])
@pytest.mark.parametrize("goal", [Maximise(), Minimise()])
def test_metric_survives_json(goal: Goal, warp: Warp) -> None:
    """Writing and reading a metric gives an equal one."""
    metric = Metric("accuracy", goal, warp)

    assert metric_from_dict(metric.to_dict()) == metric


@pytest.mark.parametrize("name", ["maximise", "maximize"])
def test_both_spellings_are_read(name: str) -> None:
    """British and American spelling mean the same."""
    assert goal_from_name(name) == Maximise()


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "logarithm"},
        {"kind": ["identity"]},
        {"kind": "identity", "scale": 1},
        {"kind": "negative_log_error", "epsilon": "small"},
    ],
)
def test_unknown_warps_are_refused(document: dict[str, object]) -> None:
    """A kind or field that does not exist gets the package's own error."""
    with pytest.raises(TableError):
        warp_from_dict(document)


def test_incomplete_metrics_are_refused() -> None:
    """The message says which field is missing."""
    with pytest.raises(TableError, match="goal"):
        metric_from_dict({"name": "loss"})
    with pytest.raises(TableError, match="'upwards'"):
        metric_from_dict({"name": "loss", "goal": "upwards"})
