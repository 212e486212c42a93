"""The power of a design as a picture: for each kind of model, how often its verdict is reached, by effect.

Drawn like the charts of a report, with every position explicit and no font that could change the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import vl_convert

from unmask.report.charts import GRID, INK, PAPER, SOFT, draw
from unmask.report.svg import Word

COLOURS = ("#4f7f5f", "#a8481c", "#c0762b", "#23708f", "#6d5aa6", "#8f6f9e", "#66625a")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, LINE = 560, 260, 52, 30, 44, 18


@dataclass(frozen=True)
class Curve:
    """One kind of model: what it is and which verdict it gets, and its power at each effect, in percent.

    simulated: points that simulated studies confirmed, drawn over the line of the formula.
    """

    label: str
    points: Sequence[tuple[float, float]]
    simulated: Sequence[tuple[float, float]] = ()


def power_chart(curves: Sequence[Curve], *, wanted: float, note: str) -> str:
    """SVG of power against effect; `wanted` (percent) is a dashed line. Labels stand below, by colour."""
    lines: list[dict[str, Any]] = []
    dots: list[dict[str, Any]] = []
    for curve, colour in zip(curves, COLOURS * len(curves), strict=False):
        lines += [{"x": round(x, 3), "y": round(y, 3), "colour": colour} for x, y in curve.points]
        dots += [{"x": round(x, 3), "y": round(y, 3), "colour": colour} for x, y in curve.simulated]
    top = max((p["x"] for p in lines), default=100.0)
    paint = {"field": "colour", "type": "nominal", "scale": None}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "color": SOFT, "strokeWidth": 1, "strokeDash": [4, 4]},
            "data": {"values": [{"y": wanted}]},
            "encoding": {"y": _axis("y", 100.0, "%")},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2},
            "data": {"values": lines},
            "encoding": {"x": _axis("x", top, ""), "y": _axis("y", 100.0, "%"), "stroke": paint},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1},
            "data": {"values": dots},
            "encoding": {"x": _axis("x", top, ""), "y": _axis("y", 100.0, "%"), "fill": paint},
        },
    ]
    room = BOTTOM + LINE * (len(curves) + 1)
    spec = {
        "layer": layers,
        "width": WIDTH,
        "height": HEIGHT,
        "padding": {"left": LEFT, "right": 20, "top": TOP, "bottom": room},
    }
    below = TOP + HEIGHT + 36
    words = [
        Word(LEFT, 14, "How often this design reaches the verdict, by the size of the effect in points", INK)
    ]
    words += [
        Word(LEFT, below + LINE * i, f"— {curve.label}", COLOURS[i % len(COLOURS)], bold=True)
        for i, curve in enumerate(curves)
    ]
    words.append(Word(LEFT, below + LINE * len(curves), note, SOFT))
    return draw(spec, words, ground=PAPER)


def as_png(svg: str) -> bytes:
    """The same picture as a bitmap, twice its size for sharp text."""
    return bytes(vl_convert.svg_to_png(svg, scale=2.0))


def _axis(field: str, top: float, unit: str) -> dict[str, Any]:
    axis = {
        "title": None, "grid": True, "gridColor": GRID, "domain": False, "ticks": False, "zindex": 0,
        "labelColor": SOFT, "labelFontSize": 11, "labelPadding": 6, "tickCount": 6,
        "labelExpr": f"datum.value + ' {unit}'" if unit else "datum.value",
    }  # fmt: skip
    scale = {"domain": [0.0, top], "nice": False, "zero": True}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}
