"""p-values that belong to the intervals, and Holm's adjustment: against SciPy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.stats.multitest import multipletests

from unmask.errors import EstimateError
from unmask.estimates import family_level, holm, mean_effect, mean_p, two_sample_effect, two_sample_p

SHARES = hnp.arrays(float, st.integers(2, 30), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]))
P = hnp.arrays(float, st.integers(1, 12), elements=st.floats(0, 1, allow_subnormal=False))


@given(P, st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_is_that_of_statsmodels(p_F, alpha):
    rejected, adjusted, _, _ = multipletests(p_F, alpha=alpha, method="holm")
    found = holm(p_F)
    assert found == pytest.approx(adjusted)
    clear = np.abs(found - alpha) > 1e-9  # at the very edge the two may round apart
    assert ((found <= alpha) == rejected)[clear].all()


def test_what_cannot_be_known_stays_in_the_family():
    known = holm(np.array([0.01, 0.02]))
    found = holm(np.array([0.01, np.nan, 0.02]))
    assert found[0] == pytest.approx(0.03)
    assert np.isnan(found[1])
    assert (found[[0, 2]] > known).all()


def test_no_family_and_no_p_values():
    for p in ([], [1.2], [-0.1]):
        with pytest.raises(EstimateError):
            holm(np.array(p))


def test_p_values_are_those_of_scipy_where_the_floor_does_not_bind():
    rng = np.random.default_rng(3)
    a, b = rng.choice([-1.0, 1.0], 60), rng.choice([-1.0, 1.0], 45, p=[0.3, 0.7])  # as spread as can be
    assert mean_p(a) == pytest.approx(stats.ttest_1samp(a, 0).pvalue)
    assert two_sample_p(a, b, (1.0, -1.0)) == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


@given(SHARES, st.floats(0.001, 0.4))
def test_below_alpha_exactly_where_the_interval_leaves_zero_out(diff_Q, alpha):
    effect = mean_effect(diff_Q, level=1 - alpha)
    p = mean_p(diff_Q)
    if abs(p - alpha) > 1e-9:
        assert (p < alpha) == (effect.low > 0 or effect.high < 0)


@given(SHARES, SHARES, st.floats(0.001, 0.4))
def test_two_samples_below_alpha_exactly_where_the_interval_leaves_zero_out(a_Q, b_Q, alpha):
    effect = two_sample_effect(a_Q, b_Q, (1.0, -1.0), level=1 - alpha)
    p = two_sample_p(a_Q, b_Q, (1.0, -1.0))
    if abs(p - alpha) > 1e-9:
        assert (p < alpha) == (effect.low > 0 or effect.high < 0)


def test_one_usable_query_knows_nothing():
    assert np.isnan(mean_p(np.array([0.5, np.nan])))
    assert np.isnan(two_sample_p(np.array([0.5, np.nan]), np.array([0.1, 0.2]), (1.0, -1.0)))


def test_queries_that_all_agree_are_no_certainty():
    assert mean_p(np.zeros(40)) == 1.0
    assert mean_p(np.full(2, 1.0)) > 0.05
    assert mean_p(np.full(40, 1.0)) < 1e-6


def test_the_level_of_a_family():
    assert family_level(1, alpha=0.05) == pytest.approx(0.95)
    assert family_level(5, alpha=0.05) == pytest.approx(0.99)
    with pytest.raises(EstimateError):
        family_level(0, alpha=0.05)
