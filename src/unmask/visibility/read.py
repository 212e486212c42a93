"""A model's output to its parts, with how much of the model's own reasoning came with it.

The one place that reads native reasoning: judges and records must not read different texts. What a provider
hands over apart from the text is joined with `<think>` text that stands in the reply itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from inspect_ai.model import ChatMessageAssistant, ContentReasoning, ModelOutput

from unmask.parse import BLANK, Parsed, parse_reply
from unmask.visibility.statements import statement_on
from unmask.vocabulary import Scratchpad, Visibility

NO_NAME = re.compile(r"[^A-Za-z0-9_.-]")  # a called name is written by the model: no tag gets through
SUMMARY_DETAIL = '"reasoning.summary"'  # Inspect keeps OpenRouter's own details in the signature


@dataclass(frozen=True)
class Reading:
    """One reply: its parts, the text as it came, and how much of the model's own reasoning can be read.

    visibility: `none` when nothing says that it reasoned; `redacted` when it did and nothing can be read.
    """

    parsed: Parsed
    raw: str
    visibility: Visibility


def read_output(
    output: ModelOutput,
    scratchpad: Scratchpad,
    *,
    model: str,
    error: str | None = None,
    prefill: str = "",
) -> Reading:
    """Split an output and say what became of it.

    Args:
        output: what the provider gave back.
        scratchpad: what the prompt asked for.
        model: its name in Inspect, by which `visibility.yaml` knows what its provider shows.
        error: of the call, where it is known better than by the output.
        prefill: what the reply was made to begin with. Some providers give it back, some do not; it is no
            part of what the model thought, and no judge reads it.
    """
    message = output.choices[0].message if output.choices else None
    content = message.content if message else ""
    parts = [p for p in content if isinstance(p, ContentReasoning)] if isinstance(content, list) else []
    handed = "\n\n".join(text for part in parts if (text := _readable(part)))
    raw = with_calls(message) if message else ""
    parsed = parse_reply(
        prefill + raw.removeprefix(prefill),
        finish_reason=str(output.stop_reason) if message else None,
        scratchpad=scratchpad,
        native=handed or None,
        error=error if error is not None else output.error,
    )
    if prefill and parsed.scratchpad is not None:
        injected = prefill.partition(">")[2].strip(BLANK)
        parsed = replace(parsed, scratchpad=parsed.scratchpad.removeprefix(injected).strip(BLANK) or None)
    reasoned = bool(parts) or bool(output.usage and output.usage.reasoning_tokens)
    return Reading(parsed, raw, _visibility(parts, handed, parsed, model, reasoned=reasoned))


def with_calls(message: ChatMessageAssistant) -> str:
    """The text of a reply; calls of tools are its last answer, in the form that a reply names a tool in."""
    calls = [
        f"<tool>{NO_NAME.sub('?', call.function)[:80]}{' (malformed)' if call.parse_error else ''}</tool>"
        for call in message.tool_calls or []
    ]
    return f"{message.text}\n<answer>{''.join(calls)}</answer>" if calls else message.text


def _readable(part: ContentReasoning) -> str:
    """What a person can read of it: the reasoning, or the summary where that is encrypted or left out."""
    text = "" if part.redacted else part.reasoning.strip(BLANK)
    return text or (part.summary or "").strip(BLANK)


def _visibility(
    parts: list[ContentReasoning], handed: str, parsed: Parsed, model: str, *, reasoned: bool
) -> Visibility:
    """The least that holds: what the provider states, and what these parts are."""
    if not handed:
        if parsed.native_reasoning is not None:  # `<think>` in the reply: the text that it wrote
            return Visibility.FULL
        return Visibility.REDACTED if reasoned else Visibility.NONE
    stated = statement_on(model)
    # a provider that says "none" and shows something shows no more than a summary until somebody has looked
    whole = stated is not None and stated.shown is Visibility.FULL
    cut = any(p.redacted or p.summary or SUMMARY_DETAIL in (p.signature or "") for p in parts)
    return Visibility.FULL if whole and not cut else Visibility.SUMMARY
