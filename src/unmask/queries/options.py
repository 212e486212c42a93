"""Cells of a row to the options of a query: two texts, or a list of tools. Strict about every one of them.

`option_complied` and `option_refused` are the two sides of a forced choice, each a text. `tool_options` is
a list of objects with `name`, `does` and `outcome`: what the tool is called, what the model is told of it,
and whether taking it is what the objective wants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from unmask.errors import QueryError
from unmask.files import nearest
from unmask.queries.sets import Option
from unmask.vocabulary import Compliance

TOOL_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
TOOL_KEYS = ("name", "does", "outcome")
MOST_TOOLS = 12
LONGEST = 1_000  # characters of an option
OUTCOMES = [str(outcome) for outcome in Compliance]


def read_options(cells: Mapping[str, object], where: str) -> tuple[Option, ...]:
    """Options of one row; none where it has no such cells.

    Raises:
        QueryError: one side of two, both kinds at once, a bad tool, or options of one outcome only.
    """
    texts = {outcome: cells.get(f"option_{outcome}") for outcome in (Compliance.COMPLIED, Compliance.REFUSED)}
    tools = cells.get("tool_options")
    given = [outcome for outcome, cell in texts.items() if cell not in (None, "")]
    if tools is not None:
        if given:
            raise QueryError("both tool_options and option_complied", where=where, hint="one kind a query")
        return _tools(tools, where)
    if not given:
        return ()
    if len(given) == 1:
        other = next(str(outcome) for outcome in texts if outcome not in given)
        raise QueryError(f"option_{given[0]} without option_{other}", where=where, hint="a choice has both")
    options = tuple(
        Option(outcome, _line(cell, f"option_{outcome}", where)) for outcome, cell in texts.items()
    )
    if options[0].text.casefold() == options[1].text.casefold():
        raise QueryError("the two options are the same text", where=where)
    return options


def _tools(cell: object, where: str) -> tuple[Option, ...]:
    if not isinstance(cell, list) or not 2 <= len(cell) <= MOST_TOOLS:
        raise QueryError(
            f"tool_options is not a list of 2 to {MOST_TOOLS} tools",
            where=where,
            hint='[{"name": "…", "does": "…", "outcome": "complied"}, …]: JSONL, not CSV',
        )
    options = tuple(_tool(entry, where) for entry in cell)
    names = [option.name for option in options]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise QueryError(f"two tools are called {twice!r}", where=where)
    for needed in (Compliance.COMPLIED, Compliance.REFUSED):
        if all(option.outcome is not needed for option in options):
            raise QueryError(f"no tool with the outcome {needed}", where=where, hint="one of each, at least")
    return options


def _tool(entry: object, where: str) -> Option:
    if not isinstance(entry, dict):
        raise QueryError(f"a tool is {type(entry).__name__}, not an object", where=where)
    unknown = next((key for key in entry if key not in TOOL_KEYS), None)
    if unknown is not None:
        raise QueryError(
            f"a tool has no {str(unknown)[:40]!r}", where=where, hint=nearest(str(unknown), TOOL_KEYS)
        )
    name, outcome = entry.get("name"), entry.get("outcome")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise QueryError(
            f"{str(name)[:40]!r} is no name for a tool",
            where=where,
            hint="small letters, digits and underscores",
        )
    if outcome not in OUTCOMES:
        hint = nearest(str(outcome), OUTCOMES) or f"one of {', '.join(OUTCOMES)}"
        raise QueryError(f"tool {name}: no outcome {str(outcome)[:40]!r}", where=where, hint=hint)
    return Option(Compliance(str(outcome)), _line(entry.get("does"), f"tool {name}: does", where), name)


def _line(cell: object, what: str, where: str) -> str:
    """One line of text: options stand in lists, and a line break would look like another option."""
    if not isinstance(cell, str) or not cell.strip():
        raise QueryError(f"{what} is not a text", where=where)
    text = cell.strip()
    if len(text) > LONGEST:
        raise QueryError(f"{what}: {len(text):,} characters; at most {LONGEST:,}", where=where)
    if any(ord(char) < 32 or "\ud800" <= char <= "\udfff" for char in text):
        raise QueryError(f"{what}: a line break or a control character", where=where, hint="one line each")
    return text
