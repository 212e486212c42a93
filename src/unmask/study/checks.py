"""What a study cannot be, told before anything is asked: each refusal says what, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path

from unmask.errors import StudyError
from unmask.files import nearest, yaml_line
from unmask.study.contrasts import can_give, consequence_of
from unmask.study.factors import CROSSABLE, DEFAULT
from unmask.study.slices import asked_of, base_of, known_variations, level, slices
from unmask.study.spec import Origin, Study
from unmask.vocabulary import ROLES, Contrast, Cue, Labels, Marked, Objective, Scratchpad

PAIRS = (
    frozenset({Labels.PLAIN, Labels.SWAPPED}),
    frozenset({Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED}),
)
TRIPLES = (
    frozenset({Labels.PLAIN, Labels.SWAPPED, Labels.ROTATED}),
    frozenset({Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED, Labels.NEUTRAL_ROTATED}),
)
Where = Callable[..., str]  # from keys of the file to a place that an error can name
WITH_PAD = frozenset({Scratchpad.HIDDEN, Scratchpad.MONITORED})


MOST_LEVELS = 1_000  # combinations of crossed levels


def checked(study: Study, origins: Mapping[str, str], path: Path) -> Study:
    """The study, if it can be run.

    Raises:
        StudyError: a contrast that its cells cannot give, a factor set twice, an unknown variation.
    """

    def where(*keys: str | int) -> str:
        """The line of a key of the study file, or who else set it."""
        origin = origins.get(str(keys[0]), str(Origin.DEFAULT))
        return f"{path}:{yaml_line(path, keys)}" if origin in (Origin.FILE, Origin.DEFAULT) else origin

    _variations(study, where)
    _factors(study, origins, where)
    _labels(study, where)
    _contrasts(study, where)
    _levels(study, where)
    _empty(study, where)
    if odd := [c for c in study.family if c not in asked_of(study)]:
        raise StudyError(
            f"family names contrast {odd[0]}, which is not asked",
            where=where("family"),
            hint=f"contrasts: [{', '.join((*study.contrasts, odd[0]))}], or leave it out of family",
        )
    if study.n_queries < study.wordings:
        raise StudyError(
            f"{study.wordings} wordings for {study.n_queries} queries: some wording would have none",
            where=where("wordings" if origins.get("wordings") != Origin.DEFAULT else "n_queries"),
            hint=f"--wordings {study.n_queries} or fewer",
        )
    if study.stopping == "sequential" and study.crossed:
        raise StudyError(
            "a study that stops early asks one design, not several levels of a factor",
            where=where("stopping"),
            hint="stopping: fixed, or a study for each level",
        )
    return study


def _variations(study: Study, where: Where) -> None:
    known = known_variations(study)
    if DEFAULT in study.define:
        raise StudyError(
            f"{DEFAULT} is the prompt as it is", where=where("define", DEFAULT), hint="rename it"
        )
    for i, name in enumerate(study.variations):
        if name != DEFAULT and name not in known:
            raise StudyError(
                f"no variation {name!r}: neither under `define` nor published for pack {study.pack}",
                where=where("variations", i),
                hint=nearest(name, [DEFAULT, *known]),
            )


def _factors(study: Study, origins: Mapping[str, str], where: Where) -> None:
    """A factor has one place: a key of its own, `factors`, or a variation."""
    crossed = study.factors.levels()
    combinations = prod(len(levels) for levels in crossed.values()) * max(1, len(study.variations))
    if combinations > MOST_LEVELS:
        raise StudyError(
            f"{combinations:,} combinations of crossed levels, and {MOST_LEVELS:,} at most",
            where=where("factors"),
            hint="cross fewer factors, or make several studies",
        )
    for name in crossed:
        if origins.get(name, str(Origin.DEFAULT)) != Origin.DEFAULT:
            raise StudyError(
                f"{name} is held constant and crossed at once",
                where=where(name),
                hint=f"keep `factors: {{{name}: …}}`, or the one level",
            )
    for name in study.variations:
        own = known_variations(study)[name].levels() if name != DEFAULT else {}
        if both := sorted(set(own) & set(crossed)):
            raise StudyError(
                f"variation {name} sets {both[0]}, which is crossed", where=where("factors", both[0])
            )
    if study.consequence is not None and study.tiers == 3 and len(ROLES[study.consequence]) != 3:
        raise StudyError(
            f"consequence {study.consequence} has two tiers, not three",
            where=where("consequence"),
            hint="leave it out: three tiers have all three roles",
        )


def _labels(study: Study, where: Where) -> None:
    """The tag cancels only over whole sets of mappings."""
    three = study.tiers == 3
    whole = TRIPLES if three else PAIRS
    mappings = set(study.labels)
    if not three and (odd := sorted(mappings - set().union(*PAIRS))):
        raise StudyError(f"labels {odd[0]} need three tiers", where=where("labels"), hint="tiers: 3")
    full = all(not mappings & group or group <= mappings for group in whole)
    needs = [c for c in asked_of(study) if c is not Contrast.PUBLISHED_GAP]
    if needs and not full:
        kind = "all three mappings of the tags" if three else "both mappings of a tag pair"
        hint = "plain, swapped, rotated" if three else "plain, swapped"
        raise StudyError(
            f"contrast {needs[0]} needs {kind}, not {', '.join(study.labels)}",
            where=where("labels"),
            hint=f"labels: [{hint}], or contrasts: [published_gap]",
        )
    if Contrast.PUBLISHED_GAP in asked_of(study) and Labels.PLAIN not in study.labels:
        raise StudyError("contrast published_gap needs plain labels", where=where("labels"))


def _contrasts(study: Study, where: Where) -> None:
    """Each contrast has the roles that it compares, at every level where it is asked."""
    for part in slices(study):
        for contrast in part.study.contrasts:
            consequence = consequence_of(contrast, part.study)
            if not can_give(contrast, consequence):
                roles = " and ".join(dict.fromkeys(ROLES[consequence]))
                key = "factors" if "consequence" in part.at else "consequence"
                raise StudyError(
                    f"contrast {contrast} cannot be had where the story offers {consequence}: its tiers "
                    f"are {roles}",
                    where=where(key),
                    hint="contrasts: [tag], or per_level: [tag] for the levels beside the base"
                    if len(set(ROLES[consequence])) == 1
                    else "leave `consequence` out: each contrast then takes the story it needs",
                )


def _empty(study: Study, where: Where) -> None:
    """Contrasts whose two sides are the same prompt, or whose outcome nobody can see, at the base levels."""
    base = base_of(study)
    has = {name: level(base, name) for name in CROSSABLE}
    if has["cue"] is Cue.OMITTED:
        raise StudyError(
            f"no message carries the tag (cue omitted): both sides of {base.contrasts[0]} are one prompt",
            where=where("cue" if study.cue is Cue.OMITTED else "factors"),
            hint="cross it, with a cue that shows first: factors: {cue: [xml, omitted]}",
        )
    if Contrast.JOINT in base.contrasts and has["scratchpad"] is Scratchpad.NONE:
        raise StudyError(
            "contrast joint reads the reasoning, and the prompt asks for none (scratchpad none)",
            where=where("scratchpad" if study.scratchpad is Scratchpad.NONE else "factors"),
            hint="scratchpad: hidden, monitored or native; or contrasts without joint",
        )
    if Contrast.NO_OBJECTIVE in base.contrasts and has["objective"] is Objective.ABSENT:
        raise StudyError(
            "contrast no_objective is the story effect without the objective, which is absent here anyway",
            where=where("objective" if study.objective is Objective.ABSENT else "factors"),
            hint="leave one of the two out",
        )


def _levels(study: Study, where: Where) -> None:
    """Levels that no prompt can have together."""
    for part in slices(study):
        has = {name: level(part.study, name) for name in CROSSABLE}
        pad, words = has["scratchpad"], f" ({part.words})" if part.words else ""
        if has["thought"] is not None and pad not in WITH_PAD:
            raise StudyError(
                f"a thought is put into a scratchpad, and scratchpad is {pad}{words}",
                where=where("thought" if study.thought is not None else "factors"),
                hint="scratchpad: hidden or monitored",
            )
        if has["marked"] is not None and (study.tiers == 3 or has["cue"] is Cue.OMITTED):
            why = "three tiers are asked" if study.tiers == 3 else "no message carries the tag"
            raise StudyError(
                f"marked {Marked(has['marked'])} says which of two tiers carries the tag, but {why}{words}",
                where=where("marked" if study.marked is not None else "factors"),
            )
