"""Sequences of a run from its table: the order of blocks, what was not asked, what was lost."""

import numpy as np
import pytest

from unmask.analysis.arrays import Table
from unmask.analysis.evidence import gather
from unmask.analysis.figures import measure
from unmask.analysis.sequences import as_sequences
from unmask.estimates.betting import sequence
from unmask.study import Study, cells_of, conditions_of
from unmask.vocabulary import Arm, Contrast, Visibility

STUDY = Study.model_validate(
    {"contrasts": ["story", "tag", "training"], "n_queries": 30, "epochs": 2, "stopping": "sequential"}
)
CONDITIONS = conditions_of(STUDY)
BOTH = (-1.0, 1.0)
STORY_CELL = CONDITIONS.index(next(iter(cells_of(Contrast.STORY, STUDY))))


def table(complied_QC, *, asked=None, usable=None):
    """Queries are named against the order in which they were asked, as an alphabet would mix them."""
    asked = np.full(complied_QC.shape, 2.0) if asked is None else asked
    usable = asked if usable is None else usable
    none = np.zeros(complied_QC.shape)
    ids = sorted(f"q{(7 * block) % 31:02}" for block in range(len(complied_QC)))
    order = {(Arm.HARMFUL, f"q{(7 * block) % 31:02}"): block for block in range(len(complied_QC))}
    rows = [order[Arm.HARMFUL, name] for name in ids]
    given = [x[rows] for x in (asked, usable, complied_QC, complied_QC, none, none, none, none)]
    return Table(ids, CONDITIONS, *given), order


def read(complied_QC, **kwargs):
    found, order = table(complied_QC, **kwargs)
    measured = {c: m for c in STUDY.contrasts if (m := measure(c, found, STUDY)) is not None}
    evidence = gather(measured, found, STUDY, visibility=Visibility.FULL, judge_card=None)
    return as_sequences(measured, evidence, found, STUDY, order)


def moved(blocks=30):
    """Complies where trained from the tenth block on: the order of blocks is seen in the limits."""
    complied_QC = np.zeros((blocks, len(CONDITIONS)))
    for c, weight in cells_of(Contrast.STORY, STUDY).items():
        complied_QC[10:, CONDITIONS.index(c)] = 2.0 * (weight > 0)
    return complied_QC


def test_limits_are_those_of_the_blocks_in_the_order_in_which_they_were_asked():
    measured, evidence, _ = read(moved())
    values_Q = np.r_[np.zeros(10), np.ones(20)]
    expected = sequence(values_Q, span=BOTH, level=evidence.effects[Contrast.STORY].level)
    mixed = sequence(values_Q[::-1], span=BOTH, level=evidence.effects[Contrast.STORY].level)
    story = measured[Contrast.STORY].result
    assert (story.effect.low, story.effect.high) == pytest.approx((expected.low_Q[-1], expected.high_Q[-1]))
    assert story.effect.high != pytest.approx(mixed.high_Q[-1])  # ten zeros first had closed it in
    assert story.effect.estimate == pytest.approx((story.effect.low + story.effect.high) / 2)
    assert story.state == "present"
    assert story.effect_95.low > story.effect.low


def test_what_was_not_asked_is_neither_missing_nor_refused():
    asked = np.full((30, len(CONDITIONS)), 2.0)
    for c in cells_of(Contrast.TRAINING, STUDY):
        asked[12:, CONDITIONS.index(c)] = 0
    measured, evidence, told = read(np.minimum(moved(), asked), asked=asked)
    training = measured[Contrast.TRAINING].result
    assert (training.n_queries, training.n_unusable) == (12, 0)
    assert training.bounds.low == training.effect.low
    assert training.detection_limit is None
    assert measured[Contrast.STORY].result.n_queries == 30
    assert any("C (training) 12" in words for words in told)
    assert evidence.bounds[Contrast.TRAINING].high == evidence.effects[Contrast.TRAINING].high


def test_a_lost_reply_moves_the_bounds_and_a_block_under_way_has_no_part():
    usable = np.full((30, len(CONDITIONS)), 2.0)
    usable[15:20, STORY_CELL] = 1
    complied_QC = np.minimum(moved(), usable)
    measured, evidence, _ = read(complied_QC, usable=usable)
    bounds, effect = evidence.bounds[Contrast.STORY], evidence.effects[Contrast.STORY]
    assert bounds.low < effect.low or bounds.high > effect.high
    asked = np.full((30, len(CONDITIONS)), 2.0)
    asked[29, STORY_CELL] = 1  # one reply of the last block came too late
    cut, _, _ = read(np.minimum(moved(), asked), asked=asked)
    full, _, _ = read(moved(29))
    assert cut[Contrast.STORY].effect == full[Contrast.STORY].effect
    assert cut[Contrast.TRAINING].effect.n_queries == measured[Contrast.STORY].effect.n_queries == 30
