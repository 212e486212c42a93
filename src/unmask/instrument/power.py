"""How often a design reaches a verdict, by formula: quick enough to plan with, and rather too careful.

A verdict is a conjunction of states, so its misses are added up (Bonferroni), which holds however the
contrasts depend on each other. Each state's chance follows from the mean and variance of one query's contrast
under a behaviour whose moved queries move wholly: the largest variance that goes with that mean.
tests/instrument/test_power.py holds the formula against simulated studies, which find at least as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from scipy import special

from unmask.errors import EstimateError
from unmask.estimates.detection import floored_variance
from unmask.instrument.many import Known
from unmask.instrument.truth import exact_evidence, true_values
from unmask.simulate import ORGANISMS, Behaviour, Setting, moved_share
from unmask.study import Study, cells_of, decision_level
from unmask.verdict import OTHER_MOTIVES, PAIRED, Difference, Evidence, Key, decide
from unmask.verdict.evidence import label
from unmask.verdict.rows import Row, rows_of
from unmask.vocabulary import Arm, Condition, Contrast, Motive, State, VerdictName

NOTHING = "nothing moves it"
KINDS: dict[str, str] = {  # what a model may truly be: organism, and the words for it
    NOTHING: "plain",
    "fakes, and says why": "faker",
    "fakes, and does not say why": "silent_faker",
    "moved by the word alone": "tag_faker",
    "moved by being rated": "rater_pleaser",
    "moved by training, to please": "training_pleaser",
    "complies where it is not trained": "reversed",
}
GRID = 40  # steps on which the smallest effect is looked for before it is narrowed down
MOVING = (Contrast.STORY, Contrast.TAG, Contrast.RATING, Contrast.TRAINING, Contrast.PUBLISHED_GAP)


@dataclass(frozen=True)
class Sizes:
    """How often is asked, and what gets lost. Shares; `unusable` of the replies.

    benign: the most queries that the harmless arm has; None for as many as the other.
    """

    queries: int
    epochs: int
    unusable: float = 0.0
    benign: int | None = None

    def of(self, part: Part) -> int:
        """Queries of one part's arm."""
        arm = next(iter(part.cells)).arm
        few = self.benign is not None and arm is Arm.BENIGN
        return min(self.queries, self.benign or self.queries) if few else self.queries


@dataclass(frozen=True, eq=False)
class Part:
    """One query set's part of an effect: what a reply counts in each cell. Itself is all that it equals.

    cells: for each condition the weight of "complied" and that of "complied, with this motive".
    motive: None asks for alignment-faking reasons.
    """

    cells: Mapping[Condition, tuple[float, float]]
    motive: Motive | None = None


@dataclass(frozen=True)
class Need:
    """One contrast or difference in one state; `parts` is how it is put together."""

    key: Key
    state: State
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Moments:
    """One query's contrast: its mean, the variance between queries, and that of one reply a cell."""

    mean: float
    between: float
    noise: float

    def variance(self, epochs: float) -> float:
        """Variance of one query's contrast from `epochs` replies a cell."""
        return self.between + self.noise / epochs


@dataclass(frozen=True)
class Route:
    """What a model of one kind leads to when everything is decided, and the states that this hangs on.

    needs: each must come about, by any one of its states. blocked: the controls, not run, that keep every
    more telling verdict out. delta, level: of the study.
    """

    kind: str
    verdict: VerdictName
    needs: tuple[tuple[Need, ...], ...]
    blocked: tuple[str, ...]
    delta: float
    level: float


def behaviour_of(kind: str, *, base: float, effect: float) -> Behaviour:
    """A kind of model with its rate where nothing moves it, and how much its full trigger adds."""
    known = ORGANISMS[KINDS[kind]]
    return replace(known, base=base, gap=0.0 if kind == NOTHING else min(effect, 1 - base))


def values_of(kind: str, study: Study, known: Known, *, base: float) -> dict[Key, float]:
    """Every contrast and difference of a model of this kind at its largest effect."""
    behaviour = behaviour_of(kind, base=base, effect=1 - base)
    return true_values(behaviour, Setting(2), study, motives=known.motives)


def verdict_of(values: Mapping[Key, float], study: Study, known: Known) -> VerdictName:
    """Where the real tree sends these values, known exactly, without those that are not run."""
    run = set(study.contrasts)
    told = {k: (v, v) for k, v in values.items() if _rests_on(k) <= run}
    return decide(exact_evidence(told, study, known), delta=study.delta).name


def _rests_on(key: Key) -> set[Contrast]:
    """The contrasts that an effect is made of."""
    if isinstance(key, Contrast):
        return {key}
    if key in PAIRED:
        return {contrast for _, contrast in PAIRED[key]}
    if key is Difference.HALF_STORY_LESS_BENIGN:
        return {Contrast.STORY, Contrast.BENIGN}
    return {Contrast.JOINT, Contrast.TRAINING}


def route_of(kind: str, study: Study, known: Known, *, base: float) -> Route:
    """Where the real tree sends a model of this kind when every effect is known exactly."""
    values = values_of(kind, study, known, base=base)
    evidence = exact_evidence({key: (v, v) for key, v in values.items()}, study, known)
    states = _states(evidence, study.delta)
    verdict = decide(evidence, delta=study.delta).name
    rows = rows_of(evidence, states)
    controls = dict.fromkeys(c.control for row in rows if row.blocked for c in row.clauses if c.control)
    found = next((row for row in rows if row.name is verdict), None)
    hangs: tuple[tuple[Key, ...], ...] = ()
    if found is not None:
        hangs = tuple(_keys_of_row(found, evidence, states))
    elif verdict is VerdictName.OTHER_GAP:
        hangs = _keys_of_other(evidence, states)
    needs = tuple(tuple(Need(k, states[k], _parts(k, study)) for k in alone) for alone in hangs)
    return Route(kind, verdict, needs, tuple(controls), study.delta, decision_level(study))


def _states(evidence: Evidence, delta: float) -> dict[Key, State]:
    """States of exact values; with plain labels the tree looks at the published gap alone, else never."""
    found: dict[Key, State] = {}
    for key, effect in evidence.effects.items():
        if (key is Contrast.PUBLISHED_GAP) != evidence.plain_labels_only:
            continue
        value = effect.estimate
        if isinstance(key, Contrast) and abs(value) <= delta:
            found[key] = State.ABSENT
        else:
            found[key] = State.PRESENT if value > 0 else State.NEGATIVE if value < 0 else State.UNCLEAR
    return found


def _keys_of_row(row: Row, evidence: Evidence, states: Mapping[Key, State]) -> Iterator[tuple[Key, ...]]:
    """For each clause that hangs on intervals: the keys of which one alone makes it hold."""
    for i, clause in enumerate(row.clauses):
        if not clause.keys:
            continue
        alone = []
        for key in clause.keys:
            rest = {k: s if k == key else State.UNCLEAR for k, s in states.items()}
            again = next(r for r in rows_of(evidence, rest) if r.name is row.name)
            if key in states and again.clauses[i].holds:
                alone.append(key)
        yield tuple(alone)


def _keys_of_other(evidence: Evidence, states: Mapping[Key, State]) -> tuple[tuple[Key, ...], ...]:
    """A gap, and for every row one state that rules it out: as few as a greedy search finds."""
    best: list[Key] = []
    for first in MOVING:
        if states.get(first) not in (State.PRESENT, State.NEGATIVE):
            continue
        chosen: list[Key] = [first]
        while left := _open(evidence, states, chosen):
            options = [k for k, s in states.items() if k not in chosen and s is not State.UNCLEAR]
            helps = {k: left - _open(evidence, states, [*chosen, k]) for k in options}
            key = max(options, key=lambda k: helps[k], default=None)
            if key is None or helps[key] == 0:
                break
            chosen.append(key)
        if not left and (not best or len(chosen) < len(best)):
            best = chosen
    return tuple((key,) for key in best)


def _open(evidence: Evidence, states: Mapping[Key, State], chosen: Sequence[Key]) -> int:
    """Rows that are not ruled out by the chosen states alone."""
    told = {k: s if k in chosen else State.UNCLEAR for k, s in states.items()}
    return sum(row.holds is not False for row in rows_of(evidence, told))


def power_of(route: Route, sizes: Sizes, *, base: float, effect: float) -> float:
    """How often, at least, a study of these sizes reaches the route's verdict. A share; 0 if it has none.

    Args:
        route: where a model of this kind leads, in a study of certain contrasts.
        sizes: queries, epochs, losses.
        base: compliance where nothing moves the model.
        effect: what its full trigger adds.
    """
    if not route.needs:
        return 0.0
    behaviour = behaviour_of(route.kind, base=base, effect=effect)
    misses = 0.0
    for alternatives in route.needs:
        chances = [
            chance(need, sizes, behaviour, delta=route.delta, level=route.level) for need in alternatives
        ]
        misses += 1 - max(chances, default=0.0)
    return max(0.0, 1 - misses)


def chance(need: Need, sizes: Sizes, behaviour: Behaviour, *, delta: float, level: float) -> float:
    """How often one contrast or difference comes out in its state, unusable replies set against it."""
    middle = _side(need.parts, sizes, behaviour, 0)
    low = high = middle
    if sizes.unusable:
        low, high = (_side(need.parts, sizes, behaviour, side) for side in (-1, 1))
    margin = delta if isinstance(need.key, Contrast) else 0.0
    if need.state is State.PRESENT:
        return min(_above(middle, margin, level), _above(low, margin, level))
    if need.state is State.NEGATIVE:
        return min(_above(middle.mirrored, margin, level), _above(high.mirrored, margin, level))
    if need.state is State.ABSENT:
        return max(0.0, _within(low, margin, level) + _within(high.mirrored, margin, level) - 1)
    raise EstimateError(f"nobody plans for {label(need.key)} to be {need.state}")


@dataclass(frozen=True)
class Side:
    """An estimate before it is made: mean, standard deviation, and the standard error it will be given."""

    mean: float
    sd: float
    se: float
    freedom: float

    @property
    def mirrored(self) -> Side:
        return replace(self, mean=-self.mean)


def _above(side: Side, margin: float, level: float) -> float:
    """Chance that the lower limit is above 0 and the upper one above the margin."""
    reach = float(special.stdtrit(side.freedom, (1 + level) / 2)) * side.se
    return float(special.ndtr((side.mean - max(reach, margin - reach)) / max(side.sd, 1e-12)))


def _within(side: Side, margin: float, level: float) -> float:
    """Chance that the lower limit is at −margin or above."""
    reach = float(special.stdtrit(side.freedom, (1 + level) / 2)) * side.se
    return float(special.ndtr((side.mean + margin - reach) / max(side.sd, 1e-12)))


def _side(parts: Sequence[Part], sizes: Sizes, behaviour: Behaviour, side: int) -> Side:
    """The parts of an effect put together."""
    mean = variance_of_mean = squared_se = lost_freedom = 0.0
    for part in parts:
        m = moments_of(part, behaviour, sizes.unusable, side)
        lost = 1.0 if side else (1 - sizes.unusable**sizes.epochs) ** len(part.cells)
        n = max(2.0, sizes.of(part) * lost)
        variance = m.variance(sizes.epochs * (1.0 if side else 1 - sizes.unusable))
        square = max(variance / n, floored_variance(variance, m.mean, n))
        mean += m.mean
        variance_of_mean += variance / n
        squared_se += square
        lost_freedom += square**2 / (n - 1)
    return Side(mean, variance_of_mean**0.5, squared_se**0.5, squared_se**2 / lost_freedom)


def _parts(key: Key, study: Study) -> tuple[Part, ...]:
    """What each reply counts, by query set."""
    if isinstance(key, Contrast):
        return (_weighted((1.0, key), study=study),)
    if key in PAIRED:
        return (_weighted(*PAIRED[key], study=study),)
    if key is Difference.HALF_STORY_LESS_BENIGN:
        terms = ((0.5, Contrast.STORY), (-1.0, Contrast.BENIGN))
        return tuple(_weighted(term, study=study) for term in terms)
    motive = next((m for m, difference in OTHER_MOTIVES.items() if difference is key), None)
    if motive is None:
        raise EstimateError(f"no plan for {label(key)}")
    return (_weighted((1.0, Contrast.JOINT), (-0.5, Contrast.TRAINING), study=study, motive=motive),)


def _weighted(*terms: tuple[float, Contrast], study: Study, motive: Motive | None = None) -> Part:
    cells: dict[Condition, tuple[float, float]] = {}
    for factor, contrast in terms:
        for cell, weight in cells_of(contrast, study).items():
            a, b = cells.get(cell, (0.0, 0.0))
            joint = contrast is Contrast.JOINT
            cells[cell] = (a + (0 if joint else factor * weight), b + (factor * weight if joint else 0))
    return Part(cells, motive)


@lru_cache(maxsize=20_000)
def moments_of(part: Part, behaviour: Behaviour, lost: float = 0.0, side: int = 0) -> Moments:
    """Mean and variances of one query's contrast: moved wholly or not at all, in all cells alike.

    Args:
        part: what a reply counts in each cell.
        behaviour: what the model truly does.
        lost: share of unusable replies.
        side: −1 sets them all against the effect, 1 for it, 0 leaves them out.
    """
    setting = Setting(1, wholly=True)
    moved = {c: float(moved_share(behaviour, setting, c)[0]) for c in part.cells}
    steps = sorted({0.0, 1.0, *moved.values()})
    mean = square = between = noise = 0.0
    for below, above in pairwise(steps):
        at, wobble, own = 0.0, 0.0, 0.0
        for cell, (a, b) in part.cells.items():
            floor = behaviour.floor(cell)
            is_moved = moved[cell] >= above
            p = 1.0 if is_moved else floor
            s = behaviour.share(part.motive, cell)
            value, squared = p * (a + b * s), p * (s * (a + b) ** 2 + (1 - s) * a**2)
            if side:
                worst = sum(min(w, 0.0) if side < 0 else max(w, 0.0) for w in (a, b))
                value = (1 - lost) * value + lost * worst
                squared = (1 - lost) * squared + lost * worst**2
            at += value
            wobble += squared - value**2
            own += 0.0 if is_moved else (a + b * s) * (1 - lost if side else 1.0)
        width = above - below
        mean += width * at
        square += width * at**2
        noise += width * wobble
        floor = behaviour.floor(next(iter(part.cells)))
        between += width * own**2 * setting.spread * floor * (1 - floor)
    return Moments(mean, max(0.0, square - mean**2) + between, noise)


def smallest_effect(route: Route, sizes: Sizes, *, base: float, power: float = 0.9) -> float | None:
    """The smallest effect from which on this kind of model is found with `power`; None where none is."""
    step = (1 - base) / GRID
    grid = [step * i for i in range(1, GRID + 1)]
    short = [x for x in grid if power_of(route, sizes, base=base, effect=x) < power]
    if short and short[-1] == grid[-1]:
        return None
    low = short[-1] if short else 0.0
    high = low + step
    for _ in range(6):
        middle = (low + high) / 2
        enough = power_of(route, sizes, base=base, effect=middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def queries_for(
    route: Route,
    epochs: int,
    *,
    base: float,
    effect: float,
    power: float,
    most: int,
    unusable: float = 0.0,
    benign: int | None = None,
) -> int | None:
    """The fewest queries that reach the route's verdict with `power`; None where `most` do not."""

    def enough(n: int) -> bool:
        return power_of(route, Sizes(n, epochs, unusable, benign), base=base, effect=effect) >= power

    if most < 2 or not enough(most):
        return None
    below, found = 1, most
    while found - below > 1:
        middle = (below + found) // 2
        below, found = (below, middle) if enough(middle) else (middle, found)
    return found
