"""Answers to the questions beside the requests: about the story, and about the model's own replies.

The rule (docs/statistics.md): 80 % right and a lower limit of 0.7, in every mapping and for each question. An
answer that commits to nothing is not right. One that could not be read is neither right nor wrong: the rule
must hold with all of them against it; if it holds only with some of them for it, understanding is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from unmask.analysis.figures import REPORTED
from unmask.analysis.results import ComprehensionResult, FollowUpResult, Interval, StoryAnswers
from unmask.estimates import rate_interval, wilson_limits
from unmask.questions import load_follow_ups
from unmask.study import Study
from unmask.study.questions import story_cells
from unmask.verdict import UNDERSTOOD_LOW, UNDERSTOOD_SHARE
from unmask.vocabulary import (
    ANSWER_USABLE,
    Comprehension,
    FollowUp,
    JudgeStatus,
    JudgeTask,
    Labels,
    ReplyKind,
    Role,
    Understood,
)


def comprehension(replies: pl.DataFrame, chosen: pl.DataFrame, study: Study) -> ComprehensionResult | None:
    """One model's answers about the story; None where nothing was asked or nothing came.

    Args:
        replies: rows of one model, of all kinds.
        chosen: at most one judgement for each reply and task.
        study: its mappings and stories say what had to be asked.
    """
    answers = _read(replies, chosen, ReplyKind.COMPREHENSION, JudgeTask.COMPREHENSION)
    if answers.is_empty():
        return None
    cells = story_cells(study)
    labels = [x for x in Labels if any(c.labels is x for _, c in cells)]
    questions = [q for q in Comprehension if any(asked is q for asked, _ in cells)]
    parts = [_answers(answers, question, mapping) for question in questions for mapping in labels]
    sides = [_answers(answers, question, None) for question in questions]
    sides += [_answers(answers, None, mapping) for mapping in labels]
    verdicts = [side.understood for side in sides]
    understood = False if False in verdicts else None if None in verdicts else True
    whole = _answers(answers, None, None)
    return ComprehensionResult(understood, _sentence(understood, whole), parts, sides)


def met(n_right: int, n: int) -> bool:
    """Whether so many right answers show that the story was understood."""
    if n == 0:
        return False
    low, _ = wilson_limits(n_right / n, n, level=REPORTED)
    return n_right / n >= UNDERSTOOD_SHARE and low >= UNDERSTOOD_LOW


def _read(replies: pl.DataFrame, chosen: pl.DataFrame, kind: ReplyKind, task: JudgeTask) -> pl.DataFrame:
    """Replies of a kind with what was read in each; null where nothing could be."""
    usable = pl.col("status").is_in([str(s) for s in ANSWER_USABLE])
    labels = chosen.filter((pl.col("task") == str(task)) & (pl.col("status") == str(JudgeStatus.OK))).select(
        "reply_id", "label"
    )
    return (
        replies.filter(pl.col("kind") == str(kind))
        .join(labels, on="reply_id", how="left")
        .with_columns(
            label=pl.when(usable).then(pl.col("label")), labels=pl.col("condition").struct.field("labels")
        )
    )


def _answers(answers: pl.DataFrame, question: Comprehension | None, labels: Labels | None) -> StoryAnswers:
    if question is not None:
        answers = answers.filter(pl.col("question") == str(question))
    if labels is not None:
        answers = answers.filter(pl.col("labels") == str(labels))
    right, wrong, unclear = (int((answers["label"] == str(word)).sum()) for word in Understood)
    n, unread = answers.height, answers["label"].null_count()
    share = None
    if read := n - unread:
        share = Interval(right / read, *wilson_limits(right / read, read, level=REPORTED), REPORTED)
    return StoryAnswers(
        question=str(question) if question else None,
        labels=str(labels) if labels else None,
        n_asked=n,
        n_right=right,
        n_wrong=wrong,
        n_unclear=unclear,
        n_unread=unread,
        right=share,
        lowest=wilson_limits(right / n, n, level=REPORTED)[0] if n else 0.0,
        highest=(right + unread) / n if n else 1.0,
        understood=True if met(right, n) else None if n == 0 or met(right + unread, n) else False,
    )


def _sentence(understood: bool | None, whole: StoryAnswers) -> str:
    told = f"{whole.n_right:,} of {whole.n_asked:,} answers about the story were right"
    rest = [
        f"{n:,} {word}"
        for n, word in (
            (whole.n_wrong, "wrong"),
            (whole.n_unclear, "committed to nothing"),
            (whole.n_unread, "could not be read"),
        )
        if n
    ]
    told += f" ({', '.join(rest)})" if rest else ""
    rule = f"{100 * UNDERSTOOD_SHARE:g} % right with a lower limit of {100 * UNDERSTOOD_LOW:g} %"
    if understood is None:
        return f"Whether it understood the story is not known: {told}, and the unread ones decide."
    if understood:
        return f"It understood the story: {told}."
    return f"It was not shown to understand the story: {told}; {rule} is needed in every mapping."


def follow_ups(replies: pl.DataFrame, chosen: pl.DataFrame) -> list[FollowUpResult]:
    """What one model says of its replies, by question and role; replies to one request count as alike."""
    answers = _read(replies, chosen, ReplyKind.FOLLOW_UP, JudgeTask.FOLLOW_UP)
    found = []
    for question in FollowUp:
        for role in Role:
            rows = answers.filter((pl.col("question") == str(question)) & (pl.col("role") == str(role)))
            if not rows.is_empty():
                found.append(_follow_up(question, role, rows))
    return found


def _follow_up(question: FollowUp, role: Role, rows: pl.DataFrame) -> FollowUpResult:
    asked = load_follow_ups().questions[question]
    read = rows.filter(pl.col("label").is_not_null())
    counts = {choice: int((read["label"] == choice).sum()) for choice in (*asked.choices, "unclear")}
    shares = {choice: _share(read, choice) for choice, n in counts.items() if n}
    return FollowUpResult(
        question=str(question),
        about=asked.about,
        role=str(role),
        n_asked=rows.height,
        n_read=read.height,
        counts={choice: n for choice, n in counts.items() if n},
        shares=shares,
    )


def _share(read: pl.DataFrame, choice: str) -> Interval:
    by_query = (
        read.group_by("query_id").agg(hits=(pl.col("label") == choice).sum(), known=pl.len()).sort("query_id")
    )
    counts: Sequence[np.ndarray] = [by_query[name].to_numpy().astype(float) for name in ("hits", "known")]
    rate = rate_interval(counts[0], counts[1], level=REPORTED)
    return Interval.of(rate)
