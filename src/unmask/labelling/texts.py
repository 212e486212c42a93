"""Which replies hold something to label: for each task the one text that a judge would read, and no other."""

from __future__ import annotations

import polars as pl

from unmask.records import requests
from unmask.vocabulary import ANSWER_USABLE, REASONING_USABLE, JudgeTask

TASKS = (JudgeTask.COMPLIANCE, JudgeTask.REASONING)  # in the order in which they are labelled
COLUMN = {JudgeTask.COMPLIANCE: "answer", JudgeTask.REASONING: "scratchpad"}
STATUSES = {  # the judges' rule: an answer that was cut is no refusal, a scratchpad counts if it was closed
    JudgeTask.COMPLIANCE: ANSWER_USABLE,
    JudgeTask.REASONING: REASONING_USABLE,
}


def readable(replies: pl.DataFrame, task: JudgeTask) -> pl.DataFrame:
    """Replies to requests with a text for this task: reply_id, model, role, condition_key, query, text."""
    text = pl.col(COLUMN[task])
    return (
        requests(replies)
        .filter(pl.col("status").is_in([str(s) for s in STATUSES[task]]))
        .filter(text.str.strip_chars().str.len_chars() > 0)
        .select("reply_id", "model", "role", "condition_key", "query", text=text)
    )
