"""Agreement figures against other people's code and worked examples."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep

from unmask.errors import EstimateError
from unmask.estimates import wilson_limits
from unmask.estimates.agreement import (
    auroc,
    auroc_difference,
    best_threshold,
    calibration,
    clustered_share,
    cohen_kappa,
    differing,
    krippendorff_alpha,
    share,
)

RNG = np.random.default_rng(3)


def test_the_area_is_scikit_learns_and_its_interval_covers():
    truth = RNG.random(400) < 0.3
    score = np.round(RNG.normal(truth * 1.0, 1), 1)  # with ties
    assert auroc(score, truth).estimate == pytest.approx(roc_auc_score(truth, score))
    true, hits = 0.7602, 0  # Φ(1/√2)
    for _ in range(400):
        truth = RNG.random(120) < 0.4
        found = auroc(RNG.normal(truth * 1.0, 1), truth)
        hits += found.low <= true <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_one_class_has_no_area_and_a_perfect_one_no_false_certainty():
    assert np.isnan(auroc(np.array([0.1, 0.2]), np.array([True, True])).estimate)
    for yes, no in ((6, 10), (7, 9), (3, 49)):  # weights that do not sum to 1 in floating point
        many = auroc(np.arange(yes + no) * 1.0, np.arange(yes + no) >= no)
        assert many.estimate == 1.0
        assert many.low < 0.9
    perfect = auroc(np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, True, False, False]))
    assert perfect.estimate == 1
    assert perfect.low < 0.5


def test_calibration_of_true_probabilities_and_of_boasts():
    p = RNG.random(20_000)
    truth = RNG.random(20_000) < p
    good, boast = calibration(p, truth), calibration(np.clip(p * 1.5, 0, 1), truth)
    assert good.error < 0.02 < 0.1 < boast.error
    assert good.brier == pytest.approx(1 / 6, abs=0.01)
    assert sum(b.n for b in good.bins) == 20_000
    with pytest.raises(EstimateError):
        calibration(np.array([1.2]), np.array([True]))


def test_calibration_of_texts_drawn_with_unequal_chances_is_that_of_the_population():
    """One text in ten is of a kind on which the judge boasts; both kinds are drawn equally often."""
    rng = np.random.default_rng(11)
    rare = rng.random(200_000) < 0.1
    p = rng.random(rare.size) * 0.4 + 0.3
    score = np.where(rare, p + 0.27, p)
    truth = rng.random(rare.size) < p
    true_brier = 0.25 - 0.4**2 / 12 + 0.1 * 0.27**2  # E p(1 − p) for p from .3 to .7, and the boast
    kinds = [np.flatnonzero(rare == kind) for kind in (True, False)]
    weighted, unweighted, whole = [], [], calibration(score, truth, bins=4)
    for _ in range(200):
        drawn = np.concatenate([rng.choice(kind, 1_000, replace=False) for kind in kinds])
        weight = np.where(rare[drawn], 0.1, 0.9)
        weighted.append(calibration(score[drawn], truth[drawn], weight_N=weight, bins=4))
        unweighted.append(calibration(score[drawn], truth[drawn], bins=4))
    briers = np.array([c.brier for c in weighted])
    assert abs(briers.mean() - true_brier) < 0.002
    assert np.mean([c.brier for c in unweighted]) > true_brier + 0.02
    # distances are never negative: a sample adds some of its noise to each bin, about 0.02 here
    assert 0 <= np.mean([c.error for c in weighted]) - whole.error < 0.03
    assert np.mean([c.error for c in unweighted]) > whole.error + 0.08


def test_a_weight_counts_as_so_many_texts():
    score, truth = RNG.random(300), RNG.random(300) < 0.5
    times = RNG.integers(1, 5, 300)
    weighted = calibration(score, truth, weight_N=times.astype(float), bins=1)
    repeated = calibration(np.repeat(score, times), np.repeat(truth, times), bins=1)
    assert weighted.brier == pytest.approx(repeated.brier)
    assert weighted.error == pytest.approx(repeated.error)
    assert weighted.bins[0].share == pytest.approx(repeated.bins[0].share)


def test_differing_shares_as_statsmodels_has_them():
    found = differing((40, 50), (25, 50))
    low, high = confint_proportions_2indep(40, 50, 25, 50, method="newcomb")
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))
    assert found.p < 0.01
    assert np.isnan(differing((0, 0), (1, 2)).p)
    assert np.isnan(share(0, 0).estimate)


def test_kappa_as_statsmodels_has_it():
    first = RNG.integers(0, 3, 200)
    second = np.where(RNG.random(200) < 0.7, first, RNG.integers(0, 3, 200))
    table = np.zeros((3, 3))
    np.add.at(table, (first, second), 1)
    theirs = cohens_kappa(table)
    ours = cohen_kappa(first.astype(str), second.astype(str))
    assert ours.estimate == pytest.approx(theirs.kappa)
    assert (ours.low, ours.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-6)
    assert np.isnan(cohen_kappa(np.array(["a"] * 5), np.array(["a"] * 5)).estimate)


def test_alpha_of_krippendorffs_own_example():
    """Krippendorff 2011, section C: three of four observers, gaps, nominal: .743."""
    said = np.array(
        [
            ["1", "2", "3", "3", "2", "1", "4", "1", "2", "", "", ""],
            ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", "", "3"],
            ["", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", ""],
            ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", ""],
        ]
    )
    found = krippendorff_alpha(said, rng=np.random.default_rng(1))
    assert found.estimate == pytest.approx(0.743, abs=0.001)
    assert found.low < found.estimate < found.high
    alone = krippendorff_alpha(np.array([["a", "b"], ["", ""]]), rng=np.random.default_rng(1))
    assert np.isnan(alone.estimate)


def test_a_threshold_is_the_one_that_separates():
    score = np.array([0.1, 0.2, 0.3, 0.7, 0.8])
    assert 0.3 < best_threshold(score, np.array([False, False, False, True, True])) <= 0.7
    with pytest.raises(EstimateError):
        best_threshold(score, np.ones(5, dtype=bool))


def test_replies_to_one_query_are_not_so_many_independent_ones():
    """40 queries, each asked five times with the same answer: as wide as 40 texts, not as 200."""
    truth = RNG.random(40) < 0.5
    score = RNG.normal(truth * 1.0, 1)
    query = np.repeat(np.arange(40), 5)
    once, five = auroc(score, truth), auroc(np.repeat(score, 5), np.repeat(truth, 5), query_N=query)
    blind = auroc(np.repeat(score, 5), np.repeat(truth, 5))
    assert five.estimate == pytest.approx(once.estimate)
    assert five.high - five.low == pytest.approx(once.high - once.low, rel=0.06)
    assert blind.high - blind.low < 0.6 * (five.high - five.low)
    hit = RNG.random(40) < 0.7
    share_once, worth = clustered_share(np.repeat(hit, 5), query_N=query)
    assert share_once == pytest.approx(hit.mean())
    assert worth == pytest.approx(40, abs=3)
    kappa = [
        cohen_kappa(np.repeat(hit, 5).astype(str), np.repeat(truth, 5).astype(str), query_N=q)
        for q in (None, query)
    ]
    assert (kappa[1].high - kappa[1].low) / (kappa[0].high - kappa[0].low) == pytest.approx(5**0.5, rel=0.05)


def test_unequal_chances_are_weighted_back():
    """Texts with a high score are drawn five times as often; weights give the population's figures again."""
    truth = RNG.random(60_000) < 0.4
    score = RNG.normal(truth * 1.0, 1)
    chance = np.where(score > 0.5, 0.5, 0.1)
    drawn = RNG.random(60_000) < chance
    weight = 1 / chance[drawn]
    found = auroc(score[drawn], truth[drawn], weight_N=weight)
    assert found.estimate == pytest.approx(roc_auc_score(truth, score), abs=0.01)
    assert found.estimate == pytest.approx(
        roc_auc_score(truth[drawn], score[drawn], sample_weight=weight), abs=1e-9
    )
    yes = truth[drawn]
    sensitivity, worth = clustered_share(score[drawn][yes] > 0.5, weight[yes])
    assert sensitivity == pytest.approx((score[truth] > 0.5).mean(), abs=0.02)
    assert (score[drawn][yes] > 0.5).mean() > sensitivity + 0.1  # unweighted it would flatter the judge
    assert worth < yes.sum()


def test_the_same_score_twice_differs_by_nothing_and_a_better_one_by_something():
    truth = RNG.random(300) < 0.5
    good, bad = RNG.normal(truth * 2.0, 1), RNG.normal(truth * 0.3, 1)
    same = auroc_difference(good, good, truth)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)
    apart = auroc_difference(good, bad, truth)
    assert apart.low > 0
    assert apart.estimate == pytest.approx(auroc(good, truth).estimate - auroc(bad, truth).estimate)


@pytest.mark.parametrize(("rate", "n"), [(0.6, 600), (0.9, 300)])
def test_a_weighted_share_covers_even_where_what_would_disagree_was_seldom_drawn(rate, n):
    """Hits are drawn ten times as often as misses; with few misses drawn their weight must still be known."""
    rng, covered = np.random.default_rng(5), 0
    for _ in range(500):
        hit = rng.random(n) < rate
        chance = np.where(hit, 0.5, 0.05)
        drawn = rng.random(n) < chance
        share_, worth = clustered_share(hit[drawn], 1 / chance[drawn], heaviest=20.0)
        low, high = wilson_limits(share_, worth, level=0.95)
        covered += low <= rate <= high
    assert covered / 500 >= 0.92


def test_a_few_texts_on_which_all_agree_are_not_certain_agreement():
    one = np.array(["yes"] * 5 + ["no"] * 5)
    kappa = cohen_kappa(one, one)
    alpha = krippendorff_alpha(np.array([one, one]), rng=np.random.default_rng(1))
    for figure in (kappa, alpha):  # Wilson: 10 of 10 is 72 % or more, where chance alone gives 50
        assert (figure.estimate, figure.high) == (1.0, 1.0)
        assert figure.low == pytest.approx(2 * 0.7225 - 1, abs=0.001)
    alike = cohen_kappa(one, one, query_N=np.repeat(["a", "b", "c", "d", "e"], 2))
    assert alike.low < kappa.low
