"""Who reads scratchpads while it trains: the offline judge, or a grader by its Inspect name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from unmask.auditing.grading import grading
from unmask.auditing.preflight import is_paid, open_model
from unmask.errors import JudgeError
from unmask.experiments.mitigation import OFFLINE, Mitigation
from unmask.experiments.rl_recipe import RLRecipe
from unmask.judges import offline
from unmask.vocabulary import AF, Judgement, JudgeStatus, JudgeTask

SPEECHLESS = 3  # calls in a row without a verdict, after which a judge is taken to give none
Reads = Callable[[Sequence[str]], list[bool | None]]


def paid_judges(recipes: Sequence[RLRecipe]) -> dict[str, int]:
    """Judges that are behind an account, with the most scratchpads that each may be sent."""
    asked: dict[str, int] = {}
    for recipe in recipes:
        if judge := _paid(recipe.mitigation):
            asked[judge] = asked.get(judge, 0) + recipe.n_replies
    return asked


def check_judge(mitigation: Mitigation) -> None:
    """Open a judge behind an account, so that a missing key is told before anything is trained.

    Raises:
        ModelError: it cannot be used.
    """
    if judge := _paid(mitigation):
        open_model(judge, args={}, base_url=None)


def _paid(mitigation: Mitigation) -> str | None:
    judge = mitigation.judge
    asked = mitigation.reasoning_penalty and judge != OFFLINE
    return judge if asked and is_paid(judge, None) else None


def by_words(scratchpads: Sequence[str]) -> list[bool | None]:
    """Whether each states alignment-faking reasons, by the offline judge."""
    return [one.label == AF for one in offline.judge_reasoning(scratchpads)]


@contextmanager
def reading(mitigation: Mitigation) -> Iterator[Reads]:
    """The same by the mitigation's judge, opened once; None where it came to no verdict.

    Raises:
        ModelError: the judge cannot be used.
        JudgeError: on reading, where it could be reached for nothing, or gives no verdicts.
    """
    if mitigation.judge == OFFLINE:
        yield by_words
        return
    silent = 0

    def read(scratchpads: Sequence[str]) -> list[bool | None]:
        nonlocal silent
        found = judge(scratchpads, JudgeTask.REASONING)
        silent = 0 if any(one.label for one in found) else silent + 1
        if silent == SPEECHLESS or all(one.status is JudgeStatus.FAILED for one in found):
            raise _lost(mitigation.judge, found)
        return [None if one.label is None else one.label == AF for one in found]

    with grading(mitigation.judge, votes=1) as judge:
        yield read


def _lost(judge: str, found: Sequence[Judgement]) -> JudgeError:
    """An outage, or a judge that does not judge; training on would learn from what was never judged."""
    return JudgeError(
        f"{judge} came to no verdict on any of {len(found)} scratchpads: {found[0].note or found[0].status}",
        hint="the same command goes on from the last checkpoint; another judge is another recipe",
    )
