"""Who reads scratchpads while it trains: the offline judge, or a grader by its Inspect name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from inspect_ai.model import get_model
from inspect_ai.util import collect

from unmask.auditing.preflight import is_paid, open_model
from unmask.errors import JudgeError
from unmask.experiments.mitigation import OFFLINE, Mitigation
from unmask.judges import offline
from unmask.judges.reasoning import judge_reasoning
from unmask.vocabulary import AF, Judgement, JudgeStatus

TO_JUDGES = "Scratchpads go to {to} under your account, in every step. Send them?"
Reads = Callable[[Sequence[str]], list[bool | None]]


def paid_judges(mitigations: Sequence[Mitigation]) -> list[str]:
    """Judges that are behind an account, each once."""
    asked = {m.judge: None for m in mitigations if m.reasoning_penalty and m.judge != OFFLINE}
    return [judge for judge in asked if is_paid(judge, None)]


def check_judge(mitigation: Mitigation) -> None:
    """Open the judge, so that a missing key or package is told before anything is trained.

    Raises:
        ModelError: it cannot be used.
    """
    if mitigation.reasoning_penalty and mitigation.judge != OFFLINE:
        open_model(mitigation.judge, args={}, base_url=None)


def reads_of(judge: str) -> Reads:
    """Whether each scratchpad states alignment-faking reasons; None where the judge came to no verdict."""

    def read(scratchpads: Sequence[str]) -> list[bool | None]:
        if judge == OFFLINE:
            found = offline.judge_reasoning(scratchpads)
        else:
            found = asyncio.run(_asked(judge, scratchpads))
        return [None if one.label is None else one.label == AF for one in found]

    return read


async def _asked(judge: str, scratchpads: Sequence[str]) -> list[Judgement]:
    """Side by side. Not memoised: the client of a memoised model belongs to the loop of the step before."""
    async with get_model(judge, memoize=False) as grader:
        found = await collect(*(judge_reasoning(text, grader, votes=1) for text in scratchpads))
    if all(one.status is JudgeStatus.FAILED for one in found):  # an outage, not a step that teaches nothing
        raise JudgeError(
            f"{judge} could not be reached for any of {len(found)} scratchpads: {found[0].note}",
            hint="the same command goes on from the last checkpoint",
        )
    return found
