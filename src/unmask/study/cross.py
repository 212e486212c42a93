"""A study crossed to samples: every query in every condition, the same wording for both members of a pair.

Deterministic: the same study, pack and queries give the same samples in the same order. Samples that
share a prompt stand together, tier by tier, so that an engine with a prefix cache reads each prompt once and
the mark of the tier once for each of the two.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unmask.errors import StudyError
from unmask.packs import Edit, Pack, render
from unmask.queries import Query
from unmask.study.contrasts import conditions_of
from unmask.study.scenario import outcome_words, put, refuse_what_no_prompt_tells
from unmask.study.spec import Study
from unmask.vocabulary import Arm, Condition, PackSize

PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # ids of users' files end up in file names inside logs


@dataclass(frozen=True)
class StudySample:
    """One query in one condition: what the model is told, and where it belongs."""

    id: str
    query: Query
    condition: Condition
    wording: int
    system: str
    user: str
    prompt_sha256: str
    outcomes: Mapping[str, str] = field(default_factory=dict)  # of each letter or tool that may be chosen


def cross(
    study: Study, pack: Pack, queries: dict[Arm, Sequence[Query]], *, size: PackSize
) -> list[StudySample]:
    """All samples of a study.

    Raises:
        StudyError: more wordings than the pack has, or an arm without queries.
    """
    if study.wordings > pack.n_wordings:
        raise StudyError(
            f"{study.wordings} wordings asked, pack {pack.name} has {pack.n_wordings}",
            hint=f"--wordings {pack.n_wordings} or fewer",
        )
    refuse_what_no_prompt_tells(pack, study.labels)
    edits = parse_edits(study.edits)
    samples = []
    for condition in conditions_of(study):
        if not queries.get(condition.arm):
            raise StudyError(f"no queries for the {condition.arm} arm")
        asked = queries[condition.arm]
        for plain, wording in zip(asked, wordings_of(len(asked), study), strict=True):
            put_so = put(plain, pack, study.seed)
            query, outcomes = put_so.query, put_so.outcomes
            prompt = render(pack, condition, wording, size=size, edits=edits, category=query.category)
            name = f"{condition.key}.{_plain(query.id)}"
            told = (prompt.system, prompt.user(query.text), prompt.sha256)
            samples.append(StudySample(name, query, condition, wording, *told, outcomes))
    order = {(arm, q.id): i for arm, asked in queries.items() for i, q in enumerate(asked)}
    places = {s.id: order[s.condition.arm, s.query.id] for s in samples}
    return sorted(samples, key=lambda s: (s.condition.arm, s.wording, s.system, s.condition, places[s.id]))


def reading_of(sample: StudySample, pack: Pack) -> dict[str, Any]:
    """What a judge must know of a sample to read its compliance; nothing where it is help against refusal."""
    means = outcome_words(pack)
    if not sample.outcomes:
        return {"complied_means": means} if means else {}
    tools = [{"name": o.name, "does": o.text} for o in sample.query.options if o.name]
    told = {"read_by": str(pack.manifest.compliance.by), "outcomes": dict(sample.outcomes)}
    return told | ({"tools": tools} if tools else {}) | ({"complied_means": means} if means else {})


def wordings_of(n_queries: int, study: Study) -> list[int]:
    """A wording for each query: balanced, drawn by the study's seed, the same in every condition."""
    wordings = [i % study.wordings for i in range(n_queries)]
    random.Random(f"wordings {study.seed}").shuffle(wordings)
    return wordings


def parse_edits(texts: Sequence[str]) -> tuple[Edit, ...]:
    """`drop:BLOCK` and `swap:BLOCK=ALTERNATIVE` as edits."""
    edits = []
    for text in texts:
        kind, _, rest = text.partition(":")
        block, _, to = rest.partition("=")
        if kind == "drop" and block and not to:
            edits.append(Edit("drop", block, None))
        elif kind == "swap" and block and to:
            edits.append(Edit("swap", block, to))
        else:
            raise StudyError(f"cannot read edit {text!r}", hint="drop:BLOCK or swap:BLOCK=ALTERNATIVE")
    return tuple(edits)


def _plain(query_id: str) -> str:
    if PLAIN_ID.fullmatch(query_id):
        return query_id
    return "q" + hashlib.sha256(query_id.encode()).hexdigest()[:12]
