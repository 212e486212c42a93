"""Is k = 3, the depth of the tree, enough to divide α by? Asked where it is hardest.

Nothing moves the model, and the intervals are just narrow enough to say so: then each of S, T and C has its
own chance to look moved while the others look absent, and the tree has no row for that but a wrong one. R has
none: `no_gap` does not rest on it. Three chances of α/k are α at k = 3, and no more. The estimates are drawn
normal and independent, with their true width and no floor: the worst that a large study can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from unmask.estimates import Effects, Floats, wilson_limits
from unmask.instrument.many import Known, Many, verdicts
from unmask.instrument.tally import ASSERTED
from unmask.verdict import ALPHA, TREE_DEPTH, UNUSABLE_SHARE, Difference, Key
from unmask.vocabulary import Contrast, VerdictName

CHANCE = 0.999
WIDTHS = (0.5, 0.55, 0.62)  # half-widths over δ; under one half none can err so, and wider ones err less
CONTRASTS: tuple[Key, ...] = tuple(c for c in Contrast if c is not Contrast.PUBLISHED_GAP)


@dataclass(frozen=True)
class Depth:
    """Wrong verdicts at one k, at the width where there are most. `low`, `high`: the simulation's chance."""

    k: int
    half_width: float
    wrong: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Not above α beyond chance."""
        return self.low <= ALPHA


def depths(*, studies: int, seed: int, delta: float = 0.05) -> list[Depth]:
    """The worst width at k = 2, at the depth of the tree, and at the number of all contrasts."""
    found = []
    for k in (TREE_DEPTH - 1, TREE_DEPTH, len(CONTRASTS)):
        at_widths = [_wrong(k, width, studies, np.random.default_rng([seed, k]), delta) for width in WIDTHS]
        found.append(max(at_widths, key=lambda d: d.wrong))
    return found


def _wrong(k: int, width: float, studies: int, rng: np.random.Generator, delta: float) -> Depth:
    level = 1 - ALPHA / k
    half = width * delta
    se = half / float(special.ndtri((1 + level) / 2))
    drawn: dict[Key, Floats] = {c: rng.normal(0.0, se, studies) for c in CONTRASTS}
    drawn[Difference.STORY_LESS_NO_OBJECTIVE] = drawn[Contrast.STORY] - drawn[Contrast.NO_OBJECTIVE]
    drawn[Difference.HALF_STORY_LESS_NO_OBJECTIVE] = drawn[Contrast.STORY] / 2 - drawn[Contrast.NO_OBJECTIVE]
    drawn[Difference.HALF_STORY_LESS_BENIGN] = drawn[Contrast.STORY] / 2 - drawn[Contrast.BENIGN]
    drawn[Difference.JOINT_LESS_HALF_TRAINING] = drawn[Contrast.JOINT] - drawn[Contrast.TRAINING] / 2
    factor = {
        Difference.STORY_LESS_NO_OBJECTIVE: np.sqrt(2.0),
        Difference.HALF_STORY_LESS_NO_OBJECTIVE: np.sqrt(1.25),
        Difference.HALF_STORY_LESS_BENIGN: np.sqrt(1.25),
        Difference.JOINT_LESS_HALF_TRAINING: np.sqrt(1.25),
    }
    counts = np.full(studies, 1000)
    effects = {
        key: Effects(value_N, value_N - half * f, value_N + half * f, level, counts, 0 * counts)
        for key, value_N in drawn.items()
        for f in [factor.get(key, 1.0) if isinstance(key, Difference) else 1.0]
    }
    many = Many(effects, effects, effects, {"": np.zeros(studies)}, np.zeros(studies), False, Known())
    names = verdicts(many, delta=delta, unusable_share=UNUSABLE_SHARE)
    wrong = sum(name in ASSERTED and name is not VerdictName.NO_GAP for name in names)
    low, high = wilson_limits(wrong / studies, studies, level=CHANCE)
    return Depth(k, width, wrong / studies, low, high)
