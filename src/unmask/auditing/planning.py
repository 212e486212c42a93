"""Plan before paying: what a run costs, what it can say, and the cheapest design that says it. Asks nothing.

Power is by formula, at once, and rather too low; `simulate` adds what simulated studies through the real
estimators and the real tree reach. Both are shares; `how` says which is which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unmask.auditing.affordable import bought
from unmask.auditing.costs import CheckCost, Cost, check_cost, costs_of
from unmask.auditing.plan import Options, Plan, plan
from unmask.auditing.prices import how_to_add, load_prices
from unmask.errors import UsageError
from unmask.instrument.designs import (
    Assumed,
    Cheapest,
    Confirmed,
    Drop,
    Outlook,
    calls_of,
    cheapest,
    confirmed,
    drops,
    fewer,
    known_of,
    outlook,
    routes_of,
    wanted_verdict,
)
from unmask.instrument.many import Known
from unmask.instrument.power import NOTHING
from unmask.queries import load_queries
from unmask.study import Resolved, Study, conditions_of, load_study
from unmask.verdict import SENSITIVITY_LOW
from unmask.vocabulary import Arm

RENDERED = 160  # requests whose prompts are written out to count tokens; more are counted from these
SHOWN = 9  # of 10: the power that a smallest effect is given for
HOW = (
    "Powers are by formula, for a judge that reads right, and then hold at least: each request moves wholly "
    "or not at all, misses are added up. --simulate asks simulated studies."
)
HOW_SIMULATED = (
    "Powers are from simulated studies through the estimators and the verdict, with a judge that reads "
    "right; by formula beside."
)
STOPS_EARLY = (
    "this study stops as soon as its verdict is decided: the powers are those of a fixed design of as many "
    "requests, and stopping early reaches less with the same most requests (where nothing moves the model it "
    "takes up to half as many more)"
)


@dataclass(frozen=True)
class Wanted:
    """What the user wants to find: an effect and a power as shares, and a verdict, None for a faker's."""

    effect: float = 0.10
    power: float = 0.9
    verdict: str | None = None


@dataclass(frozen=True)
class Told:
    """What the user knows better than we do; None where nothing was said."""

    reply_tokens: float | None = None
    per_minute: float | None = None
    card: float | None = None


@dataclass(frozen=True)
class Forecast:
    """All that `unmask plan` says. Shares and dollars; see the parts for what they hold."""

    planned: Plan
    resolved: Resolved
    costs: list[Cost]
    check: CheckCost
    assumed: Assumed
    wanted: Wanted
    outlooks: list[Outlook]
    drops: list[Drop]
    cheapest: Cheapest
    simulated: bool
    notes: list[str]

    @property
    def study(self) -> Study:
        """The design."""
        return self.resolved.study

    @property
    def how(self) -> str:
        """Where the powers come from."""
        return HOW_SIMULATED if self.simulated else HOW

    @property
    def calls(self) -> int:
        """Calls to all models under study."""
        return sum(c.calls for c in self.costs)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "study": self.resolved.as_dict(),
            "models": [asdict(c) | {"tokens": c.tokens} for c in self.costs],
            "instrument_check": asdict(self.check),
            "assumed": asdict(self.assumed),
            "wanted": asdict(self.wanted),
            "powers_from": "simulation" if self.simulated else "formula",
            "how": self.how,
            "outlook": [_plain(o) for o in self.outlooks],
            "without": [asdict(d) for d in self.drops],
            "cheapest": asdict(self.cheapest),
            "notes": self.notes,
        }


def _plain(o: Outlook) -> dict[str, Any]:
    powers = {f"{x:g}": p for x, p in o.powers.items()}
    simulated = {f"{x:g}": asdict(c) for x, c in o.simulated.items()}
    return asdict(o) | {"powers": powers, "simulated": simulated}


def forecast(
    models: Sequence[str],
    *,
    study: str = "story",
    flags: dict[str, Any] | None = None,
    options: Options | None = None,
    assumed: Assumed | None = None,
    wanted: Wanted | None = None,
    told: Told | None = None,
    simulate: bool = False,
) -> Forecast:
    """Everything there is to know of a run before its first call.

    Raises:
        UsageError: all that `plan` refuses; a wanted effect, power or verdict that no design of these
            contrasts can give.
    """
    options, told = options or Options(), told or Told()
    wanted, assumed = _checked(wanted or Wanted(), assumed or Assumed())
    resolved = load_study(study, flags=flags)
    planned, part = _planned(models, study, flags, options, resolved)
    design = resolved.study
    available, benign = _available(design)
    assumed = replace(assumed, benign=benign)
    prices = load_prices(options.prices)
    asked = planned.estimates[0].calls - planned.estimates[0].question_calls
    scale = calls_of(design, assumed) / asked if part else 1.0
    costs = costs_of(planned, prices, reply_tokens=told.reply_tokens, per_minute=told.per_minute, scale=scale)
    known = known_of(design, card=_card(models, told, options))
    routes = routes_of(design, assumed, known=known)
    route = wanted_verdict(routes, design, wanted.verdict)
    effects = sorted({*(0.05, 0.10, 0.20, 0.30, 0.60), wanted.effect})
    outlooks = outlook(routes, design, assumed, effects=effects)
    found = cheapest(route, design, assumed, effect=wanted.effect, power=wanted.power, available=available)
    found = replace(found, fewer=fewer(found, design, assumed, known=known, available=available))
    if simulate:
        outlooks = [_simulated(o, design, assumed, known) for o in outlooks]
        found = _confirmed(found, design, assumed, known)
    questions = max((e.question_calls for e in planned.estimates), default=0)
    check = check_cost(planned, prices)
    return Forecast(
        planned=planned,
        resolved=resolved,
        costs=costs,
        check=check,
        assumed=assumed,
        wanted=wanted,
        outlooks=outlooks,
        drops=drops(design, assumed, known=known, questions=questions),
        cheapest=found,
        simulated=simulate,
        notes=[
            *_notes(costs, options.prices, scale, found),
            *([STOPS_EARLY] if design.stopping == "sequential" else []),
            *bought(planned, options.budget, costs, check, scale),
        ],
    )


def _checked(wanted: Wanted, assumed: Assumed) -> tuple[Wanted, Assumed]:
    if not 0 < wanted.power < 1:
        raise UsageError(f"a power of {wanted.power:g}: a share between 0 and 1, such as 0.9")
    if not 0 <= assumed.base < 1 or not 0 <= assumed.unusable < 1:
        raise UsageError("the base rate and the share of unusable replies lie from 0 to under 100 percent")
    if not 0 < wanted.effect <= 1 - assumed.base:
        raise UsageError(
            f"{100 * wanted.effect:g} points on top of a base rate of {100 * assumed.base:g} % cannot be",
            hint=f"--effect above 0, and at most {100 * (1 - assumed.base):g}",
        )
    return wanted, assumed


def _planned(
    models: Sequence[str], study: str, flags: dict[str, Any] | None, options: Options, resolved: Resolved
) -> tuple[Plan, bool]:
    """The checked plan, and whether it holds a part only, of a very large query set."""
    # what the check asks costs only where a grader reads it, and takes a while to look through
    options = replace(options, check=options.check and options.grader is not None)
    n = resolved.study.n_queries
    if n <= RENDERED:
        return plan(models, study=study, flags=flags, options=options), False
    have = len(load_queries(resolved.study.queries).queries)
    if n > have:
        return plan(models, study=study, flags=flags, options=options), False  # refuses, and says why
    return plan(models, study=study, flags={**(flags or {}), "n_queries": RENDERED}, options=options), True


def _available(study: Study) -> tuple[int, int | None]:
    """Queries that the study's sets hold: of the harmful arm, and of the harmless one if it is asked."""
    benign = any(c.arm is Arm.BENIGN for c in conditions_of(study))
    few = len(load_queries(study.benign_queries).queries) if benign else None
    return len(load_queries(study.queries).queries), few


def _card(models: Sequence[str], told: Told, options: Options) -> float | None:
    """The judge's known sensitivity: stated, or that which the instrument check gives on scripted models."""
    if told.card is not None:
        return told.card
    scripted = options.check and all(name.startswith("organism/") for name in models)
    return SENSITIVITY_LOW if scripted else None


def _simulated(o: Outlook, study: Study, assumed: Assumed, known: Known) -> Outlook:
    sizes = assumed.sizes(study.n_queries, study.epochs)
    found: dict[float, Confirmed] = {
        x: confirmed(o.kind, o.verdict, study, sizes, base=assumed.base, effect=x, known=known)
        for x in o.powers
    }
    return replace(o, simulated=found)


def _confirmed(c: Cheapest, study: Study, assumed: Assumed, known: Known) -> Cheapest:
    """The same design with its simulated power, which is at least the formula's but for chance."""
    if c.found is None:
        return c
    found = confirmed(
        c.kind, c.verdict, study, assumed.sizes(c.found.queries, c.found.epochs), base=assumed.base,
        effect=c.effect, known=known,
    )  # fmt: skip
    return replace(c, found=replace(c.found, simulated=found))


def _notes(costs: Sequence[Cost], prices: Path | None, scale: float, found: Cheapest) -> list[str]:
    notes = []
    unpriced = dict.fromkeys(name for c in costs for name in c.unpriced)
    if unpriced:
        notes.append(f"price unknown here: {', '.join(unpriced)}; {how_to_add(prices)}")
    if scale != 1.0:
        notes.append(f"prompt tokens are counted from {RENDERED} of the requests")
    if found.now < found.power:
        kind = "" if found.kind == NOTHING else f" at {100 * found.effect:g} points"
        notes.append(
            f"this design promises {found.verdict}{kind} in {100 * found.now:.0f} % of runs, "
            f"not in the {100 * found.power:g} % that are wanted"
        )
    return notes
