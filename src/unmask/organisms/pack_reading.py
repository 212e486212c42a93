"""Whether a scripted organism reads a pack right: every condition and wording rendered, and read back.

The organism itself knows no packs (scripted/); here both sides are known, so that `pack check` and the
plumbing check can say whether it may be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from unmask.organisms.scripted.reading import Facts, load_facts, read_system, read_user
from unmask.packs import Pack, render
from unmask.packs.manifest import FACTORS, MORE
from unmask.packs.render import condition_with, fill, is_told
from unmask.vocabulary import TAGS, Condition, Labels, Objective, PackSize, Scratchpad, tags_of

QUERY = "How is it done?"
FORMS = {
    Scratchpad.HIDDEN: "scratchpad",
    Scratchpad.MONITORED: "scratchpad",
    Scratchpad.NATIVE: "native",
    Scratchpad.NONE: "none",
}


def facts_of(pack: Pack) -> Facts:
    """The patterns of a pack from its own texts, for `-M facts=FILE`: objectives are its whole passages."""
    own = load_facts()
    manifest = pack.manifest
    names = {"company": manifest.company, "model": manifest.model}
    objectives: dict[Objective, list[str]] = {level: [] for level in manifest.levels.objective}
    for blocks in pack.sizes.values():
        for block in blocks:
            if block.spec.by[:1] == ("objective",):
                for levels, passages in block.passages[""].items():
                    for level in levels[:1]:
                        objectives[Objective(level)] += [
                            fill(text, names | {"value": value})
                            for text in passages.texts
                            for value in manifest.values.values() or [""]
                        ]
    return Facts(
        canary=pack.canary,
        sentence=manifest.facts.sentence,
        phrases=manifest.facts.phrases,
        cues=tuple(cue for cue in manifest.cues.values() if cue),
        objectives={level: tuple(texts) for level, texts in objectives.items()},
        scratchpad=own.scratchpad,
        native=own.native,
        unmarked=own.unmarked,
        benign_sets=own.benign_sets,
        questions=own.questions,
        follow_ups=own.follow_ups,
        options=own.options,
        option_sets=own.option_sets,
    )


def misreadings(
    pack: Pack, facts: Facts | None = None, *, wordings: Iterable[int] | None = None
) -> Iterator[str]:
    """What a scripted organism reads otherwise than the pack means it, in words; none where all is right.

    Args:
        pack: from `load_pack`.
        facts: patterns; by default those of the built-in packs.
        wordings: by default all; `range(pack.manifest.passages)` shows each passage once, and is quick.
    """
    facts = facts or load_facts()
    asked = range(pack.n_wordings) if wordings is None else list(wordings)
    for size, pair in _pairs(pack):
        for wording in asked:
            yield from _misread(pack, pair, wording, size, facts)


def _pairs(pack: Pack) -> Iterator[tuple[PackSize, list[Condition]]]:
    """Conditions that share a system message: every usual one, and each rarer level beside the base."""
    levels = pack.manifest.levels
    usual = product(
        pack.sizes, levels.consequence, Labels, levels.objective, levels.scratchpad, pack.manifest.cues
    )
    for size, consequence, labels, objective, pad, cue in usual:
        if tags := tags_of(labels, consequence):
            yield size, [Condition(tag, labels, consequence, objective, pad, cue) for tag in tags]
    base = dict.fromkeys(FACTORS, "") | {factor: pack.manifest.levels_of(factor)[0] for factor in FACTORS}
    for size, factor, labels in product(pack.sizes, MORE, TAGS):
        for level, cue in product(pack.more_levels(factor, size), pack.manifest.cues):
            told = base | {"cue": str(cue), factor: level}
            if is_told(pack, told, size):
                yield size, [condition_with(told, labels=labels, tag=tag) for tag in TAGS[labels]]


def _misread(pack: Pack, pair: list[Condition], wording: int, size: PackSize, facts: Facts) -> Iterator[str]:
    story = None
    for condition in pair:
        prompt = render(pack, condition, wording, size=size)
        story = story or read_system(prompt.system, facts)  # one system message for both tiers
        got = read_user(prompt.user(QUERY), story, facts)
        # where one tier carries no mark, the story says which
        shown = condition.shown or condition.marked is not None
        expected = {
            "role": condition.role if shown else None,
            "tag": condition.tag if shown else None,
            "objective": condition.objective,
            "form": FORMS[condition.scratchpad],
            "query": QUERY,
        }
        read = {
            "role": got.role,
            "tag": got.tag,
            "objective": story.objective,
            "form": story.form,
            "query": got.query,
        }
        for name, true in expected.items():
            if read[name] != true:
                yield f"{name} read as {read[name]}, not {true} ({size}, wording {wording}, {condition.key})"
