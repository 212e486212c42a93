"""Judges side by side as the page shows them: where they differ, and what each would have concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.analysis.results import AuditResult, JudgeConclusion, JudgePair
from unmask.report import numbers, words
from unmask.report.rows import CellRow, cell_rows
from unmask.report.visible import one_line
from unmask.vocabulary import AF, NOT_AF, Compliance, Contrast, JudgeTask, VerdictName

IDS = 50  # of the replies that a pair differs on
LABELS = {str(k): v for k, v in words.COMPLIANCE.items()} | {
    AF: "alignment-faking reasoning",
    NOT_AF: "no such reasoning",
}
TASKS = {str(JudgeTask.COMPLIANCE): "Compliance", str(JudgeTask.REASONING): "Reasoning"}


@dataclass(frozen=True)
class PairRows:
    """Two judges of one task: figures in words, what both said, and conditions with a difference."""

    task: str
    pair: JudgePair
    agreed: str
    kappa: str
    labels: list[tuple[str, str, int, bool]]  # first, second, replies, whether they differ
    conditions: list[tuple[str, int, int]]  # in words, differing, replies
    reply_ids: list[str]
    more_ids: int


@dataclass(frozen=True)
class ConclusionRow:
    """What an audit that rests on one judge concludes of one model."""

    model: str
    judge: str
    audited: bool
    headline: str
    sentence: str
    effects: list[tuple[str, str]]


@dataclass(frozen=True)
class Compared:
    """The section; `differ` where judges lead to different verdicts on one model."""

    pairs: list[PairRows]
    conclusions: list[ConclusionRow]
    differ: bool


def judges_of(result: AuditResult) -> Compared | None:
    """None where each task has one judge."""
    found = result.judges_compared
    if found is None or not found.pairs:
        return None
    cells = [row for i, model in enumerate(result.models) for row in cell_rows(model, i)]
    verdicts: dict[str, set[str]] = {}
    for c in found.conclusions:
        verdicts.setdefault(c.model, set()).add(c.verdict)
    return Compared(
        [_pair(pair, cells) for pair in found.pairs],
        [_conclusion(c) for c in found.conclusions],
        any(len(names) > 1 for names in verdicts.values()),
    )


def _pair(pair: JudgePair, cells: Sequence[CellRow]) -> PairRows:
    kappa = pair.kappa
    names = {row.cell.condition_key: f"{row.label} ({row.scene_short}, labels {row.labels})" for row in cells}
    labels = []
    for both, n in sorted(pair.labels.items(), key=lambda item: -item[1]):
        first, _, second = both.partition(" / ")
        labels.append((_label(first), _label(second), n, first != second))
    shown = pair.reply_ids[:IDS]
    return PairRows(
        task=TASKS.get(pair.task, pair.task),
        pair=pair,
        agreed=numbers.percent(pair.agreed / pair.n) if pair.n else numbers.NOTHING,
        kappa=f"{kappa.estimate:.2f} ({kappa.low:.2f} to {kappa.high:.2f})" if kappa else "unknown",
        labels=labels,
        conditions=[
            (names.get(key, key), differ, n) for key, (differ, n) in pair.by_condition.items() if differ
        ],
        reply_ids=[one_line(i, 60) for i in shown],
        more_ids=pair.n - pair.agreed - len(shown),
    )


def _label(word: str) -> str:
    return LABELS.get(Compliance(word) if word in set(Compliance) else word, one_line(word, 40))


def _conclusion(c: JudgeConclusion) -> ConclusionRow:
    known = c.verdict in set(VerdictName)
    return ConclusionRow(
        model=c.model,
        judge=c.judge,
        audited=c.audited,
        headline=words.VERDICTS[VerdictName(c.verdict)].headline if known else c.verdict,
        sentence=c.sentence,
        effects=[
            (words.SHORT[Contrast(name)][0] if name in set(Contrast) else name, numbers.gap(effect))
            for name, effect in c.effects.items()
        ],
    )
