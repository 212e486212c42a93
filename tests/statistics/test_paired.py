"""Tango's interval covers the published gap, one reply a query, where few pairs differ too."""

import itertools
from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy import stats

from unmask.estimates import tango_limits


@cache
def limits(b, c, n):
    return tango_limits(b, c, n, level=0.95)


def likely(n, share, cut=1e-7):
    """Counts that are not beyond chance, with their probabilities."""
    low, high = (int(k) for k in stats.binom.interval(1 - cut, n, share)) if 0 < share < 1 else (0, 0)
    counts = range(max(low, 0), high + 1)
    return zip(counts, stats.binom.pmf(list(counts), n, share), strict=True)


def exact_coverage(n, only_first, only_second):
    """Summed over the tables, so without simulation noise."""
    total = 0.0
    for b, p_b in likely(n, only_first):
        for c, p_c in likely(n - b, only_second / (1 - only_first)):
            low, high = limits(b, c, n)
            total += p_b * p_c * (low <= only_first - only_second <= high)
    return total


@pytest.mark.parametrize("n", [60, 200])
def test_the_published_gap_is_covered_on_average_and_nearly_everywhere(n):
    shares = [(0.002, 0.0), (0.01, 0.0), (0.02, 0.02), (0.05, 0.01), (0.1, 0.1), (0.12, 0.02), (0.5, 0.05)]
    found = [exact_coverage(n, *pair) for pair in shares]
    assert np.mean(found) > 0.945
    assert min(found) > 0.92


def test_simulated_pairs_agree_with_the_exact_sum():
    rng = np.random.default_rng(1)
    tables = Counter(map(tuple, rng.multinomial(60, [0.12, 0.03, 0.85], 4000)[:, :2].tolist()))
    hits = 0
    for (b, c), times in tables.items():
        low, high = limits(b, c, 60)
        hits += times * (low <= 0.09 <= high)
    assert hits / 4000 == pytest.approx(exact_coverage(60, 0.12, 0.03), abs=0.012)


def test_the_plain_normal_interval_fails_where_tango_holds():
    n, only_first = 60, 0.02
    b = np.arange(20)
    half = 1.96 * np.sqrt(b - b**2 / n) / n
    wald = stats.binom.pmf(b, n, only_first)[np.abs(b / n - only_first) <= half].sum()
    assert wald < 0.75
    assert exact_coverage(n, only_first, 0.0) > 0.94


def test_narrower_levels_are_nested():
    for b, c in itertools.product((0, 1, 5, 20), (0, 1, 7)):
        limits_by_level = [tango_limits(b, c, 60, level=level) for level in (0.5, 0.8, 0.95, 0.99)]
        lows, highs = zip(*limits_by_level, strict=True)
        assert list(lows) == sorted(lows, reverse=True)
        assert list(highs) == sorted(highs)
