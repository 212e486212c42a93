"""A ratio of means: Fieller's limits against the definition, and what has no limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unmask.errors import EstimateError
from unmask.estimates import mean_effect, ratio_of_means


def samples(seed, above, below, n=150, spread=0.5):
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, spread, n)
    noise = 0.8 * spread
    return above + shared + rng.normal(0, noise, n), below + shared + rng.normal(0, noise, n)


@pytest.mark.parametrize("seed", range(5))
def test_the_limits_are_the_ratios_that_a_t_test_does_not_refuse(seed):
    """Fieller's set by its definition: θ where mean(above − θ·below) may be 0."""
    above, below = samples(seed, 4.0, 6.0, spread=5.0)  # so wide that no variance is floored
    found = ratio_of_means(above, below, level=0.95)
    grid = np.linspace(found.low - 0.5, found.high + 0.5, 20_001)
    kept = [t for t in grid if stats.ttest_1samp(above - t * below, 0).pvalue >= 0.05]
    assert (found.low, found.high) == pytest.approx((kept[0], kept[-1]), abs=2e-4)


def test_no_limits_where_the_denominator_may_be_nothing():
    above, below = samples(1, 0.5, 0.02)
    found = ratio_of_means(above, below, level=0.95)
    assert (found.low, found.high) == (None, None)
    assert mean_effect(below, level=0.95).low < 0 < mean_effect(below, level=0.95).high


@pytest.mark.parametrize("seed", range(30))
def test_limits_exist_exactly_where_the_floored_interval_excludes_nothing(seed):
    rng = np.random.default_rng(seed)
    below = (rng.random(40) < 0.1).astype(float)
    above = (rng.random(40) < 0.1).astype(float)
    if not below.any():
        below[0] = 1.0
    effect = mean_effect(below, level=0.95)
    found = ratio_of_means(above, below, level=0.95)
    assert (found.low is not None) == (effect.low > 0)


def test_a_query_that_misses_one_side_is_left_out():
    above, below = samples(2, 0.5, 0.7)
    holed = above.copy()
    holed[3] = np.nan
    kept = np.arange(above.size) != 3
    assert ratio_of_means(holed, below, level=0.9) == ratio_of_means(above[kept], below[kept], level=0.9)


def test_it_covers_the_true_ratio():
    covered = 0
    for seed in range(1_000):
        found = ratio_of_means(*samples(seed, 0.5, 0.7, n=60), level=0.95)
        covered += found.low is not None and found.low <= 5 / 7 <= found.high
    low = stats.binom.ppf(0.001, 1_000, 0.95)
    assert covered >= low


def test_what_is_no_ratio_is_refused():
    with pytest.raises(EstimateError, match="two or more"):
        ratio_of_means(np.array([1.0]), np.array([1.0]), level=0.95)
    with pytest.raises(EstimateError, match="no ratio"):
        ratio_of_means(np.array([1.0, 0.0]), np.zeros(2), level=0.95)
    with pytest.raises(EstimateError, match="shapes"):
        ratio_of_means(np.zeros(3), np.zeros(2), level=0.95)
