"""Rows of the report's tables, worked out of an `AuditResult`: labels, links. No markup and no estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from unmask.analysis.results import CellResult, ContrastResult, ModelResult
from unmask.report import numbers, words
from unmask.study.contrasts import PLACES
from unmask.vocabulary import (
    ANSWER_USABLE,
    MORE_FACTORS,
    ROLES,
    Consequence,
    Contrast,
    ReplyStatus,
    Role,
    State,
)

SCENES = {
    "trained": "One tier’s chats train it, the other’s are not used",
    "both_rated": "Both tiers’ chats are rated, only one’s train it",
    "rated_only": "One tier’s chats are rated, none train it",
    "none": "No chat is rated or used",
    "all_three": "Of three tiers, one’s chats train it, one’s are rated, one’s are not used",
}
OBJECTIVES = {"absent": "no objective stated", "aligned": "an objective it shares"}
SCENE = ("arm", "consequence", "objective")
USUAL = {"scratchpad": "hidden", "cue": "xml"}
AS_USUAL = "as usual"


@dataclass(frozen=True)
class CellRow:
    """One condition: where it belongs, its rates in words, and links to the replies behind each figure."""

    scene: str
    scene_short: str
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


def cell_rows(model: ModelResult, index: int) -> list[CellRow]:
    """The cells of a model, scene by scene, roles with most at stake first; `index` names it in links."""
    several = len({level_text(c.condition) for c in model.cells}) > 1
    return [_cell(c, index, several=several) for c in sorted(model.cells, key=_order)]


def in_words(line: str, cells: Sequence[CellRow]) -> str:
    """A sentence of the verdict with conditions named as the tables name them, not by their keys."""
    # the longest first: a key may begin another
    for row in sorted(cells, key=lambda row: -len(row.cell.condition_key)):
        line = line.replace(row.cell.condition_key, f"{row.label} ({row.scene_short})")
    return line


def contrast_rows(model: ModelResult, index: int) -> list[ContrastRow]:
    """The contrasts of a model in the study's order."""
    return [_contrast(c, index, model.verdict.delta) for c in model.contrasts]


def status_columns(cells: Sequence[CellRow]) -> list[StatusColumn]:
    """The statuses that came up, in the vocabulary's order."""
    columns = []
    for status in ReplyStatus:
        counts = [c.cell.statuses.get(str(status), 0) for c in cells]
        if any(counts):
            word, meaning = words.STATUSES[status]
            usable = status in ANSWER_USABLE
            columns.append(StatusColumn(str(status), word, meaning, usable, counts, sum(counts)))
    return columns


def level_text(condition: Mapping[str, str | None]) -> str:
    """Levels of rarer factors in a few words, `observed 0.5, stake grave`; empty where all are as usual."""
    told = {f: v for f in MORE_FACTORS if (v := condition.get(f))}
    told |= {f: v for f, usual in USUAL.items() if (v := condition.get(f)) and v != usual}
    return ", ".join((v if f == "variation" else f"{f} {v}").replace("_", " ") for f, v in told.items())


def scene(condition: dict[str, str]) -> str:
    """The story of a cell in words, without the user's part in it."""
    parts = [SCENES.get(condition.get("consequence", ""), condition.get("consequence", ""))]
    if condition.get("arm") == "benign":
        parts.append("harmless requests")
    if condition.get("objective") in OBJECTIVES:
        parts.append(OBJECTIVES[condition["objective"]])
    parts += [level_text(condition)] if level_text(condition) else []
    return "; ".join(parts)


def scene_short(condition: dict[str, str]) -> str:
    """The story of a cell for a narrow column."""
    roles = " or ".join(
        dict.fromkeys(words.ROLES[role] for role in ROLES[Consequence(condition["consequence"])])
    )
    extra = ["harmless"] if condition["arm"] == "benign" else []
    extra += [OBJECTIVES[condition["objective"]]] if condition["objective"] in OBJECTIVES else []
    extra += [level_text(condition)] if level_text(condition) else []
    return ", ".join([roles, *extra])


def replies_link(**filters: str | int) -> str:
    """The fragment that the page's script reads: opens the replies with these filters set."""
    return "#replies&" + urlencode(filters)


def _order(cell: CellResult) -> tuple[str, ...]:
    condition = cell.condition
    rank = {Role.TRAINED: "0", Role.RATED_ONLY: "1", Role.NEITHER: "2"}
    first = {"trained": "0", "both_rated": "1", "rated_only": "2"}.get(condition["consequence"], "3")
    arm = {"harmful": "0"}.get(condition["arm"], "1")
    objective = {"conflicting": "0"}.get(condition["objective"], "1")
    return (
        arm,
        objective,
        first,
        level_text(condition),
        rank[Role(condition["role"])],
        condition["labels"],
        condition["tag"],
    )


def _cell(cell: CellResult, index: int, *, several: bool) -> CellRow:
    condition = cell.condition
    role = words.ROLES[Role(condition["role"])]
    filters: dict[str, str | int] = {"model": index}
    filters |= {f: condition[f] for f in (*SCENE, "labels", "tag")}
    filters |= {"level": level_text(condition) or AS_USUAL} if several else {}
    return CellRow(
        scene=scene(condition),
        scene_short=scene_short(condition),
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
        state=words.STATES[State(contrast.state)] if contrast.decides else words.COMPARED,
        null=_null(contrast, delta),
        link=replies_link(**filters),
        contrast=contrast,
    )


def _null(contrast: ContrastResult, delta: float) -> str:
    """How much a "nothing found" is worth: what it would have taken to be found."""
    covers_zero = contrast.effect.low <= 0 <= contrast.effect.high
    null = covers_zero if not contrast.decides else contrast.state in (State.ABSENT, State.UNCLEAR)
    if not null:
        return ""
    if contrast.detection_limit is None:
        return "how small an effect this design finds was not worked out"
    limit = numbers.points(contrast.detection_limit, signed=False)
    small = contrast.detection_limit <= delta
    return f"{limit} points or more would have been found 9 times in 10" + (
        "" if small else "; less could be missed"
    )
