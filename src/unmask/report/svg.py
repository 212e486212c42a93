"""SVG text cut down to shapes and words: what a page under a strict policy may hold inline.

The renderer is trusted to draw, not to quote: the text is parsed as XML and written anew, with known
elements and attributes only. No script, no style, no link, no reference can pass.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from unmask.report.visible import visible

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "g", "path", "rect", "line", "text", "tspan", "circle"}
ATTRIBUTES = {
    "viewBox", "width", "height", "transform", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r",
    "dx", "dy",
    "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "fill-opacity",
    "stroke-opacity", "text-anchor", "font-family", "font-size", "font-weight", "font-style",
}  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A text at a place in the picture: its left or right end, and its middle in height."""

    x: float
    y: float
    text: str
    colour: str
    bold: bool = False
    end: bool = False


def clean(text: str, words: Sequence[Word] = ()) -> str:
    """The same picture from known elements and attributes only, with words written on it.

    Raises:
        ValueError: the text is not SVG.
    """
    try:
        root = ET.fromstring(text)
    except ET.ParseError as e:
        raise ValueError(f"not SVG: {e}") from e
    if root.tag != f"{SVG}svg":
        raise ValueError(f"not SVG: root {root.tag}")
    kept = _kept(root)
    if kept is None:
        raise ValueError("not SVG: not displayed")
    kept.set("xmlns", SVG.strip("{}"))
    kept.extend(_text(word) for word in words)
    return ET.tostring(kept, encoding="unicode")


def _text(word: Word) -> ET.Element:
    drawn = {"x": f"{word.x:g}", "y": f"{word.y + 4:g}", "fill": word.colour, "font-size": "12px"}
    drawn |= {"font-family": "system-ui, sans-serif"}
    drawn |= {"text-anchor": "end"} if word.end else {}
    drawn |= {"font-weight": "bold"} if word.bold else {}
    element = ET.Element("text", drawn)
    element.text = visible(word.text)
    return element


def _kept(element: ET.Element) -> ET.Element | None:
    name = element.tag.removeprefix(SVG)
    if name not in ELEMENTS or element.get("display") == "none":
        return None
    drawn = {k: v for k, v in element.attrib.items() if k in ATTRIBUTES and "url(" not in v}
    new = ET.Element(name, drawn)
    new.text = element.text
    children = [c for c in map(_kept, element) if c is not None]
    if name == "g" and not children:
        return None
    if name == "path" and drawn.get("d", "").endswith("h0v0h0Z"):
        return None  # empty background of a group
    if name == "g" and not drawn and len(children) == 1:
        return children[0]
    new.extend(children)
    return new
