"""A comparison as one HTML file and as a table for a terminal. Estimates nothing; all text is hostile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from unmask.analysis.results import Interval
from unmask.auditing.compare import Comparison, Difference, Shown
from unmask.report import charts, numbers, template, words
from unmask.report.tables import table_of
from unmask.report.visible import one_line
from unmask.vocabulary import Contrast, VerdictName

PAIRING = {
    "paired": "paired by request",
    "two_sample": "two separate samples of requests (Welch)",
}
SHORT_PAIRING = {"paired": "paired", "two_sample": "Welch"}
GLOSSARY_TERMS = ("contrast", "interval", "margin (δ)", "point", "query", "unusable")
NARROW_NAME = 34  # characters of a name beside a chart; the tables hold it whole


@dataclass(frozen=True)
class Row:
    """One difference in words: who, how found, and whether there is one."""

    name: str
    state: str
    state_class: str
    pairing: str
    difference: Difference


@dataclass(frozen=True)
class Part:
    """One contrast: its question, each member's own figure, the differences, and both pictures."""

    name: str
    question: str
    shown: list[tuple[str, Shown]]
    rows: list[Row]
    own: dict[str, str]
    apart: dict[str, str]


def render(found: Comparison) -> str:
    """The page. Same comparison, same bytes; no script and no request at all."""
    style = template.asset("style.css")
    html = template.environment().get_template("compare.html.j2").render(
        found=found,
        reference=found.members[0].name,
        headline=headline(found),
        parts_shown=[part(found, Contrast(name)) for name in found.contrasts],
        p_value=p_value,
        documents=by_documents(found),
        gap=numbers.gap,
        headlines={str(v): words.VERDICTS[v].headline for v in VerdictName},
        pairings=sorted({PAIRING[d.pairing] for d in found.differences}),
        together=family_level(found),
        glossary=[(term, text) for term, text in words.GLOSSARY if term in GLOSSARY_TERMS],
        policy=template.policy(style),
        style=Markup(style),
    )  # fmt: skip
    return html + "\n"


def write_comparison(found: Comparison, path: Path, *, overwrite: bool = False) -> Path:
    """Write the page; a page of an earlier comparison is replaced, another file only when told.

    Raises:
        UsageError: the file is there and is not such a page.
        UnmaskError: the disk is full, or not writable.
    """
    return template.write_own(path, render(found), verb="compare", overwrite=overwrite)


def part(found: Comparison, contrast: Contrast) -> Part:
    """One contrast of a comparison as the page shows it."""
    short, letter = words.SHORT[contrast]
    names = [m.name for m in found.members]
    shown = [(names[s.member], s) for s in found.shown if s.contrast == contrast]
    rows = [_row(d, names) for d in found.differences if d.contrast == contrast]
    delta = 100 * found.delta
    own = [_line(name, s.effect) for name, s in shown]
    apart = [_line(r.name, r.difference.together, r.difference.effect) for r in rows]
    sizes = charts.SIZES.items()
    return Part(
        name=f"{short} ({letter})",
        question=words.CHANGES[contrast],
        shown=shown,
        rows=rows,
        own={key: charts.contrasts(own, size, delta=delta) for key, size in sizes},
        apart={key: charts.contrasts(apart, size, delta=delta) for key, size in sizes},
    )


def by_documents(found: Comparison) -> list[tuple[str, Interval, str]]:
    """What of the gap follows the documents and what the word, with the bounds in words; mostly nothing."""
    d = found.documents
    if d is None:
        return []
    return [
        ("What follows the documents, ½(first − second)", d.story, _limits(d.story_bounds)),
        ("What follows the bare word, ½(first + second)", d.word, _limits(d.word_bounds)),
    ]


def _limits(bounds: Interval) -> str:
    return f"{numbers.points(bounds.low)} to {numbers.points(bounds.high)}"


def headline(found: Comparison) -> str:
    """How many of the family's differences hold, in a few words."""
    held, size = sum(d.differs for d in found.differences), len(found.differences)
    if held == 0:
        return "No difference found" if size > 1 else "They cannot be told apart"
    return f"{held} of {size} differences found" if size > 1 else "They differ"


def family_level(found: Comparison) -> float | None:
    """Level of the intervals that hold together; None where no difference could be known."""
    return next((d.together.level for d in found.differences if d.together), None)


def _row(d: Difference, names: Sequence[str]) -> Row:
    state, kind = _state(d)
    return Row(names[d.member], state, kind, PAIRING[d.pairing], d)


def _state(d: Difference) -> tuple[str, str]:
    if d.effect is None:
        return "cannot be known", "unclear"
    if d.differs:
        return ("differs, by less than the margin" if d.alike else "differs"), "present"
    return ("alike: within the margin", "absent") if d.alike else ("cannot tell", "unclear")


def _line(name: str, outer: Interval | None, inner: Interval | None = None) -> charts.Row:
    label = one_line(name, NARROW_NAME)
    if outer is None:
        return charts.Row(label, "cannot be known")
    ends = (100 * outer.estimate, 100 * outer.low, 100 * outer.high)
    told = inner or outer
    thick = (100 * told.low, 100 * told.high)
    return charts.Row(label, numbers.gap(told), *ends, inner=thick)


@dataclass(frozen=True)
class ComparisonTable:
    """The same for a terminal or a pipe; draws itself plainly into a pipe, a file, or under NO_COLOR."""

    found: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich asks of a renderable."""
        plain = console.no_color or not options.is_terminal
        yield Text(f"\n{one_line(self.found.title)}\n{headline(self.found)}", style="" if plain else "bold")
        for kind, lines in self.found.allowed.items():
            yield Text(f"Allowed to differ ({one_line(kind)}): " + "; ".join(map(one_line, lines)))
        for note in self.found.notes:
            yield Text(f"- {one_line(note)}")
        for name in self.found.contrasts:
            yield from _tables(self.found, part(self.found, Contrast(name)), plain=plain)
        for name, effect, bounds in by_documents(self.found):
            yield Text(f"{name}: {numbers.gap(effect)} points; with every unusable reply against it {bounds}")
        size = len(self.found.family)
        how = "fixed in the study file" if self.found.fixed else "all differences shown"
        yield Text(f"Family ({how}, {size}): " + "; ".join(map(one_line, self.found.family)))


def _tables(found: Comparison, shown: Part, *, plain: bool) -> list[RenderableType]:
    own = table_of(f"{shown.name} of each, in points, with 95 % interval", plain=plain)
    for title, justify in (
        ("model", "left"),
        ("difference", "right"),
        ("queries", "right"),
        ("verdict", "left"),
    ):
        own.add_column(title, justify=justify)  # type: ignore[arg-type]
    for member, (name, s) in zip(found.members, shown.shown, strict=True):
        figure = numbers.gap(s.effect) if s.effect else "cannot be known"
        own.add_row(Text(one_line(name)), figure, f"{s.n_queries:,}", Text(one_line(member.verdict or "–")))
    apart = table_of(f"Less that of {one_line(found.members[0].name)}", plain=plain)
    for title in ("model", "differs by", "is there one?", "p", "Holm", "pairing"):
        right = title in ("differs by", "p", "Holm")
        apart.add_column(title, justify="right" if right else "left", no_wrap=title != "model")
    for row in shown.rows:
        d = row.difference
        figure = numbers.gap(d.effect) if d.effect else "–"
        p, holm = p_value(d.p), p_value(d.p_holm)
        apart.add_row(Text(one_line(row.name)), figure, row.state, p, holm, SHORT_PAIRING[d.pairing])
    return [own, apart]


def p_value(p: float | None) -> str:
    """`0.0123` as `0.012`; what is too small to print is said to be."""
    return numbers.NOTHING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
