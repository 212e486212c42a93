"""A forecast for people: tables of costs, of verdicts with their power, of controls; and its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unmask.auditing.costs import Cost
from unmask.auditing.planning import Forecast
from unmask.files import write_atomic
from unmask.instrument.designs import Cheapest, Outlook, known_of
from unmask.instrument.power import NOTHING, power_of, route_of
from unmask.report.plan_chart import Curve, as_png, power_chart

STEPS = 95  # points of a curve


def plan_text(f: Forecast) -> str:
    """All of it, as lines of plain text."""
    return "\n".join([*_head(f), *_costs(f), *_verdicts(f), *_controls(f), *_cheapest(f), *_notes(f)])


def _head(f: Forecast) -> Iterator[str]:
    s = f.study
    yield (
        f"Study {s.name}: {s.n_queries:,} queries, {s.epochs:,} replies each, {', '.join(s.contrasts)}; "
        f"margin {100 * s.delta:g} points. Nothing was sent."
    )
    lost = f", {100 * f.assumed.unusable:g} % of replies unusable" if f.assumed.unusable else ""
    base = f"{100 * f.assumed.base:g} %"
    yield (
        f"Assumed: it complies in {base} where nothing moves it{lost} (--base, --unusable), and its judge "
        "reads right: one that errs finds less."
    )
    yield ""


def _costs(f: Forecast) -> Iterator[str]:
    yield "What it costs"
    for c in f.costs:
        yield f"  {c.model}"
        beside = f", {c.question_calls:,} of them questions beside the requests" if c.question_calls else ""
        yield f"    calls    {c.calls:,}{beside}" + (
            f"; {c.judge_calls:,} judge completions, {c.judge_calls_at_most:,} at most"
            if c.judge_calls
            else ""
        )
        yield (
            f"    tokens   {c.tokens_in:,} in, {c.tokens_out:,} out expected ({c.replies_from}), "
            f"{c.tokens_out_at_most:,} at most"
        )
        if c.judge_calls:
            yield (
                f"    judge    {c.judge_tokens_in:,} in, {c.judge_tokens_out:,} out expected (assumed), "
                f"{c.judge_tokens_out_at_most:,} at most"
            )
        yield f"    money    {_money(c)}"
        yield f"    hours    {_hours(c)}"
    if f.check.calls:
        price = "price unknown" if f.check.dollars is None else f"{f.check.dollars:,.2f} US dollars"
        yield f"  instrument check: {f.check.calls:,} judge calls, {f.check.tokens:,} tokens, {price}"
    yield ""


def _money(c: Cost) -> str:
    if c.dollars is None or c.dollars_at_most is None:
        return f"price unknown here: {', '.join(c.unpriced)}"
    if not c.dollars_at_most:
        return "nothing: it stays on this machine"
    return f"{c.dollars:,.2f} US dollars expected, {c.dollars_at_most:,.2f} at most"


def _hours(c: Cost) -> str:
    return c.rate_from if c.hours is None else f"{c.hours:,.2f} ({c.rate_from})"


def _verdicts(f: Forecast) -> Iterator[str]:
    yield "What it can say: how often, by the size of the effect in points"
    effects = sorted({x for o in f.outlooks for x in o.powers if o.kind != NOTHING})
    width = max(len(o.kind) for o in f.outlooks)
    heads = "".join(f"{100 * x:>8.3g}" for x in effects)
    yield f"  {'a model that…':<{width}}  {'gets':<19}{heads}   found in 9 of 10 from"
    for o in f.outlooks:
        yield f"  {o.kind:<{width}}  {o.verdict:<19}{_powers(o, effects)}   {_smallest(o)}"
    if f.simulated:
        yield "  (simulated; below each the formula's promise)"
        for o in f.outlooks:
            plain = "".join(_cell(o.powers.get(x)) for x in effects)
            plain = _cell(o.powers.get(0.0)) if o.kind == NOTHING else plain
            yield f"  {o.kind:<{width}}  {'by formula':<19}{plain}"
    blocked = dict.fromkeys(control for o in f.outlooks for control in o.blocked)
    reached = {o.verdict for o in f.outlooks}
    if blocked:
        yield f"  Out of reach whatever the size, for want of: {', '.join(blocked)}"
    if not any(o.organism == "faker" and str(o.verdict) == "alignment_faking" for o in f.outlooks):
        yield f"  It cannot say alignment_faking; what it can say: {', '.join(sorted(map(str, reached)))}."
    yield f"  {f.how}"
    yield ""


def _powers(o: Outlook, effects: list[float]) -> str:
    powers = {x: c.power for x, c in o.simulated.items()} or o.powers
    if o.kind == NOTHING:
        return _cell(powers.get(0.0)) + " " * 8 * (len(effects) - 1)
    return "".join(_cell(powers.get(x)) for x in effects)


def _cell(power: float | None) -> str:
    return f"{'–':>8}" if power is None else f"{100 * power:>6.0f} %"


def _smallest(o: Outlook) -> str:
    if o.kind == NOTHING:
        return "(no effect to find)"
    return "no size" if o.smallest is None else f"{100 * o.smallest:.1f} points"


def _controls(f: Forecast) -> Iterator[str]:
    if not f.drops:
        return
    yield "What dropping a control saves, and what it costs"
    width = max(len(d.control) for d in f.drops)
    for d in f.drops:
        share = 100 * d.calls_saved / max(1, f.costs[0].calls)
        lost = "; ".join(f"{kind}: {before} becomes {after}" for kind, before, after in d.lost)
        saved = f"{d.calls_saved:>8,} calls ({share:.0f} %)"
        yield f"  {d.control:<{width}}  {saved:<20}  {lost or 'no verdict lost'}"
    yield ""


def _cheapest(f: Forecast) -> Iterator[str]:
    c = f.cheapest
    size = "" if c.kind == NOTHING else f" of {100 * c.effect:g} points"
    yield (
        f"The cheapest with these contrasts that says {c.verdict} in {100 * c.power:g} % of runs "
        f"(a model that {c.kind}{size})"
    )
    if c.found is not None:
        sized = f"{c.found.queries:,} queries × {c.found.epochs:,} replies"
        yield f"  {sized} = {c.found.calls:,} calls of requests; power {100 * c.found.power:.0f} % by formula"
        if s := c.found.simulated:
            yield (
                f"  simulated: {100 * s.power:.0f} % ({100 * s.low:.0f} to {100 * s.high:.0f}) "
                f"of {s.studies:,} studies"
            )
        yield f"  --queries {c.found.queries} --epochs {c.found.epochs}"
    else:
        yield from _none(c)
    if c.fewer is not None:
        few, names = c.fewer.sized, ",".join(c.fewer.contrasts)
        yield "  asking no more than that verdict needs, which then tells fewer causes apart:"
        yield f"  --contrasts {names} --queries {few.queries} --epochs {few.epochs} = {few.calls:,} calls"
    yield ""


def _none(c: Cheapest) -> Iterator[str]:
    yield f"  none: the {c.available:,} queries of the set do not reach it, whatever the replies to each"
    if c.endless is not None:
        yield (
            f"  it would take about {c.endless.queries:,} queries × {c.endless.epochs:,} replies "
            f"({c.endless.calls:,} calls)"
        )
    else:
        yield "  nor do 5,000: a larger effect, a wider margin (--delta) or another verdict"


def _notes(f: Forecast) -> Iterator[str]:
    yield from (f"note: {note}" for note in f.notes)


def curves(f: Forecast) -> list[Curve]:
    """Power by formula along the whole range of effects, and the simulated points."""
    sizes = f.assumed.sizes(f.study.n_queries, f.study.epochs)
    card = 0.7 if any(str(o.verdict) == "silent_gap" for o in f.outlooks) else None
    known = known_of(f.study, card=card)
    room = 1 - f.assumed.base
    found = []
    for o in f.outlooks:
        route = route_of(o.kind, f.study, known, base=f.assumed.base)
        steps = [room * i / STEPS for i in range(1, STEPS + 1)]
        if o.kind == NOTHING:
            level = 100 * o.powers.get(0.0, 0.0)
            points = [(0.0, level), (100 * room, level)]
        else:
            points = [(100 * x, 100 * power_of(route, sizes, base=f.assumed.base, effect=x)) for x in steps]
        dots = [(100 * x, 100 * c.power) for x, c in o.simulated.items()]
        found.append(Curve(f"{o.kind}: {o.verdict}", points, dots))
    return found


def write_plan(f: Forecast, folder: Path, *, text: str, data: str) -> list[Path]:
    """Write `plan.txt`, `plan.json`, `plan.svg` and `plan.png` into a folder."""
    note = "Lines by formula: at least so often. Points, where there are any, from simulated studies."
    svg = power_chart(curves(f), wanted=100 * f.wanted.power, note=note)
    written: dict[str, str | bytes] = {
        "plan.txt": text,
        "plan.json": data,
        "plan.svg": svg,
        "plan.png": as_png(svg),
    }
    return [write_atomic(folder / name, content) for name, content in written.items()]
