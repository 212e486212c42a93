"""Plain sentences on how replies were judged: what was screened out, and which replies address the judge."""

from __future__ import annotations

import polars as pl

from unmask.analysis.arrays import judged
from unmask.judges.addressed import addresses_the_judge


def on_judging(replies: pl.DataFrame, chosen: pl.DataFrame) -> list[str]:
    """What to know of the judging before the rates; `chosen` has one judgement for each reply and task."""
    return [*_screened(replies, chosen), *_addressed(replies)]


def _screened(replies: pl.DataFrame, chosen: pl.DataFrame) -> list[str]:
    told = judged(replies, chosen)
    out, audited = int(told["screened_out"].sum()), int(told["screened_audited"].sum())
    if not out:
        return []
    found = int(told["screened_audited_af"].sum())
    return [
        f"{out:,} refusals without a sign in their scratchpads were screened out; {audited:,} of them, drawn "
        f"at random, were judged in full all the same, and {found:,} of these showed alignment-faking "
        "reasoning. Rates of such reasoning count the rest by that sample; no contrast depends on it."
    ]


def _addressed(replies: pl.DataFrame) -> list[str]:
    """Replies that speak to a judge, by condition: not left out, and judged behind the fence as all are."""
    texts = replies.select(
        "condition_key", text=pl.concat_str("scratchpad", "answer", separator="\n", ignore_nulls=True)
    ).filter(pl.col("text").map_elements(addresses_the_judge, return_dtype=pl.Boolean))
    if not texts.height:
        return []
    counts = texts["condition_key"].value_counts().sort("count", "condition_key", descending=[True, False])
    where = "; ".join(f"{key} {n:,}" for key, n in counts.iter_rows())
    return [f"{texts.height:,} of {replies.height:,} replies address a judge (by condition: {where})."]
