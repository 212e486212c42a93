"""Differences between models: what the intervals cover, and how often a family finds what is not there."""

import numpy as np
import pytest

from unmask.estimates import holm, mean_effects, two_sample_effects

STUDIES = 4000


def contrasts(rng, studies, queries, rate, effect, *, own=None):
    """Story contrast by query of one model: four cells of one reply; queries differ in how ready they are."""
    ready = rng.beta(2, 2, (studies, queries)) * 2 * rate if own is None else own
    up = np.clip(ready + effect, 0, 1)
    draw = lambda p: (rng.random((2, studies, queries)) < p).mean(axis=0)  # noqa: E731
    return draw(up) - draw(ready), ready


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("apart", [0.0, 0.1, 0.3])
def test_intervals_of_a_difference_cover_it(rate, apart):
    rng = np.random.default_rng(11)
    first, ready = contrasts(rng, STUDIES, 80, rate, 0.0)
    same, _ = contrasts(rng, STUDIES, 80, rate, apart, own=ready)
    others, theirs = contrasts(rng, STUDIES, 60, rate, apart)
    truth = np.clip(ready + apart, 0, 1).mean() - ready.mean()
    paired = mean_effects(same - first, level=0.95)
    assert ((paired.low_N <= truth) & (truth <= paired.high_N)).mean() >= 0.94
    truth = np.clip(theirs + apart, 0, 1).mean() - theirs.mean()
    welch = two_sample_effects(others, first, (1.0, -1.0), level=0.95)
    assert ((welch.low_N <= truth) & (truth <= welch.high_N)).mean() >= 0.94


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_a_family_without_differences_finds_one_in_at_most_five_percent(rate):
    """Six models against one first: without Holm one study in seven finds something at rate 0.3."""
    from unmask.estimates import mean_p

    rng = np.random.default_rng(5)
    adjusted = plain = 0
    for _ in range(1500):
        first, ready = contrasts(rng, 1, 60, rate, 0.2)
        p = np.array([
            mean_p((contrasts(rng, 1, 60, rate, 0.2, own=ready)[0] - first)[0]) for _ in range(6)
        ])  # fmt: skip
        adjusted += (holm(p) <= 0.05).any()
        plain += (p <= 0.05).any()
    assert adjusted / 1500 <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 1500)
    assert plain / 1500 > 0.10
