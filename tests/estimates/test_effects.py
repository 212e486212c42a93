import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unmask.errors import EstimateError
from unmask.estimates import (
    Effect,
    contrast_by_query,
    contrast_effect,
    contrast_effects,
    mean_effect,
    two_sample_effect,
    two_sample_effects,
)

PAIR_C = np.array([1.0, -1.0])
FOUR_C = np.array([0.5, 0.5, -0.5, -0.5])


def test_a_query_without_usable_replies_is_counted_and_not_read_as_a_refusal():
    rates_QC = np.array([[1.0, 0.5], [0.5, 0.5], [0.0, 0.5], [1.0, np.nan]])
    effect = contrast_effect(rates_QC, PAIR_C, level=0.95)
    assert effect.estimate == pytest.approx(0.0)  # NaN read as a refusal would give +0.25
    assert (effect.n_queries, effect.n_unusable) == (3, 1)


def test_a_missing_cell_that_does_not_count_leaves_the_query_usable():
    rates_QC = np.array([[1.0, 0.0, np.nan], [0.5, 0.0, np.nan]])
    effect = contrast_effect(rates_QC, np.array([1.0, -1.0, 0.0]), level=0.95)
    assert (effect.estimate, effect.n_unusable) == (pytest.approx(0.75), 0)


def test_the_interval_is_students_where_the_queries_differ_enough():
    rng = np.random.default_rng(1)
    first_Q = rng.integers(0, 2, 80).astype(float)
    effect = contrast_effect(np.stack([first_Q, 1 - first_Q], axis=1), PAIR_C, level=0.9)
    diff_Q = 2 * first_Q - 1
    low, high = stats.ttest_1samp(diff_Q, 0.0).confidence_interval(0.9)
    assert (
        diff_Q.var(ddof=1) > 0.5
    )  # below it the floor widens the interval, by little where queries are many
    assert (effect.low, effect.high) == (pytest.approx(low), pytest.approx(high))


def test_queries_that_all_agree_are_as_wide_as_with_one_more_at_each_end():
    effect = contrast_effect(np.zeros((50, 4)), FOUR_C, level=0.95)
    added = np.array([0.0] * 50 + [1.0, -1.0])
    half = stats.t.ppf(0.975, 49) * added.std(ddof=1) / np.sqrt(52)
    assert (effect.low, effect.high) == (pytest.approx(-half), pytest.approx(half))


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=2, max_size=30))
def test_no_interval_is_narrower_than_the_floor_and_none_has_width_zero(diffs):
    diff_Q = np.array(diffs)
    effect = mean_effect(diff_Q, level=0.95)
    added = np.append(diff_Q, [1.0, -1.0])
    floor = stats.t.ppf(0.975, len(diffs) - 1) * added.std(ddof=1) / np.sqrt(added.size)
    assert (effect.high - effect.low) / 2 >= floor * (1 - 1e-9) > 0


@given(st.integers(0, 2**32 - 1))
def test_swapping_the_sides_mirrors_the_interval(seed):
    rates_QC = np.random.default_rng(seed).choice([0.0, 0.2, 1.0, np.nan], (12, 4))
    rates_QC[:3] = 0.2
    one, other = (contrast_effect(rates_QC, w, level=0.95) for w in (FOUR_C, -FOUR_C))
    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_queries_and_cells_is_of_no_account(seed):
    rng = np.random.default_rng(seed)
    rates_QC = rng.random((10, 4))
    rows, columns = rng.permutation(10), rng.permutation(4)
    one = contrast_effect(rates_QC, FOUR_C, level=0.95)
    other = contrast_effect(rates_QC[rows][:, columns], FOUR_C[columns], level=0.95)
    assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high))


def test_many_studies_at_once_give_the_same_numbers_as_one_by_one():
    rng = np.random.default_rng(3)
    rates_NQC = rng.choice([0.0, 0.0, 0.2, 1.0, np.nan], (40, 9, 4), p=[0.4, 0.2, 0.15, 0.15, 0.1])
    together = contrast_effects(rates_NQC, FOUR_C, level=0.9)
    alone = 0
    for n, rates_QC in enumerate(rates_NQC):
        diff_Q = rates_QC @ FOUR_C
        used = diff_Q[~np.isnan(diff_Q)]
        if used.size < 2:
            assert np.isnan(together.low_N[n])
            continue
        added = np.append(used, [1.0, -1.0])
        se = max(used.std(ddof=1) / used.size**0.5, added.std(ddof=1) / added.size**0.5)
        half = stats.t.ppf(0.95, used.size - 1) * se
        expected = Effect(used.mean(), used.mean() - half, used.mean() + half, 0.9, used.size, 9 - used.size)
        assert vars(together[n]) == pytest.approx(vars(expected))
        assert contrast_effect(rates_QC, FOUR_C, level=0.9) == together[n]
        alone += 1
    assert alone > 30


@pytest.mark.parametrize("usable", [0, 1])
def test_a_single_query_says_nothing_rather_than_something_certain(usable):
    rates_QC = np.full((5, 2), np.nan)
    rates_QC[:usable] = 1.0
    with pytest.raises(EstimateError, match=f"usable queries: {usable}"):
        contrast_effect(rates_QC, PAIR_C, level=0.95)
    together = contrast_effects(rates_QC[np.newaxis], PAIR_C, level=0.95)
    assert np.isnan([together.estimate_N[0], together.low_N[0], together.high_N[0]]).all()


@pytest.mark.parametrize(
    ("rates", "weights", "level"),
    [
        (np.zeros((5, 2)), np.array([1.0, -1.0, 0.0]), 0.95),
        (np.zeros((5, 2)), np.zeros(2), 0.95),
        (np.zeros((5, 2)), np.array([1.0, np.nan]), 0.95),
        (np.full((5, 2), 20.0), PAIR_C, 0.95),
        (np.full((5, 2), -0.1), PAIR_C, 0.95),
        (np.full((5, 2), np.inf), PAIR_C, 0.95),
        (np.zeros((5, 2)), PAIR_C, 95),
        (np.zeros(5), PAIR_C, 0.95),
    ],
)
def test_what_cannot_be_an_array_of_shares_is_refused(rates, weights, level):
    with pytest.raises(EstimateError):
        contrast_effect(rates, weights, level=level)


def test_welch_agrees_with_scipy_where_no_side_is_floored():
    rng = np.random.default_rng(5)
    a_Q, b_Q = rng.choice([-1.0, 1.0], 60), rng.choice([-0.9, 1.0], 25)
    effect = two_sample_effect(a_Q, b_Q, (1.0, -1.0), level=0.95)
    low, high = stats.ttest_ind(a_Q, b_Q, equal_var=False).confidence_interval(0.95)
    assert (effect.low, effect.high) == (pytest.approx(low), pytest.approx(high))


def test_half_of_one_less_another_weighs_mean_and_variance():
    rng = np.random.default_rng(6)
    a_Q, b_Q = rng.choice([-1.0, 1.0], 60), rng.choice([-1.0, 1.0], 60)
    halved = two_sample_effect(a_Q, b_Q, (0.5, -1.0), level=0.95)
    low, high = stats.ttest_ind(0.5 * a_Q, b_Q, equal_var=False).confidence_interval(0.95)
    assert (halved.low, halved.high) == (pytest.approx(low), pytest.approx(high))


def test_two_silent_sides_are_floored_each():
    effect = two_sample_effect(np.zeros(40), np.zeros(10), (0.5, -1.0), level=0.95)
    alone = mean_effect(np.zeros(10), level=0.95)
    assert effect.high > 0.9 * alone.high  # the ten silent queries of the smaller side decide the width
    assert (effect.n_queries, effect.n_unusable) == (50, 0)


def test_two_samples_need_two_queries_on_each_side():
    with pytest.raises(EstimateError, match="one side: 1"):
        two_sample_effect(np.zeros(9), np.array([0.0, np.nan]), (0.5, -1.0), level=0.95)
    together = two_sample_effects(
        np.zeros((2, 9)), np.array([[0.0, np.nan], [0.0, 0.1]]), (0.5, -1.0), level=0.9
    )
    assert np.isnan(together.low_N).tolist() == [True, False]


def test_the_contrast_by_query_keeps_leading_axes():
    rates_NQC = np.random.default_rng(2).random((3, 5, 4))
    assert contrast_by_query(rates_NQC, FOUR_C)[1] == pytest.approx(contrast_by_query(rates_NQC[1], FOUR_C))


def test_an_unknown_effect_has_no_limits_and_no_variance():
    effect = Effect.unknown(0.95, n_queries=1, n_unusable=4)
    assert np.isnan([effect.estimate, effect.low, effect.high, effect.variance]).all()


def test_the_variance_is_read_back_from_the_interval():
    diff_Q = np.random.default_rng(4).choice([-1.0, 1.0], 50)
    assert mean_effect(diff_Q, level=0.9).variance == pytest.approx(diff_Q.var(ddof=1))
