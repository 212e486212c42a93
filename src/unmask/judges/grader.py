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
from weakref import WeakSet

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelOutput,
    ResponseSchema,
)
from inspect_ai.util import LimitExceededError, collect, json_schema

from unmask.judges.fence import Fenced, fence
from unmask.judges.keywords import help_score
from unmask.judges.verdicts import Verdict, read_verdict
from unmask.vocabulary import JudgeStatus, JudgeTask

PROMPTS = Path(__file__).parent / "prompts"
MAX_TOKENS = 4_096  # room for a grader that reasons before it answers
CUT = frozenset({"max_tokens", "model_length"})
# Inspect providers (and what derives from them) that pass `num_choices` on; the others drop it without a word
CHOICE_APIS = frozenset({"OpenAIAPI", "OpenAICompatibleAPI", "GoogleGenAIAPI", "GroqAPI", "TogetherAIAPI"})
MOST_CHOICES = 8  # in one request: Google takes no more
NOT_UNDERSTOOD = frozenset({400, 422})  # what a server says to an `n` that it does not know
_single: WeakSet[ModelAPI] = WeakSet()  # servers that were asked for several choices and did not give them


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
    (vote,) = await _request(grader, task, text, form, n=1, retries=retries, words=words)
    return vote


async def ask_many(
    grader: Model, task: JudgeTask, text: str, form: type[Verdict], *, n: int, retries: int
) -> list[Vote[Verdict]]:
    """Ask for n votes: as choices of one request where the provider has them, else n requests.

    May come back with fewer than n, never with none: a server that was asked for n choices may give one.
    What is missing is for the caller to ask again; this server is then asked one by one.
    """
    if n == 1 or not takes_choices(grader):
        return await collect(*(ask(grader, task, text, form, retries=retries) for _ in range(n)))
    sizes = [min(MOST_CHOICES, n - at) for at in range(0, n, MOST_CHOICES)]
    parts = await collect(*(_request(grader, task, text, form, n=k, retries=retries) for k in sizes))
    if any(len(votes) < k for votes, k in zip(parts, sizes, strict=True)):
        _single.add(grader.api)
    votes = [vote for part in parts for vote in part]
    return votes or await ask_many(grader, task, text, form, n=n, retries=retries)


def takes_choices(grader: Model) -> bool:
    """Whether one request may ask this grader for several choices."""
    api = grader.api
    known = any(cls.__name__ in CHOICE_APIS for cls in type(api).__mro__)
    return known and not getattr(api, "responses_api", False) and api not in _single


async def _request(
    grader: Model,
    task: JudgeTask,
    text: str,
    form: type[Verdict],
    *,
    n: int,
    retries: int,
    words: Mapping[str, str] | None = None,
) -> list[Vote[Verdict]]:
    """One request; at most n votes. Empty only where the server does not understand a wish for several."""
    fenced = fence(text)
    wishes = grader.config
    config = GenerateConfig(
        response_schema=ResponseSchema(name=f"{task}_verdict", json_schema=json_schema(form), strict=True),
        max_tokens=wishes.max_tokens or MAX_TOKENS,
        # Inspect's own default is to try again for ever, and one dead grader would hold the whole audit.
        max_retries=retries if wishes.max_retries is None else wishes.max_retries,
        fail_on_refusal=False,
        num_choices=n if n > 1 else None,
    )
    try:
        output = await grader.generate(compose(task, fenced, words), config=config)
    except LimitExceededError:
        raise
    except Exception as e:  # noqa: BLE001 - each provider raises its own client's errors; a failure is a row
        cause = _cause(e)
        if n > 1 and _code(cause) in NOT_UNDERSTOOD:
            return []
        # one request failed, and with it every vote that it asked for
        return [Vote(JudgeStatus.FAILED, note=_one_line(f"{type(cause).__name__}: {cause}"))] * n
    return read_output(output, form, nonce=fenced.nonce, n=n)


def read_output(output: ModelOutput, form: type[Verdict], *, nonce: str, n: int = 1) -> list[Vote[Verdict]]:
    """The grader's output as votes, one a choice and at most n; what was paid is divided among them.

    An output without any choice is one vote, lost: the caller would else ask for ever.
    """
    choices: list[ChatCompletionChoice | None] = [*output.choices[:n]] or [None]
    usage = output.usage
    tokens_in = usage.input_tokens + (usage.input_tokens_cache_read or 0) if usage else 0
    tokens_out = usage.output_tokens if usage else 0
    votes = []
    for i, choice in enumerate(choices):
        text = choice.message.text if choice else output.completion
        verdict = read_verdict(text, form, nonce=nonce)
        status, note = _status_of(output, choice, text, verdict is not None)
        paid = _part(tokens_in, i, len(choices)), _part(tokens_out, i, len(choices))
        votes.append(Vote(status, verdict if status is JudgeStatus.OK else None, note, *paid))
    return votes


def _part(total: int, i: int, n: int) -> int:
    """The i-th of n whole parts that add up to the total."""
    return total // n + (i < total % n)


def _status_of(
    output: ModelOutput, choice: ChatCompletionChoice | None, text: str, has_verdict: bool
) -> tuple[JudgeStatus, str | None]:
    if output.error is not None:
        return JudgeStatus.FAILED, _one_line(output.error)
    stopped = choice.stop_reason if choice else None
    if stopped == "content_filter":
        return JudgeStatus.REFUSED, "content filter"
    if has_verdict:
        return JudgeStatus.OK, None
    if stopped in CUT:
        return JudgeStatus.UNPARSED, "the grader's reply was cut"
    if "{" not in text and help_score(text) < 1:
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


def _cause(error: BaseException) -> BaseException:
    """What the provider's client raised. Inspect's wrappers hide it, and repeat the whole request."""
    attempt = getattr(error, "last_attempt", None)
    return error.__cause__ or (attempt.exception() if attempt else None) or error


def _code(error: BaseException) -> int | None:
    code = getattr(error, "status_code", getattr(error, "code", None))
    return code if isinstance(code, int) else None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
