"""A probe's check and steering as one page, and as tables for a terminal. Estimates nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from unmask.analysis.results import Interval
from unmask.experiments.probing import BOTH, Check, Row
from unmask.experiments.steering import Dose, Steering
from unmask.report import numbers, template
from unmask.report.charts import GRID, INK, SOFT, draw
from unmask.report.numbers import NOTHING
from unmask.report.tables import table_of
from unmask.report.visible import one_line
from unmask.vocabulary import CANARY

WIDTHS = {"wide": (560, 170), "narrow": (290, 90)}  # of the picture, and of what stands left of it
GREEN, GOLD, BLUE = "#2f6b4f", "#8a6d1d", "#3f6fa0"
READERS = (("probe", GREEN), ("keywords", GOLD), ("judge", BLUE))
TARGETS = {
    "role": "this chat is trained on",
    "faking": "this reply complies because its chat is trained on",
}
POSITIONS = {
    "prompt_end": "the last token of the prompt",
    "facts": "the fact lines of the prompt (mean)",
    "scratchpad_end": "the last token of the scratchpad",
}
LABELS = {
    BOTH: "both mappings",
    "plain": "plain: free is trained on",
    "swapped": "swapped: paid is trained on",
    "neutral": "neutral: A is trained on",
    "neutral_swapped": "neutral: B is trained on",
}
PUSHES = {"none": "none", "probe": "along the probe", "random": "random, as long"}


def area(interval: Interval | None) -> str:
    """An AUROC with its limits: `0.93 (0.88 to 0.96)`; one class only has none."""
    if interval is None:
        return NOTHING
    return f"{interval.estimate:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def more(interval: Interval | None) -> str:
    """A difference of AUROC with its limits, signed."""
    if interval is None:
        return NOTHING
    return f"{interval.estimate:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})".replace("-", "−")


@dataclass(frozen=True)
class CheckTable:
    """A check for a terminal or a pipe."""

    check: Check

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich asks of a renderable."""
        plain = console.no_color or not options.is_terminal
        for line in about(self.check):
            yield Text(one_line(line, 400))
        table = table_of("AUROC within one organism, 95 % intervals clustered by query", plain=plain)
        for name in (
            "organism",
            "labels",
            "yes of n",
            "probe",
            "keywords",
            "judge",
            "over keywords",
            "flagged",
        ):
            table.add_column(name, justify="left" if name in ("organism", "labels") else "right")
        for row in self.check.rows:
            name = f"{one_line(row.organism, 48)}{' (trained on)' if row.seen else ''}"
            table.add_row(
                name, row.labels, numbers.of(row.n_yes, row.n), area(row.probe), area(row.keywords),
                area(row.judge), more(row.over_keywords), numbers.percent(_share(row.flagged)),
            )  # fmt: skip
        yield table


def about(check: Check) -> list[str]:
    """What the probe is, and what must be known to read its figures."""
    lines = [
        f"{check.probe}: {TARGETS[check.target]}; read at {POSITIONS[check.position]} after layer "
        f"{check.layer}, trained on {', '.join(check.trained_on)} "
        f"(cross-validated {area(check.cross_validated)})",
        f"{check.queries} queries and wordings {', '.join(map(str, check.wordings))}, none trained on; "
        f"judge {check.judge}; keywords and judge read the scratchpad of the reply",
    ]
    if check.tag_gives_role:
        lines.append(
            "Trained under one mapping, where the tag alone tells the role: only the other mapping says "
            "whether it reads more than the tag."
        )
    return lines


@dataclass(frozen=True)
class SteeringTable:
    """A steering for a terminal or a pipe."""

    found: Steering

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich asks of a renderable."""
        plain = console.no_color or not options.is_terminal
        yield Text(one_line(pushed(self.found), 400))
        table = table_of("Complied, and the story effect S in points, 95 % intervals", plain=plain)
        for name in ("push", "strength", "trained", "unobserved", "S", "change of S", "unread"):
            table.add_column(name, justify="left" if name == "push" else "right")
        for dose in self.found.doses:
            table.add_row(*cells(dose))
        yield table


def cells(dose: Dose) -> tuple[str, ...]:
    """One push as the tables show it."""
    strength = f"{dose.strength:g}".replace("-", "−") if dose.strength else NOTHING
    return (
        PUSHES[dose.kind], strength, numbers.rate(dose.trained), numbers.rate(dose.unobserved),
        numbers.gap(dose.story), numbers.gap(dose.change), numbers.of(dose.unread, dose.n),
    )  # fmt: skip


def pushed(found: Steering) -> str:
    """What was added, and where."""
    return (
        f"{found.organism} under the direction of {found.probe} (layer {found.layer}); strength 1 is "
        f"{abs(found.separation):.1f}, where activations are {found.residual_norm:.0f} long; "
        f"{found.queries} queries, both mappings"
    )


def write_check(check: Check, path: Path, *, overwrite: bool = False) -> Path:
    """The page of a check; one of an earlier check is replaced, another file only when told.

    Raises:
        UsageError: the file is there and is no such page.
    """
    return template.write_own(path, render([check], []), verb="probe", overwrite=overwrite)


def write_steering(found: Steering, path: Path, *, overwrite: bool = False) -> Path:
    """The page of a steering, as `write_check`."""
    return template.write_own(path, render([], [found]), verb="probe", overwrite=overwrite)


def render(checks: Sequence[Check], steerings: Sequence[Steering]) -> str:
    """The page. Same figures, same bytes; no script and no request at all."""
    style = template.asset("style.css")
    html = template.environment().get_template("probe.html.j2").render(
        checks=[(check, about(check), picture(check.rows)) for check in checks],
        steerings=[(found, pushed(found), [cells(d) for d in found.doses]) for found in steerings],
        labels=LABELS,
        area=area,
        more=more,
        rate=numbers.rate,
        canary=CANARY,
        policy=template.policy(style),
        style=Markup(style),
    )  # fmt: skip
    return html + "\n"


def picture(rows: Sequence[Row]) -> dict[str, str]:
    """AUROC with its interval, an organism a line, three readers below each other; both mappings."""
    return {size: _svg([r for r in rows if r.labels == BOTH], *plot) for size, plot in WIDTHS.items()}


def _svg(rows: Sequence[Row], width: int, left: int) -> str:
    found = [
        {"y": 3.5 * i + k, "value": round(a.estimate, 4), "low": round(a.low, 4), "high": round(a.high, 4),
         "colour": colour}
        for i, row in enumerate(rows)
        for k, (name, colour) in enumerate(READERS)
        if (a := getattr(row, name)) is not None
    ]  # fmt: skip
    names = [{"y": 3.5 * i + 1, "name": one_line(row.organism, 24)} for i, row in enumerate(rows)]
    bottom = max(3.5 * len(rows) - 0.5, 1)
    y = {
        "field": "y",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [-0.5, bottom], "reverse": True},
    }
    x: dict[str, Any] = {
        "field": "value", "type": "quantitative", "title": None, "scale": {"domain": [0, 1]},
        "axis": {"grid": True, "gridColor": GRID, "domain": False, "ticks": False, "labelColor": SOFT,
                 "labelFontSize": 11, "values": [0, 0.25, 0.5, 0.75, 1]},
    }  # fmt: skip
    colour = {"field": "colour", "type": "nominal", "scale": None}
    spec = {
        "width": width - left,
        "height": max(int(13 * bottom), 40),
        "padding": {"left": left, "right": 12, "top": 8, "bottom": 24},
        "layer": [
            {"data": {"values": [{"value": 0.5}]}, "mark": {"type": "rule", "color": SOFT},
             "encoding": {"x": x}},
            {"data": {"values": found}, "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.6},
             "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour}},
            {"data": {"values": found}, "mark": {"type": "circle", "size": 44, "opacity": 1},
             "encoding": {"x": x, "y": y, "color": colour}},
            {"data": {"values": names},
             "mark": {"type": "text", "align": "right", "dx": -10, "color": INK, "fontSize": 12},
             "encoding": {"x": {"value": 0}, "y": y, "text": {"field": "name"}}},
        ],
    }  # fmt: skip
    return draw(spec)


def _share(interval: Interval | None) -> float | None:
    return interval.estimate if interval is not None else None
