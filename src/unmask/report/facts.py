"""What the page says, worked out of an `AuditResult`: rows, labels, links. No markup and no estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from unmask.auditing.results import CellResult, ContrastResult, ModelResult
from unmask.report import charts, numbers, words
from unmask.study.contrasts import PLACES
from unmask.vocabulary import ANSWER_USABLE, Contrast, ReplyStatus, Role, State, VerdictName

SCENES = {
    "trained": "One tier’s chats train it, the other’s are not used",
    "both_rated": "Both tiers’ chats are rated, only one’s train it",
    "rated_only": "One tier’s chats are rated, none train it",
    "none": "No chat is rated or used",
}
OBJECTIVES = {"absent": "no objective stated", "aligned": "an objective it shares"}
SCENE = ("arm", "consequence", "objective")
COMPLIANCE_KNOWN = ("complied", "partly", "refused")


@dataclass(frozen=True)
class CellRow:
    """One condition: where it belongs, its rates in words, and links to the replies behind each figure."""

    scene: str
    label: str
    role: str
    tag: str
    labels: str
    cell: CellResult
    link: str
    complied_link: str
    strict_link: str
    af_link: str


@dataclass(frozen=True)
class ContrastRow:
    """One contrast in words."""

    name: str
    letter: str
    change: str
    state: str
    null: str
    link: str
    contrast: ContrastResult


@dataclass(frozen=True)
class StatusColumn:
    """One reply status that came up: in words, and how often in each cell, in the order of the cells."""

    status: str
    word: str
    meaning: str
    usable: bool
    counts: list[int]
    total: int


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
    pictures: dict[str, dict[str, str]]


def view(model: ModelResult, index: int) -> ModelView:
    """The page's view of one model.

    Args:
        model: its part of the result.
        index: its place in the run, by which links name it.
    """
    cells = [_cell(c, index) for c in sorted(model.cells, key=_order)]
    contrasts = [_contrast(c, index, model.verdict.delta) for c in model.contrasts]
    return ModelView(
        anchor=f"model-{index + 1}",
        model=model,
        meaning=words.VERDICTS.get(VerdictName(model.verdict.name), words.VERDICTS[VerdictName.INCONCLUSIVE]),
        screening=any(j.screening for j in model.judges),
        cells=cells,
        scenes=[(name, list(rows)) for name, rows in groupby(cells, key=lambda c: c.scene)],
        contrasts=contrasts,
        statuses=_statuses(cells),
        pictures={
            "rates": {k: charts.rates(_rate_rows(cells), s) for k, s in charts.SIZES.items()},
            "contrasts": {
                k: charts.contrasts(_gap_rows(contrasts), s, delta=100 * model.verdict.delta)
                for k, s in charts.SIZES.items()
            },
            "statuses": {k: charts.statuses(_bars(cells), s) for k, s in charts.SIZES.items()},
        },
    )


def scene(condition: dict[str, str]) -> str:
    """The story of a cell in words, without the user's part in it."""
    parts = [SCENES.get(condition.get("consequence", ""), condition.get("consequence", ""))]
    if condition.get("arm") == "benign":
        parts.append("harmless requests")
    if condition.get("objective") in OBJECTIVES:
        parts.append(OBJECTIVES[condition["objective"]])
    return "; ".join(parts)


def replies_link(**filters: str | int) -> str:
    """The fragment that the page's script reads: opens the replies with these filters set."""
    return "#replies&" + urlencode(filters)


def _order(cell: CellResult) -> tuple[str, ...]:
    condition = cell.condition
    rank = {Role.TRAINED: "0", Role.RATED_ONLY: "1", Role.NEITHER: "2"}
    first = {"trained": "0", "both_rated": "1", "rated_only": "2"}.get(condition["consequence"], "3")
    arm = {"harmful": "0"}.get(condition["arm"], "1")
    return (
        arm,
        condition["objective"],
        first,
        rank[Role(condition["role"])],
        condition["labels"],
        condition["tag"],
    )


def _cell(cell: CellResult, index: int) -> CellRow:
    condition = cell.condition
    role = words.ROLES[Role(condition["role"])]
    filters: dict[str, str | int] = {"model": index}
    filters |= {f: condition[f] for f in (*SCENE, "labels", "tag")}
    return CellRow(
        scene=scene(condition),
        label=f"{role} · “{condition['tag']}”",
        role=role,
        tag=condition["tag"],
        labels=condition["labels"],
        cell=cell,
        link=replies_link(**filters),
        complied_link=replies_link(**filters, compliance="helped"),
        strict_link=replies_link(**filters, compliance="complied"),
        af_link=replies_link(**filters, reasoning="af"),
    )


def _contrast(contrast: ContrastResult, index: int, delta: float) -> ContrastRow:
    name = Contrast(contrast.name)
    short, letter = words.SHORT[name]
    consequence, objective, arm = PLACES[name]
    filters: dict[str, str | int] = {"model": index, "arm": arm, "consequence": consequence}
    filters["objective"] = objective
    if name is Contrast.PUBLISHED_GAP:
        filters["labels"] = "plain"
    return ContrastRow(
        name=short,
        letter=letter,
        change=words.CHANGES[name],
        state=words.STATES[State(contrast.state)],
        null=_null(contrast, delta),
        link=replies_link(**filters),
        contrast=contrast,
    )


def _null(contrast: ContrastResult, delta: float) -> str:
    """How much a "nothing found" is worth: what it would have taken to be found."""
    if contrast.state not in (State.ABSENT, State.UNCLEAR):
        return ""
    if contrast.detection_limit is None:
        return "how small an effect this design finds was not worked out"
    limit = numbers.points(contrast.detection_limit, signed=False)
    small = contrast.detection_limit <= delta
    return f"{limit} points or more would have been found 9 times in 10" + (
        "" if small else "; less could be missed"
    )


def _statuses(cells: Sequence[CellRow]) -> list[StatusColumn]:
    columns = []
    for status in ReplyStatus:
        counts = [c.cell.statuses.get(str(status), 0) for c in cells]
        if any(counts):
            word, meaning = words.STATUSES[status]
            usable = status in ANSWER_USABLE
            columns.append(StatusColumn(str(status), word, meaning, usable, counts, sum(counts)))
    return columns


def _bars(cells: Sequence[CellRow]) -> list[tuple[str, dict[str, int] | None]]:
    """Cells with their statuses, each scene under its name."""
    bars: list[tuple[str, dict[str, int] | None]] = []
    for name, rows in groupby(cells, key=lambda c: c.scene):
        bars.append((name, None))
        bars += [(row.label, row.cell.statuses) for row in rows]
    return bars


def _rate_rows(cells: Sequence[CellRow]) -> list[charts.Row]:
    rows: list[charts.Row] = []
    for i, row in enumerate(cells):
        if i == 0 or cells[i - 1].scene != row.scene:
            rows.append(charts.Row(row.scene, heading=True))
        colour = charts.ROLE_COLOURS[Role(row.cell.condition["role"])]
        rate = row.cell.complied
        if rate is None:
            rows.append(charts.Row(row.label, "no usable reply", colour=colour))
        else:
            ends = (100 * rate.estimate, 100 * rate.low, 100 * rate.high)
            rows.append(charts.Row(row.label, numbers.rate(rate), *ends, colour=colour))
    return rows


def _gap_rows(contrasts: Sequence[ContrastRow]) -> list[charts.Row]:
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
