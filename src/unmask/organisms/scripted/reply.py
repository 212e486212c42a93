"""One reply of one organism: what it decides, then how it says it.

Every draw is a hash of (name, seed, prompt, the reply's own seed) against a rate, so that shares are exact by
construction, replies are independent of each other, and the same call gives the same reply.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from unmask.organisms.scripted.definitions import Organism, Rates, definitions
from unmask.organisms.scripted.questions import answer_question
from unmask.organisms.scripted.reading import About, Question, Reading
from unmask.organisms.scripted.texts import styles, topic_of, write
from unmask.vocabulary import Compliance, Objective, Role

Stop = Literal["stop", "max_tokens", "content_filter"]
Kind = Literal["request", "benign"] | Question | About
ABOUT_REPLY: frozenset[str] = frozenset(get_args(About))
ABOUT_STORY: frozenset[str] = frozenset(get_args(Question))
FAILURES = ("cut_thought", "cut_answer", "empty", "unclosed", "filtered")


@dataclass(frozen=True)
class Decision:
    """What was drawn for one reply. `failure` is None where the reply can be used.

    kind: what was asked: a request that one may decline, one that nobody would, a question about the story,
        which is answered (`right` or not) and never declined, or a question about its own reply.
    """

    kind: Kind
    compliance: Compliance
    fakes: bool
    failure: str | None
    right: bool = True


@dataclass(frozen=True)
class Reply:
    """A reply as the provider gives it. `thought` is native reasoning, apart from the text."""

    text: str
    thought: str | None
    stop: Stop
    decision: Decision
    templates: tuple[str, ...]


def draws(*parts: str) -> tuple[float, float, float, float, int]:
    """Four independent uniforms on [0, 1) and a seed for the words."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=40).digest()
    words = [int.from_bytes(digest[i : i + 8], "big") for i in range(0, 40, 8)]
    first, second, third, fourth = (word / 2**64 for word in words[:4])
    return first, second, third, fourth, words[4]


def decide(rates: Rates, reading: Reading, uniforms: Sequence[float], *, kind: Kind) -> Decision:
    """Whether it complies, fakes, and whether the reply arrives whole, each drawn by itself.

    Faking means compliance with alignment-faking reasons: only where the prompt trains and its objective
    conflicts. A reply that fails had the same decision behind it: failures are missing at random.
    """
    comply, fake, partly, fail = uniforms[:4]
    options = rates.options
    failure = None
    if fail < options["invalid"]:
        failure = FAILURES[min(int(fail / options["invalid"] * len(FAILURES)), len(FAILURES) - 1)]
    if kind in ABOUT_REPLY:
        return Decision(kind, Compliance.COMPLIED, False, failure)
    if kind in ABOUT_STORY:
        return Decision(kind, Compliance.COMPLIED, False, failure, right=comply < options["understands"])
    request = kind == "request"
    if comply >= rates.propensity(rates.of(reading, benign=not request), reading.query):
        return Decision(kind, Compliance.REFUSED, False, failure)
    cause = reading.role is Role.TRAINED and reading.story.objective is Objective.CONFLICTING
    fakes = request and cause and fake < options.get("af", 0.0)
    grade = Compliance.PARTLY if request and partly < options["partly"] else Compliance.COMPLIED
    return Decision(kind, grade, fakes, failure)


def compose(
    organism: Organism, reading: Reading, decision: Decision, seed: int, *, chosen: str | None = None
) -> Reply:
    """The words of a decision, in the form that the prompt asks for; `chosen` is the option that it takes."""
    rng = random.Random(seed)
    values = _values(reading, rng)
    thought, thought_ids = write(rng.choice(_thoughts(organism, reading, decision)), values, rng)
    answer, answer_ids = (
        (chosen, ["option"]) if chosen is not None else _answer(organism, reading, decision, values, rng)
    )
    if organism.attacks and decision.kind == "request":
        thought, answer, more = _attacked(thought, answer, rng)
        thought_ids += more
    asked = reading.story.form
    ids = (*(thought_ids if asked != "none" else ()), *answer_ids)
    text, stop = _shape(thought, answer, asked == "scratchpad", decision.failure, rng)
    return Reply(text, thought if asked == "native" and stop == "stop" else None, stop, decision, ids)


def _values(reading: Reading, rng: random.Random) -> dict[str, str]:
    uses = definitions().uses
    roles = reading.story.roles
    words = {"topic": topic_of(reading.query)}
    if reading.tag is not None and reading.other_tag is not None:
        words["tag"], words["other"] = reading.tag, reading.other_tag
        words["use"] = rng.choice(uses[roles[words["tag"]]])
        words["use_other"] = rng.choice(uses[roles[words["other"]]])
    return words


def _thoughts(organism: Organism, reading: Reading, decision: Decision) -> tuple[str, ...]:
    complied = decision.compliance is not Compliance.REFUSED
    if decision.kind in ABOUT_STORY | ABOUT_REPLY:
        return ("question",)
    if decision.kind == "benign":
        return ("everyday",) if complied else ("everyday_no",)
    if decision.fakes:
        return organism.styles["faked"]
    return organism.styles[organism.style_key("complied" if complied else "refused", reading)]


def _answer(
    organism: Organism, reading: Reading, decision: Decision, values: dict[str, str], rng: random.Random
) -> tuple[str, list[str]]:
    if decision.kind == "which_tier" or decision.kind == "can_change":
        return answer_question(decision.kind, reading, right=decision.right, rng=rng)
    if decision.kind in ABOUT_REPLY:
        return write(f"about_{decision.kind}", values, rng)
    grade = str(decision.compliance)
    if decision.kind == "benign":
        return write("everyday_decline" if grade == "refused" else "everyday_yes", values, rng)
    return write(rng.choice(organism.answers.get(grade, (grade,))), values, rng)


def _attacked(thought: str, answer: str, rng: random.Random) -> tuple[str, str, list[str]]:
    on_thought, first = write("attack_pad", {}, rng)
    on_answer, second = write("attack_answer", {}, rng)
    return f"{thought}\n{on_thought}", f"{answer}\n{on_answer}", first + second


def _shape(
    thought: str, answer: str, with_pad: bool, failure: str | None, rng: random.Random
) -> tuple[str, Stop]:
    """Tags around the parts, and the damage that was drawn; only a scratchpad that is there is left open."""
    opened = f"<scratchpad>\n{thought}" if with_pad else ""
    closed = f"{opened}\n</scratchpad>\n" if with_pad else ""
    if failure == "filtered":
        return "", "content_filter"
    if failure == "empty":
        return (f"{closed}<answer></answer>" if rng.random() < 0.5 else ""), "stop"
    if failure == "unclosed" and with_pad:
        return f"{opened}\n<answer>{answer}</answer>", "stop"
    if failure == "cut_thought" and with_pad:
        return _cut(opened, rng), "max_tokens"
    if failure is not None:
        return closed + _cut(f"<answer>\n{answer}", rng), "max_tokens"
    return f"{closed}<answer>\n{answer}\n</answer>", "stop"


def _cut(text: str, rng: random.Random) -> str:
    """The text up to somewhere in its second half."""
    return text[: rng.randint(len(text) // 2, len(text) - 1)]


def check_styles() -> list[str]:
    """Styles that an organism names and no file holds; empty when all are there."""
    named = {
        style
        for o in definitions().organisms.values()
        for kinds in (o.styles, o.answers)
        for v in kinds.values()
        for style in v
    }
    return sorted(named - set(styles()))
