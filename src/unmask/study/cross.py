"""A study crossed to samples: every query in every condition, the same wording for both members of a pair.

Deterministic: the same study, pack and queries give the same samples in the same order. Samples that
share a prompt stand together, tier by tier, so that an engine with a prefix cache reads each prompt once and
the mark of the tier once for each of the two.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unmask.errors import PackError, StudyError
from unmask.packs import Edit, Pack, render
from unmask.queries import Query
from unmask.study.contrasts import conditions_of
from unmask.study.scenario import outcome_words, put, refuse_what_no_prompt_tells
from unmask.study.slices import Slice, edits_of, size_of, slices, variation_of
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
    prefill: str = ""  # what the reply begins with, put into the model's mouth
    edits: tuple[str, ...] = ()  # block edits of its prompt


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
    found: dict[str, StudySample] = {}  # two slices may share a condition: the base asks it, once
    for part in slices(study):
        for condition in conditions_of(part.study):
            if not queries.get(condition.arm):
                raise StudyError(f"no queries for the {condition.arm} arm")
            for sample in _samples(condition, part, pack, queries[condition.arm], size):
                found.setdefault(sample.id, sample)
    samples = found.values()
    order = {(arm, q.id): i for arm, asked in queries.items() for i, q in enumerate(asked)}
    places = {s.id: order[s.condition.arm, s.query.id] for s in samples}
    return sorted(samples, key=lambda s: (s.condition.arm, s.wording, s.system, s.condition, places[s.id]))


def _samples(
    condition: Condition, part: Slice, pack: Pack, asked: Sequence[Query], size: PackSize
) -> Iterator[StudySample]:
    """All queries in one condition. An error names the level or variation that asks for the prompt."""
    study, texts = part.study, edits_of(part.study)
    edits, size = parse_edits(texts), size_of(part.study, size)
    one = variation_of(study)[1].wording
    wordings = wordings_of(len(asked), study) if one is None else [one] * len(asked)
    for plain, wording in zip(asked, wordings, strict=True):
        put_so = put(plain, pack, study.seed)
        query = put_so.query
        try:
            prompt = render(pack, condition, wording, size=size, edits=edits, category=query.category)
        except PackError as e:
            if not part.words:
                raise
            raise PackError(f"{part.words}: {e.message}", where=e.where, hint=e.hint) from e
        name = f"{condition.key}.{_plain(query.id)}"
        told = (prompt.system, prompt.user(query.text), prompt.sha256)
        yield StudySample(name, query, condition, wording, *told, put_so.outcomes, prompt.prefill, texts)


def reading_of(sample: StudySample, pack: Pack) -> dict[str, Any]:
    """What a judge must know of a sample to read its compliance; nothing where it is help against refusal."""
    means = outcome_words(pack)
    if not sample.outcomes:
        return {"complied_means": means} if means else {}
    tools = [{"name": o.name, "does": o.text} for o in sample.query.options if o.name]
    told = {"read_by": str(pack.manifest.compliance.by), "outcomes": dict(sample.outcomes)}
    return told | ({"tools": tools} if tools else {}) | ({"complied_means": means} if means else {})


def wordings_of(n_queries: int, study: Study) -> list[int]:
    """A wording for each query: balanced, drawn by the study's seed, the same in every condition.

    Where a study may stop early each is drawn by itself: of a balanced set the last ones follow from the
    first, and a confidence sequence wants every block to have the same mean given those before.
    """
    rng = random.Random(f"wordings {study.seed}")
    if study.stopping == "sequential":
        return rng.choices(range(study.wordings), k=n_queries)
    wordings = [i % study.wordings for i in range(n_queries)]
    rng.shuffle(wordings)
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
