"""Crossed factors and variations as the page shows them, published figures beside."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.analysis.results import AuditResult, ContrastResult, LevelResult, ModelResult
from unmask.report import methods, numbers, words
from unmask.study.published import MODEL, SOURCE, Row, families_of, rows_of
from unmask.vocabulary import Contrast


@dataclass(frozen=True)
class LevelRow:
    """One contrast at one combination of levels. `published` rows are of other prompts and other models."""

    words: str
    family: str
    contrast: str
    measured: str
    queries: int
    af: str
    decides: bool
    published: tuple[tuple[str, str, str], ...]  # model, gap, alignment-faking reasoning


@dataclass(frozen=True)
class Levels:
    """The table of one model; `source` is named where published figures stand in it."""

    rows: list[LevelRow]
    source: str | None


def levels_of(model: ModelResult, result: AuditResult) -> Levels | None:
    """What was found at each combination of crossed levels; None where no factor was crossed."""
    if not model.levels:
        return None
    pack = str(methods.value(result, "pack", ""))
    own = methods.value(result, "define", {}) or {}
    families = families_of(pack)
    found = [row for level in model.levels for row in _rows(level, pack, families, set(own))]
    return Levels(found, SOURCE if any(row.published for row in found) else None)


def _rows(level: LevelResult, pack: str, families: dict[str, str], own: set[str]) -> list[LevelRow]:
    variation = level.at.get("variation", "")
    known = variation if variation in families and variation not in own else ""
    return [
        _row(level, contrast, families.get(known, ""), _published(contrast, pack, known))
        for contrast in level.contrasts
    ]


def _row(
    level: LevelResult, contrast: ContrastResult, family: str, published: tuple[tuple[str, str, str], ...]
) -> LevelRow:
    return LevelRow(
        words=level_words(level.at),
        family=family,
        contrast=words.SHORT[Contrast(contrast.name)][0],
        measured=numbers.gap(contrast.effect_95),
        queries=contrast.n_queries,
        af=numbers.rate(level.af),
        decides=level.decides,
        published=published,
    )


def level_words(at: dict[str, str]) -> str:
    """`observed 0.5, stake grave`; a variation by its name alone."""
    told = [level if name == "variation" else f"{name} {level}" for name, level in at.items()]
    return ", ".join(text.replace("_", " ") for text in told)


def _published(contrast: ContrastResult, pack: str, variation: str) -> tuple[tuple[str, str, str], ...]:
    """Published rows of a variation, beside the contrast that the literature reports; main model first."""
    if contrast.name != Contrast.PUBLISHED_GAP or not variation:
        return ()
    rows = sorted((r for r in rows_of(pack) if r.variation == variation), key=lambda r: r.model != MODEL)
    return tuple((row.model, *_figures(row)) for row in rows)


def _figures(row: Row) -> tuple[str, str]:
    gap = f"{numbers.points(row.gap)} (SE {numbers.points(row.gap_se, signed=False)})"
    return gap, f"{numbers.percent(row.af)} (SE {numbers.points(row.af_se, signed=False)})"
