"""Inspect's door: what `inspect eval unmask/…` and `--model embedded/…` find. Heavy parts load when used."""

from __future__ import annotations

from typing import Any

from inspect_ai.model import modelapi

from unmask.elicit import elicit
from unmask.judges.question_scorers import comprehension_judge, follow_up_judge
from unmask.judges.scorers import compliance_judge, reasoning_judge
from unmask.tasks import alignment_faking, comprehension


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


__all__ = [
    "alignment_faking",
    "compliance_judge",
    "comprehension",
    "comprehension_judge",
    "elicit",
    "embedded",
    "follow_up_judge",
    "organism",
    "reasoning_judge",
]
