"""Betting limits against a slow reference that is written from the definition, and their edges."""

import numpy as np
import pytest

from unmask.errors import EstimateError
from unmask.estimates.betting import BETS, SHARES, capital, first_above, first_below, sequence

BOTH = (-1.0, 1.0)


def reference_limits(values, low, high, level, *, step):
    """Every mean on a grid has its own gambler for each side; a mean is out once one of them is rich.

    Bets are written as stakes λ on x − m, with λ = bet / (m − low): no sharing of code or form.
    """
    grid = np.arange(low + step / 2, high, step)
    rich = 2 / (1 - level)
    out_low, out_high = np.zeros(grid.size, bool), np.zeros(grid.size, bool)
    limits = []
    ceiling = 1e100  # a gambler this rich has long been counted
    up = {bet: np.full(grid.size, share) for bet, share in zip(BETS, SHARES, strict=True)}
    down = {bet: np.full(grid.size, share) for bet, share in zip(BETS, SHARES, strict=True)}
    for x in values:
        if x == x:
            for bet in BETS:
                up[bet] = np.minimum(up[bet] * (1 + bet / (grid - low) * (x - grid)), ceiling)
                down[bet] = np.minimum(down[bet] * (1 + bet / (high - grid) * (grid - x)), ceiling)
        out_low |= sum(up.values()) >= rich
        out_high |= sum(down.values()) >= rich
        inside = grid[~out_low & ~out_high]
        limits.append((inside.min(), inside.max()))
    return np.array(limits)


@pytest.mark.parametrize(
    ("span", "values", "probabilities"),
    [
        (BOTH, [-1.0, 0.0, 1.0], [0.05, 0.7, 0.25]),
        (BOTH, [-0.2, 0.0, 0.3], [0.3, 0.4, 0.3]),
        ((-1.5, 1.5), [-0.5, 0.1, 1.5], [0.3, 0.5, 0.2]),
        ((0.0, 1.0), [0.0, 1.0], [0.8, 0.2]),
        ((-2.0, 2.0), [-2.0, 2.0], [0.5, 0.5]),
    ],
)
def test_limits_are_those_of_the_definition(span, values, probabilities):
    rng = np.random.default_rng([11, len(values), int(10 * span[1])])
    drawn = rng.choice(values, size=150, p=probabilities)
    drawn[[3, 40, 41]] = np.nan
    step = (span[1] - span[0]) / 2000
    slow = reference_limits(drawn, *span, 0.95, step=step)
    found = sequence(drawn, span=span, level=0.95)
    assert found.low_Q == pytest.approx(slow[:, 0], abs=step)
    assert found.high_Q == pytest.approx(slow[:, 1], abs=step)
    assert found.n_used == 147


def test_passing_a_threshold_is_the_same_as_a_limit_that_lies_beyond_it():
    rng = np.random.default_rng(12)
    drawn_NQ = rng.choice([-1.0, -0.4, 0.0, 0.6, 1.0], size=(40, 200), p=[0.05, 0.1, 0.5, 0.2, 0.15])
    for at in (-0.05, 0.0, 0.05):
        above_N = first_above(drawn_NQ, at, span=BOTH, level=0.975)
        below_N = first_below(-drawn_NQ, -at, span=BOTH, level=0.975)
        assert (above_N == below_N).all()
        for drawn_Q, above in zip(drawn_NQ, above_N, strict=True):
            passed = np.flatnonzero(sequence(drawn_Q, span=BOTH, level=0.975).low_Q > at)
            assert above == (passed[0] + 1 if passed.size else 201)
    assert (above_N < 201).any()


def test_limits_close_in_and_start_at_the_span():
    found = sequence(np.array([np.nan, 1.0, 0.0, 1.0, 1.0]), span=BOTH, level=0.95)
    assert (found.low_Q[0], found.high_Q[0]) == (-1.0, 1.0)
    assert (np.diff(found.low_Q) >= 0).all()
    assert (np.diff(found.high_Q) <= 0).all()
    effect = found.effect()
    assert (effect.n_queries, effect.n_unusable) == (4, 1)
    assert effect.estimate == (effect.low + effect.high) / 2  # their middle: a mean at stopping is biased


def test_a_hundred_blocks_at_zero_are_not_within_five_points_of_zero_for_sure():
    """Each could have been 1 in one block of twenty: 0.95 ** 90 is 1 in 100, and no sequence can say less."""
    zeros = np.zeros(200)
    first = first_below(zeros[np.newaxis], 0.05, span=BOTH, level=0.98)[0]
    assert np.log(0.01) / np.log(0.95) < first < 1.35 * np.log(0.01) / np.log(0.95)


def test_the_capital_is_split_whole_and_no_bet_is_everything():
    assert sum(SHARES) == pytest.approx(1.0)
    assert max(BETS) < 1
    assert capital(np.full((1, 5000), -1.0), 0.0, span=BOTH)[0, -1] == pytest.approx(0.0, abs=1e-100)
    assert capital(np.full((1, 5000), 1.0), 0.0, span=BOTH)[0, -1] == np.inf


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(EstimateError, match="level"):
        sequence(np.zeros(3), span=BOTH, level=level)


def test_a_value_outside_its_span_is_refused_since_nothing_holds_then():
    with pytest.raises(EstimateError, match="known span"):
        sequence(np.array([0.0, 1.2]), span=BOTH, level=0.95)
    with pytest.raises(EstimateError, match="nothing to bet on"):
        first_above(np.zeros((1, 3)), -1.0, span=BOTH, level=0.95)
