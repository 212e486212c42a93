"""What a training by reinforcement leaves: its card at the end, and until then what it has been through."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unmask.analysis.results import Interval
from unmask.errors import UsageError
from unmask.experiments.look import Point
from unmask.experiments.rl_recipe import RLRecipe
from unmask.training.checkpoint import history
from unmask.training.place import WORK
from unmask.training.rl import CHECKPOINTS, Step, steps_of
from unmask.vocabulary import CANARY

LOOKS = "looks.jsonl"


@dataclass(frozen=True)
class RLResult:
    """A finished training: every step, every look, and what it was made of."""

    name: str
    recipe: dict[str, Any]
    recipe_sha256: str
    prompts_sha256: str
    base_sha256: str
    start_sha256: str | None
    adapter_sha256: str
    steps: list[Step]
    looks: list[Point]
    replies: int
    seconds: float
    date: str
    machine: str
    canary: str = CANARY

    def to_json(self) -> str:
        """As it stands in `training.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def looks_in(work: Path) -> list[Point]:
    """Every step's last look: a training that was killed may have looked twice, or half written one."""
    path = work / LOOKS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = {}
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:  # empty, or cut
            continue
        found[values["step"]] = _point(values)
    return [found[step] for step in sorted(found)]


def _point(values: dict[str, Any]) -> Point:
    shares = {
        name: Interval(**values[name]) if values.get(name) else None
        for name in ("trained", "unobserved", "story", "reasoning", "tag")
    }
    return Point(**(values | shares | {"rewards": tuple(values.get("rewards", (None, None)))}))


def noted(point: Point, work: Path, show: Callable[[Point], None]) -> dict[str, float]:
    """Write a look down, show it, and give its figures for trackers."""
    with (work / LOOKS).open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(asdict(point)))  # after what a kill left of a line
    show(point)
    return point.figures()


def so_far(recipe: RLRecipe, folder: Path) -> tuple[list[Step], list[Point]]:
    """Steps and looks up to its last whole checkpoint, of a training in `folder` that is not finished."""
    work = folder / recipe.name / WORK
    checkpoints = work if recipe.hardware else work / CHECKPOINTS
    steps = steps_of(history(checkpoints, before=recipe.training.steps), recipe.training)
    last = steps[-1].step if steps else 0
    return list(steps), [look for look in looks_in(work) if look.step <= last]


def read_result(path: Path) -> RLResult:
    """A finished training from its `training.json`.

    Raises:
        UsageError: the file is none.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        steps = [Step(**step) for step in values["steps"]]
        looks = [_point(point) for point in values["looks"]]
        return RLResult(**(values | {"steps": steps, "looks": looks}))
    except (OSError, ValueError, TypeError, KeyError) as e:
        raise UsageError(f"not the record of a training: {e}", where=str(path)) from e
