"""Coverage of one rate, with replies to a query that resemble each other."""

import itertools

import numpy as np
import pytest

from tests.statistics.studies import own_rates
from unmask.estimates import rate_interval, wilson_limits

STUDIES = 600
NOISE = 3 * (0.95 * 0.05 / STUDIES) ** 0.5


def covered(rng, queries, epochs, base, spread, interval):
    usable_Q = np.full(queries, float(epochs))
    hits = 0
    for _ in range(STUDIES):
        complied_Q = rng.binomial(epochs, own_rates(rng, queries, base, spread)).astype(float)
        low, high = interval(complied_Q, usable_Q)
        hits += low <= base <= high
    return hits / STUDIES


def ours(complied_Q, usable_Q):
    rate = rate_interval(complied_Q, usable_Q, level=0.95)
    return rate.low, rate.high


def pooled(complied_Q, usable_Q):
    return wilson_limits(complied_Q.sum() / usable_Q.sum(), usable_Q.sum(), level=0.95)


@pytest.mark.parametrize("spread", [0.1, 0.5, 0.9])
def test_a_rate_is_covered_however_alike_the_replies_to_one_query_are(spread):
    rng = np.random.default_rng([1, int(10 * spread)])
    found = [
        covered(rng, q, 5, b, spread, ours) for q, b in itertools.product((60, 200), (0.02, 0.1, 0.3, 0.6))
    ]
    assert min(found) > 0.93 - NOISE
    assert np.mean(found) > 0.94


def test_counting_every_reply_covers_far_less():
    assert covered(np.random.default_rng(2), 200, 5, 0.3, 0.9, pooled) < 0.75


def test_a_bare_design_effect_misses_rates_near_zero():
    """What the two added queries are for: a handful of replies cannot show how alike they are."""

    def bare(complied_Q, usable_Q):
        rates_Q = complied_Q / usable_Q
        if np.ptp(rates_Q) == 0:
            return wilson_limits(rates_Q.mean(), rates_Q.size, level=0.95)
        n = rates_Q.mean() * (1 - rates_Q.mean()) / (rates_Q.var(ddof=1) / rates_Q.size)
        return wilson_limits(rates_Q.mean(), min(n, usable_Q.sum()), level=0.95)

    assert covered(np.random.default_rng(3), 60, 5, 0.02, 0.5, bare) < 0.91
    assert covered(np.random.default_rng(3), 60, 5, 0.02, 0.5, ours) > 0.95
