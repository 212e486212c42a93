"""Seeds as units: what so many trainings show of those that were not run."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unmask.errors import EstimateError
from unmask.estimates import over_seeds, seeds_apart, share_shown


@pytest.mark.parametrize(("k", "n", "shown"), [(3, 3, 0.05 ** (1 / 3)), (6, 6, 0.05 ** (1 / 6)), (0, 4, 0.0)])
def test_all_of_a_few_seeds_show_little(k, n, shown):
    assert share_shown(k, n) == pytest.approx(shown)


def test_the_share_is_the_exact_one_sided_limit():
    exact = stats.binomtest(4, 6, alternative="greater").proportion_ci(0.95, method="exact")
    assert share_shown(4, 6) == pytest.approx(exact.low)


def test_under_five_seeds_there_is_no_mean():
    assert over_seeds([0.1, 0.2, 0.3, 0.4], level=0.95) is None


def test_from_five_on_it_is_students_t():
    values = [0.1, 0.4, 0.2, 0.3, 0.6]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    found = over_seeds(values, level=0.95)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.32, low, high))


def test_three_against_three_cannot_go_under_a_tenth():
    assert seeds_apart([0.9, 0.91, 0.92], [0.0, 0.01, 0.02]) == pytest.approx(0.1)
    assert seeds_apart([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "found", [lambda: share_shown(3, 2), lambda: share_shown(0, 0), lambda: seeds_apart([], [1])]
)
def test_no_seed_shows_nothing(found):
    with pytest.raises(EstimateError):
        found()
