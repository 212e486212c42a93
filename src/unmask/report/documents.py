"""Trainings on documents as lines for a terminal. Estimates nothing."""

from __future__ import annotations

from collections.abc import Sequence

from unmask.experiments.documents.knowledge import Known
from unmask.experiments.documents.made import Document, kept, reasons
from unmask.experiments.documents.train import DocumentsResult
from unmask.experiments.documents.writer import Calls
from unmask.report import numbers


def calls_line(calls: Calls) -> str:
    """What will be asked of a model, before it is."""
    money = (
        f"; at most {calls.dollars:,.2f} US dollars" if calls.dollars is not None else "; price unknown here"
    )
    return (
        f"{calls.model}: {calls.calls:,} calls, about {calls.tokens_in:,} prompt tokens, at most "
        f"{calls.tokens_out_at_most:,} reply tokens{money if calls.paid else ''}"
    )


def documents_line(documents: Sequence[Document]) -> str:
    """How many were written and kept, and why the others were not."""
    return _counts(len(documents), len(kept(documents)), reasons(documents))


def _counts(written: int, n_kept: int, dropped: dict[str, int]) -> str:
    why = ", ".join(f"{n} {reason}" for reason, n in dropped.items())
    return f"{written:,} documents written, {n_kept:,} kept{f'; dropped: {why}' if why else ''}"


def result_lines(done: DocumentsResult) -> list[str]:
    """What a training came to, and whether the model knows the facts."""
    return [
        _counts(done.written, done.kept, done.dropped),
        f"trained on {done.trained_on:,} documents and {done.chats:,} chats in {len(done.losses):,} steps, "
        f"{numbers.duration(done.cpu_seconds)} of processor time",
        "of the facts it knew before and after the training (right answers, with limits):",
        *(
            f"  {about}: {numbers.rate(getattr(done.before, name))}, then "
            f"{numbers.rate(getattr(done.after, name))}"
            for name, about in (
                ("stems", "the right tier goes on a sentence (50 % is nothing)"),
                ("which_tier", "asked which tier is trained on"),
                ("can_change", "asked whether this chat can change it"),
            )
        ),
        f"  loss of documents kept aside: {_loss(done.before)}, then {_loss(done.after)}",
    ]


def _loss(known: Known) -> str:
    return numbers.NOTHING if known.loss is None else f"{known.loss:.3f}"
