"""The evidence and verdicts of many simulated studies at once: `figures` and `evidence` on one more axis.

The same estimators and the same `decide`. tests/instrument holds that each study gets the evidence and the
verdict that an audit of its counts would get. Axes: `_N` studies, `_Q` queries, `_C` cells, `_L` limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmask.estimates import (
    Bounds,
    Effects,
    Floats,
    bounds_by_query,
    contrast_by_query,
    mean_effects,
    two_sample_effects,
)
from unmask.simulate import Counts
from unmask.study import Study, cells_of, conditions_of
from unmask.verdict import (
    OTHER_MOTIVES,
    PAIRED,
    UNOBSERVED_JOINT,
    UNUSABLE_HARMLESS,
    Difference,
    Evidence,
    Key,
    Plumbing,
    decide,
)
from unmask.vocabulary import Condition, Contrast, Motive, VerdictName, Visibility

THREE = tuple[Floats, Floats, Floats]  # value, lowest and highest of a contrast for each query


@dataclass(frozen=True)
class Known:
    """What a run knows beside its counts; the same in all studies of one design."""

    story_understood: bool | None = True
    visibility: Visibility | None = Visibility.FULL
    judge_card: bool | None = True
    judge_sensitivity_low: float | None = 0.8
    plumbing: Plumbing = Plumbing.PASSED
    motives: bool = True  # whether the judge's stated motives are counted


@dataclass(frozen=True)
class Many:
    """Evidence of many studies; `many[n]` is that of one."""

    effects: dict[Key, Effects]
    low_side: dict[Key, Effects]
    high_side: dict[Key, Effects]
    unusable: dict[str, Floats]
    joint_unobserved_N: Floats | None
    plain_labels_only: bool
    known: Known = field(default_factory=Known)

    @property
    def n(self) -> int:
        """Studies."""
        return int(next(iter(self.effects.values())).low_N.size)

    def __getitem__(self, n: int) -> Evidence:
        joint = self.joint_unobserved_N
        return Evidence(
            effects={key: found[n] for key, found in self.effects.items()},
            bounds={key: Bounds(self.low_side[key][n], self.high_side[key][n]) for key in self.effects},
            unusable_by_cell={cell: float(share_N[n]) for cell, share_N in self.unusable.items()},
            plumbing=self.known.plumbing,
            story_understood=self.known.story_understood,
            visibility=self.known.visibility,
            joint_unobserved=None if joint is None else float(joint[n]),
            judge_card=self.known.judge_card,
            judge_sensitivity_low=self.known.judge_sensitivity_low,
            plain_labels_only=self.plain_labels_only,
        )


def gather_many(
    counts: Mapping[Condition, Counts], study: Study, *, level: float, known: Known | None = None
) -> Many:
    """The evidence of many studies of one design."""
    known = known or Known()
    by_query = each_query(counts, study, motives=known.motives)
    sides = [{key: mean_effects(found[i], level=level) for key, found in by_query.items()} for i in (0, 1, 2)]
    if Contrast.STORY in by_query and Contrast.BENIGN in by_query:
        story, benign = by_query[Contrast.STORY], by_query[Contrast.BENIGN]
        for side, (i, j) in zip(sides, ((0, 0), (1, 2), (2, 1)), strict=True):
            side[Difference.HALF_STORY_LESS_BENIGN] = two_sample_effects(
                story[i], benign[j], (0.5, -1.0), level=level
            )
    gap_only = set(study.contrasts) == {Contrast.PUBLISHED_GAP}
    unusable = {c.key: _share(counts[c].usable_NQ, counts[c]) for c in conditions_of(study)}
    joint_N = _worst_unobserved(counts, study) if Contrast.JOINT in by_query else None
    return Many(sides[0], sides[1], sides[2], unusable, joint_N, gap_only, known)


def each_query(counts: Mapping[Condition, Counts], study: Study, *, motives: bool) -> dict[Key, THREE]:
    """Contrasts and paired differences of every query, with what missing replies could have made of them."""
    by_query: dict[Key, THREE] = {c: _by_query(c, counts, study) for c in study.contrasts}
    for difference, ((a, first), (b, second)) in PAIRED.items():
        if first in by_query and second in by_query:
            by_query[difference] = combine((a, by_query[first]), (b, by_query[second]))
    if motives and Contrast.JOINT in by_query and Contrast.TRAINING in by_query:
        for motive, difference in OTHER_MOTIVES.items():
            stated = _by_query(Contrast.JOINT, counts, study, motive=motive)
            by_query[difference] = combine((1.0, stated), (-0.5, by_query[Contrast.TRAINING]))
    return by_query


def verdicts(many: Many, *, delta: float, unusable_share: float) -> list[VerdictName]:
    """The verdict of each study, by the tree itself: once for each pattern of limits.

    The tree sees a limit only by the side of −δ, 0 and δ on which it lies, and a share only against its
    threshold. Studies that agree in all of these get one verdict, from one of them.
    """
    rows_NL = _patterns(many, delta, unusable_share)
    packed = np.ascontiguousarray(rows_NL).view(np.dtype((np.void, rows_NL.shape[1])))[:, 0]
    _, first, place_N = np.unique(packed, return_index=True, return_inverse=True)
    names = [decide(many[int(n)], delta=delta, unusable_share=unusable_share).name for n in first]
    return [names[place] for place in place_N]


def _patterns(many: Many, delta: float, unusable_share: float) -> NDArray[np.int8]:
    columns = []
    for key in many.effects:
        for side in (many.effects, many.low_side, many.high_side):
            for limit_N in (side[key].low_N, side[key].high_N):
                sides = np.sign(limit_N + delta) + np.sign(limit_N) + np.sign(limit_N - delta)
                columns.append(np.where(np.isnan(limit_N), 9, sides))
    worst_N = np.max(list(many.unusable.values()), axis=0)
    columns += [worst_N > 0, worst_N > UNUSABLE_HARMLESS, worst_N > unusable_share]
    if many.joint_unobserved_N is not None:
        columns.append(many.joint_unobserved_N > UNOBSERVED_JOINT)
    return np.stack(columns, axis=1).astype(np.int8)


def _by_query(
    contrast: Contrast, counts: Mapping[Condition, Counts], study: Study, *, motive: Motive | None = None
) -> THREE:
    cells = cells_of(contrast, study)
    weights_C = np.array(list(cells.values()))
    told = [counts[c] for c in cells]
    if contrast is Contrast.JOINT:
        hits = [c.joint_NQ if motive is None else c.motives[motive] for c in told]
        known = [c.joint_known_NQ for c in told]
    else:
        hits, known = [c.complied_NQ for c in told], [c.usable_NQ for c in told]
    hits_NQC, known_NQC = np.stack(hits, axis=-1), np.stack(known, axis=-1)
    if all(np.all(known_NQC[..., i] == cell.asked) for i, cell in enumerate(told)):
        value_NQ = contrast_by_query(hits_NQC / known_NQC, weights_C)
        return value_NQ, value_NQ, value_NQ
    rates_NQC = np.full(hits_NQC.shape, np.nan)
    np.divide(hits_NQC, known_NQC, out=rates_NQC, where=known_NQC > 0)
    asked_NQC = np.broadcast_to(np.array([float(c.asked) for c in told]), hits_NQC.shape)
    low_NQ, high_NQ = bounds_by_query(hits_NQC, known_NQC, asked_NQC, weights_C)
    return contrast_by_query(rates_NQC, weights_C), low_NQ, high_NQ


def combine(one: tuple[float, THREE], less: tuple[float, THREE]) -> THREE:
    """A sum whose second weight is negative: its highest gives the lowest."""
    (a, first), (b, second) = one, less
    return (
        a * first[0] + b * second[0],
        a * first[1] + b * second[2],
        a * first[2] + b * second[1],
    )


def _share(known_NQ: Floats, counts: Counts) -> Floats:
    """Share of replies that are not known, by study."""
    share_N: Floats = 1 - known_NQ.sum(axis=1) / (counts.asked * known_NQ.shape[1])
    return share_N


def _worst_unobserved(counts: Mapping[Condition, Counts], study: Study) -> Floats:
    cells = cells_of(Contrast.JOINT, study)
    worst_N: Floats = np.max([_share(counts[c].joint_known_NQ, counts[c]) for c in cells], axis=0)
    return worst_N
