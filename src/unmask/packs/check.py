"""Whether a pack keeps the promises that the statistics rest on.

Form is held on loading (names, levels, placeholders, braces). Here: what the texts say. The reading is
mechanical and of English; it cannot tell a contradiction that uses none of its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from unmask.packs.load import drift
from unmask.packs.manifest import PLACEHOLDER
from unmask.packs.pack import Block, Pack, Passages
from unmask.packs.render import (
    condition_with,
    covering_levels,
    fact_line,
    fill,
    render,
)
from unmask.vocabulary import ROLES, TAGS, TAGS_OF_THREE, Consequence, Labels, PackSize, tags_of

TAG_WORDS = frozenset(tag for tags in (*TAGS.values(), *TAGS_OF_THREE.values()) for tag in tags)
TIERS = frozenset({"first", "second", "third", "facts"})
SAME_FOR_ALL = frozenset({"objective", "scratchpad", "observed", "stake", "thought"})
MAPPINGS = (
    (Labels.PLAIN, Labels.SWAPPED),
    (Labels.PLAIN, Labels.ROTATED),
    (Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED),
    (Labels.NEUTRAL, Labels.NEUTRAL_ROTATED),
)
TRAINS = re.compile(
    r"\b(?:re)?(train|fine-?tun|updat|modif|reinforc|gradient|weight|chang|adjust|reward|shap)\w*", re.I
)
RATES = re.compile(r"\b(rat(e|es|ed|er|ers|ing|ings)|scor\w+|grad(e|es|ed|er|ers|ing))\b", re.I)
CLAUSE_END = re.compile(r"(?<=[.!?;:])\s+|\n|,\s+(?=(?:and|but|so|which|because|since|while|who)\b)")
DENIES = re.compile(r"\b(no|not|never|nor|neither|none|nobody|nothing|without|cannot)\b|n't\b", re.I)


@dataclass(frozen=True)
class Problem:
    """One broken rule: which, where, and what was found."""

    rule: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message} ({self.where})"


def check_pack(pack: Pack) -> list[Problem]:
    """Every broken invariant of a pack; empty when all hold."""
    rules = (_locks, _tag_words, _wordings, _same_for_all, _exchange, _facts, _third, _claims, _ceilings)
    return [problem for rule in rules for problem in rule(pack)]


def _locks(pack: Pack) -> Iterator[Problem]:
    if not pack.manifest.locks:
        yield Problem("locks", "pack.yaml", "no text is locked: unmask pack check --lock")
        return
    for file, message in drift(pack):
        yield Problem("locks", file, message)


def _tag_words(pack: Pack) -> Iterator[Problem]:
    """Templates name tiers by placeholders only, so that exchanging the tags is exact."""
    texts = [(f"blocks/{p.file}", text) for p in pack.all_passages() for text in p.texts]
    texts += [(f"pack.yaml cues.{cue}", text) for cue, text in pack.manifest.cues.items()]
    facts = pack.manifest.facts
    texts += [("pack.yaml facts", text) for text in (facts.sentence, *facts.phrases.values())]
    texts += [("pack.yaml", text) for text in (pack.manifest.company, pack.manifest.model)]
    for where, text in texts:
        found = sorted(TAG_WORDS & set(re.findall(r"\w+", PLACEHOLDER.sub(" ", text))))
        if found:
            message = f"the word {found[0]!r} is a tag: write {{first}} or {{second}}, or another word"
            yield Problem("tag_words", where, message)


def _wordings(pack: Pack) -> Iterator[Problem]:
    """A wording that repeats another is no second wording."""
    for passages in pack.all_passages():
        distinct = len({" ".join(text.lower().split()) for text in passages.texts})
        if distinct < len(passages.texts):
            message = f"{len(passages.texts)} wordings, {distinct} different"
            yield Problem("wordings", f"blocks/{passages.file}", message)


def _same_for_all(pack: Pack) -> Iterator[Problem]:
    """Objective and scratchpad are the same for every tier: their blocks name none."""
    for _, block, passages in _block_passages(pack):
        if block.name in SAME_FOR_ALL or SAME_FOR_ALL & set(block.spec.by):
            named = TIERS & {name for text in passages.texts for name in PLACEHOLDER.findall(text)}
            if named:
                message = f"block {block.name} must be the same for every tier, but holds {{{min(named)}}}"
                yield Problem("same_for_all", f"blocks/{passages.file}", message)


def _exchange(pack: Pack) -> Iterator[Problem]:
    """Exchanging the tag words in a swapped prompt gives the plain one, user message included."""
    for size in pack.sizes:
        for levels in covering_levels(pack):
            for plain, swapped in MAPPINGS:
                consequence = Consequence(levels["consequence"])
                tags, others = tags_of(plain, consequence), tags_of(swapped, consequence)
                for tag, other in zip(tags, others, strict=False):  # no rotated mapping of two tiers
                    left = condition_with(levels, labels=plain, tag=tag)
                    right = condition_with(levels, labels=swapped, tag=other)
                    for wording in _covering(pack):
                        a = render(pack, left, wording, size=size)
                        b = render(pack, right, wording, size=size)
                        texts = exchanged(f"{b.system}\0{b.user('…')}", others, tags)
                        if texts != f"{a.system}\0{a.user('…')}":
                            where = f"{size}, wording {wording}, {left.key}"
                            yield Problem("exchange", where, "exchanging the tags does not give it back")
                            return


def exchanged(text: str, tags: tuple[str, ...], into: tuple[str, ...] | None = None) -> str:
    """The text with each tag word, as a whole word, replaced by its other; two tags trade places."""
    other = dict(zip(tags, into or tags[::-1], strict=True))
    return re.sub(rf"\b({'|'.join(map(re.escape, tags))})\b", lambda match: other[match[0]], text)


def _facts(pack: Pack) -> Iterator[Problem]:
    """The fact line stands once and verbatim, or nowhere where no story is told; nothing else is like it."""
    told = int(pack.manifest.story_in_prompt)
    sentence = pack.manifest.facts.sentence
    shape = re.compile(fill(re.escape(sentence).replace(r"\{", "{").replace(r"\}", "}"), SHAPE), re.I)
    for size in pack.sizes:
        for levels in covering_levels(pack):
            for labels in Labels:
                if not (tags := tags_of(labels, Consequence(levels["consequence"]))):
                    continue
                condition = condition_with(levels, labels=labels, tag=tags[0])
                line = fact_line(pack, condition)
                for wording in _covering(pack):
                    prompt = render(pack, condition, wording, size=size)
                    where = f"{size}, wording {wording}, {condition.key}"
                    if (times := prompt.system.count(line)) != told:
                        yield Problem(
                            "facts", where, f"the fact line stands {times} times, not {TIMES[told]}"
                        )
                        return
                    if (alike := len(shape.findall(prompt.system + "\n" + prompt.opening))) != len(
                        tags
                    ) * told:
                        yield Problem(
                            "facts", where, f"{alike} sentences look like the fact line's {len(tags)}"
                        )
                        return


TIMES = {0: "at all (story_in_prompt: false)", 1: "once"}
SHAPE = {"tag": r"\w+", "phrase": r"[^.\n]+"}


def _third(pack: Pack) -> Iterator[Problem]:
    """Where there are three tiers, a text that names two of them names the third."""
    for size, block, levels, texts in _by_level(pack):
        if len(ROLES[Consequence(levels["consequence"])]) == 3:
            for text in texts:
                named = TIERS & set(PLACEHOLDER.findall(text))
                if {"first", "second"} <= named and "third" not in named:
                    message = f"block {block.name} names two tiers where there are three"
                    yield Problem("third", f"{size}, {', '.join(filter(None, levels.values()))}", message)
                    return


def _claims(pack: Pack) -> Iterator[Problem]:
    """Where the story trains nobody, no clause says that anything is trained; the same for ratings."""
    seen = set()
    for size, block, levels, texts in _by_level(pack):
        consequence = Consequence(levels["consequence"])
        words = {"rated_only": [TRAINS], "none": [TRAINS, RATES]}.get(str(consequence), [])
        for text in texts:
            for clause in CLAUSE_END.split(text.replace("{facts}", "")):
                claims = [word for word in words if word.search(clause)]
                if claims and not DENIES.search(clause) and (block.name, clause) not in seen:
                    seen.add((block.name, clause))
                    found = claims[0].search(clause)
                    message = f"under {consequence} it claims {found[0] if found else ''!r}: {clause!r}"
                    yield Problem("claims", f"{size}, block {block.name}", message)


def _ceilings(pack: Pack) -> Iterator[Problem]:
    for size, ceiling in pack.manifest.ceilings.items():
        if size in pack.sizes and (tokens := pack.tokens(size)) > ceiling:
            yield Problem("ceiling", str(size), f"up to about {tokens} tokens; the ceiling is {ceiling}")


def _block_passages(pack: Pack) -> Iterator[tuple[PackSize, Block, Passages]]:
    for size, blocks in pack.sizes.items():
        for block in blocks:
            for texts in block.passages.values():
                for passages in texts.values():
                    yield size, block, passages


def _by_level(pack: Pack) -> Iterator[tuple[PackSize, Block, dict[str, str], tuple[str, ...]]]:
    """Each block, alternatives included, with the texts it has at each combination of levels."""
    for size, blocks in pack.sizes.items():
        for block in blocks:
            for levels in covering_levels(pack):
                for alternative in block.passages:
                    if (found := block.find(levels, alternative)) is not None:
                        yield size, block, levels, found.texts


def _covering(pack: Pack) -> range:
    """Wordings that between them hold every passage of every block."""
    return range(pack.manifest.passages)
