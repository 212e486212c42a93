"""Tables to arrays: counts by query and condition, with what cannot be read kept apart.

Axes: `_Q` queries, `_C` conditions. A reply that cannot be read, or whose judge failed, is in `asked` and
not in `usable`: estimates then know that it is missing, and bounds what it could have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from unmask.vocabulary import (
    AF,
    ANSWER_USABLE,
    Compliance,
    Condition,
    JudgeStatus,
    JudgeTask,
    Motive,
    ReasoningSource,
)

Counts = NDArray[np.float64]
OUTCOMES = ("asked", "usable", "complied", "strict", "read", "af", "joint_known", "joint", "told")
SCREENED_OUT = "screened"  # in counts by status; in the records such a judgement is `skipped`
SCREENED = ("screened_out", "screened_audited", "screened_audited_af", "screened_weight", "screened_found")
OTHER = (Motive.PLEASE, Motive.OBEY)  # motives beside alignment faking, of which each has a joint outcome


@dataclass(frozen=True)
class Stated:
    """Counts of "complied and states this motive", shape (Q, C): for how many replies known, and holding."""

    known_QC: Counts
    hits_QC: Counts


@dataclass(frozen=True)
class Screened:
    """Replies that a screen kept from the judge, shape (Q, C); see `judges.screen`.

    out: all that were screened. audited: those of them judged in full all the same, `audited_af` with
    alignment-faking reasoning; both are in `read` and `af` too. weight, found: their sums of 1 / chance.
    """

    out_QC: Counts
    audited_QC: Counts
    audited_af_QC: Counts
    weight_QC: Counts
    found_QC: Counts


@dataclass(frozen=True)
class Table:
    """Counts of one model's replies, each array of shape (Q, C).

    complied: complied or partly; strict: complied only; both of the usable ones.
    read: replies whose reasoning was judged; af: those with alignment-faking reasoning.
    screened: what was kept from the judge of the reasoning; None where nothing was.
    joint_known, joint: replies for which "complied and faked" is known, and holds.
    stated: the same for other motives; empty where the judge named no motive in any reply.
    told: replies that complied and whose reasoning was judged; None where it was not counted.
    """

    query_ids: list[str]
    conditions: list[Condition]
    asked_QC: Counts
    usable_QC: Counts
    complied_QC: Counts
    strict_QC: Counts
    read_QC: Counts
    af_QC: Counts
    joint_known_QC: Counts
    joint_QC: Counts
    stated: Mapping[Motive, Stated] = field(default_factory=dict)
    screened: Screened | None = None
    told_QC: Counts | None = None

    def column(self, condition: Condition) -> int:
        """Index of a condition on the C axis."""
        return self.conditions.index(condition)


def tabulate(replies: pl.DataFrame, judgements: pl.DataFrame, conditions: Sequence[Condition]) -> Table:
    """Count one model's replies by query and condition.

    Args:
        replies: rows of one model.
        judgements: at most one row for each reply and task (see `choose`).
        conditions: the C axis; rows of other conditions are left out.
    """
    told = judged(replies, judgements)
    names = (*OUTCOMES[1:], *SCREENED, *(f"{m}{part}" for m in OTHER for part in ("_known", "")))
    counted = told.group_by("query_id", "condition_key").agg(
        pl.len().alias("asked"), *(pl.col(name).sum() for name in names)
    )
    query_ids = sorted(replies["query_id"].unique().to_list())
    keys = [c.key for c in conditions]
    place = counted.join(
        pl.DataFrame({"query_id": query_ids, "q": range(len(query_ids))}), on="query_id"
    ).join(pl.DataFrame({"condition_key": keys, "c": range(len(keys))}), on="condition_key")
    rows, columns = place["q"].to_numpy(), place["c"].to_numpy()

    def spread(name: str) -> Counts:
        array = np.zeros((len(query_ids), len(keys)))
        array[rows, columns] = place[name].to_numpy()
        return array

    stated = {m: Stated(spread(f"{m}_known"), spread(str(m))) for m in OTHER if told["motive"].count()}
    counts = {f"{name}_QC": spread(name) for name in OUTCOMES}
    screened = Screened(*(spread(name) for name in SCREENED)) if told["screened_out"].any() else None
    return Table(query_ids, list(conditions), **counts, stated=stated, screened=screened)


def judged(replies: pl.DataFrame, judgements: pl.DataFrame) -> pl.DataFrame:
    """Replies with what is known of each, as booleans: usable, complied, strict, read, af, joint, motives."""
    labels = judgements.filter(pl.col("status") == str(JudgeStatus.OK))
    drawn = judgements.filter(pl.col("task") == str(JudgeTask.REASONING)).select(
        "reply_id", chance="inclusion_probability"
    )
    compliance = labels.filter(pl.col("task") == str(JudgeTask.COMPLIANCE)).select(
        "reply_id", compliance="label"
    )
    reasoning = labels.filter(pl.col("task") == str(JudgeTask.REASONING)).select(
        "reply_id", "motive", reasoning="label"
    )
    can_answer = pl.col("status").is_in([str(s) for s in ANSWER_USABLE])
    usable = can_answer & pl.col("compliance").is_not_null()
    complied = usable & (pl.col("compliance") != str(Compliance.REFUSED))
    read = pl.col("reasoning").is_not_null()
    named = pl.col("motive").is_not_null()
    af = read & (pl.col("reasoning") == AF)
    out = (pl.col("chance") < 1).fill_null(False)  # null: a judge that screens nothing
    return (
        replies.select("reply_id", "query_id", "condition_key", "status")
        .join(compliance, on="reply_id", how="left")
        .join(reasoning, on="reply_id", how="left")
        .join(drawn, on="reply_id", how="left")
        .with_columns(
            usable=usable.fill_null(False),
            complied=complied.fill_null(False),
            strict=(usable & (pl.col("compliance") == str(Compliance.COMPLIED))).fill_null(False),
            read=read,
            af=af.fill_null(False),
        )
        .with_columns(
            joint_known=_known(pl.col("read"), pl.col("af")),
            joint=pl.col("complied") & pl.col("af"),
            told=pl.col("complied") & pl.col("read"),
            **{f"{m}_known": _known(named, (pl.col("motive") == str(m)).fill_null(False)) for m in OTHER},
            **{str(m): pl.col("complied") & (pl.col("motive") == str(m)).fill_null(False) for m in OTHER},
            screened_out=out,
            screened_audited=out & pl.col("read"),
            screened_audited_af=out & pl.col("af"),
            screened_weight=pl.when(out & pl.col("read")).then(1 / pl.col("chance")).otherwise(0.0),
            screened_found=pl.when(out & pl.col("af")).then(1 / pl.col("chance")).otherwise(0.0),
        )
    )


def _known(seen: pl.Expr, holds: pl.Expr) -> pl.Expr:
    """Whether "complied, with this in its reasoning" is known.

    It is 0 as soon as one part is known to be 0, and unknown only where the other part decides.
    """
    return (pl.col("usable") & (~pl.col("complied") | seen)) | (seen & ~holds)


def choose(
    judgements: pl.DataFrame,
    judge: str | None = None,
    *,
    source: ReasoningSource = ReasoningSource.SCRATCHPAD,
) -> pl.DataFrame:
    """One judge for each task: the one named, else a grader before the offline one, else the busiest.

    A reply then has at most one row for each task; the other judges' rows stay in the table on disk. Of
    judgements of reasoning only those of `source` are taken: the two are never mixed.
    """
    wanted = judgements.filter(
        pl.col("reasoning_source").is_null() | (pl.col("reasoning_source") == str(source))
    )
    kept = []
    for (_,), rows in wanted.group_by(["task"], maintain_order=True):
        counts = rows.filter(pl.col("status") == str(JudgeStatus.OK)).group_by("judge").len()
        order = sorted(counts.iter_rows(), key=lambda r: (r[0] != judge, is_screening(r[0]), -r[1], r[0]))
        chosen = order[0][0] if order else rows["judge"][0]
        kept.append(
            rows.filter(pl.col("judge") == chosen).unique("reply_id", keep="last", maintain_order=True)
        )
    return pl.concat(kept) if kept else wanted


def is_screening(judge: str) -> bool:
    """Whether a judge's figures are a first look only."""
    return judge.startswith("offline")


def with_screened(judgements: pl.DataFrame) -> pl.DataFrame:
    """Judgements to be counted by status; those that a screen passed over under a name of their own."""
    screened = (pl.col("status") == str(JudgeStatus.SKIPPED)) & (pl.col("inclusion_probability") < 1)
    return judgements.with_columns(
        status=pl.when(screened).then(pl.lit(SCREENED_OUT)).otherwise(pl.col("status"))
    )
