"""From a recipe to its file of documents: written, looked at by rules and perhaps a judge, each one once."""

from __future__ import annotations

from pathlib import Path

from unmask.experiments.documents.alike import drop_alike
from unmask.experiments.documents.made import Document, read_documents, refuse_others, write_documents
from unmask.experiments.documents.recipe import TEMPLATE, DocumentsRecipe
from unmask.experiments.documents.screen import load_screen, screened
from unmask.experiments.documents.templates import write_by_template
from unmask.experiments.documents.texts import story_words, tiers
from unmask.experiments.documents.writer import Open, judged, opened, write_by_model

CALLS = "calls-"  # of models that write and judge: paid for, and they know what was asked


def make_documents(
    recipe: DocumentsRecipe, folder: Path, *, work: Path, overwrite: bool = False, open_: Open = opened
) -> list[Document]:
    """The documents of a recipe, kept and dropped; those that stand in `folder` already are read from there.

    Args:
        recipe: from `load_documents_recipe`.
        folder: where `documents.jsonl` is.
        work: for the logs of a model that writes; a killed one goes on from there.
        overwrite: write over documents of another recipe.
        open_: makes a model of its name.
    Raises:
        UsageError: documents of another recipe are there; nothing was asked.
        UnmaskError: writer or judge did not finish; the same call goes on.
    """
    made_of = recipe.written_sha256
    if not overwrite:
        refuse_others(folder, made_of=made_of)
    if (there := read_documents(folder, made_of=made_of)) is not None:
        return there
    if recipe.writer == TEMPLATE:
        written = write_by_template(recipe)
    else:
        written = write_by_model(recipe, _calls(work, recipe.asked_sha256) / "writer", open_=open_)
    screen, model = load_screen(), story_words(recipe)["model"]
    trained, other = tiers(recipe)
    looked_at = [screened(d, model=model, trained=trained, other=other) for d in written]
    # alike before the judge: what is dropped anyway need not be paid for
    once = drop_alike(looked_at, size=screen.piece, alike=screen.alike)
    documents = judged(recipe, once, _calls(work, made_of) / "judge", open_=open_)
    write_documents(folder, documents, made_of=made_of)
    return documents


def _calls(work: Path, of: str) -> Path:
    return work / f"{CALLS}{of[:12]}"
