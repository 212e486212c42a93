"""Planned widths against what the normal formulas say where these hold, and against studies drawn apart."""

import numpy as np
import pytest

from unmask.analysis.judge_planning import Cell, known_of_run, label_plan
from unmask.errors import UsageError
from unmask.estimates import Confusion, corrected_contrast
from unmask.estimates.correction import added_error, added_error_of_labels

CELL = Cell(rate=0.2, sensitivity=0.9, specificity=0.95, replies=600)


def test_with_many_labels_both_ways_are_what_the_formulas_say():
    card, labelled = label_plan(CELL, [1000])[0], label_plan(CELL, [500])[0]
    said = CELL.said
    sampling = said * (1 - said) / 600 / CELL.errors.youden**2
    by_card = 1.96 * np.sqrt(2 * (sampling + added_error(CELL.errors, 0.2, 1000) ** 2))
    assert card.card_gap == pytest.approx(by_card, rel=0.05)
    by_labels = 1.96 * np.sqrt(2) * added_error_of_labels(CELL.errors, 0.2, 500, 600)
    assert labelled.labelled_gap == pytest.approx(by_labels, rel=0.05)


def test_with_few_labels_it_says_what_studies_find_and_not_the_formula():
    row = label_plan(CELL, [20])[0]
    rng = np.random.default_rng(77)
    widths = []
    for _ in range(150):
        cards = []
        for _cell in range(2):
            tp, tn = rng.binomial(10, 0.9), rng.binomial(10, 0.95)
            cards.append(Confusion(tp, 10 - tp, 10 - tn, tn))
        said = (rng.random((600, 2)) < CELL.said).astype(float)
        found = corrected_contrast(said, np.array([1.0, -1.0]), [0, 1], cards, level=0.95, rng=rng)
        widths.append((found.high - found.low) / 2)
    assert row.card_gap == pytest.approx(np.median(widths), rel=0.2)
    formula = 1.96 * np.sqrt(2) * added_error(CELL.errors, 0.2, 20)
    assert row.card_gap > 1.4 * formula


def test_labels_beyond_the_replies_and_judges_that_tell_little():
    (row,) = label_plan(Cell(0.2, 0.7, 0.5, 60), [100])
    assert row.labelled_gap is None
    assert row.card_gap is None  # 100 labels do not show that it tells anything
    with pytest.raises(UsageError, match="tells nothing"):
        label_plan(Cell(0.2, 0.5, 0.5, 60), [100])


def test_a_folder_without_a_result_is_a_message(tmp_path):
    with pytest.raises(UsageError, match="no result"):
        known_of_run(tmp_path, None)
