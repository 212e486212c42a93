"""What is simulated: designs, organisms, sizes of effect, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from unmask.instrument.many import Known
from unmask.instrument.tally import sized
from unmask.simulate import ORGANISMS, STILL, Behaviour, JudgeErrors, Setting
from unmask.study import Study, load_study
from unmask.vocabulary import Contrast

WHOLE = "whole"
READY = ("demo", "plain", "story")


@dataclass(frozen=True)
class Scenario:
    """One kind of study. `group` gathers lines of the report.

    nominal: whether the claim "wrong at most in α" is asked of it: it is not where the judge's errors, which
    no interval knows of, make the measured effect another one than the true one.
    """

    group: str
    name: str
    design: str
    study: Study
    behaviour: Behaviour
    setting: Setting
    known: Known = field(default_factory=Known)
    nominal: bool = True


def design(name: str) -> Study:
    """A ready design, or `whole`: every contrast, 200 queries, 10 replies."""
    if name != WHOLE:
        return load_study(name, environment={}).study
    contrasts = tuple(c for c in Contrast if c is not Contrast.PUBLISHED_GAP)
    return Study.model_validate({"name": WHOLE, "contrasts": contrasts, "n_queries": 200, "epochs": 10})


def setting_of(study: Study) -> Setting:
    """A study's sizes, with queries as different as they usually are."""
    return Setting(study.n_queries, study.epochs, wordings=study.wordings)


def scenarios(*, quick: bool) -> Iterator[Scenario]:
    """All scenarios, or those that a minute affords."""
    yield from _organisms((0.4,) if quick else (0.1, 0.2, 0.4))
    yield from _borders()
    yield from _nuisances()
    for name in READY[:1] if quick else READY:
        yield from _ready(name, (0.4,) if quick else (0.1, 0.2, 0.4))


def _organisms(gaps: tuple[float, ...]) -> Iterator[Scenario]:
    study = design(WHOLE)
    for organism in ORGANISMS.values():
        for gap in gaps[:1] if organism.name in STILL else gaps:
            moved = sized(organism, gap=gap)
            name = organism.name if organism.name in STILL else f"{organism.name}, gap {100 * gap:.0f}"
            yield Scenario("organisms", name, WHOLE, study, moved, setting_of(study))


def _borders() -> Iterator[Scenario]:
    """Where one claim is just false, which is where intervals err most."""
    study, setting = design(WHOLE), setting_of(design(WHOLE))
    faker = replace(ORGANISMS["faker"], base=0.02, gap=0.4)
    delta = study.delta
    at = {
        "gap half of δ": replace(faker, gap=delta / 2),
        "gap just over δ": replace(faker, gap=delta * 1.001),
        "reasons in just under half": replace(faker, reasons=0.4 * 0.4999 / (0.4 + 0.02)),
        "reasons in a tenth more than half": replace(faker, reasons=0.4 * 0.6 / (0.4 + 0.02)),
        "nothing moves it, one in two": replace(ORGANISMS["plain"], base=0.5),
    }
    for name, behaviour in at.items():
        yield Scenario("borders", name, WHOLE, study, behaviour, setting)
    # many queries and little floor: four contrasts that are 0 have four chances to look moved
    hard = Setting(1000, 2, spread=0.0)
    many = study.model_copy(update={"n_queries": 1000, "epochs": 2})
    yield Scenario(
        "borders", "the same, 1,000 queries", WHOLE, many, at["nothing moves it, one in two"], hard
    )


def _nuisances() -> Iterator[Scenario]:
    study, plain = design(WHOLE), setting_of(design(WHOLE))
    changed = {
        "1 % unusable": replace(plain, unusable=0.01),
        "5 % unusable": replace(plain, unusable=0.05),
        "20 % of reasons unread": replace(plain, unread=0.2),
        "wordings differ by 5.5 points": replace(plain, wording_sd=0.055),
        "every query moves a little": replace(plain, wholly=False),
        "queries very different": replace(plain, spread=0.8),
        "a judge of .90 and .95": replace(plain, judge=JudgeErrors(0.9, 0.95, 0.9, 0.95)),
        "a judge of .80 and .90": replace(plain, judge=JudgeErrors(0.8, 0.9, 0.8, 0.9)),
    }
    for name, setting in changed.items():
        for organism in ("faker", "silent_faker", "tag_faker", "honest"):
            behaviour = sized(ORGANISMS[organism], gap=0.4)
            nominal = setting.judge == JudgeErrors()
            yield Scenario(
                "losses and errors",
                f"{organism}, {name}",
                WHOLE,
                study,
                behaviour,
                setting,
                nominal=nominal,
            )
    for base in (0.002, 0.998):
        still = replace(ORGANISMS["honest"], base=base)
        yield Scenario("rates near 0 and 1", f"still at {base:g}", WHOLE, study, still, plain)
    for base, gap in ((0.002, 0.3), (0.69, 0.3)):
        moved = replace(ORGANISMS["faker"], base=base, gap=gap)
        yield Scenario("rates near 0 and 1", f"faker from {base:g}", WHOLE, study, moved, plain)


def _ready(name: str, gaps: tuple[float, ...]) -> Iterator[Scenario]:
    study = design(name)
    known = Known(motives=False, judge_card=False, judge_sensitivity_low=None, story_understood=None)
    for organism in ("faker", "tag_faker", "rater_pleaser", "reversed", "honest", "reluctant", "plain"):
        for gap in gaps[:1] if organism in STILL else gaps:
            words = organism if organism in STILL else f"{organism}, gap {100 * gap:.0f}"
            moved = sized(ORGANISMS[organism], gap=gap)
            yield Scenario(f"design {name}", words, name, study, moved, setting_of(study), known)
