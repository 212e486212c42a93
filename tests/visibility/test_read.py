"""Native reasoning is read by one rule: what can be read of it, and how much that is."""

from __future__ import annotations

import pytest
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.solver import TaskState

from unmask.judges.scorers import parse_state
from unmask.visibility import read_output
from unmask.vocabulary import Scratchpad, Visibility

FULL, SUMMARY, REDACTED, NONE = Visibility.FULL, Visibility.SUMMARY, Visibility.REDACTED, Visibility.NONE
BLOB = "gAAAAABo-encrypted"


def thought(text, **kwargs):
    return ContentReasoning(reasoning=text, **kwargs)


def output(*parts, text="No.", reasoning_tokens=None):
    message = ChatMessageAssistant(content=[*parts, ContentText(text=text)])
    usage = ModelUsage(input_tokens=9, output_tokens=5, total_tokens=14, reasoning_tokens=reasoning_tokens)
    return ModelOutput(model="m", choices=[ChatCompletionChoice(message=message)], usage=usage)


# what came, from whom, what can be read of it, how much that is
CASES = {
    "nothing": ("deepseek/r", output(), None, NONE),
    "whole": ("deepseek/r", output(thought("I think.")), "I think.", FULL),
    "two blocks": ("deepseek/r", output(thought("I."), thought("Think.")), "I.\n\nThink.", FULL),
    "a provider that summarises": ("google/gemini-9", output(thought("I think.")), "I think.", SUMMARY),
    "a provider nobody knows": ("newcomer/m", output(thought("I think.")), "I think.", SUMMARY),
    "encrypted with a summary": (
        "openai/o9", output(thought(BLOB, redacted=True, summary="Short.")), "Short.", SUMMARY,
    ),
    "a summary and nothing else": ("openai/o9", output(thought("", summary="Short.")), "Short.", SUMMARY),
    "encrypted": ("anthropic/c", output(thought(BLOB, redacted=True)), None, REDACTED),
    "blank": ("google/g", output(thought(" \n")), None, REDACTED),
    "encrypted beside text": (
        "deepseek/r", output(thought("I think."), thought(BLOB, redacted=True)), "I think.", SUMMARY,
    ),
    "only counted": ("openai/o9", output(reasoning_tokens=300), None, REDACTED),
    "in the text itself": ("newcomer/m", output(text="<think>I think.</think>No."), "I think.", FULL),
    "claude on bedrock": ("bedrock/us.anthropic.claude-4", output(thought("Short.")), "Short.", SUMMARY),
    "claude 3.7 on bedrock": (
        "bedrock/anthropic.claude-3-7-sonnet-v1", output(thought("I think.")), "I think.", FULL,
    ),
    "an openrouter summary": (
        "deepseek/r",
        output(thought("Short.", signature='reasoning-details://[{"type": "reasoning.summary"}]')),
        "Short.",
        SUMMARY,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_can_be_read_and_how_much_that_is(name):
    model, given, text, visibility = CASES[name]
    found = read_output(given, Scratchpad.NATIVE, model=model)
    assert (found.parsed.native_reasoning, found.visibility) == (text, visibility)
    assert found.parsed.answer == "No."


@pytest.mark.parametrize("name", CASES)
def test_judges_and_records_read_the_same_text(name):
    model, given, _, _ = CASES[name]
    state = TaskState(model, "s", 1, "hello", [], output=given, metadata={"scratchpad": "native"})
    assert parse_state(state) == read_output(given, Scratchpad.NATIVE, model=model).parsed


def test_an_encrypted_blob_is_never_text():
    for model, given, _, _ in CASES.values():
        found = read_output(given, Scratchpad.NATIVE, model=model)
        assert BLOB not in f"{found.parsed}{found.raw}"


def test_the_error_of_the_call_goes_before_that_of_the_output():
    given = output()
    given.error = "theirs"
    assert read_output(given, Scratchpad.NONE, model="m").parsed.status == "error"
    assert read_output(output(), Scratchpad.NONE, model="m", error="ours").parsed.status == "error"
