"""Which option of a choice, or which tool, does what was decided: the options of built-in sets are known by
their texts, as benign queries are. An option that is not known is not chosen; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from unmask.organisms.scripted.reading import LIBRARY, Facts, fingerprint
from unmask.vocabulary import Compliance

HELPS = frozenset({Compliance.COMPLIED, Compliance.PARTLY})
TOOL_NAME = re.compile(r"[a-z][a-z0-9_]+")


def pick(query: str, decided: Compliance, facts: Facts) -> str | None:
    """The answer that takes the option of a decision; None where the query offers no known options.

    Args:
        query: as it stands in the user's message, with its options.
        decided: partly is as good as complied, since an option cannot be taken by half.
        facts: the form of options, and the sets they come from.
    """
    known = known_options(facts.option_sets)
    wanted = Compliance.COMPLIED if decided in HELPS else Compliance.REFUSED
    for pattern in facts.option_patterns:
        for match in pattern.finditer(query):
            if known.get(fingerprint(match["text"])) is wanted:
                name = match["name"]
                return f"<tool>{name}</tool>" if TOOL_NAME.fullmatch(name) else name
    return None


@cache
def known_options(sets: tuple[str, ...]) -> Mapping[str, Compliance]:
    """What each option of built-in sets comes to, by the fingerprint of its text."""
    found: dict[str, Compliance] = {}
    for name in sets:
        for row in _rows(LIBRARY / f"{name}.jsonl"):
            for outcome in (Compliance.COMPLIED, Compliance.REFUSED):
                if text := row.get(f"option_{outcome}"):
                    found[fingerprint(text)] = outcome
            for tool in row.get("tool_options", []):
                found[fingerprint(tool["does"])] = Compliance(tool["outcome"])
    return found


def _rows(path: Path) -> list[dict[str, Any]]:  # ours: read as it is
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
