"""A run that stopped early: each contrast as its confidence sequence, in place of a fixed study's interval.

The sequence holds at every block at once, so also at the one where the run stopped. Blocks are read in the
order in which they were asked; what was not asked has no part in it. Axes: `_Q` blocks, `_C` cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmask.analysis.arrays import Table
from unmask.analysis.figures import REPORTED, Measured
from unmask.analysis.results import Interval
from unmask.estimates import Bounds, Effect
from unmask.estimates.betting import sequence
from unmask.instrument.sequential import Blocks, blocks_of
from unmask.simulate import Counts
from unmask.study import Study, cells_of, conditions_of, decision_level
from unmask.verdict import Evidence, Key, state
from unmask.verdict.evidence import label
from unmask.vocabulary import Arm, Condition, Contrast, Motive

Order = Mapping[tuple[Arm, str], int]  # arm and query to its block
MOTIVES = (Motive.PLEASE, Motive.OBEY)


@dataclass(frozen=True)
class Asked:
    """Counts in the order of blocks, and which blocks were asked whole in which cell, (Q, C)."""

    counts: dict[Condition, Counts]
    strict: dict[Condition, Counts]
    whole_QC: NDArray[np.bool_]

    @property
    def blocks_C(self) -> NDArray[np.int64]:
        """Blocks asked in each cell: the last whole one counts, since a dropped cell is never taken up."""
        numbers_Q1 = np.arange(1, self.whole_QC.shape[0] + 1)[:, np.newaxis]
        return np.asarray((numbers_Q1 * self.whole_QC).max(axis=0))


def as_sequences(
    measured: Mapping[Contrast, Measured], evidence: Evidence, table: Table, study: Study, order: Order
) -> tuple[dict[Contrast, Measured], Evidence, list[str]]:
    """The same contrasts and evidence, with sequences for intervals; and in words what to know of them."""
    asked = _asked(table, study, order)
    level = decision_level(study)
    motives = bool(table.stated)
    found = {
        key: one
        for key, one in blocks_of(asked.counts, study, motives=motives).items()
        if _known(key, evidence)
    }
    effects = {key: _effect(one, 0, asked, level) for key, one in found.items()}
    bounds = {
        key: Bounds(_effect(one, 1, asked, level), _effect(one, 2, asked, level))
        for key, one in found.items()
    }
    strict = blocks_of(asked.strict, study, motives=False)
    results = {}
    for contrast, m in measured.items():
        effect, limits = effects[contrast], bounds[contrast]
        result = replace(
            m.result,
            state=str(state(effect, study.delta)) if m.result.decides else m.result.state,
            effect=_interval(effect),
            effect_95=_interval(_effect(found[contrast], 0, asked, REPORTED)),
            strict_95=m.result.strict_95 and _interval(_effect(strict[contrast], 0, asked, REPORTED)),
            bounds=Interval(effect.estimate, limits.low, limits.high, level),
            n_queries=effect.n_queries,
            n_unusable=effect.n_unusable,
            # what all blocks would find says nothing of a contrast that was asked in a part of them
            detection_limit=m.result.detection_limit if effect.n_queries >= study.n_queries else None,
        )
        results[contrast] = replace(m, effect=effect, bounds=limits, result=result)
    told = replace(evidence, effects={**evidence.effects, **effects}, bounds={**evidence.bounds, **bounds})
    return results, told, list(_sentences(asked, study))


def _known(key: Key, evidence: Evidence) -> bool:
    """A contrast of which nothing could be read stays unknown, as in a fixed study."""
    return key in evidence.effects and evidence.effects[key].low == evidence.effects[key].low


def _asked(table: Table, study: Study, order: Order) -> Asked:
    conditions = conditions_of(study)
    row = {query: q for q, query in enumerate(table.query_ids)}
    n_blocks = 1 + max(order.values())
    counts, strict = {}, {}
    whole_QC = np.zeros((n_blocks, len(conditions)), bool)
    for c, condition in enumerate(conditions):
        column = table.column(condition)
        places = [(block, row[q]) for (arm, q), block in order.items() if arm is condition.arm and q in row]
        blocks, rows = np.array(places, dtype=np.int64).reshape(-1, 2).T
        whole_QC[blocks, c] = table.asked_QC[rows, column] >= study.epochs

        def put(
            values_QC: NDArray[np.float64],
            blocks: NDArray[np.int64] = blocks,
            rows: NDArray[np.int64] = rows,
            column: int = column,
        ) -> NDArray[np.float64]:
            placed_NQ = np.zeros((1, n_blocks))
            placed_NQ[0, blocks] = values_QC[rows, column]
            return placed_NQ

        counts[condition] = Counts(
            study.epochs,
            put(table.usable_QC),
            put(table.complied_QC),
            put(table.joint_known_QC),
            put(table.joint_QC),
            {m: put(table.stated[m].hits_QC) for m in MOTIVES if m in table.stated},
        )
        strict[condition] = replace(counts[condition], complied_NQ=put(table.strict_QC))
    return Asked(counts, strict, whole_QC)


def _effect(one: Blocks, side: int, asked: Asked, level: float) -> Effect:
    """The sequence of one side over the blocks that were asked whole in all of its cells."""
    whole_Q = asked.whole_QC[:, one.cells].all(axis=1)
    if not whole_Q.any():
        return Effect.unknown(level, n_queries=0, n_unusable=0)
    return sequence(one.sides[side][0, whole_Q], span=one.span, level=level).effect()


def _sentences(asked: Asked, study: Study) -> Iterator[str]:
    blocks_C = asked.blocks_C
    conditions = conditions_of(study)
    most = int(blocks_C.max())
    arms = sorted({str(c.arm) for c in conditions})
    one = "request" if len(arms) == 1 else f"request of each arm ({' and '.join(arms)})"
    early = most < study.n_queries
    how = "until the verdict was decided" if early else "and nothing was decided before the last"
    yield (
        f"It was asked block by block, one {one} at a time, {how}: {most:,} of at most {study.n_queries:,} "
        "blocks. The limits hold however often one looks; the figure beside them is their middle, since a "
        "mean at the moment of stopping would be biased."
    )
    column = {condition: c for c, condition in enumerate(conditions)}
    ends: dict[int, list[str]] = {}
    for contrast in study.contrasts:
        last = min(int(blocks_C[column[cell]]) for cell in cells_of(contrast, study))
        ends.setdefault(last, []).append(label(contrast))
    if len(ends) > 1:
        words = "; ".join(f"{', '.join(ends[last])} {last:,}" for last in sorted(ends, reverse=True))
        yield (
            f"Whole blocks by contrast: {words}. A contrast is asked no longer once nothing that is still "
            "open needs it."
        )


def _interval(effect: Effect) -> Interval:
    return Interval(effect.estimate, effect.low, effect.high, effect.level)
