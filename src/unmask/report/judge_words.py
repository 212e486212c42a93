"""A judge's check and a comparison of judges, for a terminal and as Markdown. Texts of replies in neither."""

from __future__ import annotations

from collections.abc import Iterator

from unmask.analysis.results import JudgeComparison, JudgePair
from unmask.auditing.judge_check import THRESHOLD_RULE, Group, JudgeCheck
from unmask.estimates.agreement import Differing, Figure
from unmask.judges.cards import ALL
from unmask.report.visible import one_line
from unmask.vocabulary import CANARY

SHOWN = 20  # reply ids of a comparison
PROBLEMS = 10
UNKNOWN = "unknown"
HEADER = ("model", "role", "texts", "no verdict", "sensitivity", "specificity", "AUROC")
Row = tuple[str, ...]


def check_lines(check: JudgeCheck) -> list[str]:
    """A check in words and figures, for a terminal."""
    rows = [HEADER, *(_row(group) for group in check.groups)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    out = [f"{one_line(check.judge, 120)}, {check.task}", ""]
    out += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [*out, "", *(f"  {line}" for line in _remarks(check))]


def check_markdown(checks: list[JudgeCheck]) -> str:
    """The same as a page to keep or to send."""
    out = []
    for check in checks:
        out += [f"# Judge card {check.card.name}: {_cell(check.judge)}, {check.task}", ""]
        out += [_line(HEADER), _line(["---"] * len(HEADER))]
        out += [_line([_cell(cell) for cell in _row(group)]) for group in check.groups]
        out += ["", *(f"- {_cell(line.strip())}" for line in _remarks(check)), ""]
        out += [f"Labels: {_cell(check.card.source)}. Made {check.card.made}.", ""]
    return "\n".join([*out, f"<!-- {CANARY} -->", ""])


def figure(f: Figure) -> str:
    """A share with its limits in percent, or that it is unknown."""
    if f.estimate != f.estimate:
        return UNKNOWN
    if f.low != f.low:
        return f"{100 * f.estimate:.1f} %"
    return f"{100 * f.estimate:.1f} % ({100 * f.low:.1f} to {100 * f.high:.1f})"


def index(f: Figure, *, signed: bool = False) -> str:
    """An area or an agreement, which is no share of anything: `0.912 (0.871 to 0.941)`."""
    if f.estimate != f.estimate:
        return UNKNOWN
    sign = "+" if signed else ""
    limits = "" if f.low != f.low else f" ({f.low:{sign}.3f} to {f.high:{sign}.3f})"
    return f"{f.estimate:{sign}.3f}{limits}"


def _row(g: Group) -> Row:
    lost = f"{sum(g.lost.values())}" + (f" ({g.lost_yes} yes)" if g.lost_yes else "")
    name, role = one_line(g.model, 28), one_line(g.role, 14)
    return name, role, f"{g.n:,}", lost, figure(g.sensitivity), figure(g.specificity), index(g.auroc)


def _remarks(check: JudgeCheck) -> Iterator[str]:
    """Everything beside the table, a line each."""
    yield from _how(check)
    better = index(check.baseline.difference, signed=True)
    keywords = index(check.baseline.auroc)
    yield f"keyword baseline on the same texts: AUROC {keywords}; judge less keywords {better}"
    if check.calibration is not None:
        c = check.calibration
        yield f"calibration: off by {100 * c.error:.1f} points on average, Brier score {c.brier:.3f}"
        for b in c.bins:
            yield f"  says {100 * b.mean_score:3.0f} %, is {100 * b.share:3.0f} % of {b.n:,}"
    for name, d in check.differing.items():
        yield f"{one_line(name, 80)}, where trained on less elsewhere: {_apart(d)}"
    if check.threshold is not None:
        t = check.threshold
        yield (
            f"threshold {t.score:.3f} ({THRESHOLD_RULE}): sensitivity {figure(t.sensitivity)}, "
            f"specificity {figure(t.specificity)} on texts that did not choose it"
        )
    yield from _people(check)
    yield from (one_line(problem, 200) for problem in check.problems[:PROBLEMS])
    if len(check.problems) > PROBLEMS:
        yield f"and {len(check.problems) - PROBLEMS:,} more rows like these"
    if not check.card.corrects:
        yield (
            "Not said to be a random sample with known chances: this card serves thresholds, corrects no "
            "rate and opens no verdict."
        )


def _how(check: JudgeCheck) -> Iterator[str]:
    unit = "queries, of which each counts as one draw" if check.clustered else "texts"
    weighted = ", texts weighted by one over their chance of being drawn" if check.weighted else ""
    yield f"95 % intervals over {unit}{weighted}: Wilson for shares, DeLong for AUROC"
    whole = next(g for g in reversed(check.groups) if g.role == ALL)
    if whole.lost:
        lost = ", ".join(f"{n} {one_line(status)}" for status, n in whole.lost.items())
        yield f"no verdict counts as neither yes nor no: {lost}"
    if not whole.counts.tp + whole.counts.fn:
        yield "no text with a verdict is a true yes: sensitivity is unknown, not 0"
    if not whole.counts.tn + whole.counts.fp:
        yield "no text with a verdict is a true no: specificity is unknown, not 0"


def _people(check: JudgeCheck) -> Iterator[str]:
    if check.agreement is not None:
        a = check.agreement
        yield (
            f"{a.labellers} labellers agree on {a.agreed:,} of {a.texts:,} texts that two or more labelled; "
            f"Krippendorff's alpha {index(a.alpha)}; the truth is what all of them agree on"
        )
    if check.left_out:
        yield "left out: " + ", ".join(f"{n} {why}" for why, n in sorted(check.left_out.items()))


def _apart(d: Differing) -> str:
    if d.difference.estimate != d.difference.estimate:
        return UNKNOWN
    p = "p < 0.001" if d.p < 0.001 else f"p = {d.p:.3f}"
    e, low, high = (100 * x for x in (d.difference.estimate, d.difference.low, d.difference.high))
    return f"{e:+.1f} points ({low:+.1f} to {high:+.1f}), {p} (Fisher)"


def _cell(text: str) -> str:
    """Text that Markdown takes as text."""
    plain = one_line(text)
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!&" else c for c in plain)


def _line(cells: Row | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def compare_lines(found: JudgeComparison) -> list[str]:
    """A comparison in words and figures, for a terminal; replies by id only."""
    out = []
    for pair in found.pairs:
        out += [*_pair(pair), ""]
    out.append("What each would have concluded, by the tree alone (the instrument check is not repeated):")
    for c in found.conclusions:
        effects = ", ".join(
            f"{name} {100 * e.estimate:+.1f} ({100 * e.low:+.1f} to {100 * e.high:+.1f})"
            for name, e in c.effects.items()
        )
        name, judge = one_line(c.model, 60), one_line(c.judge, 80)
        rests = ", on which the audit rests" if c.audited else ""
        out.append(f"  {name}, by {judge}{rests}: {c.verdict}; {effects or 'nothing could be estimated'}")
    return out


def _pair(p: JudgePair) -> Iterator[str]:
    yield f"{p.task}: {one_line(p.first, 80)} against {one_line(p.second, 80)}"
    agreed = f"{100 * p.agreed / p.n:.1f} %" if p.n else "none"
    yield f"  both gave a verdict on {p.n:,} replies, agreed on {agreed}; Cohen's kappa {_kappa(p)}"
    if p.one_alone:
        yield f"  only one of the two gave a verdict on {p.one_alone:,} replies"
    yield from (f"    {one_line(labels, 40):<28} {n:>6,}" for labels, n in p.labels.items())
    yield from (f"  {one_line(role)}: they differ on {d:,} of {n:,}" for role, (d, n) in p.by_role.items())
    differ = [(key, d, n) for key, (d, n) in p.by_condition.items() if d]
    yield from (f"    {one_line(key, 90)}: {d:,} of {n:,}" for key, d, n in differ)
    if p.reply_ids:
        more = f" and {len(p.reply_ids) - SHOWN:,} more (--json)" if len(p.reply_ids) > SHOWN else ""
        yield f"  differ on: {' '.join(one_line(i, 60) for i in p.reply_ids[:SHOWN])}{more}"


def _kappa(p: JudgePair) -> str:
    k = p.kappa
    return "unknown" if k is None else index(Figure(k.estimate, k.low, k.high))
