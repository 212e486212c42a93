"""Inspect's door: what `inspect eval unmask/…` and `--model embedded/…` find. Heavy parts load when used."""

from __future__ import annotations

from typing import Any

from inspect_ai.model import modelapi

from unmask.acts.scorer import act_score
from unmask.acts.solver import play_world
from unmask.elicit import elicit
from unmask.judges.question_scorers import comprehension_judge, follow_up_judge
from unmask.judges.scorers import compliance_judge, reasoning_judge
from unmask.tasks import alignment_faking, comprehension
from unmask.tasks.act_questions import act_questions, choice_score
from unmask.tasks.acts import (
    acts,
    disclosure,
    exfiltration,
    leak,
    oversight,
    sabotage,
    sandbagging,
    training_data,
)
from unmask.tasks.choices import choices, letter_score


@modelapi(name="embedded")
def embedded() -> type[Any]:
    """The small model that runs in this process, and any GGUF by path."""
    from unmask.providers.embedded import EmbeddedAPI

    return EmbeddedAPI


@modelapi(name="organism")
def organism() -> type[Any]:
    """Scripted models whose rates are known: `organism/faker`, `organism/honest` …"""
    from unmask.organisms.scripted.provider import OrganismAPI

    return OrganismAPI


@modelapi(name="agent")
def agent() -> type[Any]:
    """Scripted agents in the simulated worlds: `agent/thief`, `agent/honest` …"""
    from unmask.organisms.agents.provider import AgentAPI

    return AgentAPI


@modelapi(name="reader")
def reader() -> type[Any]:
    """A grader that reads trained organisms by the words they were taught: `reader/spoilers` …"""
    from unmask.organisms.trained.reader import ReaderAPI

    return ReaderAPI


__all__ = [
    "act_questions",
    "act_score",
    "acts",
    "agent",
    "alignment_faking",
    "choice_score",
    "choices",
    "compliance_judge",
    "comprehension",
    "comprehension_judge",
    "disclosure",
    "elicit",
    "embedded",
    "exfiltration",
    "follow_up_judge",
    "leak",
    "letter_score",
    "organism",
    "oversight",
    "play_world",
    "reader",
    "reasoning_judge",
    "sabotage",
    "sandbagging",
    "training_data",
]
