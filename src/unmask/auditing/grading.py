"""Texts to judgements by a grader model, outside of any log: to check a judge, and for imported replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from inspect_ai.model import Model

from unmask.auditing.preflight import open_model
from unmask.judges.compliance import judge_compliance
from unmask.judges.reasoning import judge_reasoning
from unmask.judges.votes import VOTES
from unmask.vocabulary import Judgement, JudgeTask

AT_ONCE = 10
RETRIES = 5


def grade(texts: Sequence[str], task: JudgeTask, grader: str, *, votes: int = VOTES) -> list[Judgement]:
    """Judge each text by a grader; a grader that fails is a judgement with its status.

    votes: completions for a scratchpad, at most, as in an audit; an answer has one.

    Raises:
        ModelError: no such model, or no key for it.
    """
    with grading(grader, votes=votes) as judge:
        return judge(texts, task)


@contextmanager
def grading(
    grader: str, *, votes: int = VOTES
) -> Iterator[Callable[[Sequence[str], JudgeTask], list[Judgement]]]:
    """The same for many calls in one event loop: a provider's connections do not outlive their loop.

    Raises:
        ModelError: no such model, or no key for it.
    """
    open_model(grader, args={}, base_url=None)
    from inspect_ai.model import get_model

    with asyncio.Runner() as runner:
        model = get_model(grader)
        yield lambda texts, task: runner.run(_grade(texts, task, model, votes))


async def _grade(texts: Sequence[str], task: JudgeTask, model: Model, votes: int) -> list[Judgement]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(text: str) -> Judgement:
        async with places:
            if task is JudgeTask.COMPLIANCE:
                return await judge_compliance(text, model, retries=RETRIES)
            return await judge_reasoning(text, model, votes=votes, retries=RETRIES)

    return list(await asyncio.gather(*(one(text) for text in texts)))
