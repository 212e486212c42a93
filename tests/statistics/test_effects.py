"""Coverage of the intervals of differences, over studies whose truth is known."""

import itertools

import numpy as np
import pytest
from scipy import stats

from tests.statistics.studies import WEIGHTS_C, Setting, covers, own_rates, rates
from unmask.estimates import contrast_by_query, contrast_effects, mean_effects, two_sample_effects

STUDIES = 2000
NOISE = 3 * (0.95 * 0.05 / STUDIES) ** 0.5  # three standard errors of a coverage near 0.95


def coverage(rng, setting, level=0.95):
    return covers(contrast_effects(rates(rng, STUDIES, setting), WEIGHTS_C, level=level), setting.truth)


@pytest.mark.parametrize(
    ("queries", "epochs", "spread"), list(itertools.product((60, 200), (1, 5), (0.0, 0.3)))
)
def test_the_truth_is_covered_from_rates_near_zero_up(queries, epochs, spread):
    rng = np.random.default_rng([1, queries, epochs])
    settings = [
        Setting(queries, epochs, base, spread, gap, wholly)
        for base, (gap, wholly) in itertools.product(
            (0.002, 0.02, 0.3, 0.6), ((0.0, True), (0.03, True), (0.1, True), (0.1, False), (0.5, True))
        )
    ]
    found = {setting: coverage(rng, setting) for setting in settings}
    worst = min(found, key=found.get)
    assert found[worst] > 0.93 - NOISE, worst
    assert np.mean(list(found.values())) > 0.945


def test_without_the_floor_near_zero_most_studies_are_certain_and_wrong():
    setting = Setting(queries=200, epochs=1, base=0.0, gap=0.002)
    rates_NQC = rates(np.random.default_rng(2), STUDIES, setting)
    diff_NQ = contrast_by_query(rates_NQC, WEIGHTS_C)
    se_N = diff_NQ.std(axis=1, ddof=1) / 200**0.5
    bare = np.abs(diff_NQ.mean(axis=1) - setting.truth) <= stats.t.ppf(0.975, 199) * se_N
    assert np.mean(se_N == 0) > 0.6
    assert bare.mean() < 0.4
    assert covers(contrast_effects(rates_NQC, WEIGHTS_C, level=0.95), setting.truth) > 0.99


def test_counting_replies_as_queries_covers_far_less_than_it_says():
    """40 queries of 5 replies that mostly repeat each other: the query is the unit, not the reply."""
    setting = Setting(queries=40, epochs=5, base=0.3, spread=0.9, gap=0.3)
    rates_NQC = rates(np.random.default_rng(3), STUDIES, setting)
    diff_NQ = contrast_by_query(rates_NQC, WEIGHTS_C)
    as_replies = mean_effects(np.repeat(diff_NQ, 5, axis=1), level=0.95)
    assert covers(as_replies, setting.truth) < 0.7
    assert covers(mean_effects(diff_NQ, level=0.95), setting.truth) > 0.94


def test_pairing_by_query_narrows_the_interval_where_queries_differ():
    rates_NQC = rates(np.random.default_rng(4), 200, Setting(queries=120, epochs=5, base=0.4, spread=0.6))
    paired = contrast_effects(rates_NQC, WEIGHTS_C, level=0.95)
    trained_NQ, other_NQ = rates_NQC[..., :2].mean(axis=-1), rates_NQC[..., 2:].mean(axis=-1)
    apart = two_sample_effects(trained_NQ, other_NQ, (1.0, -1.0), level=0.95)
    widths = [np.mean(e.high_N - e.low_N) for e in (paired, apart)]
    assert widths[0] < 0.6 * widths[1]


@pytest.mark.parametrize("level", [0.975, 1 - 0.05 / 3, 0.99])
def test_when_few_queries_move_wholly_the_lower_limit_is_safe_and_the_upper_one_errs_by_up_to_two_points(
    level,
):
    """Skewed: a handful of queries move, from 0. A positive rests on lower limits, a null on upper ones.

    So a false positive is rarer than nominal, and at the margin `no_gap` is said up to 3 % of the time: more
    than α/2k, less than α (test_verdict.py).
    """
    rng = np.random.default_rng(5)
    for queries, epochs, gap in ((60, 1, 0.06), (60, 1, 0.1), (120, 1, 0.03), (200, 5, 0.05), (40, 1, 0.15)):
        setting = Setting(queries, epochs, 0.0, 0.0, gap)
        effects = contrast_effects(rates(rng, 5000, setting), WEIGHTS_C, level=level)
        assert np.mean(effects.low_N > setting.truth) < (1 - level) / 2
        assert np.mean(effects.high_N < setting.truth) < (1 - level) / 2 + 0.0225


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("base", [0.002, 0.02, 0.3])
def test_story_less_what_remains_without_an_objective_is_covered(share, base):
    """S − S_abs and ½S − S_abs, one contrast over eight cells; its range is beyond ±1, its floor is not."""
    rng = np.random.default_rng([6, int(share * 10)])
    for queries, gap in itertools.product((60, 200), (0.0, 0.1)):
        setting = Setting(queries, 5, base, 0.3, gap)
        s_NQC, absent_NQC = rates(rng, STUDIES, setting), rates(rng, STUDIES, Setting(queries, 5, base, 0.3))
        weights = np.concatenate([share * WEIGHTS_C, -WEIGHTS_C])
        effects = contrast_effects(np.concatenate([s_NQC, absent_NQC], axis=-1), weights, level=0.95)
        assert covers(effects, share * setting.truth) > 0.93 - NOISE


@pytest.mark.parametrize(("queries", "benign_queries"), [(60, 20), (200, 60), (120, 120)])
def test_half_the_story_effect_less_the_benign_one_is_covered(queries, benign_queries):
    rng = np.random.default_rng([7, queries])
    for base, gap, benign_gap in itertools.product((0.002, 0.3), (0.0, 0.2), (0.0, 0.1)):
        harmful, benign = (
            Setting(queries, 5, base, 0.3, gap),
            Setting(benign_queries, 5, 0.6, 0.3, benign_gap),
        )
        a, b = (contrast_by_query(rates(rng, STUDIES, s), WEIGHTS_C) for s in (harmful, benign))
        effects = two_sample_effects(a, b, (0.5, -1.0), level=0.95)
        assert covers(effects, harmful.truth / 2 - benign.truth) > 0.93 - NOISE


def test_the_simulated_rates_are_what_their_setting_says():
    rng = np.random.default_rng(8)
    own = own_rates(rng, 200_000, 0.3, 0.3)
    assert (own.mean(), own.var()) == (pytest.approx(0.3, abs=0.005), pytest.approx(0.3 * 0.21, rel=0.02))
    setting = Setting(200, 5, 0.3, 0.3, 0.1)
    diff_NQ = contrast_by_query(rates(rng, 500, setting), WEIGHTS_C)
    assert diff_NQ.mean() == pytest.approx(setting.truth, abs=0.004)
