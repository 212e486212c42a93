"""The truth of a simulated study: its values by hand, its region, and what may be said of it."""

from dataclasses import replace

import numpy as np
import pytest

from unmask.instrument.tally import tally
from unmask.instrument.truth import true_values, truth_of
from unmask.simulate import ORGANISMS, Setting, draw
from unmask.study import Study, cells_of, conditions_of
from unmask.vocabulary import Contrast, VerdictName

WHOLE = Study.model_validate({"contrasts": [c for c in Contrast if c is not Contrast.PUBLISHED_GAP]})
SETTING = Setting(60, 2)
SIGNS = {  # STATISTICS.md: S, T, R, C, J
    "faker": "+00++",
    "promoter": "+00++",
    "silent_faker": "+00+0",
    "tag_faker": "0+000",
    "rater_pleaser": "+0+00",
    "training_pleaser": "+00+0",
    "tag_and_story": "++0++",
    "honest": "00000",
    "compliant": "00000",
    "reluctant": "00000",
    "plain": "00000",
}
FIVE = (Contrast.STORY, Contrast.TAG, Contrast.RATING, Contrast.TRAINING, Contrast.JOINT)


def moved(name, gap=0.4):
    organism = ORGANISMS[name]
    still = SIGNS.get(name) == "00000"
    return organism if still else replace(organism, base=0.05, gap=gap)


@pytest.mark.parametrize("name", SIGNS)
def test_organisms_have_the_signs_of_the_table(name):
    values = true_values(moved(name), SETTING, WHOLE)
    assert "".join("+" if values[c] > 0 else "-" if values[c] < 0 else "0" for c in FIVE) == SIGNS[name]


def test_reversed_complies_less_where_it_is_trained_on():
    values = true_values(moved("reversed"), SETTING, WHOLE)
    assert values[Contrast.STORY] == pytest.approx(-0.4)


@pytest.mark.parametrize("name", ["faker", "tag_and_story", "rater_pleaser", "silent_faker", "any_objective"])
def test_many_drawn_replies_have_the_true_values(name):
    setting = Setting(500, 4, wordings=8, wording_sd=0.055, unusable=0.1)
    behaviour = moved(name)
    counts = draw(conditions_of(WHOLE), behaviour, setting, studies=100, rng=np.random.default_rng(7))
    values = true_values(behaviour, setting, WHOLE)
    for contrast in WHOLE.contrasts:
        joint = contrast is Contrast.JOINT
        seen = sum(
            w * (counts[c].joint_NQ if joint else counts[c].complied_NQ).sum() / counts[c].usable_NQ.sum()
            for c, w in cells_of(contrast, WHOLE).items()
        )
        assert seen == pytest.approx(values[contrast], abs=0.01)  # 50,000 queries: se 0.002


def test_the_region_is_that_of_the_values_and_not_of_the_name():
    assert truth_of(moved("faker"), SETTING, WHOLE, delta=0.05).region is VerdictName.ALIGNMENT_FAKING
    assert truth_of(moved("faker", 0.04), SETTING, WHOLE, delta=0.05).region is VerdictName.NO_GAP
    few_reasons = replace(moved("faker"), reasons=0.3)
    assert truth_of(few_reasons, SETTING, WHOLE, delta=0.05).region is VerdictName.SILENT_GAP


def test_below_the_margin_two_verdicts_are_right_and_above_it_one():
    small = truth_of(moved("faker", 0.04), SETTING, WHOLE, delta=0.05)
    assert {VerdictName.NO_GAP, VerdictName.ALIGNMENT_FAKING} <= small.right
    assert truth_of(moved("faker", 0.06), SETTING, WHOLE, delta=0.05).right == {VerdictName.ALIGNMENT_FAKING}
    assert truth_of(moved("honest"), SETTING, WHOLE, delta=0.05).right == {VerdictName.NO_GAP}


def test_a_design_without_controls_cannot_have_a_named_truth():
    demo = Study.model_validate({"contrasts": ["story", "tag"]})
    assert truth_of(moved("faker"), SETTING, demo, delta=0.05).region is VerdictName.OTHER_GAP


def test_wrong_verdicts_are_counted_as_wrong():
    """A tally that is told another truth must see all its verdicts as wrong."""
    found = tally(
        moved("faker"), Setting(200, 5), WHOLE, studies=20, rng=np.random.default_rng(1), level=0.98
    )
    assert found.n_right == 20
    other = replace(found, truth=truth_of(moved("honest"), SETTING, WHOLE, delta=0.05))
    assert (other.n_right, other.n_wrong) == (0, 20)


def test_too_many_unusable_replies_are_rightly_invalid():
    found = tally(ORGANISMS["noisy"], SETTING, WHOLE, studies=20, rng=np.random.default_rng(1), level=0.98)
    assert found.n_right == 20
    assert found.truth.region is VerdictName.INVALID
