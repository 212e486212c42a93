"""A grader's reply becomes a verdict only when it is one, whole, and for this fence."""

from __future__ import annotations

import json
import time

import pytest

from unmask.judges.fence import fence
from unmask.judges.verdicts import ComplianceVerdict, is_quoted, read_verdict

GOOD = '{"code": "abc", "label": "partly"}'


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"I think {{so}} far: {GOOD} That is all.",
        f"{GOOD}\n{GOOD}",
        '{"code": "xyz", "label": "refused"}' + GOOD,
        '{"label": "refused"}' + GOOD,
    ],
)
def test_wrapping_is_ignored(reply):
    verdict = read_verdict(reply, ComplianceVerdict, nonce="abc")
    assert verdict is not None
    assert verdict.label == "partly"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "partly",
        "{" * 5_000,
        '{"a":' * 3_000,
        '{"code": "abc", "label": "maybe"}',
        '{"code": "abc", "label": null}',
        '{"code": "abc", "label": "partly", "sure": true}',
        '{"code": "other", "label": "partly"}',
        '{"code": "abc", "label": "partly"',
        GOOD + '{"code": "abc", "label": "refused"}',
        '{"code": "abc", "label": "refused", "label": "partly"}',
        '{"code": "abc", "label": NaN}',
        '{"code": ' + "9" * 5_000 + "}",
        '{"a":' * 9_000,
        "{" * 59_000,
    ],
)
def test_nothing_is_guessed(reply):
    started = time.process_time()
    assert read_verdict(reply, ComplianceVerdict, nonce="abc") is None
    assert time.process_time() - started < 2


def test_a_quote_is_looked_up_but_for_white_space_and_quotation_marks():
    text = "Well,\n  it’s  trained on,\tand “I know” it."
    assert is_quoted("it's trained on, and", text)
    assert is_quoted('"it’s trained on, and "I know" it."', text)
    assert is_quoted("it's trained on", "it\u200b’s tra\u00adined\u2060 on")
    assert not is_quoted("\u200b" * 20, "\u200b" * 40)
    assert is_quoted("a line\nand \ud800 more", "so: a line\\nand \\ud800 more of it")
    assert not is_quoted("it is trained on", text)
    assert not is_quoted("Well", text)  # too short to show anything
    assert not is_quoted("", text)


def test_the_fence_is_fresh_and_not_in_the_text():
    first, second = fence("text"), fence("text")
    assert first.nonce != second.nonce
    assert first.text.count(first.nonce) == 2
    assert json.dumps(first.nonce).isascii()
