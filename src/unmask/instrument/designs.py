"""What a design can say and what it would cost to say it otherwise: outlook, controls, the cheapest sizes.

By formula (`power`), at once; `confirmed` asks simulated studies through the real estimators and tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unmask.errors import StudyError
from unmask.estimates import wilson_limits
from unmask.instrument.many import Known
from unmask.instrument.power import (
    KINDS,
    NOTHING,
    Route,
    Sizes,
    behaviour_of,
    power_of,
    queries_for,
    route_of,
    smallest_effect,
    values_of,
    verdict_of,
)
from unmask.instrument.tally import tally
from unmask.simulate import Setting
from unmask.study import Study, cells_of, conditions_of, decision_level
from unmask.vocabulary import Arm, Condition, Contrast, VerdictName, Visibility

EFFECTS = (0.05, 0.10, 0.20, 0.30, 0.60)
EPOCHS = (*range(1, 13), 15, 20, 25, 30)  # beyond 30 replies a query hardly sharpens its rate
MOST_QUERIES = 5_000
STUDIES = 500
CHANCE = 0.95


@dataclass(frozen=True)
class Assumed:
    """What nobody knows before the run. Shares.

    base: compliance where nothing moves the model; unusable: replies that cannot be read. benign: the most
    queries that the harmless arm has, None for as many as the other.
    """

    base: float = 0.05
    unusable: float = 0.0
    benign: int | None = None

    def sizes(self, queries: int, epochs: int) -> Sizes:
        """A design's sizes with what is assumed."""
        return Sizes(queries, epochs, self.unusable, self.benign)


@dataclass(frozen=True)
class Confirmed:
    """A power that simulated studies showed, with limits for the chance of the simulation."""

    power: float
    low: float
    high: float
    studies: int


@dataclass(frozen=True)
class Outlook:
    """One kind of model: the verdict that an endless study of this design gives it, and how often this one.

    powers: by effect, by formula: at least so often. simulated: the same from simulated studies.
    smallest: the effect from which on it is found in 9 of 10; None where it never is, or has no effect.
    blocked: controls, not run, that keep a more telling verdict out.
    """

    kind: str
    organism: str
    verdict: VerdictName
    powers: dict[float, float]
    smallest: float | None
    blocked: tuple[str, ...]
    simulated: dict[float, Confirmed]


@dataclass(frozen=True)
class Drop:
    """A design without one control. lost: kind of model, its verdict so far, its verdict then."""

    control: str
    calls_saved: int
    lost: tuple[tuple[str, VerdictName, VerdictName], ...]


@dataclass(frozen=True)
class Sized:
    """Sizes that reach a verdict with the wanted power. `calls`: of the model, questions not counted."""

    queries: int
    epochs: int
    calls: int
    power: float
    simulated: Confirmed | None = None


@dataclass(frozen=True)
class Fewer:
    """The contrasts that a verdict needs and no others, and the size with which they reach it."""

    contrasts: tuple[Contrast, ...]
    sized: Sized


@dataclass(frozen=True)
class Cheapest:
    """The fewest calls with which this design's contrasts reach a verdict for an effect.

    found: None where the queries there are do not reach it. endless: the queries that would, if any do.
    fewer: the same verdict with fewer contrasts, which cannot tell apart all that this design can; None where
    each contrast is needed.
    """

    verdict: VerdictName
    kind: str
    effect: float
    power: float
    now: float
    found: Sized | None
    available: int
    endless: Sized | None
    fewer: Fewer | None = None


def known_of(study: Study, *, card: float | None = None) -> Known:
    """What a run of this study will know beside its counts, if all goes well.

    Args:
        study: the design; whether the story was understood is known where it asks.
        card: lower limit of the judge's known sensitivity; None where the judge has no card.
    """
    asks = getattr(study, "comprehension", 0) > 0
    return Known(
        story_understood=True if asks else None,
        visibility=Visibility.FULL,
        judge_card=card is not None,
        judge_sensitivity_low=card,
        motives=card is not None,
    )


def routes_of(study: Study, assumed: Assumed, *, known: Known) -> list[Route]:
    """Where each kind of model leads in a study of these contrasts."""
    return [route_of(kind, study, known, base=assumed.base) for kind in KINDS]


def outlook(
    routes: Sequence[Route], study: Study, assumed: Assumed, *, effects: Sequence[float] = EFFECTS
) -> list[Outlook]:
    """Each kind of model, the verdict it leads to and the power at each effect, by formula."""
    sizes = assumed.sizes(study.n_queries, study.epochs)
    found = []
    for route in routes:
        kind, organism = route.kind, KINDS[route.kind]
        asked = (0.0,) if kind == NOTHING else tuple(x for x in effects if x <= 1 - assumed.base)
        powers = {x: power_of(route, sizes, base=assumed.base, effect=x) for x in asked}
        smallest = None if kind == NOTHING else smallest_effect(route, sizes, base=assumed.base)
        found.append(Outlook(kind, organism, route.verdict, powers, smallest, route.blocked, {}))
    return found


def confirmed(
    kind: str,
    verdict: VerdictName,
    study: Study,
    sizes: Sizes,
    *,
    base: float,
    effect: float,
    known: Known,
    studies: int = STUDIES,
    seed: int = 1,
) -> Confirmed:
    """How often simulated studies of this kind of model reach the verdict."""
    tallied = tally(
        behaviour_of(kind, base=base, effect=effect),
        Setting(
            sizes.queries,
            sizes.epochs,
            benign_queries=min(sizes.queries, sizes.benign) if sizes.benign else None,
            unusable=sizes.unusable,
        ),
        study,
        studies=studies,
        rng=np.random.default_rng(seed),
        level=decision_level(study),
        known=known,
        unusable_share=study.unusable,
    )
    share = tallied.counts.get(verdict, 0) / tallied.n
    return Confirmed(share, *wilson_limits(share, tallied.n, level=CHANCE), tallied.n)


def calls_of(study: Study, assumed: Assumed) -> int:
    """Calls of the requests: queries × cells × epochs; the harmless arm may have fewer queries."""
    total = 0
    for condition in conditions_of(study):
        few = condition.arm is Arm.BENIGN and assumed.benign is not None
        total += min(study.n_queries, assumed.benign or 0) if few else study.n_queries
    return total * study.epochs


def drops(study: Study, assumed: Assumed, *, known: Known, questions: int = 0) -> list[Drop]:
    """What leaving out each contrast would save, and which verdicts go with it.

    Args:
        study: the design.
        assumed: the base rate.
        known: what the run knows beside its counts.
        questions: calls that ask whether the story was understood, 0 where none does.
    """
    values = {kind: values_of(kind, study, known, base=assumed.base) for kind in KINDS}
    before = {kind: verdict_of(v, study, known) for kind, v in values.items()}

    def lost(study: Study, known: Known) -> tuple[tuple[str, VerdictName, VerdictName], ...]:
        after = {kind: verdict_of(v, study, known) for kind, v in values.items()}
        return tuple((kind, before[kind], after[kind]) for kind in KINDS if after[kind] is not before[kind])

    found = []
    for dropped in _droppable(study):
        rest = tuple(c for c in study.contrasts if c not in dropped)
        if not rest:
            continue
        without = study.model_copy(update={"contrasts": rest})
        saved = calls_of(study, assumed) - calls_of(without, assumed)
        found.append(Drop(", ".join(dropped), saved, lost(without, known)))
    if known.story_understood is not None and questions:
        unasked = replace(known, story_understood=None)
        found.append(Drop("comprehension", questions, lost(study, unasked)))
    return found


def _droppable(study: Study) -> list[tuple[Contrast, ...]]:
    """Each contrast, and those that share their cells together, since one alone then saves no call."""
    by_cells: dict[frozenset[Condition], list[Contrast]] = {}
    for contrast in study.contrasts:
        by_cells.setdefault(frozenset(cells_of(contrast, study)), []).append(contrast)
    together = [tuple(group) for group in by_cells.values() if len(group) > 1]
    return [*((c,) for c in study.contrasts), *together]


def wanted_verdict(routes: Sequence[Route], study: Study, name: str | None = None) -> Route:
    """The route to plan for: the named verdict's, else a faker's.

    Raises:
        StudyError: no kind of model leads this design to that verdict; says which controls are missing.
    """
    faker = next(route for route in routes if KINDS[route.kind] == "faker")
    if name is None:
        return faker
    found = next((route for route in (faker, *routes) if str(route.verdict) == name), None)
    if found is not None and found.needs:
        return found
    missing = dict.fromkeys(c for route in routes for c in route.blocked)
    raise StudyError(
        f"a study of {', '.join(study.contrasts)} cannot reach {name}, whatever its size",
        where=f"study {study.name}",
        hint=f"controls not run: {', '.join(missing)}" if missing else "no pattern leads there",
    )


def cheapest(
    route: Route,
    study: Study,
    assumed: Assumed,
    *,
    effect: float,
    power: float,
    available: int,
) -> Cheapest:
    """The fewest calls (queries × epochs × cells) that reach the route's verdict with the wanted power."""
    effect = 0.0 if route.kind == NOTHING else effect

    def search(most: int) -> Sized | None:
        sizes = []
        for epochs in EPOCHS:
            n = queries_for(
                route, epochs, base=assumed.base, effect=effect, power=power, most=most,
                unusable=assumed.unusable, benign=assumed.benign,
            )  # fmt: skip
            if n is not None:
                n = min(most, max(n, study.wordings))
                reached = power_of(route, assumed.sizes(n, epochs), base=assumed.base, effect=effect)
                calls = calls_of(study.model_copy(update={"n_queries": n, "epochs": epochs}), assumed)
                sizes.append(Sized(n, epochs, calls, reached))
        return min(sizes, key=lambda s: (s.calls, s.epochs), default=None)

    now = assumed.sizes(study.n_queries, study.epochs)
    reached = power_of(route, now, base=assumed.base, effect=effect)
    found = search(available)
    endless = None if found is not None else search(MOST_QUERIES)
    return Cheapest(route.verdict, route.kind, effect, power, reached, found, available, endless)


def fewer(found: Cheapest, study: Study, assumed: Assumed, *, known: Known, available: int) -> Fewer | None:
    """The cheapest with contrasts left out, those that save most first, as long as the verdict stands.

    A verdict such as `no_gap` then rests on less: it says so of the contrasts that were asked.
    """
    values = values_of(found.kind, study, known, base=assumed.base)
    kept = study
    while True:
        calls = calls_of(kept, assumed)
        options = []
        for dropped in _droppable(kept):
            rest = tuple(c for c in kept.contrasts if c not in dropped)
            without = kept.model_copy(update={"contrasts": rest})
            left = calls_of(without, assumed)
            if rest and left < calls and verdict_of(values, without, known) is found.verdict:
                options.append((left, without))  # a control that costs nothing stays
        if not options:
            break
        kept = min(options, key=lambda option: option[0])[1]
    if kept.contrasts == study.contrasts:
        return None
    route = route_of(found.kind, kept, known, base=assumed.base)
    if route.verdict is not found.verdict:
        return None
    least = cheapest(route, kept, assumed, effect=found.effect, power=found.power, available=available).found
    if least is None or (found.found is not None and least.calls >= found.found.calls):
        return None
    return Fewer(kept.contrasts, least)


def least_queries(study: Study, assumed: Assumed, *, known: Known, power: float = 0.5) -> int | None:
    """Queries below which no kind of model, however large its effect, gets its verdict in half of runs."""
    found = []
    for kind in KINDS:
        route = route_of(kind, study, known, base=assumed.base)
        effect = 0.0 if kind == NOTHING else 1 - assumed.base
        n = queries_for(
            route, study.epochs, base=assumed.base, effect=effect, power=power, most=MOST_QUERIES,
            benign=assumed.benign,
        )  # fmt: skip
        if n is not None:
            found.append(n)
    return min(found, default=None)
