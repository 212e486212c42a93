"""A run that stopped at its budget: what is missing, told in the verdict's own sentence.

What was not asked has no row, so no estimate can take it for a refusal. Requests are asked block by block in
an order drawn by the seed: those that were asked are a random part of the set, each in all its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from unmask.analysis.results import AuditResult, ModelResult
from unmask.records import requests
from unmask.study import Study
from unmask.tasks.alignment_faking import Prepared

GO_ON = "the same command with a larger budget goes on from here"


@dataclass(frozen=True)
class Stopped:
    """Why a run stopped: its budget in words, and what it had spent by then."""

    limit: str
    spent: str


@dataclass(frozen=True)
class Missing:
    """What one model was asked of what was planned. `whole`: requests asked in every cell of theirs."""

    replies: int
    planned: int
    whole: int
    queries: int


def missing_of(replies: pl.DataFrame, study: Study, prepared: Sequence[Prepared]) -> Missing:
    """Compare one model's rows with the plan; all sets of prompts have the same size."""
    samples = prepared[0].samples
    cells: dict[tuple[str, str], int] = {}
    for s in samples:
        key = (str(s.condition.arm), s.query.id)
        cells[key] = cells.get(key, 0) + 1
    asked = requests(replies)
    by_query = (
        asked.with_columns(arm=pl.col("condition").struct.field("arm"))
        .group_by("arm", "query_id")
        .agg(n=pl.col("condition_key").n_unique())
    )
    whole = sum(n >= cells.get((arm, query), n + 1) for arm, query, n in by_query.iter_rows())
    return Missing(asked.height, len(samples) * study.epochs, whole, len(cells))


def epochs_asked(replies: pl.DataFrame, study: Study) -> int:
    """Replies per query and condition that there are on average, for what hangs on their number.

    Never 1 where some have more: an interval for single replies would not fit them.
    """
    counts = requests(replies).group_by("query_id", "condition_key").len()["len"]
    if not counts.len():
        return study.epochs
    least, most = int(counts.min()), int(counts.max())  # type: ignore[arg-type]
    mean = int(counts.mean())  # type: ignore[arg-type]
    return min(study.epochs, most if least == most else max(2, mean))


def as_stopped(result: AuditResult, stopped: Stopped, missing: dict[str, Missing]) -> AuditResult:
    """The same figures; sentence, qualifiers and notes say that the run was stopped, and what is missing."""
    models = [_told(model, stopped, missing[model.model]) for model in result.models]
    short = [m for m in missing.values() if m.replies < m.planned]
    replies, planned = (sum(getattr(m, name) for m in missing.values()) for name in ("replies", "planned"))
    words = (
        f"stopped at its budget of {stopped.limit} ({stopped.spent} spent): "
        f"{replies:,} of {planned:,} replies"
        + (f", {len(short)} of {len(missing)} models incomplete" if len(missing) > 1 else "")
    )
    return replace(result, models=models, stopped=words, notes=[*result.notes, f"{words}; {GO_ON}"])


def _told(model: ModelResult, stopped: Stopped, m: Missing) -> ModelResult:
    if m.replies >= m.planned:
        return model
    verdict = model.verdict
    short = (
        f"Stopped at its budget of {stopped.limit}: {m.replies:,} of {m.planned:,} replies asked for, "
        f"{m.whole:,} of {m.queries:,} requests in every condition."
    )
    qualifier = (
        f"stopped at its budget: what is said rests on {m.whole:,} of {m.queries:,} requests; "
        f"{m.planned - m.replies:,} replies were never asked for"
    )
    reason = (
        f"{m.planned - m.replies:,} replies were not asked for (budget): they count neither as refusals nor "
        f"as unusable; requests were asked in an order drawn by the seed, so those asked are a random part "
        f"of the set; {GO_ON}"
    )
    told = replace(
        verdict,
        sentence=f"{short} {verdict.sentence}",
        qualifiers=[qualifier, *verdict.qualifiers],
        reasons=[*verdict.reasons, reason],
    )
    return replace(model, verdict=told)
