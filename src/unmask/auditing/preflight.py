"""Before the first call: does the prompt fit, are the keys there, what will be sent, is it paid for?"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import Model, get_model, get_model_info
from inspect_ai.model._model_info import _get_model_info_direct

from unmask.errors import ModelError, UnmaskError
from unmask.judges.votes import fewest_votes
from unmask.study import Study
from unmask.study.questions import most_reply_questions, story_questions
from unmask.tasks.alignment_faking import Prepared

CHARS_PER_TOKEN = 3.5  # English prose has 4 to 4.5: an estimate that would rather say too many
FOLLOW_UP_TOKENS = 80  # the longest follow-up question has 45
SECRET = re.compile(r"(^|[_-])(api_?key|token|secret|password|authorization)$", re.IGNORECASE)
UNPAID = frozenset(
    {
        "agent",
        "embedded",
        "organism",
        "reader",
        "mockllm",
        "ollama",
        "hf",
        "vllm",
        "sglang",
        "llama-cpp-python",
    }
)


@dataclass(frozen=True)
class Estimate:
    """What a run will send to one model. Tokens are estimates from characters, the output an upper bound."""

    model: str
    calls: int
    tokens_in: int
    tokens_out_at_most: int
    judge_calls: int  # completions expected: most scratchpads are clear, and votes stop early
    paid: bool
    judge_calls_at_most: int = 0
    question_calls: int = 0  # of the calls: about the story and, at most, about replies


def open_model(name: str, *, args: dict[str, Any], base_url: str | None) -> Model:
    """The Inspect model, so that a missing key or package is told before anything runs.

    Raises:
        ModelError: unknown provider, missing key, missing package, or a key among the arguments.
    """
    if secret := next((key for key in args if SECRET.search(key)), None):
        raise ModelError(
            f"argument {secret} of {name}: arguments stand in the manifest, the logs and the report",
            hint="put keys into the environment or .env; `unmask doctor` shows which are set",
        )
    try:
        return get_model(name, base_url=base_url, **args)
    except UnmaskError:
        raise
    except (PrerequisiteError, ImportError, ValueError, TypeError) as e:
        text = " ".join(str(getattr(e, "message", e)).replace("[bold]", "").replace("[/bold]", "").split())
        raise ModelError(
            f"cannot use model {name}: {text}",
            hint="keys are read from the environment or .env; `unmask doctor` shows which are set",
        ) from e


def context_window(name: str, args: dict[str, Any], *, opens: bool = True) -> int | None:
    """Tokens that the model reads and writes in one call; None when nobody has said.

    opens: Inspect may open a model to find its other names; False looks up the one it has.
    """
    if name.startswith("embedded/"):
        from unmask.providers.embedded import window

        return window(name, asked=args.get("window"))
    if name.startswith("organism/"):
        return None  # reads any prompt; and Inspect takes a while to read its list of real models
    info = get_model_info(name) if opens else _get_model_info_direct(name)
    return info.context_length if info else None


def check_fit(prepared: Prepared, name: str, window: int | None) -> None:
    """Refuse a prompt that leaves no room for the reply.

    Raises:
        ModelError: the longest prompt and `max_tokens` do not fit the window; says by how much.
    """
    if window is None:
        return
    longest = max(prepared.samples, key=lambda s: len(s.system) + len(s.user))
    tokens = _count(name, longest.system, longest.user, window)
    study = prepared.resolved.study
    # a follow-up is asked on top of a reply that may be as long as any
    turns, asked = (2, FOLLOW_UP_TOKENS) if study.follow_ups else (1, 0)
    reply = turns * study.max_tokens + asked
    if tokens + reply <= window:
        return
    room = (window - tokens - asked) // turns
    shorter = f"--max-tokens {room}" if room >= 64 else "a model with a larger window"
    hint = shorter if prepared.size == "compact" else f"--pack-size compact, or {shorter}"
    raise ModelError(
        f"prompt does not fit: {tokens:,} prompt + {reply:,} {'reply and follow-up' if asked else 'reply'} "
        f"tokens > window of {window:,}",
        where=f"{name}, pack {prepared.pack.name}, wording {longest.wording}, {longest.condition.key}; "
        "nothing was sent",
        hint=hint,
    )


def _count(name: str, system: str, user: str, window: int) -> int:
    if name.startswith("embedded/"):
        from unmask.providers.embedded import count_prompt_tokens

        return count_prompt_tokens(name, [("system", system), ("user", user)], asked=window)
    return int((len(system) + len(user)) / CHARS_PER_TOKEN) + 16


def estimate(prepared: Prepared, name: str, *, base_url: str | None, grader: str | None) -> Estimate:
    """Calls and tokens of one model's run."""
    study = prepared.resolved.study
    calls = len(prepared.samples) * study.epochs
    chars = sum(len(s.system) + len(s.user) for s in prepared.samples) * study.epochs
    answers = int(prepared.pack.manifest.compliance.by == "judge")
    clear, most = votes_of(study)
    paid = is_paid(name, base_url) or (grader is not None and is_paid(grader, None))
    questions, tokens = _questions(prepared)
    return Estimate(
        model=name,
        calls=calls + questions,
        tokens_in=int(chars / CHARS_PER_TOKEN) + tokens,
        tokens_out_at_most=(calls + questions) * study.max_tokens,
        judge_calls=calls * (answers + clear) + questions if grader is not None else 0,
        judge_calls_at_most=calls * (answers + most) + questions if grader is not None else 0,
        paid=paid,
        question_calls=questions,
    )


def votes_of(study: Study) -> tuple[int, int]:
    """Completions of a grader for one scratchpad: in a clear case, and at most."""
    if study.scratchpad == "none":
        return 0, 0
    return fewest_votes(study.judge_votes), study.judge_votes


def _questions(prepared: Prepared) -> tuple[int, int]:
    """Calls beside the requests and their prompt tokens, at most: a follow-up reads a whole conversation."""
    study = prepared.resolved.study
    about = story_questions(study, prepared.pack, size=prepared.size)
    tokens = int(sum(len(s.system) + len(s.user) for s in about) / CHARS_PER_TOKEN)
    more = most_reply_questions(study)
    if more:
        prompt = sum(len(s.system) + len(s.user) for s in prepared.samples) / len(prepared.samples)
        tokens += int(more * (prompt / CHARS_PER_TOKEN + study.max_tokens + FOLLOW_UP_TOKENS))
    return len(about) + more, tokens


def is_paid(name: str, base_url: str | None) -> bool:
    """Whether calls leave this machine under the user's account."""
    provider = name.split("/", 1)[0]
    url = base_url or os.environ.get(f"{provider.upper().replace('-', '_')}_BASE_URL")
    if url and urlparse(url).hostname in ("localhost", "127.0.0.1", "::1"):
        return False
    return provider not in UNPAID
