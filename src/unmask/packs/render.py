"""A pack, a condition and a wording to the prompt: pure, and the same bytes every time.

The system text depends on everything but the tag of the conversation; the tag shows only in the user's
message, before the query. Both tiers of a pair therefore share one system prompt.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from typing import Literal

from unmask.errors import PackError
from unmask.files import nearest
from unmask.packs.manifest import FACTORS, MORE, PREFILL
from unmask.packs.pack import Block, Pack
from unmask.packs.wordings import passage_of
from unmask.vocabulary import (
    ROLES,
    Arm,
    Condition,
    Consequence,
    Cue,
    Marked,
    Objective,
    PackSize,
    Scratchpad,
    Stake,
    Thought,
    tags_of,
)

TOKENS_PER_PIECE = 1.25  # SmolLM2 takes 1.07 to 1.21 a word or mark of our texts (tests/packs/test_tokens.py)
PIECE = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Edit:
    """A block left out, or one of its alternative passages in its place."""

    kind: Literal["drop", "swap"]
    block: str
    to: str | None = None


@dataclass(frozen=True)
class Prompt:
    """What one call is told, but for the query. `opening` is the cue at the head of the user's message.

    prefill: the beginning of the reply, put into the model's mouth; "" where there is none.
    """

    blocks: tuple[tuple[str, str], ...]
    opening: str
    prefill: str = ""

    @cached_property
    def system(self) -> str:
        """The system message: the blocks in order, a blank line between them."""
        return "\n\n".join(text for _, text in self.blocks if text)

    def user(self, query: str) -> str:
        """The user's message."""
        return f"{self.opening}\n\n{query}" if self.opening else query

    @cached_property
    def sha256(self) -> str:
        """Over the system message, the user's message without the query, and the prefill if any."""
        prefill = f"\0{self.prefill}" if self.prefill else ""
        return hashlib.sha256(f"{self.system}\0{self.opening}{prefill}".encode()).hexdigest()


def render(
    pack: Pack,
    condition: Condition,
    wording: int,
    *,
    size: PackSize,
    edits: Sequence[Edit] = (),
    category: str = "",
) -> Prompt:
    """Compose the prompt of one condition.

    Args:
        pack: from `load_pack`.
        condition: its arm plays no part: harmful and benign queries get the same prompt.
        wording: 0 to `pack.n_wordings` − 1.
        size: full or compact.
        edits: blocks to drop or swap, by name.
        category: of the query, on packs that have words for it ({value}); "" is the first.
    Raises:
        PackError: the pack lacks the size, level, block, alternative or wording.
    """
    value = _value_words(pack, category)
    return _rendered(pack, replace(condition, arm=Arm.HARMFUL), wording, PackSize(size), tuple(edits), value)


def _value_words(pack: Pack, category: str) -> str:
    """What stands for {value} in the prompt of a query of this category; "" on packs without values."""
    values = pack.manifest.values
    if not values:
        return ""
    if category and category not in values:
        raise PackError(
            f"pack {pack.name} has no words for queries of the category {category!r}",
            where=str(pack.path / "pack.yaml"),
            hint=nearest(category, list(values)) or f"values: {', '.join(values)}",
        )
    return values[category or next(iter(values))]


@lru_cache(maxsize=4096)
def _rendered(
    pack: Pack, condition: Condition, wording: int, size: PackSize, edits: tuple[Edit, ...], value: str
) -> Prompt:
    if not 0 <= wording < pack.n_wordings:
        raise PackError(f"no wording {wording}: pack {pack.name} has 0 to {pack.n_wordings - 1}")
    levels = levels_of(condition)
    _refuse_unknown(pack, size, levels)
    dropped, swapped = _sorted_edits(pack, size, edits)
    values = values_of(pack, condition) | {"value": value}
    blocks, prefill = [], ""
    for place, block in in_place(pack.blocks_of(size)):
        if block.name in dropped:
            continue
        text = fill(text_of(block, levels, pack, place, wording, swapped.get(block.name, "")), values)
        if block.name == PREFILL:
            prefill = text
        elif text:
            blocks.append((block.name, text))
    opening = fill(pack.manifest.cues[condition.cue], {"tag": condition.tag}) if condition.shown else ""
    return Prompt(tuple(blocks), opening, prefill)


def in_place(blocks: Sequence[Block]) -> list[tuple[int, Block]]:
    """Blocks in the order of the prompt, each with its place in the design of wordings.

    Optional blocks take places after the others, so that which passage a block takes does not depend on them.
    """
    order = sorted(blocks, key=lambda block: block.spec.optional)  # stable
    return [(order.index(block), block) for block in blocks]


def _refuse_unknown(pack: Pack, size: PackSize, levels: Mapping[str, str]) -> None:
    for factor, level in levels.items():
        has = list(pack.manifest.levels_of(factor)) if factor in FACTORS else pack.more_levels(factor, size)
        if level and level not in has:
            there = f" in its {size} size" if factor in MORE else ""
            raise PackError(
                f"pack {pack.name} has no text for {factor}={level}{there}",
                where=str(pack.path),
                hint=f"it has: {', '.join(has)}" if has else f"it says nothing of {factor}: leave it out",
            )


def levels_of(condition: Condition) -> dict[str, str]:
    """The levels that texts may vary with, by factor; "" where the factor is absent."""
    more = {factor: str(getattr(condition, factor) or "") for factor in MORE if factor != "observed"}
    chance = condition.observed
    kind = "" if chance is None else "never" if chance == 0 else "always" if chance == 1 else "some"
    return {factor: str(getattr(condition, factor)) for factor in FACTORS} | {"observed": kind} | more


def text_of(
    block: Block, levels: Mapping[str, str], pack: Pack, place: int, wording: int, alternative: str = ""
) -> str:
    """The passage that a block takes, with its placeholders; "" for an optional one that has none."""
    found = block.find(levels, alternative)
    if found is None and block.spec.optional and not alternative:
        return ""
    if found is None:
        at = ", ".join(f"{factor}={levels[factor]}" for factor in block.spec.by if levels[factor])
        name = f"{block.name}@{alternative}" if alternative else block.name
        raise PackError(f"block {name} of pack {pack.name} has no text for {at}", where=str(pack.path))
    texts = found.texts
    return texts[passage_of(wording, place, pack.manifest.passages)] if len(texts) > 1 else texts[0]


def _sorted_edits(
    pack: Pack, size: PackSize, edits: tuple[Edit, ...]
) -> tuple[frozenset[str], dict[str, str]]:
    dropped: set[str] = set()
    swapped: dict[str, str] = {}
    for edit in edits:
        block = pack.block(edit.block, size)
        if block.name in dropped or block.name in swapped:
            raise PackError(f"two edits of block {block.name!r}", hint="drop it or swap it, once")
        if edit.kind == "drop":
            dropped.add(block.name)
        elif edit.to in block.alternatives:
            swapped[block.name] = str(edit.to)
        else:
            raise PackError(
                f"block {block.name} of pack {pack.name} has no alternative {edit.to!r} in its {size} size",
                where=str(pack.path),
                hint=nearest(str(edit.to), block.alternatives) or "it has no alternatives",
            )
    return frozenset(dropped), swapped


def values_of(pack: Pack, condition: Condition) -> dict[str, str]:
    """What stands for each placeholder of a block."""
    places = zip(("first", "second", "third"), tags_of(condition.labels, condition.consequence), strict=False)
    company, model = pack.manifest.company, pack.manifest.model
    if condition.told is not None:
        company, model = _names(pack, condition.told)
    return {
        **dict(places),
        "company": company,
        "model": model,
        "chance": "" if condition.observed is None else f"{condition.observed * 100:.0f} in 100",
        "facts": fact_line(pack, condition),
        "value": _value_words(pack, ""),
    }


def _names(pack: Pack, told: str) -> tuple[str, str]:
    names = pack.names()
    if told not in names:
        raise PackError(
            f"pack {pack.name} knows no lab and model called {told!r}",
            where=str(pack.path / "pack.yaml"),
            hint=nearest(told, list(names)) or "add them to `names` of pack.yaml",
        )
    return names[told].company, names[told].model


def fact_line(pack: Pack, condition: Condition) -> str:
    """Which tier's chats are used for what: one sentence per tier, the first tier first."""
    facts = pack.manifest.facts
    tags = tags_of(condition.labels, condition.consequence)
    pairs = zip(tags, ROLES[condition.consequence], strict=True)
    return " ".join(fill(facts.sentence, {"tag": tag, "phrase": facts.phrases[role]}) for tag, role in pairs)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values for placeholders. Templates hold no other brace: loading refuses them."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def all_levels(pack: Pack) -> list[dict[str, str]]:
    """Every combination of the levels that the pack has text for."""
    return [
        dict(zip(FACTORS, combination, strict=True))
        for combination in product(*(pack.manifest.levels_of(factor) for factor in FACTORS))
    ]


def covering_levels(pack: Pack) -> list[dict[str, str]]:
    """Combinations of levels that between them give every text beside every consequence.

    Far fewer than all: a block's text depends on the one or two factors that it names.
    """
    base = {factor: pack.manifest.levels_of(factor)[0] for factor in FACTORS}
    found = []
    for crossed in sorted(
        {tuple(sorted({"consequence", *spec.by})) for spec in pack.manifest.blocks.values()}
    ):
        for combination in product(*(_told_levels(pack, factor) for factor in crossed)):
            levels = base | dict(zip(crossed, combination, strict=True))
            if levels not in found and all(is_told(pack, levels, size) for size in pack.sizes):
                found.append(levels)
    return found


def _told_levels(pack: Pack, factor: str) -> tuple[str, ...]:
    if factor in FACTORS:
        return pack.manifest.levels_of(factor)
    return ("", *dict.fromkeys(level for size in pack.sizes for level in pack.more_levels(factor, size)))


def is_told(pack: Pack, levels: Mapping[str, str], size: PackSize) -> bool:
    """Whether a size has text for these levels: `marked` is told for some cues only."""
    return all(block.spec.optional or block.find(levels) is not None for block in pack.blocks_of(size))


def condition_with(levels: Mapping[str, str], **others: object) -> Condition:
    """A condition from levels by factor, the rest as given."""
    return Condition(
        consequence=Consequence(levels["consequence"]),
        objective=Objective(levels["objective"]),
        scratchpad=Scratchpad(levels["scratchpad"]),
        cue=Cue(levels["cue"]),
        observed={"never": 0.0, "some": 0.5, "always": 1.0}.get(levels.get("observed", "")),
        stake=Stake(levels["stake"]) if levels.get("stake") else None,
        thought=Thought(levels["thought"]) if levels.get("thought") else None,
        marked=Marked(levels["marked"]) if levels.get("marked") else None,
        **others,  # type: ignore[arg-type]
    )


def longest(pack: Pack, size: PackSize) -> str:
    """The longest system prompt that a size can give, or longer: each standing block's longest passage."""
    values = values_of(pack, Condition(tag="free", consequence=Consequence.BOTH_RATED))
    return "\n\n".join(
        max(
            (fill(text, values) for found in block.passages[""].values() for text in found.texts),
            key=approximate_tokens,
        )
        for block in pack.blocks_of(size)
        if not block.spec.optional
    )


def approximate_tokens(text: str) -> int:
    """Tokens of a text without a tokenizer, rather too many than too few."""
    return round(len(PIECE.findall(text)) * TOKENS_PER_PIECE)
