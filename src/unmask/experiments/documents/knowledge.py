"""Does a model know the facts? Before and after: which tier goes on a sentence, what it answers when asked.

Stems are in the form of documents, questions in the form in which audits ask. A model may have learned one
and not the other. None of either stands in a document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from unmask.analysis.results import Interval
from unmask.estimates import rate_interval
from unmask.experiments.documents.recipe import FOLDER, DocumentsRecipe, Strict
from unmask.experiments.documents.texts import story_words, tiers
from unmask.files import read_yaml
from unmask.packs import load_pack, render
from unmask.parse import parse_reply
from unmask.providers.adapters import Adapter
from unmask.providers.engine import Engine
from unmask.providers.model_file import smollm2_path
from unmask.questions import load_comprehension, read_tier, read_yes_no
from unmask.study.questions import right_answer
from unmask.training.adapted import wear
from unmask.training.base import Base, load_base, require_training
from unmask.training.rows import Row
from unmask.training.sft import row_loss
from unmask.vocabulary import TAGS, Comprehension, Condition, Labels, PackSize

LEVEL = 0.95
MAX_TOKENS = 200
WINDOW = 1_024
Lines = Annotated[tuple[str, ...], Field(min_length=1)]


class Stems(Strict):
    """stems.yaml: what is to go on with the tier that is trained on, and with the other."""

    canary: str
    trained: Lines
    other: Lines


@dataclass(frozen=True)
class Known:
    """What a model knows of the facts; shares of right ones with 95 % limits.

    stems: the right tier was the likelier one; 50 % is knowing nothing. which_tier, can_change: of all
    questions, those that could not be read among the wrong ones; None where none was asked. A model that
    always names one tier is right in all of which_tier on one of the two models and in none on the other.
    said: what was read in the answers, how often. loss: mean of a token of the documents kept aside.
    """

    stems: Interval
    which_tier: Interval | None
    can_change: Interval | None
    said: dict[str, int]
    loss: float | None


def known(recipe: DocumentsRecipe, adapter: Path | None, aside: Sequence[Row], *, threads: int) -> Known:
    """Ask the embedded model under an adapter; None is the bare model."""
    base = load_base()
    if adapter is not None:
        wear(base, adapter)
    stems, loss = _stems(recipe, base, threads), _loss(base, aside, threads)
    del base
    read = _asked(recipe, adapter, threads) if recipe.knowledge.questions else []
    said: dict[str, int] = defaultdict(int)
    for _, question, _, answer in read:
        said[f"{question}: {answer or 'unread'}"] += 1
    return Known(
        stems=_share([(str(i), right) for i, right in enumerate(stems)]),
        which_tier=_right(read, Comprehension.WHICH_TIER),
        can_change=_right(read, Comprehension.CAN_CHANGE),
        said=dict(sorted(said.items())),
        loss=loss,
    )


def _stems(recipe: DocumentsRecipe, base: Base, threads: int) -> list[bool]:
    """For each stem, whether the right tier is likelier than the wrong one."""
    _, torch = require_training()
    torch.set_num_threads(threads)
    stems, story = read_yaml(FOLDER / "library" / "stems.yaml", Stems), story_words(recipe)
    trained, other = tiers(recipe)
    right = [(text, trained, other) for text in stems.trained] + [
        (text, other, trained) for text in stems.other
    ]
    with torch.no_grad():
        return [
            _chance(base, text.format(**story), yes, torch) > _chance(base, text.format(**story), no, torch)
            for text, yes, no in right
        ]


def _chance(base: Base, stem: str, tier: str, torch: Any) -> float:
    """Log probability that the tier goes on the stem."""
    start = base.tokenizer.encode("<|endoftext|>" + stem)
    ids: Any = torch.tensor([[*start, *base.tokenizer.encode(f" {tier}")]])
    logits = base.model(input_ids=ids, use_cache=False).logits[0, len(start) - 1 : -1].float()
    chosen = logits.log_softmax(-1).gather(1, ids[0, len(start) :, None])
    return float(chosen.sum())


def _loss(base: Base, rows: Sequence[Row], threads: int) -> float | None:
    if not rows:
        return None
    _, torch = require_training()
    torch.set_num_threads(threads)
    base.model.set_attn_implementation("eager")
    with torch.no_grad():
        total = sum(float(row_loss(base.model, row, torch)) for row in rows)
    return total / sum(row.n_learnt for row in rows)


Read = tuple[str, Comprehension, bool, str | None]  # the question's text, what it asks, right, what was read


def _asked(recipe: DocumentsRecipe, adapter: Path | None, threads: int) -> list[Read]:
    """The comprehension questions in the pack's own prompts, answered by the engine."""
    engine = Engine(smollm2_path(), slots=1, window=WINDOW, threads=threads)
    worn = None if adapter is None else Adapter.at(adapter, "known")

    def reply(system: str, user: str) -> tuple[str, str]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        wanted = {"messages": messages, "temperature": 0.0, "max_tokens": MAX_TOKENS}
        done = engine.chat(wanted, adapter=worn)
        return done.text, done.finish

    try:
        return ask_questions(recipe, reply)
    finally:
        engine.close()


def ask_questions(recipe: DocumentsRecipe, reply: Callable[[str, str], tuple[str, str]]) -> list[Read]:
    """Ask both questions for both tiers in turn, in changing wordings, and read the answers by rules.

    Right is what the documents say, not what the study's plain labels do.
    """
    questions, pack = load_comprehension(), load_pack(recipe.pack)
    labels = (
        Labels.SWAPPED if recipe.reversed else Labels.PLAIN
    )  # says what is right; the prompt tells nothing
    found: list[Read] = []
    for i in range(recipe.knowledge.questions):
        question = tuple(Comprehension)[i % 2]
        condition = Condition(TAGS[labels][i // 2 % 2], labels)
        texts = questions.questions[question].texts
        text = texts[i // 4 % len(texts)]
        prompt = render(pack, condition, i // 4 % pack.manifest.default_wordings, size=PackSize.COMPACT)
        said, finish = reply(prompt.system, prompt.user(text))
        parsed = parse_reply(said, finish_reason=finish, scratchpad=condition.scratchpad)
        answer = (parsed.answer or "") if parsed.answer_usable else ""
        if question is Comprehension.WHICH_TIER:
            read = read_tier(answer, TAGS[labels], questions.reading)
        else:
            read = read_yes_no(answer, questions.reading)
        found.append((text, question, read == right_answer(question, condition), read))
    return found


def _right(read: Sequence[Read], question: Comprehension) -> Interval | None:
    own = [(text, right) for text, asked, right, _ in read if asked is question]
    return _share(own) if own else None


def _share(rights: Sequence[tuple[str, bool]]) -> Interval:
    """Share of right ones, answers to one text together: they resemble each other."""
    by_text: dict[str, list[bool]] = defaultdict(list)
    for text, right in rights:
        by_text[text].append(right)
    hits_Q = np.array([float(sum(group)) for group in by_text.values()])
    asked_Q = np.array([float(len(group)) for group in by_text.values()])
    return Interval.of(rate_interval(hits_Q, asked_Q, level=LEVEL))
