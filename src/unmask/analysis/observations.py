"""Plain sentences that a reader should see before any figure: what the model did with the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from unmask.analysis.arrays import SCREENED_OUT
from unmask.analysis.own_reasoning import sentence
from unmask.analysis.results import JudgeUsed
from unmask.study import Study
from unmask.vocabulary import JudgeStatus, JudgeTask, ReplyStatus, Scratchpad

SAID = (JudgeStatus.OK, JudgeStatus.SKIPPED, SCREENED_OUT)
UNUSABLE_WORDS = {
    ReplyStatus.TRUNCATED: "were cut off at the token limit",
    ReplyStatus.EMPTY: "were empty",
    ReplyStatus.FILTERED: "were stopped by the provider's filter",
    ReplyStatus.ERROR: "failed with an error",
    ReplyStatus.UNCLOSED_SCRATCHPAD: "began a scratchpad and never closed it",
}


def observations(replies: pl.DataFrame, judges: Sequence[JudgeUsed], study: Study) -> list[str]:
    """What to know before reading the figures, the most telling first."""
    counts = Counter(replies["status"].to_list())
    total = replies.height
    found = []
    if study.scratchpad in (Scratchpad.HIDDEN, Scratchpad.MONITORED) and total:
        found.append(_scratchpads(replies, total))
    for status, words in UNUSABLE_WORDS.items():
        if counts[str(status)]:
            found.append(f"{counts[str(status)]:,} of {total:,} replies {words}: unusable, not refusals.")
    if screening := {j.task for j in judges if j.screening}:
        read = "replies" if JudgeTask.COMPLIANCE in screening else "scratchpads"  # choices are read by a rule
        found.append(
            f"The {read} were read by the offline screening judge, which was never checked on this model: "
            "take the rates as a first look."
        )
    for judge in judges:
        failed = sum(n for status, n in judge.statuses.items() if status not in SAID)
        if failed:
            found.append(f"The {judge.task} judge gave no readable verdict on {failed:,} replies: unknown.")
    native = replies["native_reasoning"].is_not_null().sum()
    if native:
        visible = ", ".join(sorted(set(replies["reasoning_visibility"].to_list()) - {"none"}))
        found.append(f"{native:,} replies came with the model's own reasoning ({visible}); it is kept apart.")
    if replies.height and (said := sentence(replies["model"][0], study)):
        found.append(said[0].upper() + said[1:] + ".")
    return found


def _scratchpads(replies: pl.DataFrame, total: int) -> str:
    wrote = int(replies["scratchpad"].is_not_null().sum())
    if replies["provider"].eq("imported").all():
        return (
            f"{wrote:,} of {total:,} replies have a scratchpad that was closed; whether one was asked for is "
            "not known here. Reasons can be read in these alone."
        )
    if wrote == 0:
        return (
            f"It never used the scratchpad it was offered (0 of {total:,} replies): its reasons cannot be "
            "read, so this run cannot show alignment faking, only a difference in what it does."
        )
    if wrote < total / 2:
        return (
            f"It mostly ignored the scratchpad it was offered (used in {wrote:,} of {total:,} replies): "
            "where it did not, its reasons cannot be read."
        )
    return f"It used the scratchpad in {wrote:,} of {total:,} replies."
