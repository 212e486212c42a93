"""Compute the operating characteristics that are shipped: the ready designs at usual rates and losses.

Writes src/unmask/instrument/characteristics.json. Needed after a change of estimators, tree or RECIPE
(tests/instrument/test_characteristic.py then fails). What is shipped under the same key is kept, unless
`--afresh` is said. With `--time`, times one that is not shipped instead.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

from unmask.files import write_atomic
from unmask.instrument.characteristic import RATES, SHIPPED, Design, compute, design_of
from unmask.selftest.scenarios import READY, WHOLE, design
from unmask.vocabulary import Contrast

USUAL_RATES = (0.02, 0.05, 0.1, 0.3)
SECONDS_ASKED = 60.0
FULL = "full"


def designs() -> list[Design]:
    """What is shipped: the demonstration at all rates, the larger designs at usual ones without losses.

    For a model that understood the story, for one of which that is not known, and in the demonstration for
    one that did not; motives are counted wherever the joint contrast is asked. Others are computed when
    they are asked for.
    """
    found = []
    for name in (*READY, FULL):
        study, demo = design(name), name == "demo"
        motives = Contrast.JOINT in study.contrasts
        found += [
            design_of(study, base=base, unusable=share, understood=understood, motives=motives)
            for understood in ((True, None, False) if demo else (True, None))
            for share in ((0.0, 0.02) if demo else (0.0,))
            for base in (RATES if demo else USUAL_RATES)
        ]
    return found


def ship(*, afresh: bool) -> None:
    """Compute what is not shipped yet, and write after each: a run that is stopped goes on."""
    kept = (
        {} if afresh or not SHIPPED.is_file() else json.loads(SHIPPED.read_text(encoding="utf-8"))["designs"]
    )
    todo = designs()
    found = {one.hash: kept[one.hash] for one in todo if one.hash in kept}
    for number, one in enumerate(todo, start=1):
        if one.hash not in found:
            found[one.hash] = asdict(compute(one))
            body = {"about": "bench/characteristics.py writes this file", "designs": found}
            write_atomic(SHIPPED, json.dumps(body, indent=0, sort_keys=True) + "\n")
            print(f"{number} of {len(todo)}", file=sys.stderr)


def timed() -> None:
    study = design("story")
    cases = {
        "story": design_of(study, base=0.15, unusable=0.1, motives=True),
        WHOLE: design_of(design(WHOLE), base=0.15, motives=True, understood=True),
    }
    for name, one in cases.items():
        start = time.perf_counter()
        compute(one)
        seconds = time.perf_counter() - start
        print(f"{name}: {one.queries} queries × {one.epochs}, {seconds:.1f} s (asked: {SECONDS_ASKED:.0f})")


if __name__ == "__main__":
    timed() if "--time" in sys.argv else ship(afresh="--afresh" in sys.argv)
