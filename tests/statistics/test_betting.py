"""Betting sequences looked at after every block: do they hold the truth at all times at once?

Two errors are counted in each study, at any block of its whole path: a lower limit above the truth, an upper
limit below it. `first_above(truth)` says when the first of them happens, if ever.
"""

import numpy as np
import pytest

from tests.statistics.studies import WEIGHTS_C, Setting, rates
from unmask.estimates import contrast_by_query, mean_effects
from unmask.estimates.betting import first_above, first_below

STUDIES, LEVEL = 1000, 0.95
NOISE = 3 * (0.95 * 0.05 / STUDIES) ** 0.5


def ever_wrong(value_NQ, truth, span=(-1.0, 1.0), level=LEVEL):
    blocks = value_NQ.shape[1]
    too_high = first_above(value_NQ, truth, span=span, level=level) <= blocks
    too_low = first_below(value_NQ, truth, span=span, level=level) <= blocks
    return np.mean(too_high | too_low)


@pytest.mark.parametrize(("epochs", "spread"), [(1, 0.0), (1, 0.3), (5, 0.3)])
def test_contrasts_of_studies_are_covered_at_all_times_at_once(epochs, spread):
    rng = np.random.default_rng([21, epochs, int(10 * spread)])
    for base in (0.002, 0.05, 0.3, 0.6):
        for gap, wholly in ((0.0, True), (0.1, True), (0.1, False), (0.5, True)):
            setting = Setting(300, epochs, base, spread, gap, wholly)
            value_NQ = contrast_by_query(rates(rng, STUDIES, setting), WEIGHTS_C)
            assert ever_wrong(value_NQ, setting.truth) < 0.05 + NOISE, setting


def test_the_hardest_blocks_for_a_gambler_are_covered_too():
    """Means reached by rare large blocks, by two points only, at the very end of the span; and long paths."""
    rng = np.random.default_rng(22)
    for values, shares, blocks in (
        ([-1.0, 1.0], [0.5, 0.5], 2000),
        ([-0.05, 1.0], [0.95, 0.05], 1500),
        ([-1.0, 0.2], [0.02, 0.98], 1500),
        ([-1.0, 1.0], [0.98, 0.02], 1000),
        ([0.0, 1.0], [0.995, 0.005], 1500),
    ):
        value_NQ = rng.choice(values, p=shares, size=(STUDIES, blocks))
        assert ever_wrong(value_NQ, float(np.dot(values, shares))) < 0.05 + NOISE


def test_blocks_that_depend_on_the_past_are_covered_while_their_mean_does_not():
    """The spread follows what came before, as if an adversary chose it: only the mean must stay."""
    rng = np.random.default_rng(23)
    value_NQ = np.zeros((STUDIES, 600))
    total_N = np.zeros(STUDIES)
    for q in range(600):
        wide = total_N > 0
        value_NQ[:, q] = np.where(wide, rng.choice([-1.0, 1.0], STUDIES), rng.choice([-0.1, 0.1], STUDIES))
        total_N += value_NQ[:, q]
    assert ever_wrong(value_NQ, 0.0) < 0.05 + NOISE


def test_a_fixed_interval_that_is_looked_at_after_every_block_is_wrong_far_more_often():
    """What the sequence is for: a t interval read 79 times excludes a truth of 0 in a quarter of studies."""
    rng = np.random.default_rng(24)
    value_NQ = contrast_by_query(rates(rng, 500, Setting(400, 1, 0.3)), WEIGHTS_C)
    excluded_N = np.zeros(500, bool)
    for n in range(10, 401, 5):
        effects = mean_effects(value_NQ[:, :n], level=LEVEL)
        excluded_N |= (effects.low_N > 0) | (effects.high_N < 0)
    assert excluded_N.mean() > 0.2
    assert ever_wrong(value_NQ, 0.0) < 0.05


@pytest.mark.parametrize("span", [(-1.5, 1.5), (-2.0, 2.0)])
def test_wider_spans_cost_blocks_and_hold(span):
    rng = np.random.default_rng(25)
    value_NQ = rng.choice([span[0], 0.0, 0.4, span[1]], p=[0.02, 0.5, 0.4, 0.08], size=(STUDIES, 500))
    truth = 0.02 * span[0] + 0.4 * 0.4 + 0.08 * span[1]
    assert ever_wrong(value_NQ, truth, span) < 0.05 + NOISE
    assert np.median(first_above(value_NQ, 0.0, span=span, level=LEVEL)) < 120


def test_the_mixture_needs_no_more_than_a_tenth_to_a_quarter_more_blocks_than_the_best_single_bet():
    """Documents the choice of bets: against the best bet for each case, which nobody knows beforehand."""
    rng = np.random.default_rng(26)
    threshold = 2 / (1 - 0.98)
    for gap, base, epochs, most in (
        (0.1, 0.05, 5, 1.2),
        (0.25, 0.05, 5, 1.2),
        (0.6, 0.05, 5, 1.2),
        (0.1, 0.25, 1, 1.35),
    ):
        setting = Setting(600, epochs, base, 0.2, gap / (1 - base))
        value_NQ = contrast_by_query(rates(rng, 300, setting), WEIGHTS_C)
        ours = np.median(first_above(value_NQ, 0.0, span=(-1.0, 1.0), level=0.98))
        best = np.inf
        for bet in np.linspace(0.05, 0.98, 20):
            rich_NQ = np.cumprod(1 + bet * value_NQ, axis=1) >= threshold
            best = min(best, np.median(np.where(rich_NQ.any(axis=1), rich_NQ.argmax(axis=1) + 1, 601)))
        assert ours <= most * best
