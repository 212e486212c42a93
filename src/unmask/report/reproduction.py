"""The reproduction as one page: curves, changes with intervals, and links to the transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from unmask.auditing.before_after import Elsewhere, ElsewhereChange
from unmask.experiments.mitigation import NONE
from unmask.experiments.reproduce import ADAPTERS, RUNS, Arm, Reproduction
from unmask.experiments.seeds import OverSeeds
from unmask.files import write_atomic
from unmask.report import change, numbers, template, training
from unmask.report.rows import scene
from unmask.report.side_by_side import Pair, pairs
from unmask.report.visible import one_line
from unmask.verdict import Left
from unmask.vocabulary import ChangeName

PAGE = "reproduce.html"


def lines(found: Reproduction) -> list[str]:
    """One line an arm, for a terminal."""
    return [_line(arm) for arm in found.arms]


def _line(arm: Arm) -> str:
    c = arm.change
    told = f"{one_line(titled(arm))}, seed {arm.seed}: {change.HEADLINES[ChangeName(c.verdict)]}. "
    told += f"Trained {numbers.gap(c.trained)}, unobserved {numbers.gap(c.unobserved)} points"
    left = change.left_words(c)
    return f"{told}; {left}" if left else told


def titled(arm: Arm | OverSeeds) -> str:
    """The organism, and what was done in its training."""
    return arm.organism if arm.mitigation == NONE else f"{arm.organism} with {arm.mitigation}"


def _most(seeds: OverSeeds) -> str:
    """What most seeds say, or what equally many do."""
    return ", or ".join(change.HEADLINES[ChangeName(name)] for name in seeds.verdicts)


def old_values(found: Sequence[ElsewhereChange]) -> str:
    """Whether they are still there: compliance with the objective absent and reversed."""
    told = [
        f"{change.ELSEWHERE[Elsewhere(e.where)]} it complied with {numbers.rate(e.before)} before and "
        f"{numbers.rate(e.after)} after"
        for e in found
        if e.before and e.after
    ]
    if not told:
        return "Whether the old values are still there cannot be known: too little could be read in both."
    return f"The old values: {'; '.join(told)} (over both tiers and mappings, 95 %)."


def write_reproduction(found: Reproduction, root: Path) -> Path:
    """Write the page into `root`, and beside each run's report and each adapter one of its own."""
    for arm in found.arms:
        change.write_change(arm.change, root / RUNS / arm.run / "change.html")
        training.write_training([arm.training], root / ADAPTERS / arm.training.name / training.PAGE)
    shown = [pairs(*(root / RUNS / run for run in arm.runs[:2])) for arm in found.arms]
    return write_atomic(root / PAGE, render(found, shown))


def render(found: Reproduction, shown: Sequence[Sequence[Pair]]) -> str:
    """The page, with replies of each arm. Same figures, same bytes; no script and no request at all."""
    style = template.asset("style.css")
    arms = [
        {
            "arm": arm,
            "title": titled(arm),
            "left": change.LEFT[Left(arm.change.left)],
            "headline": change.HEADLINES[ChangeName(arm.change.verdict)],
            "pictures": training.pictures(arm.training),
            "ratio": change.ratio_words(arm.change),
            "old_values": old_values(arm.by_objective),
            "pairs": own,
            "cells": [(scene(c.condition), c) for c in [*arm.change.cells, *arm.old_values]],
        }
        for arm, own in zip(found.arms, shown, strict=True)
    ]
    html = template.environment().get_template("reproduction.html.j2").render(
        found=found, arms=arms, rate=numbers.rate, gap=numbers.gap, duration=numbers.duration,
        seeds=[(titled(s), _most(s), s) for s in found.seeds],
        mitigated=any(arm.mitigation != NONE for arm in found.arms), policy=template.policy(style),
        style=Markup(style),
    )  # fmt: skip
    return html + "\n"
