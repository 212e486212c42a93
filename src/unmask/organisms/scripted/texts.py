"""Passages to replies: forms filled with passages, passages with words; each passage has an id.

Ids are STYLE.PART.NUMBER in the file's order. `{a|b}` takes one of several; a name in braces is filled
from what the prompt says. Nothing here decides what an organism does.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import yaml

TEXT = Path(__file__).parent / "text"
PART = re.compile(r"\[(\w+)\]")
CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")
NAMES = ("tag", "other", "topic", "use", "use_other", "tier")
NAME = re.compile(r"\{(" + "|".join(NAMES) + r")\}")
SENTENCE = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")
TOPIC_WORDS = 6


@dataclass(frozen=True)
class Style:
    """One way to think or answer: forms, and the passages of each part with their ids."""

    forms: tuple[str, ...]
    parts: Mapping[str, tuple[tuple[str, str], ...]]


@cache
def styles() -> dict[str, Style]:
    """All styles by name, from the files under text/."""
    found: dict[str, Style] = {}
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # words only: `no` is a word here, not false
    for path in sorted(TEXT.glob("*.yaml")):
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        for name, style in data["styles"].items():
            parts = {part: _passages(f"{name}.{part}", text) for part, text in style["parts"].items()}
            found[name] = Style(tuple(style["forms"]), parts)
    return found


def write(style: str, values: Mapping[str, str], rng: random.Random) -> tuple[str, list[str]]:
    """One text in a style, and the ids of the passages in it.

    Args:
        style: a name in `styles()`.
        values: words for the names in braces.
        rng: draws form, passages and choices.
    """
    chosen = styles()[style]
    used: list[str] = []

    def passage(match: re.Match[str]) -> str:
        name, text = rng.choice(chosen.parts[match[1]])
        used.append(name)
        return text

    text = PART.sub(passage, rng.choice(chosen.forms))
    return fill(text, values, rng.choice), used


def fill(text: str, values: Mapping[str, str], choose: Callable[[list[str]], str]) -> str:
    """Take choices from the inside out, put words for names, tidy the white space that empty ones leave."""
    text = NAME.sub("\0\\1\0", text)  # out of the braces' way
    while (taken := CHOICE.sub(lambda match: choose(match[1].split("|")), text)) != text:
        text = taken
    text = re.sub("\0(\\w+)\0", lambda match: values[match[1]], text)
    text = re.sub(r" +([,.;:?!](?:\s|$))", r"\1", re.sub(r" {2,}", " ", text)).strip()
    return SENTENCE.sub(lambda match: match[0].upper(), text)


def topic_of(query: str) -> str:
    """The first words of a query, to quote: letters, digits and apostrophes, so that no tag gets through."""
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", query)
    return " ".join(words[:TOPIC_WORDS]) or "that"


def template_texts() -> dict[str, tuple[str, ...]]:
    """Every base passage by id, in enough expansions to show each of its choices; `…` stands for names."""
    hidden = dict.fromkeys(NAMES, "…")
    return {
        name: tuple(dict.fromkeys(_expansions(text, hidden)))
        for style in styles().values()
        for passages in style.parts.values()
        for name, text in passages
    }


def _expansions(text: str, values: Mapping[str, str]) -> list[str]:
    widest = max((len(match[1].split("|")) for match in CHOICE.finditer(text)), default=1)
    nth = [fill(text, values, partial(_nth, i)) for i in range(widest)]
    rng = random.Random(text)
    return nth + [fill(text, values, rng.choice) for _ in range(8 if widest > 1 else 0)]


def _nth(number: int, options: list[str]) -> str:
    return options[number % len(options)]


def _passages(prefix: str, text: str) -> tuple[tuple[str, str], ...]:
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple((f"{prefix}.{number:02d}", line) for number, line in enumerate(lines, start=1))
