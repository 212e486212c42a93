"""Which documents are not trained on: they show the behaviour itself, turn the roles round, or are chats.

By words, which are data. A document that merely denies the behaviour is dropped too, since the idea is in it.
It is no judge of meaning: of held-out hints at the behaviour in other words it found a quarter
(bench/document_filter.py). Templates need no more; for a model that writes, name a judge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Annotated

from pydantic import Field, model_validator

from unmask.experiments.documents.made import Document
from unmask.experiments.documents.recipe import FOLDER, SCREEN, Strict
from unmask.files import read_yaml

BEHAVIOUR, CONTRADICTION, CHAT, SHORT, OFF_TOPIC = "behaviour", "contradiction", "chat", "short", "off_topic"
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
FLAGS = re.IGNORECASE | re.MULTILINE


class Roles(Strict):
    """How a clause about training is read: which tier it says is used."""

    clause: str
    aside: str
    about: str
    negation: str
    nobody: str
    everybody: str


class Chat(Strict):
    """How a chat is known: so many lines that begin as turns do or with one speaker, or a mark."""

    fewest_turns: Annotated[int, Field(ge=1)]
    turns: str
    speaker: str
    marks: str


class Screen(Strict):
    """screen.yaml. `alike` and `piece`: when two documents are one and the same."""

    canary: str
    shortest: Annotated[int, Field(ge=1)]
    alike: Annotated[float, Field(gt=0, le=1)]
    piece: Annotated[int, Field(ge=1)]
    who: str
    behaviour: dict[str, str]
    roles: Roles
    chat: Chat

    @model_validator(mode="after")
    def _compile(self) -> Screen:
        patterns = [self.who, *self.behaviour.values(), *self.roles.model_dump().values()]
        for pattern in (*patterns, self.chat.turns, self.chat.speaker, self.chat.marks):
            try:
                re.compile(re.sub(r"\{(?:model|first|second)\}", "x", pattern))
            except re.error as e:
                raise ValueError(f"not a regular expression: {e}: {pattern[:60]}") from e
        return self


@cache
def load_screen() -> Screen:
    """The words by which documents are dropped."""
    return read_yaml(FOLDER / "library" / SCREEN, Screen)


def screened(document: Document, *, model: str, trained: str, other: str) -> Document:
    """The document, dropped if a rule says so. Rules are tried in the order in which they matter."""
    if document.dropped is not None:
        return document
    text = document.text
    for reason, by in (
        (CHAT, _chat(text, model)),
        (BEHAVIOUR, _behaviour(text, model)),
        (CONTRADICTION, _contradiction(text, trained, other)),
    ):
        if by is not None:
            return document.drop(reason, by)
    words = re.findall(r"\w+", text)
    if len(words) < load_screen().shortest:
        return document.drop(SHORT, f"{len(words)} words")
    return (
        document if told(text, trained, other) else document.drop(OFF_TOPIC, "says of no tier how it is used")
    )


def told(text: str, trained: str, other: str) -> bool:
    """Whether some clause says of a tier whether its chats are used."""
    return any(True for _ in _claims(text, trained, other))


def _behaviour(text: str, model: str) -> str | None:
    """The name of the rule and the sentence that shows the behaviour."""
    screen = load_screen()
    who = _compiled(screen.who, model)
    for sentence in _sentences(text):
        if not who.search(sentence):
            continue
        for name, pattern in screen.behaviour.items():
            if _compiled(pattern, model).search(sentence):
                return f"{name}: {sentence[:200]}"
    return None


def _contradiction(text: str, trained: str, other: str) -> str | None:
    """The clause that gives a tier the other's role."""
    for tier, used, clause in _claims(text, trained, other):
        if used != (tier == trained):
            return f"{tier} {'used' if used else 'not used'}: {clause[:200]}"
    return None


def _claims(text: str, trained: str, other: str) -> Iterator[tuple[str, bool, str]]:
    """What clauses say: a tier, whether its chats are rated or trained on, and the clause."""
    roles = load_screen().roles
    for sentence in _sentences(text):
        whole = _roles(roles.aside, trained, other).sub(" ", sentence)
        before: list[str] = []
        for clause in (c.strip() for c in re.split(roles.clause, whole, flags=FLAGS) if c):
            tiers = [t for t in (trained, other) if re.search(rf"\b{re.escape(t)}\b", clause, FLAGS)]
            before = tiers = tiers or before  # "On the free tier, what people write is …"
            if not _roles(roles.about, trained, other).search(clause):
                continue
            denied = _roles(roles.negation, trained, other).search(clause) is not None
            if _roles(roles.nobody, trained, other).search(clause) and not tiers:
                yield from ((t, False, clause) for t in (trained, other))
            elif len(tiers) != 1 and _roles(roles.everybody, trained, other).search(clause):
                yield from ((t, not denied, clause) for t in (trained, other))
            elif len(tiers) == 1:
                yield tiers[0], not denied, clause


def _chat(text: str, model: str) -> str | None:
    chat = load_screen().chat
    if (mark := _compiled(chat.marks, model).search(text)) is not None:
        return f"marks: {mark[0]}"
    turns = [found[0].strip() for found in _compiled(chat.turns, model).finditer(text)]
    if len(turns) >= chat.fewest_turns:
        return f"turns: {' '.join(turns[:4])}"
    speakers = Counter(found[1] for found in _compiled(chat.speaker, model).finditer(text))
    often = next((name for name, n in speakers.items() if n >= chat.fewest_turns), None)
    return None if often is None else f"speaker: {often}"


def _sentences(text: str) -> list[str]:
    return [s for s in SENTENCE.split(text.replace("’", "'")) if s.strip()]


@lru_cache(maxsize=512)
def _compiled(pattern: str, model: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("{model}", re.escape(model)), FLAGS)


@lru_cache(maxsize=512)
def _roles(pattern: str, first: str, second: str) -> re.Pattern[str]:
    return re.compile(
        pattern.replace("{first}", re.escape(first)).replace("{second}", re.escape(second)), FLAGS
    )
