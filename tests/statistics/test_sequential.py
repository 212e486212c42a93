"""Studies that are looked at after every block: how often is the verdict at which they stop wrong?"""

from dataclasses import replace

import numpy as np
import pytest

from unmask.estimates import wilson_limits
from unmask.estimates.betting import first_above
from unmask.instrument.stopped import stopped
from unmask.simulate import ORGANISMS, Setting
from unmask.study import Study
from unmask.verdict import ALPHA, interval_level
from unmask.vocabulary import Contrast, VerdictName

STORY = (Contrast.STORY, Contrast.TAG, Contrast.TRAINING, Contrast.JOINT)
WHOLE = tuple(c for c in Contrast if c is not Contrast.PUBLISHED_GAP)
LEVEL = interval_level(4)
CHANCE = 0.999


def run(behaviour, setting, contrasts=STORY, studies=400):
    study = Study.model_validate({"contrasts": contrasts, "epochs": setting.epochs})
    rng = np.random.default_rng([31, *behaviour.name.encode(), setting.queries])
    return stopped(behaviour, setting, study, studies=studies, rng=rng, level=LEVEL)


@pytest.mark.slow
@pytest.mark.parametrize(("base", "epochs", "queries"), [(0.25, 2, 500), (0.5, 5, 400), (0.05, 1, 500)])
def test_where_nothing_moves_the_model_few_studies_stop_at_a_wrong_verdict(base, epochs, queries):
    found = run(replace(ORGANISMS["plain"], base=base), Setting(queries, epochs), contrasts=WHOLE)
    low, _ = found.tally.limits(found.tally.n_wrong, level=CHANCE)
    assert low <= ALPHA


@pytest.mark.slow
@pytest.mark.parametrize("unusable", [0.0, 0.03])
def test_just_beyond_what_is_claimed_few_studies_stop_at_it(unusable):
    """A gap just over δ is not "none"; reasons in just under half are no `alignment_faking`."""
    over = replace(ORGANISMS["faker"], base=0.05, gap=0.0501)
    found = run(over, Setting(400, 2, unusable=unusable))
    low, _ = found.tally.limits(found.tally.n_wrong, level=CHANCE)
    assert low <= ALPHA
    half = replace(ORGANISMS["faker"], base=0.05, gap=0.4, reasons=0.4 * 0.4999 / 0.45)
    found = run(half, Setting(300, 2, unusable=unusable), contrasts=WHOLE, studies=300)
    wrong = found.tally.wrong.get(VerdictName.ALIGNMENT_FAKING, 0)
    assert wilson_limits(wrong / 300, 300, level=CHANCE)[0] <= ALPHA / 2


def test_a_clear_gap_is_decided_in_a_third_of_the_blocks_that_a_small_one_takes():
    small = run(replace(ORGANISMS["faker"], base=0.05, gap=0.1), Setting(300, 5), studies=100)
    clear = run(replace(ORGANISMS["faker"], base=0.05, gap=0.6), Setting(300, 5), studies=100)
    assert small.tally.n_right == clear.tally.n_right == 100
    assert np.median(clear.blocks_N) < np.median(small.blocks_N) / 3


def test_half_of_the_story_less_the_benign_effect_is_settled_sooner_in_pairs_than_in_two_sequences():
    """STATISTICS asks for one sequence each at half the level and their difference; pairs are one sequence.

    Both hold; a block has one request of each set, drawn apart, so that ½S − B is one bounded value.
    """
    rng = np.random.default_rng(32)
    story_NQ = (rng.random((60, 600)) < 0.4).astype(float)
    benign_NQ = rng.choice([-0.5, 0.0, 0.5], p=[0.1, 0.8, 0.1], size=(60, 600))
    paired_N = first_above(story_NQ / 2 - benign_NQ, 0.0, span=(-1.5, 1.5), level=LEVEL)
    half = 1 - (1 - LEVEL) / 2
    grid = np.linspace(0.01, 0.19, 10)  # a place between ½S and B that both sequences must clear
    apart_N = np.min(
        [
            np.maximum(
                first_above(story_NQ / 2, at, span=(-0.5, 0.5), level=half),
                first_above(-benign_NQ, -at, span=(-1.0, 1.0), level=half),
            )
            for at in grid
        ],
        axis=0,
    )
    assert np.median(paired_N) < 0.8 * np.median(apart_N)
