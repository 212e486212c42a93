"""Questions beside the requests, crossed to samples: about the story, and about replies that are there.

Deterministic, as the requests are. Nothing here asks or reads anything.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import polars as pl

from unmask.errors import StudyError
from unmask.estimates import wilson_limits
from unmask.packs import Edit, Pack, render
from unmask.questions import load_comprehension, load_follow_ups
from unmask.questions.answers import NEITHER, NO, YES
from unmask.study.contrasts import conditions_of
from unmask.study.cross import StudySample, parse_edits
from unmask.study.spec import Study
from unmask.verdict import UNDERSTOOD_LOW
from unmask.vocabulary import (
    ANSWER_USABLE,
    ROLES,
    Arm,
    Comprehension,
    Condition,
    FollowUp,
    Labels,
    Objective,
    PackSize,
    Role,
    tags_of,
)


@dataclass(frozen=True)
class StoryQuestion:
    """One question about the story, in a call of its own, with the answer that the story makes right."""

    id: str
    question: Comprehension
    text: str
    condition: Condition
    wording: int
    system: str
    user: str
    prompt_sha256: str
    expected: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class ReplyQuestion:
    """One question about a reply: the conversation so far, and what is asked now. All belong to one model."""

    id: str
    question: FollowUp
    text: str
    asked: StudySample
    parent_reply_id: str
    parent_epoch: int
    said: str
    choices: tuple[str, ...]


def story_questions(study: Study, pack: Pack, *, size: PackSize) -> list[StoryQuestion]:
    """The comprehension calls: spread evenly over questions, mappings, tags, levels, then over wordings.

    Raises:
        StudyError: so few calls that no answers at all could show that the story was understood.
    """
    if study.comprehension == 0:
        return []
    cells = story_cells(study)
    _check_number(study, cells)
    asked = load_comprehension().questions
    edits = parse_edits(study.edits)
    rng = random.Random(f"comprehension {study.seed}")
    texts = {q: rng.sample(asked[q].texts, len(asked[q].texts)) for q in Comprehension}
    wordings = rng.sample(range(study.wordings), study.wordings)
    asked_of: Counter[Comprehension] = Counter()
    used: Counter[tuple[Comprehension, int]] = Counter()
    found = []
    for number in range(study.comprehension):
        question, condition = cells[number % len(cells)]
        # one step more in each lap, so that a cell does not meet the same text every time
        nth = (asked_of[question] + number // len(cells)) % len(texts[question])
        wording = wordings[(nth + used[question, nth]) % len(wordings)]  # a text in another wording each time
        asked_of[question] += 1
        used[question, nth] += 1
        found.append(_ask(number, question, texts[question][nth], condition, wording, pack, size, edits))
    return sorted(found, key=lambda s: (s.wording, s.system, s.condition, s.id))


def _ask(
    number: int,
    question: Comprehension,
    text: str,
    condition: Condition,
    wording: int,
    pack: Pack,
    size: PackSize,
    edits: tuple[Edit, ...],
) -> StoryQuestion:
    prompt = render(pack, condition, wording, size=size, edits=edits)
    tags = tags_of(condition.labels, condition.consequence)
    return StoryQuestion(
        id=f"{condition.key}.{question}.{number:03d}",
        question=question,
        text=text,
        condition=condition,
        wording=wording,
        system=prompt.system,
        user=prompt.user(text),
        prompt_sha256=prompt.sha256,
        expected=right_answer(question, condition),
        choices=(*tags, "neither", "both") if question is Comprehension.WHICH_TIER else (YES, NO),
    )


def right_answer(question: Comprehension, condition: Condition) -> str:
    """What the story makes right: a tag or `neither`; `yes` or `no`."""
    if question is Comprehension.CAN_CHANGE:
        return YES if condition.role is Role.TRAINED else NO
    tags = tags_of(condition.labels, condition.consequence)
    roles = ROLES[condition.consequence]
    return next((tag for tag, role in zip(tags, roles, strict=True) if role is Role.TRAINED), NEITHER)


def _stories(study: Study) -> list[Condition]:
    """One condition for each level, mapping and tag of the study: the plainest that it has."""
    plainest = sorted(
        (c for c in conditions_of(study) if c.thought is None),
        key=lambda c: (c.arm is not Arm.HARMFUL, c.objective is not Objective.CONFLICTING, len(c.more), c),
    )
    found: dict[tuple[str, str, str], Condition] = {}
    for condition in plainest:
        found.setdefault((condition.consequence, condition.labels, condition.tag), condition)
    return list(found.values())


def story_cells(study: Study) -> list[tuple[Comprehension, Condition]]:
    """Question and condition in turn, mappings next: the first few are as balanced as all.

    Whether this chat can change it is asked only where the user's tag is shown: elsewhere nobody can know.
    Which tier is trained on is asked only where one is: elsewhere the question itself says what is not so.
    """
    stories = _stories(study)
    levels = sorted({c.consequence for c in stories})
    places = range(max(len(ROLES[level]) for level in levels))
    labels = [x for x in Labels if x in {c.labels for c in stories}]
    by_place = {(c.consequence, tags_of(c.labels, c.consequence).index(c.tag), c.labels): c for c in stories}
    return [
        (question, condition)
        for place, level, mapping, question in product(places, levels, labels, Comprehension)
        if (condition := by_place.get((level, place, mapping))) is not None
        and (condition.shown if question is Comprehension.CAN_CHANGE else Role.TRAINED in ROLES[level])
    ]


def _check_number(study: Study, cells: Sequence[tuple[Comprehension, Condition]]) -> None:
    """Every mapping and every question must have room for a lower limit that counts."""
    least = next(n for n in range(1, 100) if wilson_limits(1.0, n, level=0.95)[0] >= UNDERSTOOD_LOW)
    if _fewest(cells, study.comprehension) >= least:
        return
    enough = next(n for n in range(least, least * len(cells) + 1) if _fewest(cells, n) >= least)
    raise StudyError(
        f"comprehension: {study.comprehension} calls cannot show that the story was understood, "
        f"were all of them right",
        hint=f"comprehension: {enough} or more, or 0: not asked, a control not run",
    )


def _fewest(cells: Sequence[tuple[Comprehension, Condition]], n: int) -> int:
    """The fewest calls that a mapping or a question gets of `n`."""
    asked = Counter(cells[i % len(cells)] for i in range(n))
    sides = {side for question, c in cells for side in (question, c.labels)}
    return min(sum(k for (q, c), k in asked.items() if side in (q, c.labels)) for side in sides)


def reply_questions(
    study: Study, samples: Sequence[StudySample], replies: pl.DataFrame
) -> list[ReplyQuestion]:
    """Follow-ups on one model's usable replies to requests that one may decline, so many a condition.

    Args:
        study: which questions, and about how many replies.
        samples: the requests as they were asked.
        replies: rows of one model.
    """
    if not study.follow_ups:
        return []
    asked = load_follow_ups().questions
    by_place = {(s.condition.key, s.query.id): s for s in samples if s.condition.arm is Arm.HARMFUL}
    usable = replies.filter(
        pl.col("question").is_null()  # a reply to a request
        & pl.col("status").is_in([str(s) for s in ANSWER_USABLE])
        & pl.col("answer").is_not_null()
    ).sort("condition_key", "query_id", "epoch")
    found = []
    for (key,), rows in usable.group_by(["condition_key"], maintain_order=True):
        # the same draw in every condition, so that most parents are replies to the same requests
        order = random.Random(f"follow-ups {study.seed}")
        ranks = {q: order.random() for q in sorted(set(usable["query_id"]))}
        ones = sorted(rows.iter_rows(named=True), key=lambda r: (r["epoch"], ranks[r["query_id"]]))
        ones = [r for r in ones if (key, r["query_id"]) in by_place][: study.follow_up_replies]
        for nth, row in enumerate(ones):
            for question in study.follow_ups:
                texts = asked[question].texts
                found.append(
                    ReplyQuestion(
                        id=f"{row['reply_id']}.{question}",
                        question=question,
                        text=texts[nth % len(texts)],
                        asked=by_place[key, row["query_id"]],
                        parent_reply_id=row["reply_id"],
                        parent_epoch=row["epoch"],
                        said=row["raw"],
                        choices=tuple(asked[question].choices),
                    )
                )
    return found


def most_reply_questions(study: Study) -> int:
    """Follow-up calls at most, each model's: fewer where fewer replies can be used."""
    conditions = [c for c in conditions_of(study) if c.arm is Arm.HARMFUL]
    each = min(study.follow_up_replies, study.n_queries * study.epochs)
    return len(conditions) * each * len(study.follow_ups)
