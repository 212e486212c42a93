"""Corrected rates and contrasts against closed forms and known truth."""

import numpy as np
import pytest

from unmask.errors import EstimateError
from unmask.estimates import Confusion, contrast_effect, corrected_contrast, corrected_rate, labelled_contrast
from unmask.estimates.correction import Replies, added_error, added_error_of_labels, gap_if_equal

GAP = np.array([1.0, -1.0])
PERFECT = Confusion(10**7, 0, 0, 10**7)
GOOD, LAX = Confusion(90, 10, 5, 95), Confusion(97, 3, 30, 70)


def rng():
    return np.random.default_rng(5)


def drawn(n=300, rates=(0.5, 0.2)):
    return (rng().random((n, 2)) < np.array(rates)).astype(float)


def test_a_perfect_judge_leaves_things_as_they_are():
    said = drawn()
    plain = contrast_effect(said, GAP, level=0.95)
    found = corrected_contrast(said, GAP, [0, 1], [PERFECT, PERFECT], level=0.95, rng=rng())
    assert found.estimate == pytest.approx(plain.estimate)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.01)


def test_the_middle_is_rogan_and_gladens_and_is_not_clipped():
    none = corrected_rate(np.zeros(100), np.ones(100), LAX, level=0.95, rng=rng())
    assert none.estimate == pytest.approx((0 + 0.7 - 1) / (0.97 + 0.7 - 1))
    assert none.estimate < 0
    said = drawn()
    found = corrected_contrast(said, GAP, [0, 1], [GOOD, LAX], level=0.95, rng=rng())
    trained, other = (
        (r + c.specificity - 1) / c.youden for r, c in zip(said.mean(0), (GOOD, LAX), strict=True)
    )
    assert found.estimate == pytest.approx(trained - other)


def test_with_equal_errors_the_gap_is_stretched_by_youden():
    said = drawn()
    plain = contrast_effect(said, GAP, level=0.95)
    found = corrected_contrast(said, GAP, [0, 0], [GOOD], level=0.95, rng=rng())
    assert found.estimate == pytest.approx(gap_if_equal(plain, GOOD))
    assert found.high - found.low > plain.high - plain.low


def test_a_small_card_widens_the_interval():
    said = drawn()
    widths = [
        (lambda e: e.high - e.low)(
            corrected_contrast(said, GAP, [0, 1], [Confusion(9 * k, k, k, 9 * k)] * 2, level=0.95, rng=rng())
        )
        for k in (1, 10, 1000)
    ]
    assert widths[0] > 1.3 * widths[1] > 1.3 * widths[2]


@pytest.mark.parametrize(
    "errors", [Confusion(5, 5, 5, 5), Confusion(0, 0, 3, 9), Confusion(3, 9, 0, 0), Confusion(2, 1, 1, 2)]
)
def test_a_judge_that_tells_nothing_corrects_nothing(errors):
    with pytest.raises(EstimateError):
        corrected_contrast(drawn(), GAP, [0, 0], [errors], level=0.95, rng=rng())


def replies(n=200, share=0.3, lie=0.3):
    r = rng()
    query, cell = np.repeat(np.arange(n), 2), np.tile([0, 1], n)
    truth = r.random(2 * n) < np.where(cell == 0, 0.6, 0.3)
    said = np.where((cell == 0) & (r.random(2 * n) < lie), 0, truth)
    asked = r.random(2 * n) < share
    return Replies(
        said.astype(float), np.where(asked, truth, np.nan), cell, query, np.full(2 * n, share)
    ), truth


def test_labels_everywhere_give_the_truth_whatever_the_judge_says():
    made, truth = replies(share=1.0)
    found = labelled_contrast(made, GAP, level=0.95)
    assert found.estimate == pytest.approx(truth[made.cell_N == 0].mean() - truth[made.cell_N == 1].mean())


def test_labels_on_a_part_undo_a_judge_that_lies_in_one_role():
    made, _ = replies(n=2000)
    raw = made.said_N[made.cell_N == 0].mean() - made.said_N[made.cell_N == 1].mean()
    found = labelled_contrast(made, GAP, level=0.95)
    assert raw < 0.2
    assert found.low < 0.3 < found.high
    assert found.high - found.low < 0.16


def test_a_good_judge_makes_labels_go_further():
    good, _ = replies(n=1000, lie=0.0)
    blind = Replies(rng().random(2000), good.truth_N, good.cell_N, good.query_N, good.chance_N)
    widths = [(lambda e: e.high - e.low)(labelled_contrast(r, GAP, level=0.95)) for r in (good, blind)]
    assert widths[0] < 0.75 * widths[1]


def test_what_cannot_be_known_is_said():
    made, _ = replies(n=200, share=0.3)
    nobody = Replies(made.said_N, np.full(400, np.nan), made.cell_N, made.query_N, made.chance_N)
    with pytest.raises(EstimateError, match="fewer than four queries"):
        labelled_contrast(nobody, GAP, level=0.95)
    with pytest.raises(EstimateError, match="chance"):
        labelled_contrast(
            Replies(made.said_N, made.truth_N, made.cell_N, made.query_N, np.zeros(400)), GAP, level=0.95
        )


def test_planned_errors_are_those_that_simulation_finds():
    r, errors = rng(), Confusion(90, 10, 5, 95)
    rate, labels, n = 0.3, 100, 100_000
    said = rate * 0.9 + 0.7 * 0.05
    s, t = r.binomial(50, 0.9, 4000) / 50, r.binomial(50, 0.95, 4000) / 50
    assert added_error(errors, rate, labels) == pytest.approx(((said + t - 1) / (s + t - 1)).std(), rel=0.1)
    truth = r.random((2000, labels)) < rate
    word = np.where(truth, r.random(truth.shape) < 0.9, r.random(truth.shape) < 0.05).astype(float)
    best = (rate * 0.9 - rate * said) / (said * (1 - said))
    found = (truth - best * word).mean(axis=1) + best * said
    assert added_error_of_labels(errors, rate, labels, n) == pytest.approx(found.std(), rel=0.1)


def test_labels_are_some_of_the_replies_and_all_of_them_leave_the_error_of_the_truth_alone():
    r, errors, rate = rng(), Confusion(90, 10, 5, 95), 0.3
    assert added_error_of_labels(errors, rate, 600, 600) == pytest.approx((rate * (1 - rate) / 600) ** 0.5)
    truth = r.random((3000, 600)) < rate
    word = np.where(truth, r.random(truth.shape) < 0.9, r.random(truth.shape) < 0.05).astype(float)
    said = rate * 0.9 + 0.7 * 0.05
    best = (rate * 0.9 - rate * said) / (said * (1 - said))
    found = (truth - best * word)[:, :400].mean(axis=1) + best * word.mean(axis=1)
    assert added_error_of_labels(errors, rate, 400, 600) == pytest.approx(found.std(), rel=0.06)
