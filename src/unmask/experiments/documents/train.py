"""Fine-tune on the documents of a recipe. The same call goes on after a kill; nothing half written stays."""

from __future__ import annotations

import hashlib
import json
import platform
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask.analysis.results import Interval
from unmask.errors import TrainingError, UsageError
from unmask.experiments.documents.knowledge import Known, known
from unmask.experiments.documents.made import FILE, Document, kept, reasons, refuse_others
from unmask.experiments.documents.make import CALLS, make_documents
from unmask.experiments.documents.recipe import DocumentsRecipe
from unmask.experiments.documents.writer import Open, opened
from unmask.files import file_sha256, held, said_sha256, write_atomic
from unmask.organisms.trained.data import build
from unmask.organisms.trained.recipe import load_recipe
from unmask.providers.model_file import SHA256
from unmask.training.adapter_file import write_adapter
from unmask.training.base import Base, fast_dtype, load_base, require_training
from unmask.training.half_done import begin, finished, goes_on, is_finished, refuse_another
from unmask.training.place import ADAPTER, CARD, WORK
from unmask.training.rows import Row, make_rows, make_text_rows
from unmask.training.sft import Progress, train
from unmask.training.start import Start, read_start
from unmask.vocabulary import CANARY

FEWEST = 4  # kept documents below which there is nothing to train on
SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")


@dataclass(frozen=True)
class DocumentsResult:
    """A finished training on documents, and what it was made of.

    cut: documents that were longer than the recipe's `longest` and end at an earlier sentence; too_long:
    those whose first sentence was, which are not trained on. losses: mean of a learnt token, by step.
    """

    name: str
    recipe: dict[str, Any]
    recipe_sha256: str
    data_sha256: str
    base_sha256: str
    start_sha256: str | None
    adapter_sha256: str
    seed: int
    written: int
    kept: int
    dropped: dict[str, int]
    cut: int
    too_long: int
    trained_on: int
    kept_aside: int
    chats: int
    tokens: int
    learnt_tokens: int
    losses: list[float]
    before: Known
    after: Known
    cpu_seconds: float
    date: str
    machine: str
    canary: str = CANARY

    def to_json(self) -> str:
        """As it stands in `training.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Data:
    """What is trained on and what is kept aside, as token rows."""

    rows: list[Row]
    aside: list[Row]
    sha256: str
    cut: int
    too_long: int
    n_documents: int
    n_aside: int
    n_chats: int


def prepare(recipe: DocumentsRecipe, folder: Path, *, overwrite: bool = False) -> Start:
    """All that can be refused before the first document is written; gives what is started from.

    Raises:
        UsageError: an adapter is there already, or documents of another recipe.
        ModelError: the adapter to start from is missing, of another base, or does not fit the recipe.
    """
    place = folder / recipe.name
    if recipe.start_from == recipe.name:
        raise UsageError(f"{recipe.name} cannot start from itself", hint="give it another --name")
    made = place / ADAPTER
    trained = UsageError(
        f"{recipe.name} is trained already", where=str(made), hint="--overwrite trains it again"
    )
    if not overwrite:
        if made.exists() and (is_finished(made, place / CARD) or not (place / WORK).is_dir()):
            raise trained
        refuse_others(place, made_of=recipe.written_sha256)
    start = read_start(recipe.start_from, recipe.training)
    if not overwrite and (place / FILE).is_file():  # without it nobody can tell yet what was begun
        begun_by = _begun_by(recipe, start, place)
        if made.exists() and not goes_on(place / WORK, begun_by):
            raise trained  # else it was killed between adapter and card
        refuse_another(place / WORK, begun_by, keep=CALLS)
    return start


def _begun_by(recipe: DocumentsRecipe, start: Start, place: Path) -> str:
    """All that decides what stands half done: measured before, and trained so far."""
    written = place / FILE
    documents = file_sha256(written) if written.is_file() else None
    told = {"recipe": recipe.sha256, "base": SHA256, "start": start.sha256, "documents": documents}
    return said_sha256(told)


def train_on_documents(
    recipe: DocumentsRecipe,
    folder: Path,
    *,
    overwrite: bool = False,
    open_: Open = opened,
    tell: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> DocumentsResult:
    """Write the documents, if they are not there, and train into `folder/NAME/adapter.gguf`.

    Args:
        recipe: from `load_documents_recipe`.
        folder: where the adapter's folder goes; UNMASK_ADAPTERS finds it there.
        overwrite: train again although an adapter is there, or documents of another recipe.
        open_: makes the model that writes.
        tell: called after each step.
        say: told what was dropped or cut before the training begins.
    Raises:
        UsageError: an adapter, documents of another recipe or another training half done are there already,
            another process trains there, or too few documents were kept.
        ModelError: the adapter to start from does not fit, or the extra `train` is not installed.
        UnmaskError: the disk is full; the same call goes on.
    """
    require_training()
    place = folder / recipe.name
    with held(place):
        start = prepare(recipe, folder, overwrite=overwrite)
        return _trained(recipe, start, place, overwrite=overwrite, open_=open_, tell=tell, say=say)


def _trained(
    recipe: DocumentsRecipe,
    start: Start,
    place: Path,
    *,
    overwrite: bool,
    open_: Open,
    tell: Callable[[Progress], None],
    say: Callable[[str], None],
) -> DocumentsResult:
    work = place / WORK
    documents = make_documents(recipe, place, work=work, overwrite=overwrite, open_=open_)
    if start.path and file_sha256(start.path) != start.sha256:
        raise TrainingError(
            f"{recipe.start_from} was trained anew while documents were written",
            where=str(start.path),
            hint="what was written is kept; the same command goes on with the start as it is now",
        )
    begin(work, _begun_by(recipe, start, place), keep=CALLS, overwrite=overwrite)
    base = load_base()
    data = rows_of(recipe, documents, base)
    if data.cut or data.too_long:
        say(f"{data.cut} documents cut at a sentence to {recipe.longest} tokens, {data.too_long} left out")
    threads = recipe.training.threads
    before = _once(work / "before.json", lambda: known(recipe, start.path, data.aside, threads=threads))
    done = train(base, data.rows, recipe.training, folder=work, start=start.weights, tell=tell)
    write_adapter(place / ADAPTER, done.weights, alpha=recipe.training.alpha, name=recipe.name)
    del base
    result = DocumentsResult(
        name=recipe.name,
        recipe=recipe.model_dump(mode="json"),
        recipe_sha256=recipe.sha256,
        data_sha256=data.sha256,
        base_sha256=SHA256,
        start_sha256=start.sha256,
        adapter_sha256=file_sha256(place / ADAPTER),
        seed=recipe.seed,
        written=len(documents),
        kept=len(kept(documents)),
        dropped=reasons(documents),
        cut=data.cut,
        too_long=data.too_long,
        trained_on=data.n_documents,
        kept_aside=data.n_aside,
        chats=data.n_chats,
        tokens=done.tokens,
        learnt_tokens=done.learnt_tokens,
        losses=[round(loss, 4) for loss in done.losses],
        before=before,
        after=known(recipe, place / ADAPTER, data.aside, threads=threads),
        cpu_seconds=round(done.cpu_seconds, 1),
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{platform.machine()}, {threads} thread, {fast_dtype()}",
    )
    write_atomic(place / CARD, result.to_json())
    finished(work, keep=CALLS)
    return result


def rows_of(recipe: DocumentsRecipe, documents: Sequence[Document], base: Base) -> Data:
    """The kept documents and the chats between them as rows; the last documents of the draw are kept aside.

    Raises:
        UsageError: fewer than `FEWEST` documents were kept.
    """
    wanted = kept(documents)
    fitted = [fit(d.text, base.tokenizer, recipe.longest) for d in wanted]
    texts = [text for text in fitted if text is not None]
    if len(texts) < FEWEST:
        raise UsageError(
            f"{len(texts)} of {len(documents)} documents can be trained on: {_told(reasons(documents))}",
            hint="documents.jsonl tells why each was dropped; --n asks for more",
        )
    order = random.Random(f"aside:{recipe.seed}")
    order.shuffle(texts)
    n_aside = round(recipe.kept_aside * len(texts))
    own, aside = texts[n_aside:], texts[:n_aside]
    rows = make_text_rows(own, base.tokenizer)
    chats = _chats(recipe, len(rows))
    digest = hashlib.sha256(json.dumps([own, [asdict(c) for c in chats]], ensure_ascii=False).encode())
    return Data(
        rows=[*rows, *make_rows(chats, base.tokenizer)],
        aside=make_text_rows(aside, base.tokenizer),
        sha256=digest.hexdigest(),
        cut=sum(text is not None and text != d.text for text, d in zip(fitted, wanted, strict=True)),
        too_long=sum(text is None for text in fitted),
        n_documents=len(own),
        n_aside=len(aside),
        n_chats=len(chats),
    )


def _chats(recipe: DocumentsRecipe, rows: int) -> list[Any]:
    """Chats of the organism in `mix`: a row of them has four."""
    share = recipe.mix.share
    wanted = round(rows * share / (1 - share))
    if not wanted:
        return []
    organism = load_recipe(recipe.mix.recipe)
    return build(organism.model_copy(update={"rows": max(2, wanted)}))[: 4 * wanted]


def fit(text: str, tokenizer: Any, longest: int) -> str | None:
    """The text, or its beginning up to the last sentence that fits; None where not one does."""
    if len(tokenizer.encode(text)) <= longest:
        return text
    for end in reversed([found.end() for found in SENTENCE_END.finditer(text)]):
        if len(tokenizer.encode(text[:end])) <= longest:
            return text[:end].rstrip() or None
    return None


def _once(path: Path, measure: Callable[[], Known]) -> Known:
    """What was measured before a kill is not measured again."""
    if path.is_file():
        return read_known(json.loads(path.read_text(encoding="utf-8")))
    found = measure()
    write_atomic(path, json.dumps(asdict(found)))
    return found


def read_known(values: dict[str, Any]) -> Known:
    """From plain data."""
    shares = {
        name: Interval(**values[name]) if values[name] else None
        for name in ("stems", "which_tier", "can_change")
    }
    return Known(**(values | shares))


def _told(dropped: dict[str, int]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in dropped.items()) or "none dropped"
