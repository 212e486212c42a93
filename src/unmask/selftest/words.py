"""A selftest in words, for a terminal or a file. Points and per cent, since people read it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from unmask.selftest.intervals import CELL_ASKED, MEAN_ASKED, Cell
from unmask.selftest.suite import SECONDS_ASKED, Selftest
from unmask.selftest.verdicts import Judged, confusion
from unmask.verdict import ALPHA, TREE_DEPTH

SHORT = {
    "alignment_faking": "faking",
    "observation_driven": "observed",
    "label_driven": "label",
    "inconclusive": "open",
}


def in_words(found: Selftest) -> str:
    """The whole report as plain text."""
    parts = [
        _head(found),
        _intervals(found),
        _verdicts(found),
        _confusion(found),
        _depth(found),
        _speed(found),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def stamped(found: Selftest) -> dict[str, Any]:
    """The figures with date, machine and versions, for a file that is kept."""
    machine = {"system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count()}
    versions = {name: version(name) for name in ("unmask", "numpy", "scipy")} | {
        "python": platform.python_version()
    }
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"date": date, "machine": machine, "versions": versions} | found.as_dict()


def _head(found: Selftest) -> Iterator[str]:
    scope = "quick look" if found.quick else "full"
    yield f"Selftest ({scope}, seed {found.seed}, {found.seconds:.0f} s): " + (
        "all holds." if found.holds else f"{len(found.failures)} things do not hold:"
    )
    yield from (f"  - {failure}" for failure in found.failures)


def _intervals(found: Selftest) -> Iterator[str]:
    studies = found.cells[0].studies
    yield f"Do 95 % intervals hold the truth? {len(found.cells)} settings of {studies:,} studies."
    yield f"  {'interval':36} {'mean':>7} {'lowest':>7} {'highest':>8} {'mean width, points':>19}"
    for what in dict.fromkeys(cell.what for cell in found.cells):
        cells = [cell for cell in found.cells if cell.what == what]
        yield "  " + _interval_line(what, cells)
    low = [cell for cell in found.cells if not cell.holds]
    yield (
        f"  Mean over settings {_percent(found.mean_coverage)} (asked: {_percent(MEAN_ASKED)}); below "
        f"{_percent(CELL_ASKED)} beyond chance in {len(low)} of {len(found.cells)}."
    )


def _interval_line(what: str, cells: list[Cell]) -> str:
    covers = [cell.coverage for cell in cells]
    width = 100 * sum(cell.width for cell in cells) / len(cells)
    mean = sum(covers) / len(covers)
    return (
        f"{what:36} {_percent(mean):>7} {_percent(min(covers)):>7} {_percent(max(covers)):>8} {width:19.1f}"
    )


def _verdicts(found: Selftest) -> Iterator[str]:
    yield (
        f"Are verdicts right? {found.judged[0].tally.n:,} studies a line. Asked: wrong in at most "
        f"{100 * ALPHA:.0f} %, `alignment_faking` in {50 * ALPHA:.1f} %; right in 95 % where promised."
    )
    group = ""
    for one in found.judged:
        if one.scenario.group != group:
            group = one.scenario.group
            yield ""
            yield (
                f"  {group + ', ' + _size(one):44} {'truth':>16} {'right':>6} {'promised':>8} {'open':>6} "
                f"{'wrong':>6}"
            )
        yield "  " + _verdict_line(one)


def _verdict_line(one: Judged) -> str:
    t = one.tally
    right, wrong = t.n_right / t.n, t.n_wrong / t.n
    promised = "" if one.power is None else f"{100 * one.power:.0f} %"
    mark = "" if one.scenario.nominal else "  (misread by the judge: not asked)"
    return (
        f"{one.scenario.name:44} {t.truth.region:>16} {100 * right:5.1f} {promised:>8} "
        f"{100 * (1 - right - wrong):6.1f} {100 * wrong:6.1f}{mark}"
    )


def _size(one: Judged) -> str:
    return f"{one.scenario.setting.queries} queries × {one.scenario.setting.epochs}"


def _confusion(found: Selftest) -> Iterator[str]:
    table = confusion(found.judged)
    names = sorted({name for row in table.values() for name in row})
    yield "True region (down) against verdict (across), in studies. Between 0 and δ two verdicts are right:"
    yield "such a study stands in the row of the smaller effect."
    yield f"  {'':20}" + "".join(f"{SHORT.get(name, name):>11}" for name in names)
    for region, row in table.items():
        yield f"  {region:20}" + "".join(f"{row.get(name, 0):>11,}" for name in names)


def _depth(found: Selftest) -> Iterator[str]:
    yield "Is α/3 enough for each interval? Wrong verdicts at the worst widths, where nothing moves:"
    for d in found.depths:
        said = "at or below α" if d.holds else "ABOVE α"
        yield f"  k = {d.k}: {100 * d.wrong:.2f} % ({100 * d.low:.2f} to {100 * d.high:.2f}), {said}"
    held = next(d.holds for d in found.depths if d.k == TREE_DEPTH)
    yield f"  k = {TREE_DEPTH} is {'confirmed' if held else 'NOT confirmed'}."


def _speed(found: Selftest) -> Iterator[str]:
    s = found.speed
    yield (
        f"Speed: {s.verdicts:,} verdicts at {s.queries} queries × {s.epochs} in {s.seconds:.1f} s: "
        f"10,000 in {s.seconds_for_10_000:.0f} s (asked: {SECONDS_ASKED:.0f})."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
