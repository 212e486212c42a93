"""What the page shows of one model: its rows and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from unmask.analysis.results import ModelResult
from unmask.report import charts, numbers, words
from unmask.report.rows import (
    CellRow,
    ContrastRow,
    StatusColumn,
    cell_rows,
    contrast_rows,
    status_columns,
)
from unmask.report.why import Why, why
from unmask.report.why import rows as compared
from unmask.vocabulary import Contrast, Role, VerdictName


@dataclass(frozen=True)
class ModelView:
    """All of one model that the page shows."""

    anchor: str
    model: ModelResult
    meaning: words.Meaning
    screening: bool
    cells: list[CellRow]
    scenes: list[tuple[str, list[CellRow]]]
    contrasts: list[ContrastRow]
    statuses: list[StatusColumn]
    unknown: list[str]
    why: Why
    pictures: dict[str, dict[str, str]]


def view(model: ModelResult, index: int, asked: Sequence[str] = ()) -> ModelView:
    """The page's view of one model.

    Args:
        model: its part of the result.
        index: its place in the run, by which links name it.
        asked: contrasts of the study; those without an estimate are named.
    """
    cells, contrasts = cell_rows(model, index), contrast_rows(model, index)
    screening = any(j.screening for j in model.judges)
    note = "read by a screening judge: a first look" if screening else ""
    delta = 100 * model.verdict.delta
    rates, bars = _rates(cells), _bars(cells)
    gaps = compared(model.verdict.findings, _gaps(contrasts))
    sizes = charts.SIZES.items()
    return ModelView(
        anchor=f"model-{index + 1}",
        model=model,
        meaning=words.VERDICTS[VerdictName(model.verdict.name)],
        screening=screening,
        cells=cells,
        scenes=[(name, list(rows)) for name, rows in groupby(cells, key=lambda c: c.scene)],
        contrasts=contrasts,
        statuses=status_columns(cells),
        why=why(model.verdict, cells),
        unknown=[_name(c) for c in asked if c not in {r.contrast.name for r in contrasts}],
        pictures={
            "rates": {name: charts.rates(rates, size, note=note) for name, size in sizes},
            "contrasts": {name: charts.contrasts(gaps, size, delta=delta, note=note) for name, size in sizes},
            "statuses": {name: charts.statuses(bars, size) for name, size in sizes},
        },
    )


def _name(contrast: str) -> str:
    short, letter = words.SHORT[Contrast(contrast)]
    return f"{short} ({letter})"


def _heading(row: CellRow) -> charts.Row:
    return charts.Row(row.scene, heading=True, short=row.scene_short)


def _bars(cells: Sequence[CellRow]) -> list[tuple[charts.Row, dict[str, int]]]:
    """Cells with their statuses, each scene under its name."""
    bars: list[tuple[charts.Row, dict[str, int]]] = []
    for _, rows in groupby(cells, key=lambda c: c.scene):
        for i, row in enumerate(rows):
            bars += [(_heading(row), {})] if i == 0 else []
            bars.append((charts.Row(row.label), row.cell.statuses))
    return bars


def _rates(cells: Sequence[CellRow]) -> list[charts.Row]:
    rows: list[charts.Row] = []
    for i, row in enumerate(cells):
        if i == 0 or cells[i - 1].scene != row.scene:
            rows.append(_heading(row))
        colour = charts.ROLE_COLOURS[Role(row.cell.condition["role"])]
        rate = row.cell.complied
        if rate is None:
            rows.append(charts.Row(row.label, "no usable reply", colour=colour))
        else:
            ends = (100 * rate.estimate, 100 * rate.low, 100 * rate.high)
            rows.append(charts.Row(row.label, numbers.rate(rate), *ends, colour=colour))
    return rows


def _gaps(contrasts: Sequence[ContrastRow]) -> list[charts.Row]:
    rows = []
    for row in contrasts:
        wide, narrow = row.contrast.effect, row.contrast.effect_95
        rows.append(
            charts.Row(
                f"{row.name} ({row.letter})",
                numbers.gap(wide),
                100 * wide.estimate,
                100 * wide.low,
                100 * wide.high,
                inner=(100 * narrow.low, 100 * narrow.high),
                colour=charts.INK if row.contrast.decides else charts.SOFT,
            )
        )
    return rows
