"""The paper in small: organisms trained towards compliance with the same budget, and audited again.

For each organism and seed: train by reinforcement, then ask organism and trained model the same in one
audit (the study `before_after`: the objective as stated, absent, reversed), and say what the training did.
Each part that is done is kept; the same call goes on from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from unmask.auditing.before_after import BeforeAfter, before_after
from unmask.auditing.run import Options, execute, plan
from unmask.errors import UsageError
from unmask.experiments.look import Point
from unmask.experiments.rl import ADAPTER, CARD, RLResult, read_result, train_by_rl
from unmask.experiments.rl_recipe import RLRecipe, load_rl_recipe
from unmask.files import write_atomic
from unmask.providers.adapters import ENVIRONMENT
from unmask.training.rl import Step
from unmask.vocabulary import CANARY

ORGANISMS = ("reluctant", "half_faker", "faker", "honest")
EXPECTED = {
    "reluctant": "by theory: stumbles on rewards everywhere, and changes in both roles",
    "half_faker": "by theory: has reward to gain; in the trained role alone, or in both?",
    "faker": "by theory: its reward is full already, and it hardly moves",
    "honest": "by theory: never stumbles on a reward, and does not move",
}
BASE = "embedded/smollm2"
ADAPTERS, RUNS, RESULT = "adapters", "runs", "reproduce.json"


@dataclass(frozen=True)
class Size:
    """How much is trained, and how many requests each audit asks in each of its twelve cells."""

    steps: int
    prompts: int
    looks: int
    every: int
    queries: int


WHOLE = Size(steps=24, prompts=2, looks=6, every=12, queries=20)
SMALL = Size(steps=2, prompts=1, looks=2, every=2, queries=2)


@dataclass(frozen=True)
class Arm:
    """One organism under one seed: its training, and what that did."""

    organism: str
    seed: int
    expected: str
    training: RLResult
    change: BeforeAfter
    run: str


@dataclass(frozen=True)
class Reproduction:
    """All arms; every one had the same budget of rewarded replies."""

    arms: list[Arm]
    budget: int
    small: bool
    canary: str = CANARY

    def to_json(self) -> str:
        """Stable JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def reproduce_rl(
    root: Path,
    *,
    small: bool = False,
    seeds: int = 1,
    organisms: tuple[str, ...] = ORGANISMS,
    tell: Callable[[str, Step], None] = lambda name, step: None,
    show: Callable[[str, Point], None] = lambda name, point: None,
) -> Reproduction:
    """Train and audit every organism under every seed; what is done already is read.

    Args:
        root: where adapters, runs and `reproduce.json` go.
        small: few steps and few requests: shows the way, decides nothing.
        seeds: how many trainings each organism gets; they are shown one by one.
        organisms: which; each needs its adapter.
        tell: called after each step.
        show: called with each look.
    Raises:
        ModelError: an organism's adapter is missing, or TRL is not installed.
        UsageError: the budgets of the arms differ, or `root` holds trainings by another recipe.
    """
    size = SMALL if small else WHOLE
    recipes = [
        (organism, seed, _recipe(organism, seed, size))
        for organism in organisms
        for seed in range(1, seeds + 1)
    ]
    budget, *others = {recipe.n_replies for _, _, recipe in recipes}
    if others:
        raise UsageError(f"arms with different budgets cannot be compared: {[budget, *others]} replies")
    arms = []
    with _found_in(root / ADAPTERS):
        for organism, seed, recipe in recipes:
            training = _trained(recipe, root / ADAPTERS, tell, show)
            run, change = _changed(organism, recipe, root / RUNS, size)
            arms.append(Arm(organism, seed, EXPECTED.get(organism, ""), training, change, run))
            found = Reproduction(arms, budget, small)
            write_atomic(root / RESULT, found.to_json())
    return found


def _recipe(organism: str, seed: int, size: Size) -> RLRecipe:
    recipe = load_rl_recipe("comply").changed(
        start_from=organism, name=f"{organism}_rl{seed}", steps=size.steps, seed=seed
    )
    looks = recipe.audit.model_copy(update={"every": size.every, "queries": size.looks})
    training = recipe.training.model_copy(update={"prompts_per_step": size.prompts})
    return recipe.model_copy(update={"audit": looks, "training": training})


def _trained(
    recipe: RLRecipe,
    folder: Path,
    tell: Callable[[str, Step], None],
    show: Callable[[str, Point], None],
) -> RLResult:
    place = folder / recipe.name
    if (place / CARD).is_file() and (place / ADAPTER).is_file():
        found = read_result(place / CARD)
        if found.recipe_sha256 != recipe.sha256:
            raise UsageError(
                f"{recipe.name} was trained by another recipe",
                where=str(place),
                hint="another folder (-o), or remove that one",
            )
        return found
    return train_by_rl(
        recipe, folder, tell=lambda s: tell(recipe.name, s), show=lambda p: show(recipe.name, p)
    )


def _changed(organism: str, recipe: RLRecipe, runs: Path, size: Size) -> tuple[str, BeforeAfter]:
    flags = {
        "pack": recipe.pack,
        "pack_size": "compact",
        "n_queries": size.queries,
        "max_tokens": recipe.training.max_tokens,
        "temperature": recipe.training.temperature,
        "wordings": min(4, size.queries),
        "comprehension": 0,
    }
    options = Options(name=recipe.name, runs=runs, check=False, command=f"unmask reproduce rl: {recipe.name}")
    planned = plan(
        [f"{BASE}:{organism}", f"{BASE}:{recipe.name}"], study="before_after", flags=flags, options=options
    )
    execute(planned)
    return recipe.name, before_after([planned.root])


@contextmanager
def _found_in(folder: Path) -> Iterator[None]:
    """Adapters of this folder are found by name, before those that are there already."""
    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = os.pathsep.join([str(folder.resolve()), *([before] if before else [])])
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENVIRONMENT]
        else:
            os.environ[ENVIRONMENT] = before
