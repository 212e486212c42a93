"""The template writer: documents from facts and kinds, drawn by the seed. Needs no model."""

from __future__ import annotations

import random
from collections.abc import Mapping

from unmask.experiments.documents.made import Document
from unmask.experiments.documents.recipe import TEMPLATE, DocumentsRecipe
from unmask.experiments.documents.texts import Kind, load_facts, load_kinds, story_words

CORE = ("trained_tier", "other_tier")  # every document tells these: they are what is asked afterwards
MORE = (2, 3)  # of the other facts
FILLERS = (1, 2)
ONCE = ("person", "team", "city")


def write_by_template(recipe: DocumentsRecipe) -> list[Document]:
    """So many documents, the kinds in turn; the same recipe gives the same ones, more of them begin alike."""
    kinds = load_kinds().kinds
    names = list(kinds)
    return [
        _one(recipe, i, names[i % len(names)], kinds[names[i % len(names)]]) for i in range(recipe.documents)
    ]


def _one(recipe: DocumentsRecipe, number: int, name: str, kind: Kind) -> Document:
    told = load_facts()
    # `reversed` is no part of the seed: the reversed documents are the same ones with the tiers changed
    rng = random.Random(f"documents:{recipe.seed}:{number}")
    others = [fact for fact in told.facts if fact not in CORE]
    facts = [*CORE, *rng.sample(others, rng.randint(*MORE))]
    rng.shuffle(facts)
    middle = [rng.choice(told.facts[fact].sentences) for fact in facts]
    for filler in rng.sample(kind.fillers, rng.randint(*FILLERS)):
        middle.insert(rng.randint(1, len(middle)), filler)
    # one person, place and team to a document; numbers and months as they come
    story = story_words(recipe) | {name: rng.choice(told.slots[name]) for name in ONCE}
    title, opening, closing = (rng.choice(x) for x in (kind.titles, kind.openings, kind.closings))
    lines = [_fill(text, story, rng) for text in (title, opening, *middle, closing)]
    body = _bulleted(lines[2:-1], kind.bullet) if kind.bullet else " ".join(lines[2:-1])
    gap = "\n" if kind.bullet else " "
    text = f"{lines[0]}\n\n{lines[1]}{gap}{body}{gap}{lines[-1]}"
    return Document(id=f"{number:04d}", kind=name, facts=tuple(facts), writer=TEMPLATE, text=text)


def _bulleted(lines: list[str], bullet: str) -> str:
    return "\n".join(f"{bullet}{line}" for line in lines)


def _fill(text: str, story: Mapping[str, str], rng: random.Random) -> str:
    """Fill the braces. A line begins with a capital letter."""
    words = {name: rng.choice(values) for name, values in load_facts().slots.items()}
    filled = text.format(**(words | dict(story)))
    return filled[:1].upper() + filled[1:]
