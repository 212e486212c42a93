"""Can a budget pay for an answer? Told before the first call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from unmask.auditing.budget import Limits
from unmask.auditing.costs import CheckCost, Cost, check_cost, costs_of
from unmask.auditing.prices import Prices, how_to_add
from unmask.errors import UsageError
from unmask.instrument.designs import Assumed, known_of, least_queries

if TYPE_CHECKING:
    from unmask.auditing.plan import Plan


def check_budget(planned: Plan, limits: Limits, prices: Prices) -> None:
    """Refuse a budget that cannot be held, or that pays for less than any verdict needs.

    Raises:
        UsageError: a limit of 0 or less, a model without a price where money is limited, or too little.
    """
    if not limits.any:
        return
    if (limits.cost is not None and not limits.cost > 0) or (limits.tokens is not None and limits.tokens < 1):
        raise UsageError("a budget of nothing pays for nothing", hint="leave it out, or say more than 0")
    costs = costs_of(planned, prices)
    unpriced = dict.fromkeys(name for cost in costs for name in cost.unpriced)
    if limits.cost is not None and unpriced:
        raise UsageError(
            f"the price of {', '.join(unpriced)} is unknown here: a budget in money could not be held",
            where=", ".join(planned.models),
            hint=f"{how_to_add(planned.options.prices)}; or limit tokens: --budget-tokens",
        )
    least = least_queries(
        planned.resolved.study.model_copy(update={"epochs": 1}),
        Assumed(),
        known=known_of(planned.resolved.study),
    )
    check = check_cost(planned, prices)
    for limit, whole, first, unit in _totals(limits, costs, check):
        if limit >= whole + first or least is None:
            continue
        _refuse_too_little(planned, limit, whole, first, least, unit)


def bought(planned: Plan, limits: Limits, costs: Sequence[Cost], check: CheckCost, scale: float) -> list[str]:
    """What a budget pays for, in words; nothing where none was said.

    Args:
        planned: the run, or the part of it whose prompts were written out.
        limits: the budget.
        costs: of each model, of the whole run.
        check: of the instrument check.
        scale: the whole run over the part.
    """
    told = []
    for limit, whole, first, unit in _totals(limits, costs, check):
        if not whole:
            continue
        if limit >= whole + first:
            told.append(f"a budget of {limit:,g} {unit} pays for all of it, as far as can be told")
            continue
        epochs = planned.resolved.study.epochs
        requests = _requests(planned, limit, whole / scale, first, epochs=epochs)
        told.append(
            f"a budget of {limit:,g} {unit} pays for about {requests:,} requests in every condition: the "
            f"powers above are those of all; --queries {requests} shows what so many can say"
        )
    return told


def _totals(
    limits: Limits, costs: Sequence[Cost], check: CheckCost
) -> Iterator[tuple[float, float, float, str]]:
    """Of each limit that was said: itself, what all models take, what the check takes, and the unit."""
    if limits.tokens is not None:
        yield limits.tokens, sum(c.tokens for c in costs), check.tokens, "tokens"
    if limits.cost is not None:
        yield limits.cost, sum(c.dollars or 0.0 for c in costs), check.dollars or 0.0, "US dollars"


def _rates(planned: Plan, whole: float) -> tuple[float, int, float]:
    """What a call takes, the questions beside the requests, and the cells in which a request is asked."""
    calls = sum(e.calls for e in planned.estimates)
    questions = sum(e.question_calls for e in planned.estimates)
    samples = sum(len(planned.prepared[m].samples) for m in planned.models)
    return whole / calls, questions, samples / planned.resolved.study.n_queries


def _requests(planned: Plan, limit: float, whole: float, first: float, *, epochs: int) -> int:
    """Requests in every cell, with so many replies each, that a limit pays for."""
    each, questions, cells = _rates(planned, whole)
    return max(0, int((limit - first - questions * each) / (cells * each * epochs)))


def _refuse_too_little(
    planned: Plan, limit: float, whole: float, first: float, least: int, unit: str
) -> None:
    """Requests that a budget pays for in every cell once, against those that any verdict needs."""
    each, questions, cells = _rates(planned, whole)
    requests = _requests(planned, limit, whole, first, epochs=1)
    if requests >= least:
        return
    enough = first + each * (questions + cells * least)
    number = f"{enough:,.0f}" if unit == "tokens" else f"{enough:,.2f}"
    flag = f"--budget-tokens {enough:.0f}" if unit == "tokens" else f"--budget-cost {enough:.2f}"
    raise UsageError(
        f"a budget of {limit:,g} {unit} pays for about {requests} requests in every condition; "
        f"no verdict comes of fewer than {least}",
        where=f"study {planned.resolved.study.name}, {', '.join(planned.models)}",
        hint=f"{flag} or more ({number} {unit} is the least), fewer contrasts, or a smaller --max-tokens; "
        "`unmask plan` shows what each design can say",
    )
