"""Tools for models: as Inspect describes them, and as plain text for models that have no tool calling.

The plain form is one JSON object in `<call></call>` tags, outside the scratchpad. It is read strictly: what
is meant as a call and cannot be read is kept as malformed, never repaired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.tool import ToolInfo, ToolParam, ToolParams

from unmask.acts.play import TOOLS
from unmask.acts.texts import texts
from unmask.parse import find_tags

CALL = re.compile(r"<call>(.*?)</call>", re.DOTALL | re.IGNORECASE)
LEFT = re.compile(r"</?call\b", re.IGNORECASE)
MAX_CALLS = 8  # of one message: what comes after them is not made
MAX_TEXT = 200_000  # characters of one message that are read
EXAMPLE = '<call>{"tool": "NAME", "with": {"ARGUMENT": "TEXT"}}</call>'


@dataclass(frozen=True)
class Meant:
    """One call that was read, or the words that could not be; `why` tells."""

    tool: str = ""
    arguments: Mapping[str, Any] | None = None
    text: str = ""
    why: str = ""


def tool_infos(names: Sequence[str]) -> list[ToolInfo]:
    """These tools as providers are told of them; every argument is a text."""
    return [
        ToolInfo(
            name=name,
            description=TOOLS[name].about,
            parameters=ToolParams(
                properties={
                    argument: ToolParam(type="string", description=about)
                    for argument, about in TOOLS[name].arguments.items()
                },
                required=[a for a in TOOLS[name].arguments if a not in TOOLS[name].optional],
            ),
        )
        for name in names
    ]


def told_as_text(names: Sequence[str]) -> str:
    """The same for a model without tool calling, to stand in its system message."""
    lines = []
    for name in names:
        arguments = "; ".join(f"{argument}: {about}" for argument, about in TOOLS[name].arguments.items())
        lines.append(f"- {name} ({arguments or 'no arguments'}). {TOOLS[name].about}")
    return texts().tools.strip().format(tools="\n".join(lines), example=EXAMPLE)


def outside(text: str) -> str:
    """A message without its scratchpads; one that was never closed takes the rest with it."""
    text, start, inside = text[:MAX_TEXT], 0, False
    kept: list[str] = []
    for tag in find_tags(text):
        if tag.kind != "pad":
            continue
        if tag.closing:
            kept = kept if inside else []  # closed and never opened: a prefill opened it
            inside, start = False, tag.end
        elif not inside:
            kept.append(text[start : tag.start])
            inside = True
    return "".join([*kept, "" if inside else text[start:]]).strip()


def read_calls(text: str) -> list[Meant]:
    """The calls in a message's own words (scratchpads are left out before), in order."""
    found = [_read(match[1]) for match in CALL.finditer(text)]
    rest = CALL.sub(" ", text)
    if (left_over := LEFT.search(rest)) is not None:
        left = rest[left_over.start() :]
        found.append(Meant(text=left, why="the tags <call> and </call> do not close"))
    if len(found) > MAX_CALLS:
        found = [*found[:MAX_CALLS], Meant(text=text, why=f"more than {MAX_CALLS} calls in one message")]
    return found


def _read(inner: str) -> Meant:
    try:
        data = json.loads(inner, object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError) as e:
        return Meant(text=inner, why=f"not JSON ({str(e)[:80]})")
    if not isinstance(data, dict) or set(data) - {"tool", "with"} or not isinstance(data.get("tool"), str):
        return Meant(text=inner, why='it needs the keys "tool" and "with", and no others')
    arguments = data.get("with", {})
    if not isinstance(arguments, dict):
        return Meant(text=inner, why='"with" is no object')
    return Meant(tool=data["tool"], arguments=arguments)


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)
