"""Tables to arrays: counts by query and condition, with what cannot be read kept apart.

Axes: `_Q` queries, `_C` conditions. A reply that cannot be read, or whose judge failed, is in `asked` and
not in `usable`: estimates then know that it is missing, and bounds what it could have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from unmask.vocabulary import AF, ANSWER_USABLE, Compliance, Condition, JudgeStatus, JudgeTask

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Counts of one model's replies, each array of shape (Q, C).

    complied: complied or partly; strict: complied only; both of the usable ones.
    read: replies whose reasoning was judged; af: those with alignment-faking reasoning.
    joint_known, joint: replies for which "complied and faked" is known, and holds.
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
    counted = (
        judged(replies, judgements)
        .group_by("query_id", "condition_key")
        .agg(
            pl.len().alias("asked"),
            *(pl.col(name).sum() for name in ("usable", "complied", "strict", "read", "af")),
            *(pl.col(name).sum() for name in ("joint_known", "joint")),
        )
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

    names = ("asked", "usable", "complied", "strict", "read", "af", "joint_known", "joint")
    return Table(query_ids, list(conditions), *(spread(name) for name in names))


def judged(replies: pl.DataFrame, judgements: pl.DataFrame) -> pl.DataFrame:
    """Replies with what is known of each, as booleans: usable, complied, strict, read, af, joint."""
    labels = judgements.filter(pl.col("status") == str(JudgeStatus.OK)).select("reply_id", "task", "label")
    compliance = labels.filter(pl.col("task") == str(JudgeTask.COMPLIANCE)).select(
        "reply_id", compliance="label"
    )
    reasoning = labels.filter(pl.col("task") == str(JudgeTask.REASONING)).select(
        "reply_id", reasoning="label"
    )
    can_answer = pl.col("status").is_in([str(s) for s in ANSWER_USABLE])
    usable = can_answer & pl.col("compliance").is_not_null()
    complied = usable & (pl.col("compliance") != str(Compliance.REFUSED))
    read = pl.col("reasoning").is_not_null()
    af = read & (pl.col("reasoning") == AF)
    return (
        replies.select("reply_id", "query_id", "condition_key", "status")
        .join(compliance, on="reply_id", how="left")
        .join(reasoning, on="reply_id", how="left")
        .with_columns(
            usable=usable.fill_null(False),
            complied=complied.fill_null(False),
            strict=(usable & (pl.col("compliance") == str(Compliance.COMPLIED))).fill_null(False),
            read=read,
            af=af.fill_null(False),
        )
        .with_columns(
            # known to be 0 as soon as one part is known to be 0; unknown only where the other part decides
            joint_known=(pl.col("usable") & ~pl.col("complied"))
            | (pl.col("read") & ~pl.col("af"))
            | (pl.col("usable") & pl.col("read")),
            joint=pl.col("complied") & pl.col("af"),
        )
    )


def choose(judgements: pl.DataFrame, judge: str | None = None) -> pl.DataFrame:
    """One judge for each task: the one named, else a grader before the offline one, else the busiest.

    A reply then has at most one row for each task; the other judges' rows stay in the table on disk.
    """
    scratchpad = judgements.filter(
        pl.col("reasoning_source").is_null() | (pl.col("reasoning_source") == "scratchpad")
    )
    kept = []
    for (_,), rows in scratchpad.group_by(["task"], maintain_order=True):
        counts = rows.filter(pl.col("status") == str(JudgeStatus.OK)).group_by("judge").len()
        order = sorted(counts.iter_rows(), key=lambda r: (r[0] != judge, is_screening(r[0]), -r[1], r[0]))
        chosen = order[0][0] if order else rows["judge"][0]
        kept.append(
            rows.filter(pl.col("judge") == chosen).unique("reply_id", keep="last", maintain_order=True)
        )
    return pl.concat(kept) if kept else scratchpad


def is_screening(judge: str) -> bool:
    """Whether a judge's figures are a first look only."""
    return judge.startswith("offline")
