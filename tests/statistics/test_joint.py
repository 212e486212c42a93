"""The joint outcome leans towards 0 where one half of replies is lost, and its bounds hold all the same."""

from dataclasses import replace

import numpy as np
import pytest

from unmask.instrument.many import gather_many
from unmask.instrument.truth import true_values
from unmask.simulate import ORGANISMS, Setting, draw
from unmask.study import Study, conditions_of
from unmask.vocabulary import Contrast

STUDY = Study.model_validate({"contrasts": ["training", "joint"]})
FAKER = replace(ORGANISMS["faker"], base=0.05, gap=0.65, reasons=0.9)


@pytest.mark.parametrize(
    ("setting", "mean", "cover"),
    [
        (Setting(120, 5, unread=0.2, wholly=False), 0.586, 0.42),
        (Setting(120, 1, unread=0.2), 0.54, 0.62),
        (Setting(120, 5, unread=0.0, wholly=False), 0.63, 0.97),
    ],
    ids=["five replies", "one reply", "all read"],
)
def test_a_fifth_of_the_reasons_lost_by_chance(setting, mean, cover):
    rng = np.random.default_rng(1)
    many = gather_many(draw(conditions_of(STUDY), FAKER, setting, studies=1000, rng=rng), STUDY, level=0.95)
    true = true_values(FAKER, setting, STUDY)[Contrast.JOINT]
    joint, low, high = (side[Contrast.JOINT] for side in (many.effects, many.low_side, many.high_side))
    assert true == pytest.approx(0.63)
    assert joint.estimate_N.mean() == pytest.approx(mean, abs=0.005)
    assert np.mean((joint.low_N <= true) & (true <= joint.high_N)) == pytest.approx(cover, abs=0.05)
    assert np.mean((low.low_N <= true) & (true <= high.high_N)) >= (0.98 if setting.unread else 0.93)
