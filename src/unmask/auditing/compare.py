"""Runs side by side: each model's contrasts, and how far each is from the first. No formula of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from unmask.analysis.arrays import Counts
from unmask.analysis.figures import REPORTED, outcome_of
from unmask.analysis.results import Interval
from unmask.auditing.differing import Differing, allowed, check
from unmask.auditing.members import Member, members_of, named, sampled_differently
from unmask.errors import EstimateError, UsageError
from unmask.estimates import (
    Effect,
    bounds_by_query,
    contrast_by_query,
    family_level,
    holm,
    mean_effect,
    mean_p,
    two_sample_bounds,
    two_sample_effect,
    two_sample_p,
    widened,
)
from unmask.files import nearest
from unmask.study import cells_of
from unmask.verdict import ALPHA
from unmask.vocabulary import CANARY, Contrast

COMPARISON_SCHEMA = 2
OTHER_LESS_FIRST = (1.0, -1.0)


@dataclass(frozen=True)
class Compared:
    """One model of one run, as it stands in the table."""

    name: str
    run: str
    model: str
    served_model: str | None
    finished: str | None
    verdict: str | None
    sampling: str


@dataclass(frozen=True)
class Shown:
    """One contrast of one member, at 95 %; None where it cannot be known."""

    contrast: str
    member: int
    effect: Interval | None
    n_queries: int
    n_unusable: int


@dataclass(frozen=True)
class Difference:
    """How far a member is from the first in one contrast: member minus first, complete cases.

    effect: at 95 %, by itself. together: at the level at which all of the family hold together. bounds: at
    95 % with every unusable reply set against it. p: by itself; p_holm: what is left of it in the family.
    pairing: `paired` by query, or `two_sample` (Welch) where the queries are not the same.
    differs: p_holm is at or below alpha. alike: `together` lies within the margin.
    """

    contrast: str
    member: int
    effect: Interval | None
    together: Interval | None
    bounds: Interval | None
    p: float | None
    p_holm: float | None
    pairing: str
    n_queries: int
    n_unusable: int
    differs: bool
    alike: bool


@dataclass(frozen=True)
class ByDocuments:
    """Two models that learned the story from documents, the second from those with the tiers reversed.

    With P and R for the gaps of the two, story: ½(P − R), what follows the documents; word: ½(P + R), what
    follows the bare word. At 95 %, paired by request; bounds: with every unusable reply set against it.
    """

    story: Interval
    story_bounds: Interval
    word: Interval
    word_bounds: Interval
    n_queries: int


@dataclass(frozen=True)
class Comparison:
    """A finished comparison. Shares are shares, never points; None means "cannot be known".

    family: every difference that Holm's adjustment was made over, in words. fixed: whether a study file named
    the family. allowed: what differs although runs are compared, in words, by kind. documents: where the
    second model is said to have learned the documents reversed.
    """

    title: str
    alpha: float
    delta: float
    contrasts: list[str]
    members: list[Compared]
    shown: list[Shown]
    differences: list[Difference]
    family: list[str]
    fixed: bool
    allowed: dict[str, list[str]]
    notes: list[str]
    documents: ByDocuments | None = None
    canary: str = CANARY
    unmask_version: str = ""
    schema: int = COMPARISON_SCHEMA

    def to_json(self) -> str:
        """Stable JSON: same runs, same bytes."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class ByQuery:
    """One contrast of one member by query: its value, and how low and high unusable replies could make it."""

    ids: list[str]
    value_Q: Counts
    low_Q: Counts
    high_Q: Counts


def compare(
    roots: Sequence[Path],
    *,
    contrasts: Sequence[str] | None = None,
    allow: Sequence[str] = (),
    reversed_documents: bool = False,
) -> Comparison:
    """Set the models of one or several runs side by side; the first model of the first run is the reference.

    Args:
        roots: folders of finished runs.
        contrasts: what to compare; None for the family that the studies fixed, else the story effect where
            all have it, else the first contrast that all have.
        allow: what may differ although it is compared: prompt, served_model, judge, stopping.
        reversed_documents: the second of two models learned the story from the documents of the first with
            the tiers reversed; both were asked for the published gap.
    Raises:
        UsageError: fewer than two models, a contrast that some run lacks, or something differs.
        EstimateError: with reversed documents, fewer than two requests could be read in both.
        RecordsError: a run cannot be read.
    """
    allowing = allowed(allow)
    if len({root.resolve() for root in roots}) != len(roots):
        raise UsageError("one run is named twice", where=", ".join(map(str, roots)))
    members = [member for root in roots for member in members_of(root)]
    if len(members) < 2:
        raise UsageError("one model of one run: nothing to compare it with", hint="name a second run")
    names = named(members)
    fixed = list(dict.fromkeys(c for m in members for c in m.study.family))
    chosen = _chosen(members, names, contrasts, fixed)
    differing = check(members, names, chosen, allowing)
    documents = _by_documents(members) if reversed_documents else None
    found = _differences(members, chosen)
    return Comparison(
        title=_title(names, chosen, differing),
        alpha=ALPHA,
        delta=members[0].study.delta,
        contrasts=[str(c) for c in chosen],
        members=[_compared(m, name) for m, name in zip(members, names, strict=True)],
        shown=[_shown(m, i, c) for c in chosen for i, m in enumerate(members)],
        differences=found,
        family=[f"{d.contrast}: {names[d.member]} minus {names[0]}" for d in found],
        fixed=bool(fixed),
        allowed={str(kind): differing[kind] for kind in Differing if kind in differing},
        notes=_notes(members, names, chosen, fixed),
        documents=documents,
        unmask_version=version("unmask"),
    )


def _chosen(
    members: Sequence[Member], names: Sequence[str], asked: Sequence[str] | None, fixed: Sequence[Contrast]
) -> list[Contrast]:
    """The family's contrasts: what the studies fixed, with what was asked beyond it; else what was asked."""
    common = [c for c in members[0].study.contrasts if all(c in m.study.contrasts for m in members)]
    wanted = list(fixed)
    for word in asked or ():
        if word not in list(Contrast):
            raise UsageError(f"no contrast {word!r}", hint=nearest(word, [str(c) for c in Contrast]))
        wanted.append(Contrast(word))
    if not wanted:
        wanted = [Contrast.STORY] if Contrast.STORY in common else common[:1]
    if not wanted:
        raise UsageError("these runs have no contrast in common", where=", ".join(names))
    for contrast in wanted:
        if contrast not in common:
            lacking = next(
                n for m, n in zip(members, names, strict=True) if contrast not in m.study.contrasts
            )
            known = ", ".join(common) or "none"
            raise UsageError(f"{lacking} was not asked for {contrast}", hint=f"all have: {known}")
    return list(dict.fromkeys(wanted))


def _by_query(member: Member, contrast: Contrast) -> ByQuery:
    outcome = outcome_of(contrast, member.table, member.study)
    columns = [member.table.column(cell) for cell in cells_of(contrast, member.study)]
    rows = np.flatnonzero(member.table.asked_QC[:, columns].any(axis=1))
    low_Q, high_Q = bounds_by_query(outcome.hits_QC, outcome.known_QC, outcome.asked_QC, outcome.weights_C)
    ids = [member.table.query_ids[q] for q in rows]
    return ByQuery(ids, contrast_by_query(outcome.rates_QC, outcome.weights_C), low_Q, high_Q)


def _shown(member: Member, index: int, contrast: Contrast) -> Shown:
    by = _by_query(member, contrast)
    usable = int((~np.isnan(by.value_Q)).sum())
    effect = mean_effect(by.value_Q, level=REPORTED) if usable >= 2 else None
    return Shown(str(contrast), index, _interval(effect), usable, len(by.ids) - usable)


def _differences(members: Sequence[Member], contrasts: Sequence[Contrast]) -> list[Difference]:
    """Every member against the first in every contrast, adjusted over all of them."""
    pairs = [(contrast, i) for contrast in contrasts for i in range(1, len(members))]
    level = family_level(len(pairs), alpha=ALPHA)
    parts = []
    for contrast, i in pairs:
        first, other = _by_query(members[0], contrast), _by_query(members[i], contrast)
        paired = first.ids == other.ids and all(
            members[0].queries[name] == members[i].queries[name] for name in first.ids
        )
        parts.append((first, other, paired))
    p_F = np.array([_p(*part) for part in parts])
    holm_F = holm(p_F)
    margin = members[0].study.delta
    return [
        _difference(str(contrast), i, part, level, (p, adjusted), margin)
        for (contrast, i), part, p, adjusted in zip(pairs, parts, p_F, holm_F, strict=True)
    ]


def _by_documents(members: Sequence[Member]) -> ByDocuments:
    gap = Contrast.PUBLISHED_GAP
    if len(members) != 2 or any(gap not in m.study.contrasts for m in members):
        raise UsageError(
            "reversed documents: two models, both asked for published_gap",
            hint="--study synthetic_documents for each, then unmask compare PLAIN REVERSED --reversed",
        )
    first, other = (_by_query(member, gap) for member in members)
    if first.ids != other.ids or members[0].queries != members[1].queries:
        raise UsageError("the two were not asked the same requests: the halves are paired by request")
    story = mean_effect((first.value_Q - other.value_Q) / 2, level=REPORTED)
    word = mean_effect((first.value_Q + other.value_Q) / 2, level=REPORTED)
    return ByDocuments(
        story=Interval.of(story),
        story_bounds=Interval.of(
            widened(story, (first.low_Q - other.high_Q) / 2, (first.high_Q - other.low_Q) / 2)
        ),
        word=Interval.of(word),
        word_bounds=Interval.of(
            widened(word, (first.low_Q + other.low_Q) / 2, (first.high_Q + other.high_Q) / 2)
        ),
        n_queries=story.n_queries,
    )


def _p(first: ByQuery, other: ByQuery, paired: bool) -> float:
    if paired:
        return mean_p(other.value_Q - first.value_Q)
    return two_sample_p(other.value_Q, first.value_Q, OTHER_LESS_FIRST)


def _difference(
    contrast: str,
    member: int,
    part: tuple[ByQuery, ByQuery, bool],
    level: float,
    p: tuple[float, float],
    margin: float,
) -> Difference:
    first, other, paired = part
    alone, together = _effect(first, other, paired, REPORTED), _effect(first, other, paired, level)
    missing = sum(int(np.isnan(side.value_Q).sum()) for side in (first, other))
    if alone is None or together is None:
        nothing = len(first.ids) if paired else missing
        return Difference(
            contrast, member, None, None, None, None, None, _word(paired), 0, nothing, False, False
        )
    return Difference(
        contrast=contrast,
        member=member,
        effect=_interval(alone),
        together=_interval(together),
        bounds=_bounds(first, other, paired, alone),
        p=float(p[0]),
        p_holm=float(p[1]),
        pairing=_word(paired),
        n_queries=alone.n_queries,
        n_unusable=alone.n_unusable,
        differs=bool(p[1] <= ALPHA),
        alike=together.low >= -margin and together.high <= margin,
    )


def _effect(first: ByQuery, other: ByQuery, paired: bool, level: float) -> Effect | None:
    try:
        if paired:
            return mean_effect(other.value_Q - first.value_Q, level=level)
        return two_sample_effect(other.value_Q, first.value_Q, OTHER_LESS_FIRST, level=level)
    except EstimateError:
        return None


def _bounds(first: ByQuery, other: ByQuery, paired: bool, effect: Effect) -> Interval | None:
    """The interval with every unusable reply of both sides set against it."""
    try:
        if paired:
            return _interval(widened(effect, other.low_Q - first.high_Q, other.high_Q - first.low_Q))
        sides = (other.low_Q, other.high_Q), (first.low_Q, first.high_Q)
        bounds = two_sample_bounds(*sides, OTHER_LESS_FIRST, level=effect.level)
    except EstimateError:
        return None
    # a few requests that could be read may leave more open than all of them at their worst
    return _interval(replace(effect, low=min(bounds.low, effect.low), high=max(bounds.high, effect.high)))


def _compared(member: Member, name: str) -> Compared:
    return Compared(
        name,
        member.run,
        member.model,
        ", ".join(member.served) or None,
        member.finished,
        member.verdict,
        " or ".join(member.sampling),
    )


def _title(names: Sequence[str], contrasts: Sequence[Contrast], differing: dict[Differing, list[str]]) -> str:
    """What is compared, and what differs although it is."""
    others = names[1] if len(names) == 2 else f"{len(names) - 1} others"
    what = ", ".join(c.replace("_", " ") for c in contrasts)
    words = {
        Differing.PROMPT: "they were told different things",
        Differing.SERVED_MODEL: "the model behind a name changed",
        Differing.JUDGE: "they were judged by different judges",
        Differing.STOPPING: "some stopped as soon as their own verdict was decided",
    }
    although = " and ".join(words[kind] for kind in Differing if kind in differing)
    return f"{names[0]} against {others}: {what}" + (f", although {although}" if although else "")


def _notes(
    members: Sequence[Member], names: Sequence[str], contrasts: Sequence[Contrast], fixed: Sequence[Contrast]
) -> list[str]:
    """What a reader should know that stops nothing."""
    found = []
    extra = [c for c in contrasts if fixed and c not in fixed]
    if extra:
        found.append(f"Not in the family that the study fixed, added afterwards: {', '.join(extra)}.")
    if told_apart := sampled_differently(members, names):
        found.append(f"{told_apart[0].upper()}{told_apart[1:]}.")
    deltas = sorted({m.study.delta for m in members})
    if len(deltas) > 1:
        found.append(f"The margins differ; that of {names[0]} is shown.")
    for i, (member, name) in enumerate(zip(members, names, strict=True)):
        if member.study.stopping == "sequential":
            continue  # audit.json has the sequence, which is not the mean at stopping
        for contrast in contrasts:
            told, made = member.told.get(str(contrast)), _shown(member, i, contrast).effect
            if told is not None and (made is None or abs(told - made.estimate) > 1e-9):
                found.append(
                    f"audit.json of {name} gives another figure for {contrast} than its records do: "
                    "the records count."
                )
    return found


def _word(paired: bool) -> str:
    return "paired" if paired else "two_sample"


def _interval(effect: Effect | None) -> Interval | None:
    if effect is None:
        return None
    return Interval.of(effect)
