import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import EstimateError
from unmask.estimates import (
    bounds_by_query,
    contrast_bounds,
    contrast_effect,
    flagged_share,
    two_sample_bounds,
    two_sample_effect,
)

FOUR_C = np.array([0.5, 0.5, -0.5, -0.5])


def drawn(seed, queries=6, epochs=3):
    rng = np.random.default_rng(seed)
    usable_QC = rng.integers(0, epochs + 1, (queries, 4)).astype(float)
    complied_QC = np.floor(rng.random((queries, 4)) * (usable_QC + 1))
    return complied_QC, usable_QC, np.full((queries, 4), float(epochs))


def test_nothing_missing_leaves_the_interval_as_it_is():
    asked_QC = np.full((8, 4), 5.0)
    complied_QC = np.random.default_rng(1).integers(0, 6, (8, 4)).astype(float)
    bounds = contrast_bounds(complied_QC, asked_QC, asked_QC, FOUR_C, level=0.95)
    effect = contrast_effect(complied_QC / asked_QC, FOUR_C, level=0.95)
    assert bounds.low_side == bounds.high_side == effect


@given(st.integers(0, 2**32 - 1))
def test_no_filling_of_the_missing_replies_leaves_the_bounds_of_the_estimate(seed):
    complied_QC, usable_QC, asked_QC = drawn(seed)
    bounds = contrast_bounds(complied_QC, usable_QC, asked_QC, FOUR_C, level=0.95)
    filled_QC = complied_QC + np.floor(
        np.random.default_rng(seed).random((6, 4)) * (asked_QC - usable_QC + 1)
    )
    filling = contrast_effect(filled_QC / asked_QC, FOUR_C, level=0.95)
    assert bounds.low_side.estimate - 1e-12 <= filling.estimate <= bounds.high_side.estimate + 1e-12


def test_the_bounds_are_reached_by_the_worst_filling():
    complied_QC = np.array([[1.0, 0.0], [2.0, 1.0]])
    usable_QC = np.array([[1.0, 1.0], [2.0, 1.0]])
    asked_QC = np.full((2, 2), 2.0)
    weights_C = np.array([1.0, -1.0])
    fillings = itertools.product((0, 1), (0, 1), (0, 1))
    estimates = [
        contrast_effect((complied_QC + np.array([[a, b], [0, c]])) / asked_QC, weights_C, level=0.9).estimate
        for a, b, c in fillings
    ]
    bounds = contrast_bounds(complied_QC, usable_QC, asked_QC, weights_C, level=0.9)
    assert bounds.low_side.estimate == pytest.approx(min(estimates))
    assert bounds.high_side.estimate == pytest.approx(max(estimates))


@given(st.integers(0, 2**32 - 1))
def test_one_more_unusable_reply_moves_the_estimates_outwards(seed):
    complied_QC, usable_QC, asked_QC = drawn(seed)
    lost = (usable_QC > complied_QC) & (np.arange(4) == seed % 4)
    before = contrast_bounds(complied_QC, usable_QC, asked_QC, FOUR_C, level=0.95)
    after = contrast_bounds(complied_QC, usable_QC - lost, asked_QC, FOUR_C, level=0.95)
    assert after.low_side.estimate <= before.low_side.estimate + 1e-12
    assert after.high_side.estimate >= before.high_side.estimate - 1e-12


def test_a_query_without_any_usable_reply_counts_in_the_bounds_and_one_never_asked_does_not():
    complied_QC, usable_QC = np.zeros((4, 2)), np.zeros((4, 2))
    asked_QC = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    bounds = contrast_bounds(complied_QC, usable_QC, asked_QC, np.array([1.0, -1.0]), level=0.95)
    assert (bounds.low_side.estimate, bounds.high_side.estimate) == (-1.0, 1.0)
    assert bounds.low_side.n_queries == 3


def test_bounds_of_two_query_sets_set_each_side_against_the_claim():
    sides = [bounds_by_query(*drawn(seed, queries=9), FOUR_C) for seed in (1, 2)]
    bounds = two_sample_bounds(sides[0], sides[1], (0.5, -1.0), level=0.95)
    assert bounds.low_side == two_sample_effect(sides[0][0], sides[1][1], (0.5, -1.0), level=0.95)
    assert bounds.high_side == two_sample_effect(sides[0][1], sides[1][0], (0.5, -1.0), level=0.95)


@pytest.mark.parametrize(("complied", "usable", "asked"), [(2, 1, 3), (0, 4, 3), (-1, 1, 3)])
def test_counts_that_cannot_be_are_refused(complied, usable, asked):
    counts = [np.full((3, 2), float(n)) for n in (complied, usable, asked)]
    with pytest.raises(EstimateError):
        contrast_bounds(*counts, np.array([1.0, -1.0]), level=0.95)


def test_the_share_due_to_flagged_replies_by_hand():
    """Complied .5 where trained, .2 where rated: gap .3; .3 with flagged reasons: between .1 and .3 of it."""
    share = flagged_share(joint_trained=0.3, complied_trained=0.5, complied_rated=0.2)
    assert (share.low, share.high) == (pytest.approx(1 / 3), pytest.approx(1.0))


@given(st.integers(0, 2**32 - 1))
def test_the_share_is_within_its_limits_in_any_population_where_training_only_adds(seed):
    rng = np.random.default_rng(seed)
    trained = rng.random(400) < rng.random()
    rated = trained & (rng.random(400) < rng.random())
    flagged = trained & (rng.random(400) < rng.random())
    if trained.sum() == rated.sum():
        return
    share = flagged_share(flagged.mean(), trained.mean(), rated.mean())
    truth = (flagged & ~rated).sum() / (trained & ~rated).sum()
    assert share.low - 1e-9 <= truth <= share.high + 1e-9


def test_without_a_gap_there_is_no_share_of_it():
    assert np.isnan(flagged_share(0.1, 0.2, 0.2).low)
    with pytest.raises(EstimateError):
        flagged_share(0.5, 0.4, 0.1)
