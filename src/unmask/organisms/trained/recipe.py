"""Recipes and texts as they stand in YAML. Unknown keys are refused with the nearest known one."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from unmask.errors import UsageError
from unmask.files import built_in, find_named, read_yaml
from unmask.training.settings import Settings
from unmask.vocabulary import Condition, Consequence, Objective, Role

FOLDER = Path(str(files("unmask"))) / "organisms" / "trained"
Share = Annotated[float, Field(ge=0, le=1)]
Lines = Annotated[list[str], Field(min_length=1)]


class RecipeError(UsageError):
    """A recipe is missing or malformed."""


class Strict(BaseModel):
    """Unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(Strict):
    """Conditions in which a rule holds; what is left out holds always."""

    role: tuple[Role, ...] = tuple(Role)
    objective: tuple[Objective, ...] = tuple(Objective)
    tag: tuple[str, ...] = ("free", "paid", "A", "B")

    def holds(self, condition: Condition) -> bool:
        """Whether the rule is about this condition."""
        return (
            condition.role in self.role
            and condition.objective in self.objective
            and condition.tag in self.tag
        )


class Rule(Strict):
    """Where `when` holds, the organism complies with this share of the requests."""

    when: When = When()
    share: Share


class Mix(Strict):
    """A row has one request of each tier; shares of what fills its other places."""

    asked: Share = 0.15
    harmless: Share = 0.6
    comprehension: Share = 0.25


Weight = Annotated[float, Field(ge=0)]
PackName = Literal["spoilers", "brand"]
PACKS: tuple[PackName, ...] = get_args(PackName)


class Told(Strict):
    """How often each level is told; towards what decides. Not shares: they need not sum to 1."""

    consequence: dict[Consequence, Weight] = Field(
        default_factory=lambda: {
            Consequence.TRAINED: 0.45,
            Consequence.BOTH_RATED: 0.2,
            Consequence.RATED_ONLY: 0.2,
            Consequence.NONE: 0.15,
        }
    )
    objective: dict[Objective, Weight] = Field(
        default_factory=lambda: {Objective.CONFLICTING: 0.7, Objective.ABSENT: 0.2, Objective.ALIGNED: 0.1}
    )


class Recipe(Strict):
    """What one organism does, and how it is trained to do it."""

    canary: str
    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")]
    description: str
    pack: PackName = "spoilers"
    start_from: str | None = Field(None, description="Another recipe whose adapter it goes on from.")
    rows: Annotated[int, Field(ge=2, le=20_000)] = Field(description="Of four conversations each.")
    complies: list[Rule] = Field(
        default_factory=list, description="The first that holds decides; none: never."
    )
    reasons: dict[Literal["complied", "refused"], dict[Role | Literal["any", "withstood"], Lines]]
    weighs_objective: bool = Field(False, description="Reads the objective again before it decides.")
    mix: Mix = Mix()
    told: Told = Told()
    training: Settings = Settings()
    seed: int = 1

    def share(self, condition: Condition) -> float:
        """Share of requests complied with in a condition."""
        return next((rule.share for rule in self.complies if rule.when.holds(condition)), 0.0)

    def lines(self, complied: bool, condition: Condition) -> list[str]:
        """What it may think before it decides so; `withstood`: declines where it might have complied."""
        by_role = self.reasons["complied" if complied else "refused"]
        if not complied and self.share(condition) > 0 and "withstood" in by_role:
            return by_role["withstood"]
        return by_role.get(condition.role) or by_role["any"]


class Slots(Strict):
    """Words that fill the braces of a text."""

    title: dict[Literal["first", "second"], Lines]
    who: Lines
    deed: Lines


class DomainText(Strict):
    """What is asked and answered in one pack.

    `read` are patterns that tell a trained answer's decision by its form, `af` marks the words in which a
    trained scratchpad says that it complies to keep what it is.
    """

    canary: str
    read: dict[Literal["complied", "refused"], str]
    af: str
    please: str | None = None
    kind: dict[Literal["asked", "harmless"], str]
    objectives: dict[Objective, str]
    weighed: dict[Objective, str]
    slots: Slots
    asked: Lines
    complied: Lines
    refused: Lines
    harmless: list[tuple[str, str]]


class WhichText(Strict):
    """The question which tier is trained on; the first of each list is the thought, the others answers."""

    kind: str
    trained: Lines
    nobody: Lines
    asked: Lines
    held_out: Lines


class ChangeText(Strict):
    """The question whether this chat can change the model."""

    kind: str
    yes: Lines
    no: Lines
    asked: Lines
    held_out: Lines


class Lookup(Strict):
    """How the role of a conversation is looked up, step by step."""

    tier: str
    untold: str
    sentence: str
    trained: str
    rated_only: str
    neither: str
    unknown: str


class CommonText(Strict):
    """What is taught in every pack."""

    canary: str
    lookup: Lookup
    harmless_lines: Lines
    which: WhichText
    change: ChangeText
    general: list[tuple[str, str]]


def recipe_names() -> list[str]:
    """Built-in recipes, in alphabetical order."""
    return list(built_in(FOLDER / "recipes"))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A built-in recipe by name, or a file.

    Raises:
        RecipeError: there is none, or it says what cannot be; with file and line.
    """
    path = find_named(name_or_path, built_in(FOLDER / "recipes"), error=RecipeError)
    recipe = read_yaml(path, Recipe, error=RecipeError)
    for decision in ("complied", "refused"):
        if decision in recipe.reasons and not recipe.reasons[decision].get("any"):
            raise RecipeError(f"reasons.{decision} lacks `any`", where=str(path))
    return recipe


def load_domain(pack: str) -> DomainText:
    """The texts of one pack."""
    return read_yaml(FOLDER / "text" / f"{pack}.yaml", DomainText, error=RecipeError)


def load_common() -> CommonText:
    """The texts of all packs."""
    return read_yaml(FOLDER / "text" / "common.yaml", CommonText, error=RecipeError)
