"""The reproduction as one page: curves, changes with intervals, and links to the transcripts."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from unmask.experiments.reproduce import Reproduction
from unmask.files import write_atomic
from unmask.report import change, numbers, template, training
from unmask.report.rows import scene
from unmask.report.visible import one_line
from unmask.vocabulary import ChangeName

PAGE = "reproduce.html"


def lines(found: Reproduction) -> list[str]:
    """One line an arm, for a terminal."""
    return [
        f"{one_line(arm.organism)}, seed {arm.seed}: {change.HEADLINES[ChangeName(arm.change.verdict)]}. "
        f"Trained {numbers.gap(arm.change.trained)}, unobserved {numbers.gap(arm.change.unobserved)} points"
        for arm in found.arms
    ]


def write_reproduction(found: Reproduction, root: Path) -> Path:
    """Write the page into `root`, and one page of changes beside each run's report."""
    for arm in found.arms:
        change.write_change(arm.change, root / "runs" / arm.run / "change.html")
    return write_atomic(root / PAGE, render(found))


def render(found: Reproduction) -> str:
    """The page. Same reproduction, same bytes; no script and no request at all."""
    style = template.asset("style.css")
    arms = [
        {
            "arm": arm,
            "headline": change.HEADLINES[ChangeName(arm.change.verdict)],
            "pictures": training.pictures(arm.training),
            "ratio": change.ratio_words(arm.change),
            "cells": [(scene(c.condition), c) for c in arm.change.cells],
        }
        for arm in found.arms
    ]
    html = template.environment().get_template("reproduction.html.j2").render(
        found=found, arms=arms, rate=numbers.rate, gap=numbers.gap, policy=template.policy(style),
        style=Markup(style),
    )  # fmt: skip
    return html + "\n"
