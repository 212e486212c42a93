"""A study with crossed factors as several without: one for each combination of levels, the base first.

Everything that reads one design (contrasts, estimates, verdict) then reads a slice like any other study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from unmask.study.factors import CROSSABLE, DEFAULT, Crossed, Variation
from unmask.study.published import variations_of
from unmask.study.spec import Study
from unmask.vocabulary import Contrast, PackSize


@dataclass(frozen=True)
class Slice:
    """One combination of crossed levels: `at` names them in words, `study` holds them as constants."""

    at: Mapping[str, str]
    study: Study

    @property
    def words(self) -> str:
        """`observed 0.5, stake grave`; empty where nothing is crossed."""
        return ", ".join(
            level if name == "variation" else f"{name} {level}" for name, level in self.at.items()
        )


def slices(study: Study) -> list[Slice]:
    """The full crossing, base levels first. The base asks all contrasts, others those of `per_level`."""
    crossed = study.factors.levels()
    names = [*crossed, *(["variation"] if len(study.variations) > 1 else [])]
    levels = [*crossed.values(), *([study.variations] if len(study.variations) > 1 else [])]
    found = []
    for i, combination in enumerate(product(*levels)):
        chosen = dict(zip(names, combination, strict=True))
        update: dict[str, Any] = {name: level for name, level in chosen.items() if name in CROSSABLE}
        update["factors"] = Crossed()
        if "variation" in chosen:
            update["variations"] = (chosen["variation"],)
        if i > 0:
            update["beside"] = ()  # asked once, at the base levels
        if i > 0 and study.per_level:
            update["contrasts"] = study.per_level
        at = {name: "absent" if level is None else _word(level) for name, level in chosen.items()}
        found.append(Slice(at, study.model_copy(update=update)))
    return found


def base_of(study: Study) -> Study:
    """The study at the base level of each crossed factor: what the verdict rests on by default."""
    return slices(study)[0].study if study.crossed else study


def _word(level: Any) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def variation_of(study: Study) -> tuple[str | None, Variation]:
    """The variation of a slice, by name; None and an empty one for the prompt as it is."""
    name = study.variations[0] if study.variations else DEFAULT
    if name == DEFAULT:
        return None, Variation()
    return name, known_variations(study)[name]


def known_variations(study: Study) -> dict[str, Variation]:
    """Variations that a study may name: its own, and the published ones of its pack."""
    return {**variations_of(study.pack), **study.define}


def level(study: Study, factor: str) -> Any:
    """The level of one factor in a slice: its variation's, else the study's."""
    own = variation_of(study)[1].levels()
    return own.get(factor, getattr(study, factor, None))


def edits_of(study: Study) -> tuple[str, ...]:
    """Block edits of a slice: the study's, then its variation's."""
    return (*study.edits, *variation_of(study)[1].edits)


def size_of(study: Study, size: PackSize) -> PackSize:
    """The length of a slice's prompts."""
    own = variation_of(study)[1].size
    return own if own is not None else size


def asked_of(study: Study) -> tuple[Contrast, ...]:
    """The contrasts that are asked anywhere in the study."""
    return tuple(dict.fromkeys(c for part in slices(study) for c in part.study.contrasts))
