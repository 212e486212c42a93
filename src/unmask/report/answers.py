"""Answers to the questions beside the requests, for page, terminal and CSV. No estimate is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from unmask.analysis.arrays import choose
from unmask.analysis.results import FollowUpResult, ModelResult, StoryAnswers
from unmask.questions import load_comprehension, load_follow_ups
from unmask.report import numbers, words
from unmask.report.visible import one_line, visible
from unmask.vocabulary import Comprehension, FollowUp, JudgeStatus, JudgeTask, Labels, Role, Understood

MAX_SHOWN = 400  # answers of a model on the page; all are in the records
MAX_TEXT = 1_500  # characters of one answer
UNREAD = "none could be read"
UNDERSTOOD_WORDS = {
    Understood.RIGHT: "right",
    Understood.WRONG: "wrong",
    Understood.UNCLEAR: "commits to nothing",
}


@dataclass(frozen=True)
class AnswerRow:
    """One answer with what was asked, what was right, and what was read in it."""

    question: str
    asked: str
    told: str
    expected: str
    answer: str
    read: str
    reply_id: str
    parent: str


@dataclass(frozen=True)
class StoryRow:
    """One question in one mapping, or one of the sides that decide."""

    name: str
    decides: bool
    answers: StoryAnswers
    share: str


@dataclass(frozen=True)
class FollowUpRow:
    """One question about replies in one role."""

    about: str
    role: str
    role_words: str
    n_read: int
    n_asked: int
    share: str


@dataclass(frozen=True)
class Answers:
    """All of one model's answers beside the requests."""

    understood: str
    story: list[StoryRow]
    follow_ups: list[FollowUpRow]
    story_answers: list[AnswerRow]
    reply_answers: list[AnswerRow]
    left_out: int


def answers_of(model: ModelResult, replies: pl.DataFrame, judgements: pl.DataFrame) -> Answers | None:
    """What the page shows of one model; None where nothing was asked beside the requests.

    Args:
        model: its part of the result.
        replies: the `replies` table, of all kinds.
        judgements: the `judgements` table.
    """
    if model.comprehension is None and not model.follow_ups:
        return None
    own = replies.filter((pl.col("model") == model.model) & pl.col("question").is_not_null())
    labels = choose(judgements.join(own.select("reply_id"), on="reply_id", how="semi")).select(
        "reply_id", "task", "status", "label", "note"
    )
    asked = own.join(labels, on="reply_id", how="left", suffix="_read").sort(
        "question", "condition_key", "query_id", "epoch", "reply_id"
    )
    rows = [_row(r) for r in asked.head(MAX_SHOWN).iter_rows(named=True)]
    return Answers(
        understood=model.comprehension.sentence if model.comprehension else "",
        story=story_rows(model),
        follow_ups=follow_up_rows(model),
        story_answers=[r for r in rows if not r.parent],
        reply_answers=[r for r in rows if r.parent],
        left_out=max(0, asked.height - MAX_SHOWN),
    )


def story_rows(model: ModelResult) -> list[StoryRow]:
    """Each question in each mapping, then the sides that decide."""
    if model.comprehension is None:
        return []
    found = model.comprehension
    rows = [(part, False) for part in found.parts] + [(side, True) for side in found.sides]
    return [
        StoryRow(_name(a), decides, a, numbers.rate(a.right) if a.right else UNREAD) for a, decides in rows
    ]


def follow_up_rows(model: ModelResult) -> list[FollowUpRow]:
    """What a model says of its replies, by question and role."""
    return [
        FollowUpRow(f.about, f.role, words.ROLES[Role(f.role)], f.n_read, f.n_asked, _shares(f))
        for f in model.follow_ups
    ]


def _shares(found: FollowUpResult) -> str:
    """The answers that were read, the commonest first: `yes 62.5 % (30.6 to 86.3), no 37.5 % (…)`."""
    order = sorted(found.shares.items(), key=lambda item: (-found.counts[item[0]], item[0]))
    parts = [f"{_choice(name)} {numbers.rate(interval)}" for name, interval in order]
    return ", ".join(parts) or UNREAD


def _choice(name: str) -> str:
    return name.replace("_", " ")


def _name(answers: StoryAnswers) -> str:
    about = load_comprehension().questions
    parts = []
    if answers.question is not None:
        parts.append(about[Comprehension(answers.question)].about)
    if answers.labels is not None:
        parts.append(f"{words.LABELS[Labels(answers.labels)]}")
    return ", ".join(parts)


def _row(row: dict[str, Any]) -> AnswerRow:
    condition = row["condition"] or {}
    told = words.ROLES[Role(row["role"])] if row["role"] in set(Role) else row["role"] or ""
    return AnswerRow(
        question=_about(row["question"]),
        asked=_text(row["query"]),
        told=one_line(f"{told} · “{row['tag']}” · {condition.get('labels', '')}"),
        expected=one_line(row["expected"] or ""),
        answer=_text(row["answer"]) or f"({one_line(row['status'] or '')})",
        read=read_as(row["task"], row["status_read"], row["label"]),
        reply_id=one_line(row["reply_id"]),
        parent=one_line(row["parent_reply_id"] or ""),
    )


def read_as(task: str | None, status: str | None, label: str | None) -> str:
    """What a judge read in an answer, in words; for what it could not read, why."""
    if status != str(JudgeStatus.OK) or label is None:
        return words.JUDGE_STATUSES[JudgeStatus(status)] if status in set(JudgeStatus) else "–"
    if task == JudgeTask.COMPREHENSION and label in set(Understood):
        return UNDERSTOOD_WORDS[Understood(label)]
    return one_line(_choice(label))


def _about(question: str | None) -> str:
    if question in set(Comprehension):
        return load_comprehension().questions[Comprehension(question)].about
    if question in set(FollowUp):
        return load_follow_ups().questions[FollowUp(question)].about
    return one_line(question or "")


def _text(text: str | None) -> str:
    if not text:
        return ""
    return visible(text[:MAX_TEXT]) + (" […]" if len(text) > MAX_TEXT else "")
