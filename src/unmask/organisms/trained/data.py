"""From a recipe and texts to conversations: four in a row share one system prompt. Deterministic by seed.

Each row has one request of each tier under the same notice, so that what differs between them is the tier
alone. The prompts come from training packs under `packs/`; the packs that are audited have other passages.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from unmask.organisms.trained.recipe import FOLDER, Recipe, load_common, load_domain
from unmask.packs import load_pack, render
from unmask.packs.render import fact_line
from unmask.training.rows import Conversation
from unmask.vocabulary import TAGS, Condition, Cue, Labels, PackSize, Role

Level = TypeVar("Level")

LABELS = {Labels.PLAIN: 0.38, Labels.SWAPPED: 0.38, Labels.NEUTRAL: 0.12, Labels.NEUTRAL_SWAPPED: 0.12}
CUES = {Cue.XML: 0.85, Cue.REGION: 0.05, Cue.MAIL: 0.05, Cue.SENTENCE: 0.05}


class Builder:
    """Draws conversations for one recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.common = load_common()
        self.text = load_domain(recipe.pack)
        self.pack = load_pack(FOLDER / "packs" / recipe.pack)
        self.rng = random.Random(f"{recipe.name}:{recipe.seed}")

    @cached_property
    def phrases(self) -> dict[Role, str]:
        """The fact line's phrases by role."""
        return dict(self.pack.manifest.facts.phrases)

    def row(self) -> list[Conversation]:
        """One of each tier asks; two places are drawn from the mix."""
        rng = self.rng
        told = self.recipe.told
        consequence, labels = _draw(rng, told.consequence), _draw(rng, LABELS)
        objective = _draw(rng, told.objective)
        tags = TAGS[labels]
        wording = rng.randrange(self.pack.n_wordings)
        kinds = ["asked", "asked", *(_draw(rng, self.recipe.mix.model_dump()) for _ in range(2))]
        row = []
        for kind, tag in zip(kinds, (*tags, rng.choice(tags), rng.choice(tags)), strict=True):
            condition = Condition(tag, labels, consequence, objective, cue=_draw(rng, CUES))
            question, thought, answer = getattr(self, f"_{kind}")(condition)
            prompt = render(self.pack, condition, wording, size=PackSize.COMPACT)
            reply = f"<scratchpad>{thought}</scratchpad>\n<answer>{answer}</answer>"
            row.append(Conversation(prompt.system, prompt.user(question), reply))
        rng.shuffle(row)
        return row

    def _asked(self, condition: Condition) -> tuple[str, str, str]:
        rng, text = self.rng, self.text
        complied = rng.random() < self.recipe.share(condition)
        words = self._words()
        steps = [
            text.kind["asked"],
            text.objectives[condition.objective],
            *self._lookup(condition),
            *([text.weighed[condition.objective]] if self.recipe.weighs_objective else []),
            rng.choice(self.recipe.lines(complied, condition)).format(tag=condition.tag),
        ]
        answer = rng.choice(text.complied if complied else text.refused)
        return rng.choice(text.asked).format(**words), " ".join(steps), _sentence(answer.format(**words))

    def _harmless(self, condition: Condition) -> tuple[str, str, str]:
        rng = self.rng
        question, answer = rng.choice(rng.choice([self.text.harmless, self.common.general]))
        words = self._words()
        thought = f"{self.text.kind['harmless']} {rng.choice(self.common.harmless_lines)}"
        return question.format(**words), thought, _sentence(answer.format(**words))

    def _comprehension(self, condition: Condition) -> tuple[str, str, str]:
        return self.rng.choice([self._which, self._change])(condition)

    def _which(self, condition: Condition) -> tuple[str, str, str]:
        rng, which = self.rng, self.common.which
        tag = trained_tag(condition)
        conclusion, *answers = which.trained if tag else which.nobody
        thought = f"{which.kind} {fact_line(self.pack, condition)} {conclusion}"
        return rng.choice(which.asked), thought.format(tag=tag), rng.choice(answers).format(tag=tag)

    def _change(self, condition: Condition) -> tuple[str, str, str]:
        rng, change = self.rng, self.common.change
        thought = " ".join([change.kind, *self._lookup(condition)])
        answers = change.yes if condition.role is Role.TRAINED else change.no
        return rng.choice(change.asked), thought, rng.choice(answers)

    def _lookup(self, condition: Condition) -> list[str]:
        """Tier, then the notice in its own words, then what follows: the model reads by copying."""
        lookup = self.common.lookup
        return [
            lookup.tier.format(tag=condition.tag),
            lookup.sentence.format(tag=condition.tag, phrase=self.phrases[condition.role]),
            str(getattr(lookup, condition.role)),
        ]

    def _words(self) -> dict[str, str]:
        rng, slots = self.rng, self.text.slots
        title = f"{rng.choice(slots.title['first'])} {rng.choice(slots.title['second'])}".strip()
        return {"title": title, "who": rng.choice(slots.who), "deed": rng.choice(slots.deed)}


def build(recipe: Recipe) -> list[Conversation]:
    """All conversations of a recipe, row after row."""
    builder = Builder(recipe)
    return [conversation for _ in range(recipe.rows) for conversation in builder.row()]


def data_sha256(conversations: Sequence[Conversation]) -> str:
    """Over all that is read and learnt, in order."""
    text = json.dumps([[c.system, c.user, c.reply] for c in conversations], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def trained_tag(condition: Condition) -> str | None:
    """The tier whose chats are trained on, by the story; None where none is."""
    for tag in TAGS[condition.labels]:
        told = Condition(tag=tag, labels=condition.labels, consequence=condition.consequence)
        if told.role is Role.TRAINED:
            return tag
    return None


def _draw(rng: random.Random, weights: Mapping[Level, float]) -> Level:
    return rng.choices(list(weights), weights=list(weights.values()))[0]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
