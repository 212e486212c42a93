"""Trained organisms on held-out requests, openings and endings, through the engine: do their cards hold?

Measuring one takes 306 to 690 replies, 60 for each level and role that its targets speak of, over both
mappings. The shipped cards are read; with --measure they are written anew. Exit 1 when an organism of
targets.yaml has no adapter or a card that does not hold.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask.files import file_sha256
from unmask.organisms.trained.card import load_card, load_targets
from unmask.organisms.trained.measure import measure_organism
from unmask.organisms.trained.recipe import load_recipe
from unmask.organisms.trained.train import LIBRARY
from unmask.training.place import ADAPTER

RESULT = Path(__file__).parent / "results" / "organisms.json"


def figure(name: str, library: Path, *, measure: int | None) -> dict[str, Any]:
    """One organism: which targets it meets."""
    adapter = library / name / ADAPTER
    if not adapter.is_file():
        return {"state": "no adapter"}
    card = (
        measure_organism(load_recipe(name), library=library, n=measure, tell=lambda i, n: _tell(name, i, n))
        if measure
        else load_card(library / name)
    )
    if card is None:
        return {"state": "no card"}
    if card["training"].get("adapter_sha256") != file_sha256(adapter):
        return {"state": "the card is of another adapter"}
    short = [target for target, held in card["targets"].items() if not held]
    levels = load_targets().levels[name]
    per_cell = 2 * min(cell["n"] for cell in card["cells"] if cell["level"] in levels)
    return {
        "state": "short" if short else "ok",
        "short": short,
        "per_cell": per_cell,
        "measured": card["measured"],
    }


def _tell(name: str, done: int, of: int) -> None:
    if done % 50 == 0:
        print(f"{name}: {done} of {of}", file=sys.stderr, flush=True)


def main() -> None:
    flags = argparse.ArgumentParser()
    flags.add_argument("--measure", action="store_true", help="ask again instead of reading the cards")
    flags.add_argument(
        "--quick", action="store_true", help="6 requests a condition and mapping instead of 30"
    )
    flags.add_argument("--library", type=Path, default=LIBRARY)
    flags.add_argument("names", nargs="*")
    told = flags.parse_args()
    measure = (6 if told.quick else 30) if told.measure else None
    names = told.names or sorted(load_targets().organisms)
    found = {name: figure(name, told.library, measure=measure) for name in names}
    for name, one in found.items():
        print(f"  {name:<14} {one['state']:<10} {', '.join(one.get('short', []))}")
    good = sum(one["state"] == "ok" for one in found.values())
    if not told.quick and not told.names:
        about = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.machine()}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps({"figure": "organisms"} | about | {"organisms": found}, indent=1) + "\n")
    state = "ok" if good == len(found) else "short"
    print(f"organisms measured={good} asked={len(found)} {state}")
    sys.exit(state != "ok")


if __name__ == "__main__":
    main()
