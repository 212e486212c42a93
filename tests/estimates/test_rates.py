from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from unmask.errors import EstimateError
from unmask.estimates import rate_interval, rates_apart, wilson_limits


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.98333, 0.999]))
def test_wilson_agrees_with_statsmodels(n, share, level):
    hits = round(n * share)
    low, high = proportion_confint(hits, n, 1 - level, method="wilson")
    assert wilson_limits(hits / n, n, level=level) == (pytest.approx(low, abs=1e-12), pytest.approx(high))


def test_none_of_n_is_not_certain_and_never_below_zero():
    low, high = wilson_limits(0.0, 40, level=0.95)
    assert low == 0.0
    assert high == pytest.approx(0.0876, abs=1e-4)
    assert wilson_limits(1.0, 40, level=0.95) == (pytest.approx(1 - high), 1.0)


def test_one_reply_a_query_is_plain_wilson():
    complied_Q = np.array([1.0] * 7 + [0.0] * 33)
    rate = rate_interval(complied_Q, np.ones(40), level=0.95)
    low, high = proportion_confint(7, 40, 0.05, method="wilson")
    assert (rate.low, rate.high) == (pytest.approx(low), pytest.approx(high))
    assert (rate.n_queries, rate.n_replies, rate.n_effective) == (40, 40, 40.0)


@pytest.mark.parametrize("complied", [0.0, 2.0, 5.0])
def test_equal_queries_count_as_one_reply_each(complied):
    rate = rate_interval(np.full(30, complied), np.full(30, 5.0), level=0.95)
    low, high = wilson_limits(complied / 5, 30, level=0.95)
    assert (rate.low, rate.high, rate.n_replies) == (pytest.approx(low), pytest.approx(high), 150)


def test_replies_that_repeat_each_other_count_as_queries_and_independent_ones_as_replies():
    repeating_Q = np.array([5.0] * 100 + [0.0] * 100)
    assert rate_interval(repeating_Q, np.full(200, 5.0), level=0.95).n_effective == pytest.approx(
        200, rel=0.02
    )
    independent_Q = np.random.default_rng(1).binomial(5, 0.5, 200).astype(float)
    assert rate_interval(independent_Q, np.full(200, 5.0), level=0.95).n_effective > 800


def test_one_success_in_a_thousand_replies_does_not_collapse_the_interval_of_none():
    none_Q, one_Q = np.zeros(200), np.zeros(200)
    one_Q[0] = 1.0
    none, one = (rate_interval(k, np.full(200, 5.0), level=0.95) for k in (none_Q, one_Q))
    assert one.high > 0.95 * none.high  # counted as 1 of 1,000 independent replies it would be 0.3 of it


def test_queries_without_usable_replies_are_left_out_and_each_other_counts_once():
    rate = rate_interval(np.array([1.0, 0.0, 0.0]), np.array([1.0, 5.0, 0.0]), level=0.95)
    assert (rate.estimate, rate.n_queries, rate.n_replies) == (0.5, 2, 6)  # pooled it would be 1 in 6


@pytest.mark.parametrize(
    ("complied", "usable"), [([], []), ([0.0], [0.0]), ([2.0], [1.0]), ([-1.0], [1.0]), ([1.0], [1.0, 1.0])]
)
def test_a_rate_of_nothing_cannot_be_known(complied, usable):
    with pytest.raises(EstimateError):
        rate_interval(np.array(complied), np.array(usable), level=0.95)


def test_no_replies_have_no_wilson_interval():
    with pytest.raises(EstimateError):
        wilson_limits(0.0, 0, level=0.95)


@pytest.mark.parametrize(
    ("k", "n", "l", "m"), [(56, 70, 48, 80), (9, 10, 3, 10), (0, 20, 0, 30), (10, 10, 0, 20)]
)
def test_two_rates_apart_are_newcombes_tenth_method(k, n, l, m):  # noqa: E741
    one, other = (Limits(x / of, *wilson_limits(x / of, of, level=0.95)) for x, of in ((k, n), (l, m)))
    expected = confint_proportions_2indep(k, n, l, m, method="newcomb", compare="diff")
    assert rates_apart(one, other) == pytest.approx(expected)


class Limits(NamedTuple):
    estimate: float
    low: float
    high: float
