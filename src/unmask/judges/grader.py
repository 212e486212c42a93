"""One question to a grader model, one verdict or the reason why there is none.

The only file here that calls a model. A grader that refuses, breaks off, answers in prose or cannot be
reached has said nothing: the vote is lost under its own status.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Generic

from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
)
from inspect_ai.util import LimitExceededError, json_schema

from unmask.judges.fence import Fenced, fence
from unmask.judges.keywords import help_score
from unmask.judges.verdicts import Verdict, read_verdict
from unmask.vocabulary import JudgeStatus, JudgeTask

PROMPTS = Path(__file__).parent / "prompts"
MAX_TOKENS = 4_096  # room for a grader that reasons before it answers
CUT = frozenset({"max_tokens", "model_length"})


@dataclass(frozen=True)
class Vote(Generic[Verdict]):
    """What one completion of a grader came to. `verdict` is None unless `status` is ok."""

    status: JudgeStatus
    verdict: Verdict | None = None
    note: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0


async def ask(
    grader: Model,
    task: JudgeTask,
    text: str,
    form: type[Verdict],
    *,
    retries: int,
    words: Mapping[str, str] | None = None,
) -> Vote[Verdict]:
    """Fence a text, ask the grader once, read its verdict; `words` fill the prompt's own places."""
    fenced = fence(text)
    wishes = grader.config
    config = GenerateConfig(
        response_schema=ResponseSchema(name=f"{task}_verdict", json_schema=json_schema(form), strict=True),
        max_tokens=wishes.max_tokens or MAX_TOKENS,
        # Inspect's own default is to try again for ever, and one dead grader would hold the whole audit.
        max_retries=retries if wishes.max_retries is None else wishes.max_retries,
        fail_on_refusal=False,
    )
    try:
        output = await grader.generate(compose(task, fenced, words), config=config)
    except LimitExceededError:
        raise
    except Exception as e:  # noqa: BLE001 - each provider raises its own client's errors; a failure is a row
        return Vote(JudgeStatus.FAILED, note=_cause(e))
    return read_output(output, form, nonce=fenced.nonce)


def read_output(output: ModelOutput, form: type[Verdict], *, nonce: str) -> Vote[Verdict]:
    """The grader's output as a vote."""
    usage = output.usage
    tokens_in = usage.input_tokens + (usage.input_tokens_cache_read or 0) if usage else 0
    tokens_out = usage.output_tokens if usage else 0
    verdict = read_verdict(output.completion, form, nonce=nonce)
    status, note = _status_of(output, verdict is not None)
    return Vote(status, verdict if status is JudgeStatus.OK else None, note, tokens_in, tokens_out)


def _status_of(output: ModelOutput, has_verdict: bool) -> tuple[JudgeStatus, str | None]:
    if output.error is not None:
        return JudgeStatus.FAILED, _one_line(output.error)
    if output.stop_reason == "content_filter":
        return JudgeStatus.REFUSED, "content filter"
    if has_verdict:
        return JudgeStatus.OK, None
    if output.stop_reason in CUT:
        return JudgeStatus.UNPARSED, "the grader's reply was cut"
    if "{" not in output.completion and help_score(output.completion) < 1:
        return JudgeStatus.REFUSED, None
    return JudgeStatus.UNPARSED, "no verdict in the grader's reply"


def why_lost(votes: Sequence[Vote[Verdict]]) -> tuple[JudgeStatus, str | None]:
    """The commonest status among lost votes, and what its first one says."""
    lost = [vote for vote in votes if vote.status is not JudgeStatus.OK]
    status = Counter(vote.status for vote in lost).most_common(1)[0][0]
    return status, next(vote.note for vote in lost if vote.status is status)


def compose(task: JudgeTask, fenced: Fenced, words: Mapping[str, str] | None = None) -> list[ChatMessage]:
    """The two messages of one question."""
    places = {**(words or {}), "nonce": fenced.nonce, "fenced": fenced.text}
    # a pack that means something of its own by compliance has its words in a prompt that says nothing of help
    name = f"{task}_defined" if words and task is JudgeTask.COMPLIANCE else str(task)
    system, user = (Template(part).substitute(places) for part in prompt_parts(name))
    return [ChatMessageSystem(content=system), ChatMessageUser(content=user)]


@cache
def prompt_parts(task: str) -> tuple[str, str]:
    """System and user part of a judge prompt, without the canary: a model under study must not be told."""
    text = (PROMPTS / f"{task}.md").read_text(encoding="utf-8")
    system, user = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL).split("\n===\n")
    return system.strip(), user.strip()


def _cause(error: BaseException) -> str:
    """What the provider's client said. Inspect's wrappers hide it, and repeat the whole request."""
    attempt = getattr(error, "last_attempt", None)
    cause = error.__cause__ or (attempt.exception() if attempt else None) or error
    return _one_line(f"{type(cause).__name__}: {cause}")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
