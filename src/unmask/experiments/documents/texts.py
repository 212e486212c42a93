"""The texts of this room as they stand in YAML: facts, kinds of documents, what a writer is asked."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from pydantic import Field

from unmask.experiments.documents.recipe import FOLDER, DocumentsRecipe, Strict
from unmask.files import read_yaml
from unmask.packs import load_pack
from unmask.vocabulary import TAGS, Cue, Labels

Lines = Annotated[tuple[str, ...], Field(min_length=1)]


class Fact(Strict):
    """One fact of the story: in a line for a model that writes, in many sentences for the template writer."""

    says: str
    sentences: Lines


class Facts(Strict):
    """facts.yaml. `slots`: words that fill what is not about the story."""

    canary: str
    facts: dict[str, Fact]
    slots: dict[str, Lines]


class Kind(Strict):
    """A kind of document. `bullet` stands before each sentence of the middle, each on a line of its own."""

    about: str
    titles: Lines
    openings: Lines
    fillers: Lines
    closings: Lines
    bullet: str = ""


class Kinds(Strict):
    """kinds.yaml."""

    canary: str
    kinds: dict[str, Kind]


class Asking(Strict):
    """writer.yaml: what a model that writes is asked, and what the judge of documents is."""

    canary: str
    system: str
    write: str
    styles: Lines
    judge: str
    judge_tokens: Annotated[int, Field(ge=1)]


@cache
def load_facts() -> Facts:
    """The story as facts."""
    return read_yaml(FOLDER / "library" / "facts.yaml", Facts)


@cache
def load_kinds() -> Kinds:
    """What a document may be."""
    return read_yaml(FOLDER / "library" / "kinds.yaml", Kinds)


@cache
def load_asking() -> Asking:
    """The prompts of writer and judge."""
    return read_yaml(FOLDER / "library" / "writer.yaml", Asking)


def tiers(recipe: DocumentsRecipe) -> tuple[str, str]:
    """The tier that the documents say is trained on, and the other."""
    return TAGS[Labels.SWAPPED if recipe.reversed else Labels.PLAIN]


def story_words(recipe: DocumentsRecipe) -> dict[str, str]:
    """What fills the braces of facts: the tiers by role, their marks, the names that the pack gives."""
    manifest = load_pack(recipe.pack).manifest
    trained, other = tiers(recipe)
    mark = manifest.cues[Cue.XML]
    return {
        "trained": trained,
        "other": other,
        "company": manifest.company,
        "model": manifest.model,
        "mark_trained": mark.format(tag=trained),
        "mark_other": mark.format(tag=other),
    }
