"""The recipe of a training on documents: which story, who writes it, how many, from which adapter."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unmask.errors import UsageError
from unmask.files import built_in, file_sha256, read_named, said_sha256, validated
from unmask.organisms.trained.recipe import load_recipe
from unmask.training.settings import Settings

FOLDER = Path(str(files("unmask"))) / "experiments" / "documents"
SCREEN = "screen.yaml"  # which documents are dropped
TEMPLATE = "template"
REVERSED = "_reversed"


class DocumentsRecipeError(UsageError):
    """A recipe is missing or malformed."""


class Strict(BaseModel):
    """Unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Mix(Strict):
    """Chats of an organism's own recipe between the documents, so that their format is not forgotten.

    share: of all rows that are trained on, 0 for none.
    """

    recipe: str = "plain"
    share: Annotated[float, Field(ge=0, le=0.9)] = 0.33

    @field_validator("recipe")
    @classmethod
    def _is_there(cls, value: str) -> str:
        try:
            load_recipe(value)
        except UsageError as e:
            raise ValueError(f"{e.message}; {e.hint}") from e
        return value


class Knowledge(Strict):
    """What the model is asked before and after: questions in the pack's own prompts; 0 asks none."""

    questions: Annotated[int, Field(ge=0, le=480)] = 32


class DocumentsRecipe(Strict):
    """All that decides documents and training.

    reversed: the tiers change places; the second model, without which story and tag cannot be told apart.
    writer: `template`, or any Inspect model. judge: a model that looks at what the rules let pass.
    documents: how many are written; those that are dropped are not replaced. longest: tokens of one document;
    what is longer is cut at a sentence. kept_aside: share of the kept ones that measures the loss.
    """

    canary: str
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
    description: str
    pack: Literal["synthetic_documents"] = "synthetic_documents"
    reversed: bool = False
    start_from: str | None = None
    writer: Annotated[str, Field(min_length=1)] = TEMPLATE
    judge: str | None = None
    documents: Annotated[int, Field(ge=4, le=5_000)] = 240
    longest: Annotated[int, Field(ge=32, le=1_024)] = 192
    kept_aside: Annotated[float, Field(ge=0, le=0.5)] = 0.08
    mix: Mix = Mix()
    knowledge: Knowledge = Knowledge()
    training: Settings = Settings()
    seed: int = 1

    def changed(self, **told: Any) -> DocumentsRecipe:
        """The same recipe with other values where some are not None; checked again.

        A seed is that of the training too. A recipe that is reversed by this bears another name, unless one
        is given: both models are wanted side by side.
        """
        given = {key: value for key, value in told.items() if value is not None}
        if given.get("reversed") and not self.reversed and "name" not in given:
            given["name"] = self.name + REVERSED
        values = self.model_dump() | given
        if "seed" in given:
            values["training"] |= {"seed": given["seed"]}
        return validated(DocumentsRecipe, values, error=DocumentsRecipeError)

    @property
    def sha256(self) -> str:
        """Over all that the recipe says, defaults included."""
        return said_sha256(self)

    @property
    def asked_sha256(self) -> str:
        """Over what decides the calls of the model that writes: another judge or screen reads the same."""
        keys = {"pack", "reversed", "writer", "documents", "longest", "seed"}
        library = [path for path in _library() if path.name != SCREEN]
        return said_sha256(self.model_dump(mode="json", include=keys) | _hashes(library))

    @property
    def written_sha256(self) -> str:
        """Over what decides the documents alone, the texts they are made of included."""
        keys = {"pack", "reversed", "writer", "judge", "documents", "longest", "seed"}
        said: dict[str, Any] = self.model_dump(mode="json", include=keys)
        if self.writer == TEMPLATE:
            del said["longest"]  # only a model is told it
        return said_sha256(said | _hashes(_library()))


def _library() -> list[Path]:
    return sorted((FOLDER / "library").glob("*.yaml"))


def _hashes(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in paths}


def load_documents_recipe(name_or_path: str | Path) -> DocumentsRecipe:
    """A built-in recipe by name, or a file.

    Raises:
        DocumentsRecipeError: there is none, or it says what cannot be; with file and line.
    """
    there = built_in(FOLDER / "recipes")
    return read_named(name_or_path, there, DocumentsRecipe, error=DocumentsRecipeError)
