"""Three charts as SVG text: rates with intervals, contrasts with the margin, reply statuses as bars.

Each is drawn twice, for a wide and for a narrow page, since text that shrinks with its picture cannot be
read. All positions are explicit, so that no installed font changes the bytes. Colours are a fixed few,
which the page's style maps to its own in the dark (`style.css`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from unmask.report.svg import clean
from unmask.vocabulary import ReplyStatus, Role

VL_VERSION = alt.SCHEMA_VERSION.rpartition(".")[0].removeprefix("v")  # as 6.1: what this Altair writes
INK, SOFT, GRID, BAND = "#1c1b19", "#66625a", "#dedad0", "#efe6cf"
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


@dataclass(frozen=True)
class Size:
    """A page that the chart fits: plot width, room on both sides, height of a row, labels above or beside."""

    plot: int
    left: int
    right: int
    step: int
    beside: bool


WIDE = Size(plot=430, left=210, right=150, step=27, beside=True)
NARROW = Size(plot=316, left=8, right=14, step=44, beside=False)
SIZES = {"wide": WIDE, "narrow": NARROW}


def rates(rows: Sequence[Row], size: Size) -> str:
    """Rates of cells in percent, from zero."""
    top = max((r.high for r in rows if r.high is not None), default=100.0)
    return _intervals(rows, size, (0.0, 25.0 if top <= 24 else 100.0), unit="%", band=None)


def contrasts(rows: Sequence[Row], size: Size, *, delta: float) -> str:
    """Differences in points around zero, over a band of ± delta (in points) that counts as none."""
    ends = [abs(x) for r in rows for x in (r.low, r.high) if x is not None]
    reach = max([*ends, 2 * delta])
    edge = next((e for e in (5, 10, 15, 20, 30, 40, 60, 80, 100) if e >= reach), 10 * math.ceil(reach / 10))
    return _intervals(rows, size, (-float(edge), float(edge)), unit="points", band=delta)


def statuses(cells: Sequence[tuple[str, dict[str, int] | None]], size: Size) -> str:
    """Share of each reply status by cell, as stacked bars in the order of the vocabulary; None: a heading."""
    bars, labels, headings = [], [], []
    for y, (label, counts) in enumerate(cells):
        place = {"y": float(y), "label": label}
        if counts is None:
            headings.append(place)
            continue
        labels.append(place)
        total, x = sum(counts.values()), 0.0
        for status, colour in STATUS_COLOURS.items():
            share = 100 * counts.get(str(status), 0) / total if total else 0.0
            if share > 0:
                bars.append({"y": float(y), "x": round(x, 3), "x2": round(x + share, 3), "colour": colour})
                x += share
    bar = (
        alt.Chart(_data(bars))
        .mark_bar(size=13, stroke="#ffffff", strokeWidth=0.5)
        .encode(x=_x((0.0, 100.0), "%"), x2="x2:Q", y=_y(len(cells)), color=_literal())
    )
    return _svg([bar, *_labels(labels, size), *_labels(headings, size, bold=True)], size, len(cells))


def _intervals(
    rows: Sequence[Row], size: Size, domain: tuple[float, float], *, unit: str, band: float | None
) -> str:
    data, labels, headings = [], [], []
    for y, row in enumerate(rows):
        place = {"y": float(y), "label": row.label, "text": row.text}
        (headings if row.heading else labels).append(place)
        if row.estimate is not None and row.low is not None and row.high is not None:
            inner = row.inner or (row.low, row.high)
            data.append(
                {
                    "y": float(y),
                    "x": round(row.estimate, 4),
                    **_clip("low", row.low, domain),
                    **_clip("high", row.high, domain),
                    **_clip("inner_low", inner[0], domain),
                    **_clip("inner_high", inner[1], domain),
                    "colour": row.colour,
                }
            )
    layers = []
    if band is not None:
        box = alt.Chart(_data([{"low": -band, "high": band}]))
        layers.append(box.mark_rect(color=BAND).encode(x=_x(domain, unit, "low"), x2="high:Q"))
        layers.append(box.mark_rule(color=SOFT, strokeWidth=1).encode(x=alt.datum(0)))
    chart = alt.Chart(_data(data))
    axis, y = _x(domain, unit, "low"), _y(len(rows))
    layers.append(chart.mark_rule(strokeWidth=1.3).encode(x=axis, x2="high:Q", y=y, color=_literal()))
    thick = _x(domain, unit, "inner_low")
    layers.append(chart.mark_rule(strokeWidth=4).encode(x=thick, x2="inner_high:Q", y=y, color=_literal()))
    point = chart.mark_point(filled=True, size=64, opacity=1, stroke="#ffffff", strokeWidth=1)
    layers.append(point.encode(x=_x(domain, unit), y=y, fill=_literal("fill")))
    return _svg([*layers, *_labels(labels, size), *_labels(headings, size, bold=True)], size, len(rows))


def _labels(rows: list[dict[str, Any]], size: Size, *, bold: bool = False) -> list[Any]:
    """Row names beside the plot or above each line, and the figures at the right end."""
    if not rows:
        return []
    count = max(int(r["y"]) for r in rows) + 1
    chart = alt.Chart(_data(rows)).encode(y=_y(count, rescale=False))
    lift = 0 if size.beside else -13
    weight = "bold" if bold else "normal"
    common = {"baseline": "middle", "dy": lift, "fontSize": 12, "fontWeight": weight, "color": INK}
    x = -size.left if size.beside else 0
    layers = [chart.mark_text(align="left", **common).encode(x=alt.value(x), text="label:N")]
    if any(r.get("text") for r in rows):
        end = size.plot + size.right if size.beside else size.plot
        layers.append(chart.mark_text(align="right", **common).encode(x=alt.value(end), text="text:N"))
    return layers


def _svg(layers: list[Any], size: Size, rows: int) -> str:
    padding = {"left": size.left + 2, "right": size.right + 2, "top": 4, "bottom": 26}
    chart = alt.layer(*layers).properties(
        width=size.plot,
        height=max(1, rows) * size.step,
        padding=padding,
        autosize=alt.AutoSizeParams(type="none"),
    )
    spec = chart.configure(aria=False, background="transparent", font="system-ui, sans-serif").configure_view(
        stroke=None
    )
    text = vl_convert.vegalite_to_svg(spec.to_dict(validate=False), vl_version=VL_VERSION)
    return clean(text)


def _x(domain: tuple[float, float], unit: str, field: str = "x") -> Any:
    axis = alt.Axis(
        title=None, grid=True, gridColor=GRID, domain=False, ticks=False, labelColor=SOFT, labelFontSize=11,
        labelPadding=6, tickCount=5, zindex=0,
        labelExpr="datum.value + ' %'" if unit == "%" else "(datum.value > 0 ? '+' : '') + datum.value",
    )  # fmt: skip
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=axis)


def _y(rows: int, *, rescale: bool = True) -> Any:
    if not rescale:
        return alt.Y("y:Q", axis=None)
    scale = alt.Scale(domain=[-0.5, max(1, rows) - 0.5], reverse=True, nice=False, zero=False)
    return alt.Y("y:Q", axis=None, scale=scale)


def _literal(channel: str = "color") -> Any:
    kind = alt.Fill if channel == "fill" else alt.Color
    return kind("colour:N", scale=None, legend=None)


def _clip(name: str, value: float, domain: tuple[float, float]) -> dict[str, float]:
    return {name: round(min(max(value, domain[0]), domain[1]), 4)}


def _data(rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)
