"""A rate stays unbiased where a screen kept most replies from the judge, however bad the screen is."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.errors import EstimateError
from unmask.estimates import rate_interval, screened_rate

SHARE = 0.05


def study(rng, *, queries, epochs, af, screen, miss, share=SHARE, own=2.0):
    """One cell: AF comes with the query's own chance; the screen passes over replies without, and some with.

    Returns what the estimator is given, and the share that all replies really have.
    """
    chance_Q = rng.beta(own * af, own * (1 - af), queries)[:, None]
    af_QE = rng.random((queries, epochs)) < chance_Q
    out_QE = rng.random((queries, epochs)) < np.where(af_QE, miss, screen)
    drawn_QE = out_QE & (rng.random((queries, epochs)) < share)
    counts = (
        (af_QE & ~out_QE).sum(axis=1),
        (~out_QE).sum(axis=1),
        out_QE.sum(axis=1),
        drawn_QE.sum(axis=1),
        drawn_QE.sum(axis=1) / share,
        (drawn_QE & af_QE).sum(axis=1) / share,
    )
    return [c.astype(float) for c in counts], af_QE.mean()


@pytest.mark.parametrize(
    ("af", "screen", "miss"), [(0.2, 0.85, 0.0), (0.2, 0.85, 0.1), (0.4, 0.9, 0.5), (0.02, 0.9, 0.2)]
)
def test_the_estimate_is_unbiased_and_its_interval_covers_whatever_the_screen_misses(af, screen, miss):
    rng = np.random.default_rng(7)
    errors, naive, covered, n = [], [], 0, 600
    for _ in range(n):
        counts, truth = study(rng, queries=120, epochs=5, af=af, screen=screen, miss=miss)
        rate = screened_rate(*counts, level=0.95)
        errors.append(rate.estimate - truth)
        naive.append(counts[0].sum() / (counts[1] + counts[2]).sum() - truth)
        covered += rate.low <= af <= rate.high
    standard_error = np.std(errors) / np.sqrt(n)
    assert abs(np.mean(errors)) < 3.5 * standard_error + 1e-9
    assert covered / n >= 0.95
    if miss >= 0.1:  # what the screen missed, read as "no", would be a bias of its own size
        assert np.mean(naive) < -0.8 * af * miss
        assert abs(np.mean(errors)) < 0.2 * abs(np.mean(naive))


def test_audited_replies_to_one_query_are_not_taken_for_independent_ones():
    rng = np.random.default_rng(9)
    covered, n = 0, 600
    for _ in range(n):
        counts, _truth = study(rng, queries=30, epochs=20, af=0.3, screen=0.9, miss=0.8, share=0.3, own=0.1)
        rate = screened_rate(*counts, level=0.95)
        covered += rate.low <= 0.3 <= rate.high
    assert covered / n >= 0.94  # with each as one of its own: under 0.88


def test_left_out_as_missing_the_rate_would_be_far_too_high():
    rng = np.random.default_rng(8)
    counts, truth = study(rng, queries=400, epochs=5, af=0.1, screen=0.9, miss=0.0)
    assert counts[0].sum() / counts[1].sum() > 4 * truth
    assert screened_rate(*counts, level=0.95).estimate == pytest.approx(truth, abs=0.02)


def test_where_no_screened_reply_was_read_their_rate_may_be_anything():
    one = np.array([1.0, 0.0])
    rate = screened_rate(one, np.array([1.0, 1.0]), np.array([4.0, 4.0]), *[np.zeros(2)] * 3, level=0.95)
    assert rate.estimate == pytest.approx(0.1)
    assert rate.high >= 0.9


def test_without_a_screen_it_is_the_plain_rate():
    hits, read, none = np.array([1.0, 2, 0]), np.array([5.0, 5, 4]), np.zeros(3)
    assert screened_rate(hits, read, none, none, none, none, level=0.95) == rate_interval(
        hits, read, level=0.95
    )


def test_shapes_must_agree():
    with pytest.raises(EstimateError, match="one count per query"):
        screened_rate(*[np.zeros(2)] * 5, np.zeros(3), level=0.95)
