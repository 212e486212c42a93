"""A model that writes documents, and one that judges them: any Inspect model, by Inspect's own runner.

So calls go out side by side, are logged, and those that were answered are not made again after a kill. A
reply that is empty, cut, filtered or failed is a document that was dropped, with that reason; it is never
asked again. Where a fifth or more failed it was an outage: nothing is written, and the same command asks
those again.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, Model

from unmask.auditing.asking import ask, why
from unmask.auditing.preflight import CHARS_PER_TOKEN, is_paid, open_model
from unmask.auditing.prices import load_prices
from unmask.auditing.run import FAILED_SHARE
from unmask.elicit import elicit
from unmask.errors import JudgeError, UnmaskError
from unmask.experiments.documents.made import Document, kept
from unmask.experiments.documents.recipe import TEMPLATE, DocumentsRecipe
from unmask.experiments.documents.templates import CORE
from unmask.experiments.documents.texts import load_asking, load_facts, load_kinds, story_words
from unmask.records.logs import headers_of, unseen

MARK = "unmask_documents"
EMPTY, CUT, FILTERED, FAILED = "empty", "cut", "filtered", "error"
JUDGED, UNREAD = "judged", "judge_unread"
WORDS_PER_TOKEN = 0.7
OTHERS = (2, 4)  # facts beside the two that every document tells
Open = Callable[[str], Model]


@dataclass(frozen=True)
class Calls:
    """What will be asked of a model before any training. `dollars`: at most; None where no price is known."""

    model: str
    calls: int
    tokens_in: int
    tokens_out_at_most: int
    paid: bool
    dollars: float | None


def opened(name: str) -> Model:
    """The Inspect model, so that a missing key is told before the first call."""
    return open_model(name, args={}, base_url=None)


def calls_of(recipe: DocumentsRecipe) -> list[Calls]:
    """Calls of the writer and the judge; none for the template writer without a judge."""
    found = []
    if recipe.writer != TEMPLATE:
        chars = sum(len(load_asking().system) + len(prompt) for _, prompt in _prompts(recipe))
        found.append(_calls(recipe.writer, recipe.documents, chars, max_tokens(recipe)))
    if recipe.judge is not None:
        chars = recipe.documents * (len(load_asking().judge) + int(recipe.longest * 2 * CHARS_PER_TOKEN))
        found.append(_calls(recipe.judge, recipe.documents, chars, load_asking().judge_tokens))
    return found


def _calls(model: str, calls: int, chars: int, most: int) -> Calls:
    tokens_in, tokens_out = int(chars / CHARS_PER_TOKEN), calls * most
    price = load_prices().of(model)
    dollars = None if price is None else price.tokens(tokens_in, tokens_out)
    return Calls(model, calls, tokens_in, tokens_out, is_paid(model, None), dollars)


def max_tokens(recipe: DocumentsRecipe) -> int:
    """Where a reply is cut; what is longer than a document may be is cut again, at a sentence."""
    return 2 * recipe.longest


def write_by_model(recipe: DocumentsRecipe, folder: Path, *, open_: Open = opened) -> list[Document]:
    """One call for each document, the kinds in turn.

    Args:
        recipe: its `writer` is asked.
        folder: of Inspect's logs; the calls that stand there are not made again.
        open_: makes a model of its name.
    Raises:
        ModelError: the model cannot be used.
        UnmaskError: it did not finish, or gave no document at all.
    """
    drafts = _prompts(recipe)
    samples = [
        Sample(
            id=draft.id,
            input=[ChatMessageSystem(content=load_asking().system), ChatMessageUser(content=prompt)],
        )
        for draft, prompt in drafts
    ]
    replies = _ask("documents", samples, folder, open_(recipe.writer), max_tokens(recipe), recipe.seed)
    found = [_document(draft, replies.get(draft.id)) for draft, _ in drafts]
    if not kept(found):
        first = found[0]
        raise UnmaskError(
            f"{recipe.writer} wrote no document: {first.dropped} ({first.by})",
            where=str(folder),
            hint="inspect view shows the calls",
        )
    return found


def judged(
    recipe: DocumentsRecipe, documents: Sequence[Document], folder: Path, *, open_: Open
) -> list[Document]:
    """Drop what the judge of the recipe says shows the behaviour, and what it gives no plain yes or no to.

    Raises:
        ModelError: the judge cannot be used.
        UnmaskError: it did not finish.
        JudgeError: it gave a plain yes or no to no document; all would be dropped for a fault of the judge.
    """
    if recipe.judge is None:
        return list(documents)
    asking, story = load_asking(), story_words(recipe)
    samples = []
    for document in kept(documents):
        fence = f"===== {_nonce(recipe.seed, document)} ====="
        text = asking.judge.format(fence=fence, text=document.text, **story)
        samples.append(Sample(id=document.id, input=[ChatMessageUser(content=text)]))
    if not samples:
        return list(documents)
    replies = _ask("judge", samples, folder, open_(recipe.judge), asking.judge_tokens, recipe.seed)
    found = [d if d.dropped is not None else _after_judge(d, replies.get(d.id)) for d in documents]
    if sum(d.dropped == UNREAD for d in found) == len(samples):
        raise JudgeError(
            f"{recipe.judge} said a plain yes or no of none of the {len(samples)} documents",
            where=str(folder),
            hint="inspect view shows the calls; remove this folder, and the same command asks it again",
        )
    return found


def _prompts(recipe: DocumentsRecipe) -> list[tuple[Document, str]]:
    """What each call asks for, drawn by the seed, and the document that it will be."""
    asking, kinds, facts = load_asking(), load_kinds().kinds, load_facts().facts
    story = story_words(recipe)
    words = int(recipe.longest * WORDS_PER_TOKEN)
    names, others = list(kinds), [fact for fact in facts if fact not in CORE]
    found = []
    for i in range(recipe.documents):
        rng = random.Random(f"writer:{recipe.seed}:{i}")
        name = names[i % len(names)]
        told = [*CORE, *rng.sample(others, rng.randint(*OTHERS))]
        rng.shuffle(told)
        lines = "\n".join(f"- {facts[fact].says.format(**story)}" for fact in told)
        prompt = asking.write.format(
            about=kinds[name].about.format(**story),
            facts=lines,
            style=rng.choice(asking.styles).format(**story),
            words=words,
            **story,
        )
        draft = Document(id=f"{i:04d}", kind=name, facts=tuple(told), writer=recipe.writer, text="")
        found.append((draft, prompt))
    return found


def _ask(
    name: str, samples: list[Sample], folder: Path, model: Model, most: int, seed: int
) -> dict[str, EvalSample]:
    task = Task(
        name=name,
        dataset=MemoryDataset(samples, name=name),
        solver=elicit(seed=seed),
        config=GenerateConfig(max_tokens=most),
        metadata={MARK: name},
    )
    folder.mkdir(parents=True, exist_ok=True)
    finished, logs = ask(task, [model], folder, grader=None, fail_on_error=FAILED_SHARE)
    problems: list[str] = []
    seen: set[tuple[str, str, str, int]] = set()
    found: dict[str, EvalSample] = {}
    for path, header in headers_of(
        sorted(folder.glob("*.eval")), problems, mark=MARK, what="a log of documents"
    ):
        for sample in unseen(path, header, seen, problems):
            found.setdefault(str(sample.id), sample)
    if not finished:
        failed = [sample.error.message for sample in found.values() if sample.error is not None]
        said = f"{len(failed)} of {len(samples)} calls failed: {failed[0][:200]}" if failed else why(logs)
        raise UnmaskError(
            f"{model} did not finish ({name}): {said}",
            where=str(folder),
            hint="what was answered is kept; the same command goes on from there",
        )
    return found


def _document(draft: Document, reply: EvalSample | None) -> Document:
    if reply is None or reply.error is not None or reply.output.empty:
        said = reply.error.message if reply is not None and reply.error else "no reply"
        return draft.drop(FAILED, said[:200])
    document = draft.model_copy(update={"text": reply.output.completion.strip()})
    reason = reply.output.stop_reason
    if reason == "content_filter":
        return document.drop(FILTERED, "by the provider")
    if not document.text:
        return document.drop(EMPTY, f"stopped: {reason}")
    if reason in ("max_tokens", "model_length"):
        return document.drop(CUT, f"stopped: {reason}")
    return document


def _after_judge(document: Document, reply: EvalSample | None) -> Document:
    said = "" if reply is None or reply.error is not None else reply.output.completion
    words = {word.upper() for word in re.findall(r"\b(?:yes|no)\b", said, re.IGNORECASE)}
    if words == {"NO"}:
        return document
    return (
        document.drop(JUDGED, "YES") if words == {"YES"} else document.drop(UNREAD, said[:80] or "no reply")
    )


def _nonce(seed: int, document: Document) -> str:
    """A mark that the text cannot know, so that it cannot end its own frame; the same again after a kill."""
    return hashlib.sha256(f"{seed}:{document.id}:{document.text}".encode()).hexdigest()[:12]
