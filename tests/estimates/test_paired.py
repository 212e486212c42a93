import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from unmask.errors import EstimateError
from unmask.estimates import tango_effect, tango_limits


def limits_by_search(b, c, n, level):
    """Tango's limits as he gave them: the score statistic, its constrained estimate, and a search."""
    z = stats.norm.ppf((1 + level) / 2)

    def statistic(delta, side):
        middle = -b - c + (2 * n - b + c) * delta
        q = (np.sqrt(middle**2 + 8 * n * c * delta * (1 - delta)) - middle) / (4 * n)
        return b - c - n * delta - side * z * np.sqrt(max(n * (2 * q + delta * (1 - delta)), 0.0))

    seen = (b - c) / n
    low = optimize.brentq(statistic, -1, seen, args=(1,), xtol=1e-14)
    high = optimize.brentq(statistic, seen, 1, args=(-1,), xtol=1e-14)
    return low, high


@given(st.integers(2, 2000), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.98333, 0.999]))
def test_the_closed_form_finds_what_the_search_finds(n, differing, first, level):
    b = round(n * differing * first)
    c = round(n * differing) - b
    if b + c == 0 or abs(b - c) == n:  # there the search has no bracket; see the next two tests
        return
    assert tango_limits(b, c, n, level=level) == pytest.approx(limits_by_search(b, c, n, level), abs=1e-9)


@pytest.mark.parametrize("n", [2, 40, 200, 100_000])
def test_pairs_that_never_differ_are_bounded_as_by_wilson(n):
    """With b = c = 0 the equation is n Δ² = z² |Δ| (1 − |Δ|): Wilson's limit of 0 of n, both ways."""
    z2 = stats.norm.ppf(0.975) ** 2
    assert tango_limits(0, 0, n, level=0.95) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)))


@pytest.mark.parametrize("n", [2, 40, 200, 100_000])
def test_pairs_that_all_differ_one_way_reach_one_and_not_beyond(n):
    low, high = tango_limits(n, 0, n, level=0.95)
    z2 = stats.norm.ppf(0.975) ** 2
    assert high == 1.0
    assert low == pytest.approx(1 - 2 * z2 / (n + z2))


@given(st.integers(2, 300), st.data())
def test_swapping_the_cells_mirrors_the_limits(n, data):
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    low, high = tango_limits(b, c, n, level=0.95)
    assert tango_limits(c, b, n, level=0.95) == (-high, -low)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert low < high


def test_unusable_pairs_are_counted_and_left_out():
    first_Q = np.array([1.0, 1.0, 0.0, 0.0, np.nan, 1.0])
    second_Q = np.array([0.0, 1.0, 0.0, 1.0, 1.0, np.nan])
    effect = tango_effect(first_Q, second_Q, level=0.95)
    assert (effect.estimate, effect.n_queries, effect.n_unusable) == (0.0, 4, 2)
    assert (effect.low, effect.high) == tango_limits(1, 1, 4, level=0.95)


@pytest.mark.parametrize(
    ("first", "second"),
    [([1.0], [0.0]), ([1.0, 0.5], [0.0, 0.0]), ([1.0, 0.0], [1.0]), ([np.nan] * 3, [1.0] * 3)],
)
def test_shares_and_single_pairs_are_refused(first, second):
    with pytest.raises(EstimateError):
        tango_effect(np.array(first), np.array(second), level=0.95)
