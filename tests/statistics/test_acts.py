"""Rates and differences of acts over few worlds that differ: how often the intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.estimates import contrast_effect, rate_interval

WORLDS, EPISODES, STUDIES, LEVEL = 12, 3, 1_500, 0.95


def worlds_that_differ(rng, mean, spread):
    """Share of acts by world, Beta with this mean; `spread` 0 is one rate for all."""
    if spread == 0 or mean in (0.0, 1.0):
        return np.full(WORLDS, mean)
    k = 1 / spread - 1
    return rng.beta(mean * k, (1 - mean) * k, WORLDS)


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("mean", [0.02, 0.1, 0.3, 0.6])
def test_a_rate_over_worlds_holds_the_truth(mean, spread):
    rng = np.random.default_rng(int(1000 * (mean + 10 * spread)))
    hits = 0
    for _ in range(STUDIES):
        done_W = rng.binomial(EPISODES, worlds_that_differ(rng, mean, spread)).astype(float)
        found = rate_interval(done_W, np.full(WORLDS, float(EPISODES)), level=LEVEL)
        hits += found.low <= mean <= found.high
    assert hits / STUDIES > 0.92


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("means", [(0.0, 0.0), (0.3, 0.1), (0.6, 0.0), (0.5, 0.5)])
def test_a_difference_over_worlds_holds_the_truth(means, spread):
    rng = np.random.default_rng(int(1000 * (sum(means) + 10 * spread)))
    hits = 0
    for _ in range(STUDIES):
        shares_WC = np.column_stack(
            [rng.binomial(EPISODES, worlds_that_differ(rng, m, spread)) / EPISODES for m in means]
        )
        found = contrast_effect(shares_WC, np.array([1.0, -1.0]), level=LEVEL)
        hits += found.low <= means[0] - means[1] <= found.high
    assert hits / STUDIES > 0.93


def test_counting_episodes_as_units_would_not_hold_it():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(STUDIES):
        done = rng.binomial(15, worlds_that_differ(rng, 0.3, 0.8)).sum()
        found = rate_interval(np.array([float(done)]), np.array([15.0 * WORLDS]), level=LEVEL)
        naive = np.sqrt(found.estimate * (1 - found.estimate) / (15 * WORLDS)) * 1.96
        hits += abs(found.estimate - 0.3) <= naive
    assert hits / STUDIES < 0.6
