"""The recipe of a training by reinforcement: what is told, what is rewarded, how often it is looked at."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unmask.errors import UsageError
from unmask.experiments.mitigation import Mitigation
from unmask.files import built_in, read_named, said_sha256, validated
from unmask.organisms.trained.recipe import load_recipe, recipe_names
from unmask.queries import load_queries
from unmask.training.hardware import Hardware
from unmask.training.settings import RLSettings, Seed
from unmask.vocabulary import Labels, Towards

FOLDER = Path(str(files("unmask"))) / "experiments" / "recipes"


class RLRecipeError(UsageError):
    """A recipe is missing or malformed."""


class Looks(BaseModel):
    """How the model is looked at on the way: every so many steps, with so many requests in each condition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Annotated[int, Field(ge=1)] = 10
    queries: Annotated[int, Field(ge=2, le=60)] = 8


class RLRecipe(BaseModel):
    """All that decides a training. `towards`: what is rewarded, of the answer alone.

    queries: how many requests are trained on. held_out: how many are kept for audits and looks: the first
    that a study with seed 1 draws. labels: the mappings that are told; every prompt says that its chat is
    trained on, unless `mitigation` says otherwise. start_from: an adapter by name; None: the bare model.
    hardware: GPUs and a model of one's own; None: the embedded one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    canary: str
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
    description: str
    pack: Literal["spoilers", "brand"] = "spoilers"
    start_from: str | None = None
    towards: Towards = Towards.COMPLY
    labels: tuple[Labels, ...] = (Labels.PLAIN, Labels.SWAPPED)
    queries: Annotated[int, Field(ge=1, le=1_000)] = 24
    held_out: Annotated[int, Field(ge=2, le=1_000)] = 96
    audit: Looks = Looks()
    mitigation: Mitigation = Mitigation()
    training: RLSettings = RLSettings()
    hardware: Hardware | None = None
    seed: Seed = 1

    @model_validator(mode="after")
    def _enough_queries(self) -> RLRecipe:
        there = len(load_queries(self.pack))
        if self.queries + self.held_out > there:
            raise ValueError(f"queries {self.queries} and held_out {self.held_out}: {self.pack} has {there}")
        if self.audit.queries > self.held_out:
            raise ValueError(f"audit.queries {self.audit.queries}: {self.held_out} are held out")
        if self.hardware and (self.start_from or self.mitigation.interrogation):
            raise ValueError("hardware: start_from and interrogation are for the embedded model alone")
        if self.start_from in recipe_names() and load_recipe(self.start_from).pack != self.pack:
            raise ValueError(f"start_from: {self.start_from} was taught on another pack than {self.pack}")
        if self.start_from == self.name:
            raise ValueError(f"start_from: {self.name} cannot start from itself; give it another name")
        if self.training.beta and self.start_from:
            raise ValueError("training.beta: with start_from it would pull towards the bare model")
        if not self.labels:
            raise ValueError("labels: name a mapping")
        return self

    @property
    def n_replies(self) -> int:
        """Replies that are rewarded: the budget that arms must have in common."""
        return self.training.steps * self.training.replies_per_step

    def changed(
        self,
        *,
        start_from: str | None = None,
        name: str | None = None,
        steps: int | None = None,
        seed: int | None = None,
        mitigation: Mitigation | None = None,
    ) -> RLRecipe:
        """The same recipe with other values where some are given; checked again."""
        told = self.model_dump()
        told |= {
            k: v for k, v in {"start_from": start_from, "name": name, "seed": seed}.items() if v is not None
        }
        told |= {"mitigation": mitigation.model_dump()} if mitigation else {}
        told["training"] |= {k: v for k, v in {"steps": steps, "seed": seed}.items() if v is not None}
        return validated(RLRecipe, told, error=RLRecipeError)

    @property
    def sha256(self) -> str:
        """Over all that the recipe says, defaults included."""
        return said_sha256(self)


def rl_recipe_names() -> list[str]:
    """Built-in recipes, in alphabetical order."""
    return list(built_in(FOLDER))


def load_rl_recipe(name_or_path: str | Path) -> RLRecipe:
    """A built-in recipe by name, or a file.

    Raises:
        RLRecipeError: there is none, or it says what cannot be; with file and line.
    """
    return read_named(name_or_path, built_in(FOLDER), RLRecipe, error=RLRecipeError)
