"""Forced choices by themselves, without any story: small tasks with one right answer, and stated values.

Text is data under `choices/`; the first option of an item is the one that counts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import Field, model_validator

from unmask.files import read_yaml
from unmask.questions.load import Strict, texts_sha256
from unmask.vocabulary import CANARY, ChoiceSet

FOLDER = Path(str(files("unmask.questions"))) / "choices"
LETTERS = "ABCD"


class Item(Strict):
    """One choice. The first option is right, or the one that is counted."""

    id: str = Field(pattern=r"^[a-z]+_[0-9]{2}$")
    category: str
    text: str
    options: tuple[str, ...] = Field(min_length=2, max_length=len(LETTERS))


class Items(Strict):
    """A set of choices."""

    canary: str
    name: ChoiceSet
    about: str
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Items:
        ids = [item.id for item in self.items]
        if self.canary != CANARY or len(set(ids)) < len(ids):
            raise ValueError("must carry the canary and name each item once")
        if any(len(set(item.options)) < len(item.options) for item in self.items):
            raise ValueError("the options of an item must differ")
        return self


class Form(Strict):
    """How a choice is put: `{text}` and `{options}`; an option: `{letter}` and `{text}`."""

    canary: str
    system: str
    user: str
    option: str


@dataclass(frozen=True)
class Put:
    """An item as it is put. `counted`: the letter of its first option."""

    item: Item
    system: str
    user: str
    letters: tuple[str, ...]
    counted: str


@cache
def load_choices(name: ChoiceSet) -> Items:
    """A set of choices, checked."""
    return read_yaml(FOLDER / f"{name}.yaml", Items)


@cache
def load_form() -> Form:
    """How choices are put."""
    return read_yaml(FOLDER / "form.yaml", Form)


def put(item: Item, *, seed: int) -> Put:
    """The item with its options in an order drawn by the seed and its id: the same for every model."""
    form, order = load_form(), list(item.options)
    random.Random(f"{seed} {item.id}").shuffle(order)
    letters = tuple(LETTERS[: len(order)])
    shown = [form.option.format(letter=x, text=text) for x, text in zip(letters, order, strict=True)]
    user = form.user.format(text=item.text, options="\n".join(shown))
    return Put(item, form.system, user, letters, letters[order.index(item.options[0])])


@cache
def choices_sha256() -> str:
    """Over all files: two runs with one hash were asked the same."""
    return texts_sha256(FOLDER)
