"""Can a budget pay for an answer? Told before the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unmask.auditing.budget import Limits
from unmask.auditing.costs import check_cost, costs_of
from unmask.auditing.prices import Prices, how_to_add
from unmask.errors import UsageError
from unmask.instrument.designs import Assumed, known_of, least_queries

if TYPE_CHECKING:
    from unmask.auditing.run import Plan


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
    totals = [
        (limits.tokens, sum(c.tokens for c in costs), check.tokens, "tokens"),
        (limits.cost, sum(c.dollars or 0.0 for c in costs), check.dollars or 0.0, "US dollars"),
    ]
    for limit, whole, first, unit in totals:
        if limit is None or limit >= whole + first or least is None:
            continue
        _refuse_too_little(planned, float(limit), float(whole), float(first), least, unit)


def _refuse_too_little(
    planned: Plan, limit: float, whole: float, first: float, least: int, unit: str
) -> None:
    """Requests that a budget pays for in every cell once, against those that any verdict needs."""
    calls = sum(e.calls for e in planned.estimates)
    questions = sum(e.question_calls for e in planned.estimates)
    each = whole / calls
    cells = sum(len(planned.prepared[m].samples) for m in planned.models) / planned.resolved.study.n_queries
    requests = max(0, int((limit - first - questions * each) / (cells * each)))
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
