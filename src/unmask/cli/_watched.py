"""A training by reinforcement as lines on stderr, and as a page that is written again with every look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unmask.experiments.look import Point
    from unmask.experiments.rl_recipe import RLRecipe
    from unmask.training.rl import Step


class Watched:
    """Of trainings into `library`; it goes along into their processes, so it can be pickled."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._steps: dict[str, dict[int, Step]] = {}
        self._looks: dict[str, dict[int, Point]] = {}

    def page(self, recipe: RLRecipe) -> Path:
        """Where the curves are."""
        from unmask.report.training import PAGE

        return self._library / recipe.name / PAGE

    def step(self, recipe: RLRecipe, step: Step) -> None:
        """After each step."""
        from unmask.cli._output import say
        from unmask.report.training import step_line

        say(step_line(recipe.name, step))
        self._recall(recipe)
        self._steps[recipe.name][step.step] = step

    def look(self, recipe: RLRecipe, point: Point) -> None:
        """With each look."""
        from unmask.cli._output import say
        from unmask.report.training import look_line, write_progress

        say(look_line(recipe.name, point))
        self._recall(recipe)
        steps, looks = self._steps[recipe.name], self._looks[recipe.name]
        looks[point.step] = point
        write_progress(recipe, list(steps.values()), list(looks.values()), self.page(recipe))

    def _recall(self, recipe: RLRecipe) -> None:
        """At first, what a training that was killed has been through already."""
        from unmask.experiments.rl_record import so_far

        if recipe.name not in self._steps:
            steps, looks = so_far(recipe, self._library)
            self._steps[recipe.name] = {step.step: step for step in steps}
            self._looks[recipe.name] = {look.step: look for look in looks}
