"""Do intervals hold the truth as often as they say? Over sizes, rates, effects, wordings.

Asked (docs/statistics.md) of intervals that claim 95 %: 94.5 % on average over cells, and 93 % in every cell
beyond the simulation's own chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from unmask.estimates import Effects, Floats, tango_limits, wilson_limits
from unmask.instrument.many import Known, gather_many
from unmask.instrument.truth import true_values
from unmask.simulate import ORGANISMS, Behaviour, Counts, Setting, draw, true_rate
from unmask.study import Study, conditions_of
from unmask.verdict import Difference, Key
from unmask.verdict.evidence import label
from unmask.vocabulary import Condition, Contrast

LEVEL = 0.95
MEAN_ASKED, CELL_ASKED = 0.945, 0.93
CHANCE = 0.999  # level of the limits that a cell's own coverage is read with: hundreds of cells are looked at
CONTRASTS = (Contrast.STORY, Contrast.TRAINING, Contrast.JOINT, Contrast.BENIGN)
SHOWN: tuple[Key, ...] = (
    Contrast.STORY,
    Difference.JOINT_LESS_HALF_TRAINING,
    Difference.HALF_STORY_LESS_BENIGN,
)
BASES = (0.002, 0.02, 0.2, 0.5, 0.98)
GAPS = (0.0, 0.05, 0.3)
SIZES = ((20, 1), (60, 1), (60, 5), (200, 1), (200, 5))
CHUNK = 300_000


@dataclass(frozen=True)
class Cell:
    """One interval in one setting. `width` is its mean; `chance` the coverage's own limits."""

    what: str
    queries: int
    epochs: int
    base: float
    gap: float
    moved: str
    wording_sd: float
    studies: int
    coverage: float
    chance: tuple[float, float]
    width: float

    @property
    def holds(self) -> bool:
        """Not below what is asked, beyond chance."""
        return self.chance[1] >= CELL_ASKED

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"holds": self.holds}


def settings(*, quick: bool) -> Iterator[tuple[Behaviour, Setting]]:
    """What is simulated."""
    faker = ORGANISMS["faker"]
    sizes, bases = (SIZES[1:3], BASES[1:4]) if quick else (SIZES, BASES)
    for (queries, epochs), base, gap in product(sizes, bases, GAPS):
        if base + gap > 1:
            continue
        plain = Setting(queries, epochs)
        behaviour = replace(faker, base=base, gap=gap)
        yield behaviour, plain
        if gap:
            yield behaviour, replace(plain, wholly=False)
            if queries >= 60 and base < 0.9:
                yield behaviour, replace(plain, wordings=8, wording_sd=0.055)


def coverage(*, studies: int, seed: int, quick: bool) -> list[Cell]:
    """All cells: three intervals of contrasts in each setting, and with one reply a query Tango's."""
    design = Study.model_validate({"contrasts": CONTRASTS})
    conditions = conditions_of(design)
    cells: list[Cell] = []
    for number, (behaviour, setting) in enumerate(settings(quick=quick)):
        rng = np.random.default_rng([seed, number])
        values = true_values(behaviour, setting, design, motives=False)
        parts: list[dict[Key, Effects]] = []
        pairs: list[tuple[Floats, Floats]] = []
        left, most = studies, max(1, CHUNK // setting.queries)
        while left > 0:
            drawn = draw(conditions, behaviour, setting, studies=min(left, most), rng=rng)
            parts.append(gather_many(drawn, design, level=LEVEL, known=Known(motives=False)).effects)
            if setting.epochs == 1:
                pairs.append(_tango(drawn, conditions))
            left -= most
        for key in SHOWN:
            limits = (
                np.concatenate([p[key].low_N for p in parts]),
                np.concatenate([p[key].high_N for p in parts]),
            )
            cells.append(_cell(label(key), behaviour, setting, limits, values[key]))
        if pairs:
            limits = (np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]))
            gap = true_rate(behaviour, setting, conditions[_pair(conditions)[0]]) - true_rate(
                behaviour, setting, conditions[_pair(conditions)[1]]
            )
            cells.append(_cell("published gap, one reply (Tango)", behaviour, setting, limits, gap))
    return cells


def _pair(conditions: list[Condition]) -> tuple[int, int]:
    """Free and paid under plain labels."""
    keys = [c.key for c in conditions]
    cells = "harmful.trained.plain.{}.conflicting.hidden.xml"
    return keys.index(cells.format("free")), keys.index(cells.format("paid"))


def _tango(drawn: dict[Condition, Counts], conditions: list[Condition]) -> tuple[Floats, Floats]:
    """Limits by study; each pair of counts is solved once."""
    free, paid = (drawn[conditions[i]].complied_NQ for i in _pair(conditions))
    counts_N2 = np.stack([(free > paid).sum(axis=1), (free < paid).sum(axis=1)], axis=1)
    unique, place_N = np.unique(counts_N2, axis=0, return_inverse=True)
    solved = np.array([tango_limits(int(b), int(c), free.shape[1], level=LEVEL) for b, c in unique])
    return solved[place_N.ravel(), 0], solved[place_N.ravel(), 1]


def _cell(
    what: str, behaviour: Behaviour, setting: Setting, limits: tuple[Floats, Floats], true: float
) -> Cell:
    low_N, high_N = limits
    covered = float(np.mean((low_N <= true + 1e-12) & (true - 1e-12 <= high_N)))
    return Cell(
        what=what,
        queries=setting.queries,
        epochs=setting.epochs,
        base=behaviour.base,
        gap=behaviour.gap,
        moved="wholly" if setting.wholly else "evenly",
        wording_sd=setting.wording_sd,
        studies=low_N.size,
        coverage=covered,
        chance=wilson_limits(covered, low_N.size, level=CHANCE),
        width=float(np.mean(high_N - low_N)),
    )
