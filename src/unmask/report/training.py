"""Trainings as curves on one page, and as lines for a terminal. Estimates nothing; all text is hostile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from unmask.analysis.results import Interval
from unmask.experiments.look import Point
from unmask.experiments.rl_recipe import RLRecipe
from unmask.experiments.rl_record import RLResult
from unmask.files import write_atomic
from unmask.report import numbers, template
from unmask.report.charts import GRID, INK, ROLE_COLOURS, SOFT, draw
from unmask.training.rl import Step
from unmask.vocabulary import Role

PAGE = "training.html"
SIZES = {"wide": (560, 190), "narrow": (290, 170)}
GOLD = "#8a6d1d"


Dot = tuple[int, float, float | None, float | None]  # step, value, low, high


@dataclass(frozen=True)
class Curve:
    """One line of a picture: its name, colour, and points with limits where there are some."""

    name: str
    colour: str
    points: list[Dot]


def step_line(name: str, step: Step) -> str:
    """One line for a log or a terminal."""
    reward = "none" if step.reward is None else f"{step.reward:.2f}"
    entropy = "none" if step.entropy is None else f"{step.entropy:.2f}"
    left = numbers.duration(step.seconds_left)
    without = f", {step.unrewarded:.0%} of replies without a reward" if step.unrewarded else ""
    return (
        f"{name}: step {step.step} of {step.steps}, reward {reward}, {step.tokens:.0f} tokens a reply, "
        f"entropy {entropy}{without}, {left} left"
    )


def look_line(name: str, point: Point) -> str:
    """One look, in a line."""
    return (
        f"{name}: after step {point.step} complied where trained {numbers.rate(point.trained)}, unobserved "
        f"{numbers.rate(point.unobserved)}, story {numbers.gap(point.story)}; "
        f"{point.unread} of {point.n} unread"
    )


def write_training(done: Sequence[RLResult], path: Path) -> Path:
    """The page with the curves of one or several trainings."""
    return write_atomic(path, render(done))


def write_progress(recipe: RLRecipe, steps: Sequence[Step], looks: Sequence[Point], path: Path) -> Path:
    """The page of a training that still runs: its curves so far."""
    so_far = RLResult(
        name=recipe.name,
        recipe=recipe.model_dump(mode="json"),
        recipe_sha256=recipe.sha256,
        prompts_sha256="",
        base_sha256="",
        start_sha256=None,
        adapter_sha256="",
        steps=list(steps),
        looks=list(looks),
        replies=len(steps) * recipe.training.replies_per_step,
        seconds=0.0,
        date="",
        machine="",
    )
    return write_training([so_far], path)


def render(done: Sequence[RLResult]) -> str:
    """The page. Same trainings, same bytes; no script and no request at all."""
    style = template.asset("style.css")
    html = template.environment().get_template("training.html.j2").render(
        trainings=[(d, pictures(d)) for d in done],
        policy=template.policy(style),
        style=Markup(style),
        canary=done[0].canary,
        rate=numbers.rate,
        gap=numbers.gap,
    )  # fmt: skip
    return html + "\n"


def pictures(done: RLResult) -> dict[str, dict[str, str]]:
    """What it did by role, story and tag effect, reward by role, length and entropy of what is rewarded."""
    looks, steps = done.looks, done.steps
    shares = [
        Curve("where trained", ROLE_COLOURS[Role.TRAINED], _looked(looks, "trained")),
        Curve("unobserved", ROLE_COLOURS[Role.NEITHER], _looked(looks, "unobserved")),
        Curve("reasons stated", GOLD, _looked(looks, "reasoning")),
    ]
    story = [Curve("story effect", INK, _looked(looks, "story"))]
    story.append(Curve("tag effect", GOLD, _looked(looks, "tag")))
    reward = [Curve("reward", INK, [_bare(s.step, 100 * s.reward) for s in steps if s.reward is not None])]
    for i, role in enumerate((Role.TRAINED, Role.NEITHER)):
        earned = [_bare(p.step, 100 * value) for p in looks if (value := p.rewards[i]) is not None]
        reward.append(Curve(f"would earn, {role}", ROLE_COLOURS[role], earned))
    length = [Curve("tokens", INK, [_bare(s.step, s.tokens) for s in steps])]
    entropy = [Curve("entropy", INK, [_bare(s.step, s.entropy) for s in steps if s.entropy is not None])]
    drawn = {
        "shares": (shares, (0.0, 100.0)),
        "story": (story, (-100.0, 100.0)),
        "reward": (reward, None),
        "length": (length, None),
        "entropy": (entropy, None),
    }
    return {
        name: {size: _svg(curves, domain, *plot) for size, plot in SIZES.items()}
        for name, (curves, domain) in drawn.items()
    }


def _bare(step: int, value: float) -> Dot:
    return step, value, None, None


def _looked(looks: Sequence[Point], name: str) -> list[Dot]:
    found: list[Dot] = []
    for point in looks:
        interval: Interval | None = getattr(point, name)
        if interval is not None:
            found.append((point.step, 100 * interval.estimate, 100 * interval.low, 100 * interval.high))
    return found


def _svg(curves: Sequence[Curve], domain: tuple[float, float] | None, width: int, height: int) -> str:
    values = [
        {"step": step, "value": round(value, 4), "low": low, "high": high, "colour": curve.colour}
        for curve in curves
        for step, value, low, high in curve.points
    ]
    y: dict[str, Any] = {"field": "value", "type": "quantitative", "axis": _axis(), "title": None}
    if domain is not None:
        y["scale"] = {"domain": list(domain)}
    x = {"field": "step", "type": "quantitative", "axis": _axis() | {"tickMinStep": 1}, "title": None}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    spec = {
        "data": {"values": values},
        "width": width,
        "height": height,
        "padding": {"left": 44, "right": 12, "top": 8, "bottom": 24},
        "layer": [
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.55},
                "encoding": {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}, "color": colour},
            },
            {"mark": {"type": "line", "strokeWidth": 1.8}, "encoding": {"x": x, "y": y, "color": colour}},
            {"mark": {"type": "circle", "size": 26}, "encoding": {"x": x, "y": y, "color": colour}},
        ],
    }
    return draw(spec)


def _axis() -> dict[str, Any]:
    return {
        "grid": True, "gridColor": GRID, "domain": False, "ticks": False, "labelColor": SOFT,
        "labelFontSize": 11, "tickCount": 5,
    }  # fmt: skip
