"""Three charts as SVG text: rates with intervals, contrasts with the margin, reply statuses as bars.

Each is drawn twice, for a wide and for a narrow page, since text that shrinks with its picture cannot be
read. All positions are explicit, so that no installed font changes the bytes. Colours are a fixed few,
which the page's style maps to its own in the dark (`style.css`).

Vega-Lite is written as the plain data that it is: building and checking the same through Altair took as
long as drawing it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import vl_convert

from unmask.report.svg import Word, clean
from unmask.vocabulary import ReplyStatus, Role

VEGA_LITE = "6.1"
Spec = dict[str, Any]
TOP = 4  # room above the first row
INK, SOFT, GRID, BAND, PAPER = "#1c1b19", "#66625a", "#dedad0", "#efe6cf", "#ffffff"
ROLE_COLOURS = {Role.TRAINED: "#a8481c", Role.RATED_ONLY: "#6d5aa6", Role.NEITHER: "#23708f"}
STATUS_COLOURS = {
    ReplyStatus.OK: "#4f7f5f",
    ReplyStatus.NO_SCRATCHPAD: "#9dbd8f",
    ReplyStatus.TRUNCATED: "#d9a441",
    ReplyStatus.UNCLOSED_SCRATCHPAD: "#c0762b",
    ReplyStatus.EMPTY: "#b9b4a8",
    ReplyStatus.FILTERED: "#8f6f9e",
    ReplyStatus.ERROR: "#9c3b3b",
}


@dataclass(frozen=True)
class Row:
    """One line of an interval chart, in percent or points; a heading has no figures.

    short: the label for a narrow page, where it differs.
    low, high: the outer limits, drawn thin; inner: a second pair, drawn thick; None draws one line.
    """

    label: str
    text: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    inner: tuple[float, float] | None = None
    colour: str = INK
    heading: bool = False
    short: str = ""


@dataclass(frozen=True)
class Size:
    """A page that the chart fits: plot width, room on both sides, height of a row, labels above or beside."""

    plot: int
    left: int
    right: int
    step: int
    beside: bool


WIDE = Size(plot=430, left=210, right=166, step=27, beside=True)
NARROW = Size(plot=316, left=8, right=14, step=44, beside=False)
SIZES = {"wide": WIDE, "narrow": NARROW}


def rates(rows: Sequence[Row], size: Size, *, note: str = "") -> str:
    """Rates of cells in percent, from zero."""
    top = max((r.high for r in rows if r.high is not None), default=100.0)
    return _intervals(rows, size, (0.0, 25.0 if top <= 24 else 100.0), unit="%", note=note)


def contrasts(rows: Sequence[Row], size: Size, *, delta: float, note: str = "") -> str:
    """Differences in points around zero, over a band of ± delta (in points) that counts as none."""
    ends = [abs(x) for r in rows for x in (r.low, r.high) if x is not None]
    reach = max([*ends, 2 * delta])
    edge = next((e for e in (5, 10, 15, 20, 30, 40, 60, 80, 100) if e >= reach), 10 * math.ceil(reach / 10))
    return _intervals(rows, size, (-float(edge), float(edge)), unit="points", note=note, band=delta)


def statuses(cells: Sequence[tuple[Row, dict[str, int]]], size: Size) -> str:
    """Share of each reply status by cell, as stacked bars in the order of the vocabulary."""
    bars: list[Spec] = []
    for y, (_, counts) in enumerate(cells):
        total, x = sum(counts.values()), 0.0
        for status, colour in STATUS_COLOURS.items():
            share = 100 * counts.get(str(status), 0) / total if total else 0.0
            if share > 0:
                bars.append({"y": y, "x": round(x, 3), "x2": round(x + share, 3), "colour": colour})
                x += share
    bar = {
        "mark": {"type": "bar", "height": 13, "stroke": PAPER, "strokeWidth": 0.5},
        "data": {"values": bars},
        "encoding": {**_span("x", "x2", (0.0, 100.0), "%"), **_row(len(cells)), "color": _literal()},
    }
    return _svg([bar], [row for row, _ in cells], size)


def _intervals(
    rows: Sequence[Row],
    size: Size,
    domain: tuple[float, float],
    *,
    unit: str,
    note: str,
    band: float | None = None,
) -> str:
    lines = []
    for y, row in enumerate(rows):
        if row.estimate is not None and row.low is not None and row.high is not None:
            inner = row.inner or (row.low, row.high)
            ends = {"low": row.low, "high": row.high, "inner_low": inner[0], "inner_high": inner[1]}
            drawn = {name: round(min(max(x, domain[0]), domain[1]), 4) for name, x in ends.items()}
            lines.append({"y": y, "x": round(row.estimate, 4), "colour": row.colour, **drawn})
    y_axis = _row(len(rows))
    shape = {**y_axis, "color": _literal()}
    layers = _band(band, domain, unit) if band is not None else []
    layers += [
        {"mark": {"type": "rule", "strokeWidth": 1.3},
         "encoding": {**_span("low", "high", domain, unit), **shape}},
        {"mark": {"type": "rule", "strokeWidth": 4},
         "encoding": {**_span("inner_low", "inner_high", domain, unit), **shape}},
        {"mark": {"type": "point", "filled": True, "size": 64, "opacity": 1, "stroke": PAPER,
                  "strokeWidth": 1},
         "encoding": {"x": _axis("x", domain, unit), **y_axis, "fill": _literal()}},
    ]  # fmt: skip
    for layer in layers:
        layer.setdefault("data", {"values": lines})
    return _svg(layers, rows, size, note)


def _band(delta: float, domain: tuple[float, float], unit: str) -> list[Spec]:
    """The margin that counts as none, and zero."""
    return [
        {"mark": {"type": "rect", "color": BAND}, "data": {"values": [{"low": -delta, "high": delta}]},
         "encoding": _span("low", "high", domain, unit)},
        {"mark": {"type": "rule", "color": SOFT, "strokeWidth": 1}, "data": {"values": [{"x": 0}]},
         "encoding": {"x": _axis("x", domain, unit)}},
    ]  # fmt: skip


def _words(rows: Sequence[Row], size: Size, note: str) -> list[Word]:
    """Row names beside the plot or above each line, the figures at the right end, the note below.

    Written by us, since Vega measures each text: thirty of them took twice as long as all the rest.
    """
    left, top = (2, TOP) if size.beside else (size.left + 2, TOP - 13)
    right = size.left + 2 + size.plot + (size.right if size.beside else 0)
    found = []
    for i, row in enumerate(rows):
        y = top + (i + 0.5) * size.step
        label = row.label if size.beside else row.short or row.label
        found.append(Word(left, y, label, INK, bold=row.heading))
        if row.text:
            found.append(Word(right, y, row.text, INK, end=True))
    if note:
        found.append(Word(left, TOP + max(1, len(rows)) * size.step + 34, note, SOFT))
    return found


def _svg(layers: list[Spec], rows: Sequence[Row], size: Size, note: str = "") -> str:
    """Draw; `note` stands below the axis, so that it stays with a picture that leaves the page."""
    bottom = 46 if note else 26
    spec = {
        "layer": layers,
        "width": size.plot,
        "height": max(1, len(rows)) * size.step,
        "padding": {"left": size.left + 2, "right": size.right + 2, "top": TOP, "bottom": bottom},
    }
    return draw(spec, _words(rows, size, note))


def draw(spec: Spec, words: Sequence[Word] = (), *, ground: str = "transparent") -> str:
    """A Vega-Lite picture of ours as SVG text of known elements, with words written on it.

    Args:
        spec: layers, sizes and padding; what all pictures have in common is added.
        words: texts at places that do not depend on a font.
        ground: the colour behind.
    """
    config = {
        "aria": False,
        "background": ground,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
    }
    whole = spec | {"autosize": {"type": "none"}, "config": config}
    return clean(vl_convert.vegalite_to_svg(whole, vl_version=VEGA_LITE), words)


def _axis(field: str, domain: tuple[float, float], unit: str) -> Spec:
    signed = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '') + abs(datum.value)"
    axis = {
        "title": None, "grid": True, "gridColor": GRID, "domain": False, "ticks": False, "zindex": 0,
        "labelColor": SOFT, "labelFontSize": 11, "labelPadding": 6, "tickCount": 5,
        "labelExpr": "datum.value + ' %'" if unit == "%" else signed,
    }  # fmt: skip
    scale = {"domain": list(domain), "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _span(low: str, high: str, domain: tuple[float, float], unit: str) -> Spec:
    return {"x": _axis(low, domain, unit), "x2": {"field": high}}


def _row(rows: int) -> Spec:
    scale = {"domain": [-0.5, max(1, rows) - 0.5], "reverse": True, "nice": False, "zero": False}
    return {"y": {"field": "y", "type": "quantitative", "axis": None, "scale": scale}}


def _literal() -> Spec:
    """The colour that the row itself names."""
    return {"field": "colour", "type": "nominal", "scale": None}
