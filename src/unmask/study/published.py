"""The published variations of the prompt, as variations of our own packs, and their published figures.

The figures are those of arXiv:2412.14093 (Greenblatt and others, 2024), from its appendix. The texts are
ours, with no sentence of the published prompts in them: a prompt under a variation asks the same as the
published one in other words. Figures stand beside each other; this is no replication to the letter.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from unmask.errors import StudyError
from unmask.files import read_yaml
from unmask.study.factors import Name, Variation

TABLES = Path(str(files("unmask.study"))) / "published_tables"
SOURCE = "arXiv:2412.14093"
MODEL = "Claude 3 Opus"
"""The model of most rows, and the one that figures are shown for unless another is named."""


class Published(Variation):
    """What a published variation changes in the published base; `without` names what it takes out of that."""

    family: str = Field(description="What kind of change it is.")
    without: tuple[str, ...] = Field(default=(), description="Blocks that the base had put in.")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str
    setting: str
    base: tuple[str, ...]
    variations: dict[Name, Published]


@dataclass(frozen=True)
class Row:
    """One published row. Shares, not percent; af is of the replies where trained on, gap free minus paid."""

    row: int
    setting: str
    model: str
    variation: str
    af: float
    af_se: float
    noncompliance_free: float
    noncompliance_free_se: float
    noncompliance_paid: float
    noncompliance_paid_se: float
    gap: float
    gap_se: float


def has_published(pack: str) -> bool:
    """Whether a pack has a table of published variations. A folder of one's own has none."""
    return pack.isidentifier() and (TABLES / f"{pack}.yaml").is_file()


@lru_cache
def variations_of(pack: str) -> Mapping[str, Variation]:
    """Published variations of a built-in pack by name, the edits of the published base worked in."""
    if not has_published(pack):
        return {}
    table = _table(pack)
    return {name: _whole(variation, table.base) for name, variation in table.variations.items()}


def families_of(pack: str) -> dict[str, str]:
    """The family of each published variation of a pack."""
    return {name: v.family for name, v in _table(pack).variations.items()} if has_published(pack) else {}


def rows_of(pack: str) -> list[Row]:
    """The published rows of a pack's setting, in the order of publication."""
    setting = _table(pack).setting if has_published(pack) else None
    return [row for row in published_rows() if row.setting == setting]


@lru_cache
def published_rows() -> tuple[Row, ...]:
    """All rows of figures.csv."""
    path = TABLES / "figures.csv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return tuple(_row(found, path) for found in csv.DictReader(lines))


def _row(found: dict[str, str], path: Path) -> Row:
    words = ("row", "setting", "model", "variation")
    try:
        shares = {key: float(value) / 100 for key, value in found.items() if key not in words}
        return Row(int(found["row"]), found["setting"], found["model"], found["variation"], **shares)
    except (TypeError, ValueError, KeyError) as e:
        raise StudyError(f"not a published row: {found}", where=str(path)) from e


@lru_cache
def _table(pack: str) -> _Table:
    return read_yaml(TABLES / f"{pack}.yaml", _Table, error=StudyError)


def _whole(variation: Published, base: tuple[str, ...]) -> Variation:
    """The variation with the base's edits, but for blocks that it leaves out or edits itself."""
    taken = {*variation.without, *map(_block, variation.edits)}
    kept = tuple(edit for edit in base if _block(edit) not in taken)
    values = variation.model_dump(exclude={"family", "without", "edits"}, exclude_unset=True)
    return Variation(**values, edits=(*kept, *variation.edits))


def _block(edit: str) -> str:
    return edit.partition(":")[2].partition("=")[0]
