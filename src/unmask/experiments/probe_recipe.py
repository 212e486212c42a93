"""The recipe of a probe: what it is to tell, where it reads, and whose texts it is trained on."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from unmask.files import built_in, read_named, said_sha256
from unmask.probes.linear import ProbeError
from unmask.probes.probe_file import Name, Position, Strict, Target
from unmask.vocabulary import Labels

FOLDER = Path(str(files("unmask"))) / "experiments" / "probes"
WORDS = "words.yaml"


class ProbeRecipe(Strict):
    """All that decides a probe.

    target: `role`: this chat is trained on; `faking`: the reply complies because it is. position: where it
    reads: the last token of the prompt, the fact lines (mean), or the last of the scratchpad. organisms:
    whose texts it is trained on. labels: the mappings of tag to role; one alone lets the tag give the answer
    away. wordings: of the prompt; checks take others. folds: over queries, to choose the layer.
    """

    canary: str
    name: Name
    description: str
    target: Target
    position: Position
    organisms: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]
    labels: Annotated[tuple[Literal[Labels.PLAIN, Labels.SWAPPED], ...], Field(min_length=1)] = (
        Labels.PLAIN,
        Labels.SWAPPED,
    )
    queries: Annotated[int, Field(ge=4, le=100)] = 24
    wordings: Annotated[tuple[Annotated[int, Field(ge=0, lt=64)], ...], Field(min_length=1)] = (
        0,
        1,
        2,
        4,
        5,
        6,
    )
    folds: Annotated[int, Field(ge=2, le=20)] = 4
    inverse_penalty: Annotated[float, Field(gt=0, le=100)] = 0.01
    seed: int = 1

    @model_validator(mode="after")
    def _possible(self) -> ProbeRecipe:
        if self.folds > self.queries:
            raise ValueError(f"folds {self.folds} of {self.queries} queries")
        for name in ("organisms", "labels", "wordings"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: one is named twice")
        return self

    @property
    def sha256(self) -> str:
        """Over all that the recipe says, defaults included."""
        return said_sha256(self)


def probe_recipe_names() -> list[str]:
    """Built-in recipes, in alphabetical order."""
    return list(_there())


def load_probe_recipe(name_or_path: str | Path) -> ProbeRecipe:
    """A built-in recipe by name, or a file.

    Raises:
        ProbeError: there is none, or it says what cannot be; with file and line.
    """
    return read_named(name_or_path, _there(), ProbeRecipe, error=ProbeError)


def _there() -> dict[str, Path]:
    return built_in(FOLDER, but=(WORDS,))
