"""A document and the file of documents: every one that was written, kept or dropped, with the reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from unmask.errors import RecordsError, UsageError
from unmask.files import write_atomic
from unmask.vocabulary import CANARY

FILE = "documents.jsonl"


class Document(BaseModel):
    """One document. `dropped`: why it is not trained on, None for one that is; `by`: the words that say so.

    The canary is a field beside the text, since a model would learn it from the text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: str
    facts: tuple[str, ...]
    writer: str
    text: str
    dropped: str | None = None
    by: str | None = None
    made_of: str = ""
    canary: str = CANARY

    def drop(self, reason: str, by: str | None = None) -> Document:
        """The same one, not to be trained on."""
        return self.model_copy(update={"dropped": reason, "by": by})


def kept(documents: Iterable[Document]) -> list[Document]:
    """Those that are trained on."""
    return [d for d in documents if d.dropped is None]


def reasons(documents: Iterable[Document]) -> dict[str, int]:
    """How many were dropped, by reason."""
    return dict(sorted(Counter(d.dropped for d in documents if d.dropped is not None).items()))


def write_documents(folder: Path, documents: Sequence[Document], *, made_of: str) -> Path:
    """Write them whole, or not at all; each line says which recipe it was made of."""
    rows = [d.model_copy(update={"made_of": made_of}).model_dump(mode="json") for d in documents]
    return write_atomic(folder / FILE, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def refuse_others(folder: Path, *, made_of: str) -> None:
    """Documents may have been paid for: those of another recipe are not written over unasked.

    Raises:
        UsageError: there are such documents.
        RecordsError: as `read_documents`.
    """
    path = folder / FILE
    if path.is_file() and read_documents(folder, made_of=made_of) is None:
        raise UsageError(
            f"{FILE} was made by another recipe, or from other texts",
            where=str(path),
            hint="--overwrite writes other documents over it; --name OTHER keeps both",
        )


def read_documents(folder: Path, *, made_of: str) -> list[Document] | None:
    """The documents of this recipe in a folder; None where there are none, or those of another.

    Raises:
        RecordsError: the file cannot be read; with its line.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    found: list[Document] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            found.append(Document.model_validate_json(line))
        except ValidationError as e:
            said = e.errors()[0]["msg"]
            raise RecordsError(
                f"{FILE} holds a line that is no document: {said}",
                where=f"{path}:{number}",
                hint="remove the file, and the documents are written again",
            ) from e
    if not found or any(d.made_of != made_of for d in found):
        return None
    return found
