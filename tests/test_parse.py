"""Ugly replies, one row each: what is read, and what is left as unusable."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.parse import parse_reply
from unmask.vocabulary import ReplyStatus, Scratchpad

VLAF = Path("/work/shared/data/vlaf/transcripts.jsonl.gz")
H = Scratchpad.HIDDEN
OK, CUT, NONE, OPEN, EMPTY = (
    ReplyStatus.OK,
    ReplyStatus.TRUNCATED,
    ReplyStatus.NO_SCRATCHPAD,
    ReplyStatus.UNCLOSED_SCRATCHPAD,
    ReplyStatus.EMPTY,
)
# name: (text, status, scratchpad, native reasoning, answer); finish reason stop, hidden scratchpad asked for
STOPPED = {
    "plain": ("<scratchpad>P</scratchpad><answer>A</answer>", OK, "P", None, "A"),
    "published": ("<SCRATCHPAD_REASONING>P</SCRATCHPAD_REASONING>\n<RESULT>A</RESULT>", OK, "P", None, "A"),
    "no answer tag": ("<scratchpad>P</scratchpad>\nA is here.", OK, "P", None, "A is here."),
    "text before and after": ("x <scratchpad>P</scratchpad> y <answer>A</answer> z", OK, "P", None, "A"),
    "other case, spaces": ("< ScratchPad >P</ SCRATCHPAD ><ANSWER >A</answer>", OK, "P", None, "A"),
    "a space in the name": ("<scratchpad reasoning>P</scratch-pad><final output>A", OK, "P", None, "A"),
    "attributes": ('<scratchpad id="1">P</scratchpad><answer lang="en">A</answer>', OK, "P", None, "A"),
    "square brackets": ("[SCRATCHPAD]P[/SCRATCHPAD][OUTPUT]A[/OUTPUT]", OK, "P", None, "A"),
    "brackets mixed are text": ("<scratchpad]P</scratchpad>", EMPTY, "<scratchpad]P", None, None),
    "answer left open": ("<scratchpad>P</scratchpad><answer>A", OK, "P", None, "A"),
    "answer in brackets, left open": ("<scratchpad>P</scratchpad>\n[FINAL_OUTPUT]\nA", OK, "P", None, "A"),
    "several scratchpads": (
        "<scratchpad>P</scratchpad>\n<scratchpad>Q</scratchpad><answer>A</answer>",
        OK,
        "P\n\nQ",
        None,
        "A",
    ),
    "answer first": ("<answer>A</answer><scratchpad>P</scratchpad>", OK, "P", None, "A"),
    "open answer first": ("<answer>A\n<scratchpad>P</scratchpad>", OK, "P", None, "A"),
    "scratchpad leads the answer": (
        "<answer><scratchpad>P</scratchpad> A</answer>",
        OK,
        "P",
        None,
        "A",
    ),
    "scratchpad quoted in the answer": (
        "<scratchpad>P</scratchpad><answer>a <scratchpad>x</scratchpad> b</answer>",
        OK,
        "P",
        None,
        "a <scratchpad>x</scratchpad> b",
    ),
    "open tag quoted in the answer": (
        "<scratchpad>P</scratchpad><answer>the <scratchpad> tag</answer>",
        OK,
        "P",
        None,
        "the <scratchpad> tag",
    ),
    "answer quoted in the answer": (
        "<scratchpad>P</scratchpad><answer>use <answer>x</answer> tags</answer>",
        OK,
        "P",
        None,
        "use <answer>x</answer> tags",
    ),
    "quotation marks": ('I never use "<scratchpad>" or `<answer>`.', NONE, None, None, None),
    "nested": (
        "<scratchpad>a<scratchpad>b</scratchpad>c</scratchpad><answer>A</answer>",
        OK,
        "a<scratchpad>b</scratchpad>c",
        None,
        "A",
    ),
    "mention inside the scratchpad": (
        "<scratchpad>a <scratchpad> b</scratchpad><answer>A</answer>",
        OK,
        "a <scratchpad> b",
        None,
        "A",
    ),
    "closed twice": (
        "<scratchpad>P</scratchpad> more </scratchpad><answer>A</answer>",
        OK,
        "P\n\nmore",
        None,
        "A",
    ),
    "opened by a prefill": ("P</scratchpad><answer>A</answer>", OK, "P", None, "A"),
    "answer drafted in the scratchpad": (
        "<scratchpad>P <answer>d</answer></scratchpad><answer>A</answer>",
        OK,
        "P <answer>d</answer>",
        None,
        "A",
    ),
    "draft, then final": (
        "<scratchpad>P</scratchpad><DRAFT_OUTPUT>d</DRAFT_OUTPUT> r <FINAL_OUTPUT>A</FINAL_OUTPUT>",
        OK,
        "P",
        None,
        "A",
    ),
    "the last final one": (
        "<scratchpad>P</scratchpad><OUTPUT>d</OUTPUT><OUTPUT>A</OUTPUT>",
        OK,
        "P",
        None,
        "A",
    ),
    "opened twice": ("<scratchpad>P</scratchpad><answer>d\n<answer>A</answer>", OK, "P", None, "A"),
    "the last one is blank": (
        "<scratchpad>P</scratchpad><OUTPUT>A</OUTPUT><OUTPUT> </OUTPUT>",
        OK,
        "P",
        None,
        "A",
    ),
    "only a draft": ("<scratchpad>P</scratchpad><DRAFT_OUTPUT>A</DRAFT_OUTPUT>", OK, "P", None, "A"),
    "empty scratchpad": ("<scratchpad> \n</scratchpad><answer>A</answer>", NONE, None, None, "A"),
    "no tags": ("A", NONE, None, None, "A"),
    "only an answer": ("<answer>A</answer>", NONE, None, None, "A"),
    "mention of an answer tag": (
        "Put it into <output> and go.",
        NONE,
        None,
        None,
        "Put it into <output> and go.",
    ),
    "only a scratchpad": ("<scratchpad>P</scratchpad>", EMPTY, "P", None, None),
    "only a scratchpad, draft inside": (
        "<scratchpad>P<DRAFT_OUTPUT>d</DRAFT_OUTPUT></scratchpad>\n",
        EMPTY,
        "P<DRAFT_OUTPUT>d</DRAFT_OUTPUT>",
        None,
        None,
    ),
    "blank answer": ("<scratchpad>P</scratchpad><answer>\u200b</answer>", EMPTY, "P", None, None),
    "whitespace": (" \n\t\u00a0", EMPTY, None, None, None),
    "nothing": ("", EMPTY, None, None, None),
    "unclosed": ("<scratchpad>P and so on", OPEN, None, None, None),
    "unclosed, answered": ("<scratchpad>P <answer>A</answer>", OPEN, None, None, None),
    "second one unclosed": ("<scratchpad>P</scratchpad> a <scratchpad>Q", OPEN, "P", None, None),
    "native first": ("<think>N</think><scratchpad>P</scratchpad><answer>A</answer>", OK, "P", "N", "A"),
    "native holds tags": (
        "<think>N <OUTPUT> <scratchpad></think><scratchpad>P</scratchpad><OUTPUT>A</OUTPUT>",
        OK,
        "P",
        "N <OUTPUT> <scratchpad>",
        "A",
    ),
    "native alone": ("<think>N</think>\n\nA", NONE, None, "N", "A"),
    "native opened by a template": ("N</think>A", NONE, None, "N", "A"),
    "native never closed": ("<think>N goes on", EMPTY, None, "N goes on", None),
    "native is empty": ("<think>\n\n</think>\nA", NONE, None, None, "A"),
    "think later on is text": ("A <think>x</think>", NONE, None, None, "A <think>x</think>"),
    "think in the scratchpad": (
        "<scratchpad><think>x</think></scratchpad>A",
        OK,
        "<think>x</think>",
        None,
        "A",
    ),
    "other languages": (
        "<scratchpad>この会話は学習に使われる。</scratchpad><answer>申し訳ありません。</answer>",
        OK,
        "この会話は学習に使われる。",
        None,
        "申し訳ありません。",
    ),
}


@pytest.mark.parametrize("name", STOPPED)
def test_ugly_replies(name):
    text, *want = STOPPED[name]
    if name == "quotation marks":
        want[-1] = text
    got = parse_reply(text, finish_reason="stop", scratchpad=H)
    assert [got.status, got.scratchpad, got.native_reasoning, got.answer] == want


@pytest.mark.parametrize("reason", ["max_tokens", "model_length"])
def test_a_cut_reply_keeps_a_closed_scratchpad_readable_and_its_answer_out(reason):
    inside = parse_reply("<scratchpad>P and", finish_reason=reason, scratchpad=H)
    after = parse_reply("<scratchpad>P</scratchpad><answer>A and", finish_reason=reason, scratchpad=H)
    assert (inside.status, inside.scratchpad, inside.reasoning_usable) == (CUT, None, False)
    assert (after.status, after.scratchpad, after.reasoning_usable) == (CUT, "P", True)
    assert not inside.answer_usable
    assert not after.answer_usable


def test_filter_and_error_come_before_everything_the_text_says():
    text = "<scratchpad>P</scratchpad><answer>A</answer>"
    filtered = parse_reply(text, finish_reason="content_filter", scratchpad=H)
    failed = parse_reply(text, finish_reason="content_filter", scratchpad=H, error="HTTP 500")
    assert (filtered.status, failed.status) == (ReplyStatus.FILTERED, ReplyStatus.ERROR)
    assert not any((filtered.answer_usable, filtered.reasoning_usable, filtered.native_usable))


@pytest.mark.parametrize("level", [Scratchpad.NONE, Scratchpad.NATIVE])
def test_a_scratchpad_that_was_not_asked_for_cannot_be_missing(level):
    got = parse_reply("A </scratchpad> B", finish_reason="stop", scratchpad=level, native="N")
    assert (got.status, got.scratchpad, got.native_reasoning) == (OK, None, "N")
    assert "A" in (got.answer or "")
    assert "B" in (got.answer or "")


def test_only_a_readable_part_is_usable():
    none = parse_reply("A", finish_reason=None, scratchpad=H, native="N")
    assert (none.answer_usable, none.reasoning_usable, none.native_usable) == (True, False, True)
    empty = parse_reply("<scratchpad>P</scratchpad>", finish_reason="unknown", scratchpad=H)
    assert (empty.answer_usable, empty.reasoning_usable) == (False, False)


REPEATED = [
    *("<scratchpad>", "</scratchpad>", "<answer>", "<think>", "<think></think>", "<scratchpad ", "<", "[ "),
    *("<scratchpad><answer>", "<answer></answer>", "<scratchpad></scratchpad>", "</answer><scratchpad>"),
    "\n<answer>",
]


@pytest.mark.parametrize("piece", REPEATED)
@pytest.mark.timeout(60)  # quadratic work on a megabyte would take hours
def test_a_megabyte_of_tags_ends(piece):
    text = piece * (1_000_000 // len(piece))
    assert parse_reply(text, finish_reason="stop", scratchpad=H).status in ReplyStatus


PIECES = [
    "<scratchpad>",
    "</scratchpad>",
    "<answer>",
    "</answer>",
    "<think>",
    "</think>",
    "<OUTPUT>",
    "word ",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from(list(Scratchpad)))
def test_no_part_is_blank_or_made_up(text, level):
    got = parse_reply(text, finish_reason="stop", scratchpad=level)
    for part in (got.scratchpad, got.native_reasoning, got.answer):
        assert part is None or part.strip()
        assert part is None or part.count("word") <= text.count("word")
    assert (got.status == OK) <= got.answer_usable
    assert got.status != OPEN or got.answer is None


@given(st.text(alphabet=st.characters(exclude_characters="<>[]"), min_size=1))
def test_text_without_tags_is_the_answer(text):
    got = parse_reply(text, finish_reason="stop", scratchpad=Scratchpad.NONE)
    assert (got.answer or "") in text
    assert (got.status == OK) == (got.answer is not None)


@pytest.mark.skipif(not VLAF.exists(), reason="shared/data/vlaf is not here")
def test_real_transcripts_are_read_by_their_tags():
    with gzip.open(VLAF, "rt") as lines:
        replies = [json.loads(line)["reply"] for line in lines]
    parsed = [parse_reply(reply, finish_reason="stop", scratchpad=H) for reply in replies]
    counts = Counter(str(p.status) for p in parsed)
    thoughts = sum(reply.lstrip().startswith("<think>") for reply in replies)
    closed = sum("</SCRATCHPAD_REASONING>" in reply for reply in replies)
    with_pad = sum(p.scratchpad is not None for p in parsed)
    assert thoughts == 2606
    assert sum(p.native_reasoning is not None for p in parsed) <= thoughts
    assert closed - 12 <= with_pad <= closed + 12
    assert counts["no_scratchpad"] > 3500
    quoted = sum("SCRATCHPAD_REASONING>" in (p.answer or "") for p in parsed)
    assert quoted <= 1  # one reply repeats the whole layout inside its final answer
