"""Stop as soon as it is decided: the rule, for one run under way and for thousands of simulated ones.

A block is one query in all live cells (and one benign query beside it), in an order drawn by seed. After each
block every contrast and difference has a confidence sequence (`estimates.betting`); their states go to the
same `decide` as a fixed study's. A verdict ends the study. Until then a cell stays live while some sequence
that an open row still asks about needs it; a dropped cell is not asked again, and its sequences stand still.

Each sequence holds at all times at once at level 1 − α/k, so the verdict is wrong no more often than in a
fixed study whose intervals have that level, however often one looks. Since limits only ever close in, a state
is known by when −δ, 0 and δ were passed: that is all that is kept. Axes: `_N` studies, `_Q` blocks, `_C`
cells, `_P` passings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from unmask.estimates import Bounds, Effect, Floats
from unmask.estimates.betting import Span, first_above, first_below
from unmask.instrument.many import THREE, Known, combine, each_query
from unmask.instrument.truth import LEVEL, exact_evidence
from unmask.simulate import Counts
from unmask.study import Study, cells_of, conditions_of
from unmask.verdict import (
    OTHER_MOTIVES,
    PAIRED,
    UNOBSERVED_JOINT,
    UNUSABLE_HARMLESS,
    Difference,
    Evidence,
    Key,
    Verdict,
    decide,
)
from unmask.verdict.evidence import CLAIMS_NOTHING, label
from unmask.verdict.rows import rows_of
from unmask.vocabulary import Condition, Contrast, State, VerdictName

Flags = NDArray[np.bool_]
Times = NDArray[np.int64]

SPANS: dict[Difference, Span] = {
    Difference.STORY_LESS_NO_OBJECTIVE: (-2.0, 2.0),
    Difference.HALF_STORY_LESS_NO_OBJECTIVE: (-1.5, 1.5),
    Difference.HALF_STORY_LESS_BENIGN: (-1.5, 1.5),
}
"""Ranges that are not ±1. J − ½C lies in ±1: "complied with these reasons" is part of "complied"."""

SURE = 0.98  # two-sided: lost replies end nothing before some cell's lower limit, at 1 %, is over the bar


@dataclass(frozen=True)
class Blocks:
    """One contrast or difference, block by block: value, lowest and highest, each (N, Q) within `span`.

    cells: which of the study's conditions it needs. whole: no reply was lost, so that all three are one.
    """

    sides: THREE
    span: Span
    cells: Flags
    whole: bool


@dataclass(frozen=True)
class Course:
    """What happened when, in many studies: passings of thresholds as block numbers, and lost shares.

    when_NP: after which block each limit passed its threshold, if its cells stay live. key_P, test_P: whose
    limit, and which. cells_KC: cells by key. lost_NQC, unread_NQC: cumulative shares; None where none is.
    sure_NC, sure_unread_NC: after which block the share is surely over the bar.
    """

    keys: list[Key]
    tests: list[tuple[int, int, str]]  # key, side, test
    when_NP: Times
    cells_KC: Flags
    joint_C: Flags
    lost_NQC: Floats | None
    unread_NQC: Floats | None
    sure_NC: Times
    sure_unread_NC: Times
    n_blocks: int


@dataclass(frozen=True)
class Standing:
    """Where studies stand after `seen` blocks; `asked_NC` counts the blocks that each cell was asked in."""

    seen: int
    passed_NP: Flags
    facts_NF: NDArray[np.int8]
    live_NC: Flags
    asked_NC: Times
    ended_N: Times  # the block after which a study ended; 0 while it goes on
    names: list[VerdictName]


@dataclass(frozen=True)
class Rule:
    """How verdicts follow from what has passed; remembers each pattern that it has met."""

    study: Study
    known: Known
    keys: list[Key]
    tests: list[tuple[int, int, str]]
    cells_KC: Flags
    read: dict[bytes, tuple[VerdictName, bool, Flags]] = field(default_factory=dict)


def blocks_of(counts: Mapping[Condition, Counts], study: Study, *, motives: bool) -> dict[Key, Blocks]:
    """Every contrast and difference block by block. A shorter arm has no value in the blocks it lacks."""
    by_query = each_query(counts, study, motives=motives)
    longest = max(three[0].shape[-1] for three in by_query.values())
    padded = {key: _padded(three, longest) for key, three in by_query.items()}
    if Contrast.STORY in padded and Contrast.BENIGN in padded:
        pair = (0.5, padded[Contrast.STORY]), (-1.0, padded[Contrast.BENIGN])
        padded[Difference.HALF_STORY_LESS_BENIGN] = combine(*pair)
    conditions = conditions_of(study)
    found: dict[Key, Blocks] = {}
    for key, (value, lowest, highest) in padded.items():
        span = SPANS.get(key, (-1.0, 1.0)) if isinstance(key, Difference) else (-1.0, 1.0)
        # the lowest of a difference takes each term at its worst, which no filling does: none leaves the span
        sides = (value, np.clip(lowest, *span), np.clip(highest, *span))
        needed = {c for contrast in parts_of(key) for c in cells_of(contrast, study)}
        whole = value is lowest or bool(np.array_equal(lowest, highest, equal_nan=True))
        found[key] = Blocks(sides, span, np.array([c in needed for c in conditions]), whole)
    return found


def parts_of(key: Key) -> tuple[Contrast, ...]:
    """The contrasts that an effect is made of."""
    if isinstance(key, Contrast):
        return (key,)
    if key in PAIRED:
        return tuple(contrast for _, contrast in PAIRED[key])
    if key in OTHER_MOTIVES.values():
        return (Contrast.JOINT, Contrast.TRAINING)
    return (Contrast.STORY, Contrast.BENIGN)


def course(
    counts: Mapping[Condition, Counts], study: Study, *, level: float, known: Known | None = None
) -> Course:
    """When each limit passes its threshold, as if nothing were ever dropped."""
    known = known or Known()
    blocks = blocks_of(counts, study, motives=known.motives)
    keys = list(blocks)
    tests: list[tuple[int, int, str]] = []
    when: list[Times] = []
    for k, key in enumerate(keys):
        one = blocks[key]
        for test, at, below in _tests(key, study.delta):
            first = first_below if below else first_above
            for side in (0, 1, 2):  # all three in any case: a run under way may lose its first reply later
                tests.append((k, side, test))
                again = one.whole and side > 0
                when.append(when[-1] if again else first(one.sides[side], at, span=one.span, level=level))
    n_blocks = next(iter(blocks.values())).sides[0].shape[-1]
    conditions = conditions_of(study)
    joint = set(cells_of(Contrast.JOINT, study)) if Contrast.JOINT in study.contrasts else set()
    lost = [_lost(counts[c].usable_NQ, counts[c].asked, n_blocks) for c in conditions]
    unread = [_lost(counts[c].joint_known_NQ, counts[c].asked, n_blocks) for c in conditions]
    return Course(
        keys=keys,
        tests=tests,
        when_NP=np.stack(when, axis=1),
        cells_KC=np.stack([blocks[key].cells for key in keys]),
        joint_C=np.array([c in joint for c in conditions]),
        lost_NQC=_cumulative(lost),
        unread_NQC=_cumulative(unread) if joint else None,
        sure_NC=_surely(lost, study.unusable, n_blocks),
        sure_unread_NC=_surely(unread, UNOBSERVED_JOINT, n_blocks),
        n_blocks=n_blocks,
    )


def rule_of(found: Course, study: Study, known: Known | None = None) -> Rule:
    """The rule of a study; give the same one to every course of it, and patterns are read once."""
    return Rule(study, known or Known(), found.keys, found.tests, found.cells_KC)


def start(found: Course) -> Standing:
    """Before the first block: every cell live, nothing passed."""
    n, cells = found.when_NP.shape[0], found.cells_KC.shape[1]
    return Standing(
        seen=0,
        passed_NP=np.zeros(found.when_NP.shape, bool),
        facts_NF=np.full((n, 4), -1, np.int8),
        live_NC=np.ones((n, cells), bool),
        asked_NC=np.zeros((n, cells), np.int64),
        ended_N=np.zeros(n, np.int64),
        names=[VerdictName.INCONCLUSIVE] * n,
    )


def follow(found: Course, rule: Rule, *, since: Standing | None = None, every: int = 1) -> Standing:
    """Look after every block (or every few) until all studies have ended or no block is left.

    Args:
        found: what passes when.
        rule: reads verdicts.
        since: where an earlier look left off; its blocks are not looked at again.
        every: blocks between looks; the last block is looked at in any case.
    Returns:
        Where they stand. A study that met no verdict has `ended` 0 and the name that a fixed study would get.
    """
    standing = since or start(found)
    while standing.seen < found.n_blocks and (standing.ended_N == 0).any():
        standing = _look(standing, found, rule, min(standing.seen + every, found.n_blocks))
    return standing


def _look(s: Standing, found: Course, rule: Rule, at: int) -> Standing:
    on = np.flatnonzero(s.ended_N == 0)
    live_NC = s.live_NC[on]
    asked_NC, ended_N, names = s.asked_NC.copy(), s.ended_N.copy(), list(s.names)
    asked_NC[on] += live_NC * (at - s.seen)
    # a sequence moves while all of its cells are live
    moves_NK = np.all(live_NC[:, np.newaxis, :] | ~found.cells_KC, axis=2).reshape(on.size, -1)
    key_P = [k for k, _, _ in found.tests]
    now_NP = s.passed_NP[on] | ((found.when_NP[on] <= at) & moves_NK[:, key_P])
    facts_NF = _facts(found, rule.study, on, asked_NC[on])
    changed = (now_NP != s.passed_NP[on]).any(axis=1) | (facts_NF != s.facts_NF[on]).any(axis=1)
    passed_NP, all_facts_NF, all_live_NC = s.passed_NP.copy(), s.facts_NF.copy(), s.live_NC.copy()
    passed_NP[on], all_facts_NF[on] = now_NP, facts_NF
    for row in np.flatnonzero(changed):
        name, ends, needed_C = _read(rule, now_NP[row], facts_NF[row])
        n = on[row]
        names[n] = name
        all_live_NC[n] &= needed_C
        if ends or not all_live_NC[n].any():
            ended_N[n] = at
    return Standing(at, passed_NP, all_facts_NF, all_live_NC, asked_NC, ended_N, names)


def _facts(found: Course, study: Study, on: NDArray[np.int64], asked_NC: Times) -> NDArray[np.int8]:
    """What is lost so far, in four steps; unobserved reasons; whether either is surely too much."""
    facts_NF = np.zeros((on.size, 4), np.int8)
    cells_C = np.arange(asked_NC.shape[1])
    if found.lost_NQC is not None:
        worst_N = found.lost_NQC[on[:, np.newaxis], asked_NC - 1, cells_C].max(axis=1)
        bars = np.array([0.0, UNUSABLE_HARMLESS, study.unusable])
        facts_NF[:, 0] = (worst_N[:, np.newaxis] > bars).sum(axis=1)
        facts_NF[:, 2] = (found.sure_NC[on] <= asked_NC).any(axis=1)
    if found.unread_NQC is not None:
        share_NC = found.unread_NQC[on[:, np.newaxis], asked_NC - 1, cells_C]
        facts_NF[:, 1] = (share_NC[:, found.joint_C] > UNOBSERVED_JOINT).any(axis=1)
        facts_NF[:, 3] = (found.sure_unread_NC[on] <= asked_NC)[:, found.joint_C].any(axis=1)
    return facts_NF


def _read(rule: Rule, passed_P: Flags, facts_F: NDArray[np.int8]) -> tuple[VerdictName, bool, Flags]:
    """The verdict of one pattern, whether it ends the study, and the cells that open rows still need.

    A share of lost replies above its bar counts against a verdict, but ends nothing until it is sure: after
    a few blocks it is mostly chance.
    """
    pattern = passed_P.tobytes() + facts_F.tobytes()
    if pattern not in rule.read:
        share = rule.study.unusable
        seen = _evidence(rule, passed_P, facts_F)
        hopeful_F = facts_F.copy()
        hopeful_F[0] = facts_F[0] if facts_F[2] else min(facts_F[0], 2)
        hopeful_F[1] = facts_F[1] if facts_F[3] else 0
        hoped = _evidence(rule, passed_P, hopeful_F)
        verdict = decide(seen, delta=rule.study.delta, unusable_share=share)
        at_best = decide(hoped, delta=rule.study.delta, unusable_share=share)
        asked = set(at_best.unclear) or {label(key) for key in _open_before(at_best, hoped)}
        ends = verdict.name is at_best.name and verdict.name is not VerdictName.INCONCLUSIVE and not asked
        needed_C = np.ones(rule.cells_KC.shape[1], bool)
        if asked or at_best.name is VerdictName.INCONCLUSIVE:
            unclear_K = np.array([label(key) in asked for key in rule.keys])
            needed_C = np.asarray(rule.cells_KC[unclear_K].any(axis=0))
        rule.read[pattern] = verdict.name, ends, needed_C
    return rule.read[pattern]


def _open_before(verdict: Verdict, evidence: Evidence) -> set[Key]:
    """What rows above the verdict's own still ask: while one is open, the verdict can change.

    So `observation_driven` waits for S and T where nothing moves a model but R looks as if it did; without
    that, R would be a fourth chance to be wrong, and α/3 not enough.
    """
    states = {key: state for key, state in verdict.states.items() if state is not State.NOT_RUN}
    open_keys: set[Key] = set()
    for row in rows_of(evidence, states):
        if row.name is verdict.name or verdict.name in CLAIMS_NOTHING:
            break
        if row.holds is None:
            open_keys |= {key for clause in row.clauses if clause.holds is None for key in clause.keys}
    return {key for key in open_keys if states.get(key) is State.UNCLEAR}


def _evidence(rule: Rule, passed_P: Flags, facts_F: NDArray[np.int8]) -> Evidence:
    """Evidence with the limits that a pattern stands for, on the right side of every threshold."""
    passed = {test: bool(yes) for test, yes in zip(rule.tests, passed_P, strict=True)}
    delta, share = rule.study.delta, rule.study.unusable
    sides: list[dict[Key, tuple[float, float]]] = [{}, {}, {}]
    for k, key in enumerate(rule.keys):
        for side in (0, 1, 2):
            below = -delta / 2 if passed.get((k, side, "above -d"), True) else -2 * delta
            above = delta / 2 if passed.get((k, side, "below d"), True) else 2 * delta
            low = delta / 2 if passed[(k, side, "above 0")] else below
            high = -delta / 2 if passed[(k, side, "below 0")] else above
            sides[side][key] = (low, high)
    lost = (0.0, UNUSABLE_HARMLESS / 2, (UNUSABLE_HARMLESS + share) / 2, (1 + share) / 2)[int(facts_F[0])]
    evidence = exact_evidence(sides[0], rule.study, rule.known)
    bounds = {key: Bounds(_effect(sides[1][key]), _effect(sides[2][key])) for key in rule.keys}
    joint = evidence.joint_unobserved
    return replace(
        evidence,
        bounds=bounds,
        unusable_by_cell={"the worst cell": lost},
        plumbing=rule.known.plumbing,
        joint_unobserved=None if joint is None else float(facts_F[1]),
    )


def _effect(limits: tuple[float, float]) -> Effect:
    low, high = limits
    return Effect((low + high) / 2, low, high, LEVEL, 2, 0)


def _tests(key: Key, delta: float) -> list[tuple[str, float, bool]]:
    """Thresholds: name, place, whether the upper limit is to pass it. A difference has only 0."""
    zero = [("above 0", 0.0, False), ("below 0", 0.0, True)]
    margin = [("above -d", -delta, False), ("below d", delta, True)]
    return zero if isinstance(key, Difference) else zero + margin


def _padded(three: THREE, longest: int) -> THREE:
    short = longest - three[0].shape[-1]
    if not short:
        return three
    value, lowest, highest = (np.pad(x, ((0, 0), (0, short)), constant_values=np.nan) for x in three)
    return (value, value, value) if three[0] is three[1] else (value, lowest, highest)


def _lost(known_NQ: Floats, asked: int, n_blocks: int) -> Floats:
    """Share of replies lost in each block of one cell; NaN where the cell has no block."""
    short = n_blocks - known_NQ.shape[-1]
    return np.pad(1 - known_NQ / asked, ((0, 0), (0, short)), constant_values=np.nan)


def _cumulative(lost: list[Floats]) -> Floats | None:
    """Shares lost up to each block, (N, Q, C); None where nothing ever is."""
    if not any(np.nansum(share_NQ) > 0 for share_NQ in lost):
        return None
    stacked_NQC = np.stack(lost, axis=-1)
    there = ~np.isnan(stacked_NQC)
    total: Floats = np.cumsum(np.where(there, stacked_NQC, 0.0), axis=1)
    return np.asarray(total / np.maximum(np.cumsum(there, axis=1), 1))


def _surely(lost: list[Floats], bar: float, n_blocks: int) -> Times:
    """After which block a cell's lost share is over the bar, beyond chance."""
    never = np.full(lost[0].shape[0], n_blocks + 1, np.int64)
    level = 1 - (1 - SURE) / len(lost)  # shared by the cells: each has its own chance to look bad
    if bar >= 1:
        return np.stack([never] * len(lost), axis=1)
    return np.stack(
        [first_above(x, bar, span=(0.0, 1.0), level=level) if np.nansum(x) > 0 else never for x in lost],
        axis=1,
    )
