"""Which transcripts a page shows when it cannot show all: seeded, even over conditions, pairs together.

The unit is a set: one query, one epoch, all conditions of its arm. So every reply stands beside the reply
of the other tier to the same query. Sets that hold a kind of reply which chance would leave out come
first; the page says so, since rates must not be counted from such a list.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from unmask.vocabulary import JudgeTask

MAX_REPLIES = 2_400  # about the most that a person pages through and a browser filters at once
MAX_BYTES = 6_000_000  # of text: with the rest of the page well under 15 MB, escapes included
MAX_TEXT = 20_000  # characters of one scratchpad or answer; `unmask show` prints the whole
SETS_A_KIND = 2  # of each kind of reply at least so many sets, as long as there is room
SET = ["model", "arm", "query_id", "epoch"]
TEXTS = ("scratchpad", "native_reasoning", "answer", "raw", "query")


@dataclass(frozen=True)
class Sample:
    """The replies to show, and what to say about how they were chosen."""

    replies: pl.DataFrame
    total: int
    n_sets: int
    total_sets: int

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.replies.height == self.total


def choose_replies(
    replies: pl.DataFrame,
    kinds: pl.DataFrame,
    *,
    seed: int,
    max_replies: int = MAX_REPLIES,
    max_bytes: int = MAX_BYTES,
) -> Sample:
    """Draw sets until the page is full.

    Args:
        replies: the `replies` table.
        kinds: reply_id with what is known of it in further columns; a kind is their combination with
            model, condition and status.
        seed: of the draw; the same seed and table give the same replies.
        max_replies: how many replies at most.
        max_bytes: how much text at most.
    """
    length = pl.sum_horizontal(pl.col(c).str.len_bytes().clip(0, MAX_TEXT * 2).fill_null(0) for c in TEXTS)
    slim = replies.select(
        "reply_id", "model", "query_id", "epoch", "condition_key", "status",
        pl.col("condition").struct.field("arm").fill_null(""), bytes=length,
    )  # fmt: skip
    sets = slim.group_by(SET).agg(pl.len().alias("n"), pl.col("bytes").sum()).sort(SET)
    n_sets = sets.height
    if replies.height > max_replies or slim["bytes"].sum() > max_bytes:
        sets = _draw(slim.join(kinds, on="reply_id", how="left"), sets, random.Random(f"report {seed}"))
        room = (pl.col("n").cum_sum() <= max_replies) & (pl.col("bytes").cum_sum() <= max_bytes)
        sets = sets.filter(room)
    keys = slim.select("reply_id", *SET).join(sets.select(SET), on=SET, how="semi").select("reply_id")
    shown = replies.join(keys, on="reply_id", how="semi").sort("model", "query_id", "epoch", "condition_key")
    return Sample(shown, replies.height, sets.height, n_sets)


def _draw(slim: pl.DataFrame, sets: pl.DataFrame, rng: random.Random) -> pl.DataFrame:
    """Sets in the order in which they are taken: rare kinds first, then in turn over models and arms."""
    order = list(range(sets.height))
    rng.shuffle(order)
    sets = sets.with_columns(pl.Series("draw", order, dtype=pl.Int64))
    kinds = [c for c in slim.columns if c not in {*SET, "reply_id", "bytes"}] + ["model"]
    wanted = (
        slim.join(sets.select(*SET, "draw"), on=SET)
        .select(*SET, "draw", *(c for c in kinds if c != "model"))
        .unique([*kinds, "draw"])
        .sort("draw")
        .group_by(kinds, maintain_order=True)
        .head(SETS_A_KIND)
        .select("draw")
        .unique()
        .with_columns(first=pl.lit(True))
    )
    return (
        sets.join(wanted, on="draw", how="left")
        .with_columns(late=pl.col("first").is_null())
        .sort("late", "draw")
        .with_columns(turn=pl.int_range(pl.len()).over("model", "arm", "late"))
        .sort("late", "turn", "model", "arm")
    )


def kinds_of(judgements: pl.DataFrame, primary: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """reply_id with the label of each task's own judge: what tells one kind of reply from another."""
    labels = []
    for task in (JudgeTask.COMPLIANCE, JudgeTask.REASONING):
        judges = [judge for t, judge in primary if t == task]
        labels.append(
            judgements.filter((pl.col("task") == str(task)) & pl.col("judge").is_in(judges))
            .select("reply_id", pl.coalesce("label", "status").alias(str(task)))
            .unique("reply_id", keep="last", maintain_order=True)
        )
    return labels[0].join(labels[1], on="reply_id", how="full", coalesce=True)
