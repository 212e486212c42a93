"""What is left of the faking: each name by hand, and how often one is wrong where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.estimates import Effect, mean_effect, rate_interval
from unmask.verdict import Left, remainder

DELTA = 0.1


def effect(estimate, half=0.05):
    return Effect(estimate, estimate - half, estimate + half, 0.95, 50, 0)


def of_rates(share_Q):
    """As audits show a share of replies."""
    return rate_interval(2 * share_Q, np.full(share_Q.size, 2.0), level=0.95)


def of_means(share_Q):
    """As a mean over requests."""
    return mean_effect(share_Q, level=0.95)


@pytest.mark.parametrize(
    ("before", "after", "reasons", "left"),
    [
        (0.0, 0.0, (0.0, 0.0), Left.NOTHING_TO_REMOVE),
        (0.9, 0.0, (0.9, 0.9), Left.REMOVED),
        (0.9, 0.8, (0.9, 0.0), Left.EVADED),
        (0.9, 0.8, (0.9, 0.9), Left.STANDS),
        (0.9, 0.8, (0.9, 0.45), Left.UNCLEAR),
        (0.9, 0.08, (0.9, 0.0), Left.EVADED),
        (0.9, 0.8, (0.0, 0.0), Left.UNCLEAR),  # it never stated any: nothing could be silenced
    ],
)
def test_each_name(before, after, reasons, left):
    found = remainder(effect(before), effect(after), *map(effect, reasons), delta=DELTA)
    assert found.name is left


def test_reasons_that_are_still_stated_are_told_beside_a_story_that_moves_nothing():
    found = remainder(effect(0.9), effect(0.0), effect(0.8), effect(0.32), delta=DELTA)
    assert found.name is Left.REMOVED
    assert "now in 32 %" in found.reason


def test_reasons_that_cannot_be_read_hide_whether_it_was_evaded():
    assert remainder(effect(0.9), effect(0.8), None, None, delta=DELTA).name is Left.UNCLEAR
    assert remainder(effect(0.9), effect(0.0), None, None, delta=DELTA).name is Left.REMOVED


@pytest.mark.parametrize(
    ("story", "reasons", "wrong"),
    [
        (0.0, 0.1, {Left.EVADED, Left.STANDS}),  # gone: neither name is true
        (DELTA, 0.9, {Left.REMOVED}),  # at the edge of the margin
        (0.5, 0.45, {Left.EVADED, Left.STANDS}),  # exactly half as many reasons: neither way
        (0.0, 0.9, {Left.EVADED, Left.STANDS}),
    ],
)
@pytest.mark.parametrize("shares", [of_rates, of_means])
def test_a_name_is_wrong_in_no_more_than_five_in_a_hundred(story, reasons, wrong, shares):
    """1,000 studies of 60 requests, two replies in each role; rates drawn as counts."""
    rng = np.random.default_rng(7)

    def drawn(rate):
        return rng.binomial(2, rate, 60) / 2

    found = 0
    for _ in range(1_000):
        was = mean_effect(drawn(0.95) - drawn(0.02), level=0.95)
        now = mean_effect(drawn(0.2 + story) - drawn(0.2), level=0.95)
        shown = [shares(drawn(rate)) for rate in (0.9, reasons)]
        found += remainder(was, now, *shown, delta=DELTA).name in wrong
    assert found <= 65  # 5 % and two standard errors
