import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.errors import EstimateError
from unmask.estimates import Requirement, detection_limit, mean_effect, power_at, queries_needed, reply_noise

FOUR_C = np.array([0.5, 0.5, -0.5, -0.5])


def test_reply_noise_is_the_binomial_variance_of_the_contrast():
    draws = np.random.default_rng(1).binomial(5, 0.3, (200_000, 4)) / 5 @ FOUR_C
    assert reply_noise(0.3, 5, FOUR_C) == pytest.approx(draws.var(), rel=0.02)


def test_the_limit_has_the_power_it_promises_by_its_own_account():
    requirement = Requirement(variance=0.02, n_queries=120, margin=0.05)
    limit = detection_limit([requirement], level=0.975)
    assert power_at(limit, requirement, level=0.975) == pytest.approx(0.9, abs=1e-3)


@settings(max_examples=30)
@given(st.integers(10, 400), st.floats(0, 0.3))
def test_more_queries_or_less_noise_never_raise_the_limit(n, variance):
    limits = [
        detection_limit([Requirement(variance=v, n_queries=q)], level=0.975) or 1.0
        for v, q in ((variance, n), (variance, 2 * n), (variance / 2, n))
    ]
    assert limits[1] <= limits[0] + 1e-4
    assert limits[2] <= limits[0] + 1e-4


def test_asking_more_of_the_same_data_raises_the_limit():
    story = Requirement(variance=0.02, n_queries=120, margin=0.05)
    joint = Requirement(variance=0.02, n_queries=120, share=0.5)
    one, both = (detection_limit(r, level=0.975) for r in ([story], [story, joint]))
    assert both > 1.3 * one


def test_with_any_number_of_queries_only_more_than_the_margin_is_called_present():
    limit = detection_limit([Requirement(variance=0.001, n_queries=10**6, margin=0.05)], level=0.975)
    assert limit == pytest.approx(0.05, abs=1e-3)


def test_two_queries_can_detect_nothing():
    assert detection_limit([Requirement(variance=0.0, n_queries=2)], level=0.95) is None


def test_what_is_no_design_is_refused():
    for wrong in ({"variance": -1.0}, {"variance": float("nan")}, {"n_queries": 1}, {"share": 0.0}):
        with pytest.raises(EstimateError):
            Requirement(**({"variance": 0.1, "n_queries": 10} | wrong))
    with pytest.raises(EstimateError):
        detection_limit([], level=0.95)
    with pytest.raises(EstimateError):
        reply_noise(0.1, 0, FOUR_C)


def test_at_the_queries_needed_no_estimate_is_unclear_and_at_one_less_some_is():
    n = queries_needed(0.05, delta=0.05, level=0.975)
    rng = np.random.default_rng(2)
    for size, enough in ((n, True), (n - 1, False)):
        diff_Q = rng.standard_normal(size)
        diff_Q = (diff_Q - diff_Q.mean()) / diff_Q.std(ddof=1) * 0.05**0.5
        effect = mean_effect(diff_Q, level=0.975)
        assert (effect.high - effect.low <= 0.05) is enough


def test_the_floor_holds_for_the_queries_needed_too():
    n = queries_needed(0.0, delta=0.05, level=0.975)
    effect = mean_effect(np.zeros(n), level=0.975)
    assert n > 100
    assert effect.high - effect.low <= 0.05


@pytest.mark.parametrize(("variance", "delta"), [(float("nan"), 0.05), (0.1, 0.0), (1.0, 1e-4)])
def test_what_no_query_set_can_decide_is_not_boundable(variance, delta):
    assert queries_needed(variance, delta=delta, level=0.95) is None
