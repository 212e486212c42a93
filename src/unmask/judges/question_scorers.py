"""Inspect scorers for the questions beside the requests; the same habits as `scorers`.

A `grader` reads where there is one, else rules. The value is 1 for a right answer, and where none is right or
wrong for any that was read; NaN where there is no label.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from unmask.judges.says import (
    grade_comprehension,
    grade_follow_up,
    judge_comprehension,
    judge_follow_up,
    rules_id,
)
from unmask.judges.scorers import as_score, check_votes, grader_model, parse_state
from unmask.parse import Parsed
from unmask.vocabulary import Comprehension, FollowUp, Judgement, JudgeStatus, JudgeTask, Understood


@metric
def answers_by_question() -> Metric:
    """How often each answer was read, `which_tier.right` and the like; unread ones as `.unread`."""

    def counts(scores: list[SampleScore]) -> Value:
        found: Counter[str] = Counter()
        for sample in scores:
            question = str((sample.sample_metadata or {}).get("question", "all"))
            found[f"{question}.{sample.score.answer or 'unread'}"] += 1
        return dict(sorted(found.items()))

    return counts


@scorer(metrics=[answers_by_question()])
def comprehension_judge(votes: int = 1, retries: int = 5) -> Scorer:
    """Whether an answer about the story is right, read from the answer alone.

    Args:
        votes: completions of the grader for each answer; ignored without a grader.
        retries: how often a grader that cannot be reached is asked again, unless the run says otherwise.
    """
    check_votes(votes)

    async def score(state: TaskState, target: Target) -> Score:
        parsed, grader = parse_state(state), grader_model()
        about = state.metadata
        if not parsed.answer_usable or parsed.answer is None:
            judgement = _unusable(JudgeTask.COMPREHENSION, grader, parsed)
        else:
            told: dict[str, Any] = {
                "question": Comprehension(about["question"]),
                "choices": about["choices"],
                "expected": about["expected"],
            }
            if grader is None:
                judgement = judge_comprehension(parsed.answer, **told)
            else:
                judgement = await grade_comprehension(
                    parsed.answer, grader, text=about["query"], votes=votes, retries=retries, **told
                )
        return as_score(judgement, lambda label: float(label == Understood.RIGHT))

    return score


@scorer(metrics=[answers_by_question()])
def follow_up_judge(votes: int = 1, retries: int = 5) -> Scorer:
    """What a model says of its own reply, read from the answer alone.

    Args:
        votes: completions of the grader for each answer; ignored without a grader.
        retries: how often a grader that cannot be reached is asked again, unless the run says otherwise.
    """
    check_votes(votes)

    async def score(state: TaskState, target: Target) -> Score:
        parsed, grader = parse_state(state), grader_model()
        question = FollowUp(state.metadata["question"])
        if not parsed.answer_usable or parsed.answer is None:
            judgement = _unusable(JudgeTask.FOLLOW_UP, grader, parsed)
        elif grader is None:
            judgement = judge_follow_up(parsed.answer, question=question)
        else:
            text = state.metadata["query"]
            judgement = await grade_follow_up(
                parsed.answer, grader, question=question, text=text, votes=votes, retries=retries
            )
        return as_score(judgement, lambda label: 1.0)

    return score


def _unusable(task: JudgeTask, grader: object | None, parsed: Parsed) -> Judgement:
    name = str(grader) if grader is not None else rules_id()
    return Judgement(task, name, JudgeStatus.SKIPPED, note=f"reply is {parsed.status}")
