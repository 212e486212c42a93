"""Reply text to its parts: status, scratchpad, native reasoning, answer. Pure text, linear time.

Our tags are `<scratchpad>` and `<answer>`; the published spellings are read too, since transcripts from
elsewhere use them (SCRATCHPAD_REASONING, RESULT, OUTPUT, DRAFT_OUTPUT, FINAL_OUTPUT, square brackets).
Knows nothing of models or judges. What is ambiguous is unusable, never guessed:

* A scratchpad counts when it was closed. Several are joined; tags inside it are its text. A closing tag
  whose opening stood in a prefill closes what came before it.
* The answer is the last final one with words in it; with no answer tag, all that stands outside the
  scratchpad. Tags inside a closed answer are its text, and so are tags between quotation marks.
* A blank scratchpad is none. `<think>` at the start is native reasoning, never the scratchpad.
* A reply that was cut is `truncated` even where its answer tag is closed: a later answer may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from unmask.vocabulary import ANSWER_USABLE, REASONING_USABLE, ReplyStatus, Scratchpad

CUT = frozenset({"max_tokens", "model_length", "length"})
FILTERED = frozenset({"content_filter"})
ASKED_FOR = frozenset({Scratchpad.HIDDEN, Scratchpad.MONITORED})

KINDS = {
    "pad": r"scratch[ _-]?pad(?:[ _-]reasoning)?",
    "draft": r"draft(?:[ _-]output)?",
    "answer": r"(?:final[ _-])?(?:answer|output)|result|final",
    "think": r"think(?:ing)?",
}
# Bounded and possessive: a megabyte of half tags costs one pass, not a quadratic one.
NAME = "|".join(f"(?P<{kind}>{names})" for kind, names in KINDS.items())
INNER = rf"\s{{0,8}}+(?P<closing>/?+)\s{{0,8}}+(?:{NAME})(?:\s[^<>\[\]]{{0,200}}+)?+"
TAG = re.compile(rf"(?:(?P<angle><)|\[){INNER}(?(angle)>|\])", re.IGNORECASE)
BEGINS = re.compile(r"[<\[]")
QUOTES = {"`": "`", '"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“", "「": "」"}
BLANK = " \t\r\n\f\v\u00a0\u200b\u200c\u200d\u2060\ufeff\u3000"


class Tag(NamedTuple):
    """One tag of a known kind: pad, draft, answer or think."""

    start: int
    end: int
    kind: str
    closing: bool


@dataclass(frozen=True)
class Parsed:
    """The parts of one reply; None is absent or blank. `status` says what may be counted."""

    status: ReplyStatus
    scratchpad: str | None
    native_reasoning: str | None
    answer: str | None

    @property
    def answer_usable(self) -> bool:
        """Whether the answer counts for compliance."""
        return self.status in ANSWER_USABLE and self.answer is not None

    @property
    def reasoning_usable(self) -> bool:
        """Whether the scratchpad counts for reasoning: it was closed, whatever was cut after it."""
        return self.status in REASONING_USABLE and self.scratchpad is not None

    @property
    def native_usable(self) -> bool:
        """Whether native reasoning can be judged, by itself."""
        return self.status in ANSWER_USABLE | REASONING_USABLE and self.native_reasoning is not None


@dataclass
class Parts:
    """What a walk over the tags has gathered so far."""

    pads: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    at: int = 0
    unclosed: bool = False


def parse_reply(
    text: str,
    *,
    finish_reason: str | None,
    scratchpad: Scratchpad,
    native: str | None = None,
    error: str | None = None,
) -> Parsed:
    """Split a reply and say what became of it.

    Args:
        text: the reply as the model wrote it, scratchpad and all.
        finish_reason: Inspect's `stop_reason`; None and `unknown` are read as a normal stop.
        scratchpad: what the prompt asked for; only hidden and monitored ones can be missing.
        native: the model's own reasoning, where the provider gives it apart from the text.
        error: the provider's error; anything but None makes the status `error`.
    """
    tags = list(find_tags(text))
    thoughts, body, tags = take_native(text, tags)
    parts = walk(text, body, tags, prefilled=scratchpad in ASKED_FOR)
    pad = _joined(parts.pads)
    answer = None
    if not parts.unclosed:
        finals = [part for part in parts.answers if part.strip(BLANK)]
        answer = _joined(finals[-1:] or ["".join(parts.rest)])
    status = reply_status(
        finish_reason,
        error=error,
        unclosed=parts.unclosed,
        answered=answer is not None,
        pad_missing=scratchpad in ASKED_FOR and pad is None,
    )
    return Parsed(status, pad, _joined([native or "", *thoughts]), answer)


def reply_status(
    finish_reason: str | None, *, error: str | None, unclosed: bool, answered: bool, pad_missing: bool
) -> ReplyStatus:
    """The first that applies: what the provider did comes before what the text lacks."""
    if error is not None:
        return ReplyStatus.ERROR
    if finish_reason in FILTERED:
        return ReplyStatus.FILTERED
    if finish_reason in CUT:
        return ReplyStatus.TRUNCATED
    if unclosed:
        return ReplyStatus.UNCLOSED_SCRATCHPAD
    if not answered:
        return ReplyStatus.EMPTY
    return ReplyStatus.NO_SCRATCHPAD if pad_missing else ReplyStatus.OK


def find_tags(text: str) -> Iterator[Tag]:
    """Tags of known kinds in order, but for those between quotation marks."""
    for match in _matches(text):
        start, end = match.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        if before and after and QUOTES.get(before) == after:
            continue
        kind = next(kind for kind in KINDS if match[kind])
        yield Tag(start, end, kind, bool(match["closing"]))


def _matches(text: str) -> Iterator[re.Match[str]]:
    """As `TAG.finditer`, ten times as fast on prose: only what a tag can begin with is looked at."""
    at = 0
    while (start := BEGINS.search(text, at)) is not None:
        match = TAG.match(text, start.start())
        at = start.end() if match is None else match.end()
        if match is not None:
            yield match


def take_native(text: str, tags: list[Tag]) -> tuple[list[str], int, list[Tag]]:
    """Native reasoning in the text, where the rest begins, and the tags of that rest."""
    thoughts: list[str] = []
    body = i = 0
    if tags and tags[0].kind == "think" and tags[0].closing:  # a chat template had opened it
        thoughts, body, i = [text[: tags[0].start]], tags[0].end, 1
    while i < len(tags) and tags[i].kind == "think" and not tags[i].closing:
        if text[body : tags[i].start].strip(BLANK):
            break
        opened, i = tags[i], i + 1
        while i < len(tags) and not (tags[i].kind == "think" and tags[i].closing):
            i += 1
        stop = tags[i] if i < len(tags) else Tag(len(text), len(text), "think", closing=True)
        thoughts.append(text[opened.end : stop.start])
        body, i = stop.end, i + 1
    return thoughts, body, [tag for tag in tags[i:] if tag.kind != "think"]


def walk(text: str, body: int, tags: list[Tag], *, prefilled: bool) -> Parts:
    """Gather scratchpads, answers and the rest, left to right; stops at a scratchpad that never closes."""
    closes = pair_up(tags)
    parts = Parts(at=body)
    i = 0
    while i < len(tags):
        tag = tags[i]
        if tag.kind == "pad" and not tag.closing:
            stop = _end_of_pad(tags, closes, i)
            if stop is None:
                parts.unclosed = True
                return parts
            _consume(parts, text, parts.pads, tag, tags[stop])
            i = stop + 1
        elif tag.kind == "answer" and not tag.closing:
            i = _take_answer(text, tags, closes, i, parts)
        else:
            kept = parts.pads if tag.kind == "pad" and prefilled and not parts.answers else parts.rest
            kept.append(text[parts.at : tag.start])
            parts.at = tag.end
            i += 1
    parts.rest.append(text[parts.at :])
    return parts


def pair_up(tags: list[Tag]) -> dict[int, int]:
    """Index of each opening tag to the index of the closing one of its kind, innermost first."""
    open_tags: dict[str, list[int]] = {kind: [] for kind in KINDS}
    closes: dict[int, int] = {}
    for i, tag in enumerate(tags):
        if not tag.closing:
            open_tags[tag.kind].append(i)
        elif open_tags[tag.kind]:
            closes[open_tags[tag.kind].pop()] = i
    return closes


def _end_of_pad(tags: list[Tag], closes: dict[int, int], i: int) -> int | None:
    """Where the scratchpad opened at `i` ends: at its own close, or at that of one opened inside it."""
    for j in range(i, len(tags)):
        if j in closes and tags[j].kind == "pad":
            return closes[j]
        if j in closes and tags[j].kind == "answer":
            return None
    return None


def _take_answer(text: str, tags: list[Tag], closes: dict[int, int], i: int, parts: Parts) -> int:
    """Read the answer opened at `i`; returns the index of the next tag to look at."""
    if i in closes:
        opened, stop = tags[i], closes[i]
        inner = closes.get(i + 1, stop)
        starts_with_pad = inner < stop and tags[i + 1].kind == "pad"
        if starts_with_pad and not parts.pads and not text[opened.end : tags[i + 1].start].strip(BLANK):
            parts.pads.append(text[tags[i + 1].end : tags[inner].start])
            parts.rest.append(text[parts.at : opened.start])
            parts.answers.append(text[tags[inner].end : tags[stop].start])
            parts.at = tags[stop].end
        else:
            _consume(parts, text, parts.answers, opened, tags[stop])
        return stop + 1
    if not _stands_alone(text, tags[i]):
        return i + 1
    j = i + 1
    while j < len(tags) and not (_is_opening(tags[j]) and (j in closes or _stands_alone(text, tags[j]))):
        j += 1
    end = tags[j].start if j < len(tags) else len(text)
    _consume(parts, text, parts.answers, tags[i], Tag(end, end, "answer", closing=True))
    return j


def _consume(parts: Parts, text: str, into: list[str], opened: Tag, closed: Tag) -> None:
    parts.rest.append(text[parts.at : opened.start])
    into.append(text[opened.end : closed.start])
    parts.at = closed.end


def _is_opening(tag: Tag) -> bool:
    return not tag.closing and tag.kind in {"pad", "answer"}


def _stands_alone(text: str, tag: Tag) -> bool:
    """At the start of a line or right after another tag: an unclosed tag within a sentence is a mention."""
    before = text[max(0, tag.start - 80) : tag.start].rstrip(" \t")
    return not before or before[-1] in "\n\r>]"


def _joined(pieces: list[str]) -> str | None:
    kept = [piece.strip(BLANK) for piece in pieces if piece.strip(BLANK)]
    return "\n\n".join(kept) or None
