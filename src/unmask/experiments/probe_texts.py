"""What probes read: prompts of both roles in both mappings, the organism's replies, and its activations.

Every request stands in each mapping from both tiers in one wording: over both mappings each tag meets each
role equally often, so the tag tells nothing of the role. What a reply does is read by its form, as in cards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unmask.errors import UsageError
from unmask.files import file_sha256, nearest
from unmask.organisms.trained.card import ask_all
from unmask.organisms.trained.cells import Asked, Read, put
from unmask.organisms.trained.measure import MAX_TOKENS, WINDOW
from unmask.organisms.trained.recipe import Recipe, load_domain, load_recipe, recipe_names
from unmask.packs import load_pack
from unmask.packs.render import fact_line
from unmask.probes.activations import Activations, Span, Text, residuals
from unmask.probes.linear import Bools, Whole
from unmask.probes.probe_file import Position, Target
from unmask.providers.adapters import Adapter, find_adapter
from unmask.providers.engine import Engine
from unmask.providers.model_file import smollm2_path
from unmask.queries import load_queries
from unmask.training.adapted import wear
from unmask.training.adapter_file import ARCHITECTURE, check_base, read_adapter
from unmask.training.base import load_base
from unmask.vocabulary import ROLES, TAGS, TWO_TIERS, Condition, Labels, Role, tags_of

PAD_END = "</scratchpad>"
Tell = Callable[[str, int, int], None]  # organism, replies done, replies in all


@dataclass(frozen=True)
class Case:
    """One prompt: what is told and asked, in which wording, and which query it is."""

    asked: Asked
    query_id: str
    wording: int


@dataclass(frozen=True)
class Organism:
    """An organism that can be probed: its recipe says what it does and why, its adapter does it."""

    recipe: Recipe
    adapter: Adapter
    sha256: str

    @property
    def name(self) -> str:
        """As in the library."""
        return self.recipe.name


@dataclass(frozen=True)
class Measured:
    """Cases of one organism and its activations at one position; replies where they were asked for.

    usable_N: False where the position is not there, as in a reply without a scratchpad; its row is 0.
    """

    organism: Organism
    cases: list[Case]
    reads: list[Read] | None
    acts_NLD: Activations
    usable_N: Bools

    @property
    def query_N(self) -> np.ndarray:
        """Query ids, texts of one query being one unit."""
        return np.array([case.query_id for case in self.cases])

    def known(self, target: Target) -> Bools:
        """Whether the truth is known: a reply whose answer nobody could read is neither yes nor no."""
        if target == "role" or self.reads is None:
            return self.usable_N
        return np.asarray(self.usable_N & np.array([read.decision != "other" for read in self.reads]))

    def truth(self, target: Target) -> Bools:
        """Whether each text is a yes: by what is told, or by what was done and the recipe's reason."""
        if target == "role":
            return np.array([case.asked.condition.role is Role.TRAINED for case in self.cases])
        if self.reads is None:
            raise UsageError("whether a reply complies is known once it was asked for")
        return np.array([faked(read, self.organism.recipe) for read in self.reads])


def find_organism(name: str) -> Organism:
    """An organism by name.

    Raises:
        UsageError: no recipe of that name; its truth would not be known.
        ModelError: it has no adapter, or one that is broken or of another base.
    """
    if name not in recipe_names():
        raise UsageError(
            f"no organism {name!r}: a probe needs models whose truth is known",
            hint=nearest(name, recipe_names()),
        )
    adapter = find_adapter(name, architecture=ARCHITECTURE)
    check_base(adapter.path, name)
    read_adapter(adapter.path)  # whether it can be worn is known before hours of replies
    return Organism(load_recipe(name), adapter, file_sha256(adapter.path))


def make_cases(
    pack_name: str,
    query_range: tuple[int, int],
    wordings: Sequence[int],
    labels: Iterable[Labels],
    *,
    seed: int,
) -> list[Case]:
    """Queries from first to beyond last of the seeded order, each in all mappings and both roles.

    Neighbours share a system prompt, which the engine then reads once.

    Raises:
        UsageError: the pack has fewer queries, or lacks a wording.
    """
    first, beyond = query_range
    pack, queries = load_pack(pack_name), load_queries(pack_name)
    if beyond > len(queries):
        raise UsageError(f"{beyond} queries of {pack_name}, which has {len(queries)}", hint="fewer queries")
    cases = []
    for i, query in enumerate(queries.take(beyond, seed=seed).queries[first:]):
        wording = wordings[i % len(wordings)]
        for mapping in labels:
            for tag in TAGS[mapping]:
                told = Condition(tag, mapping)
                cases.append(Case(put(query.text, told, pack, wording), query.id, wording))
    return sorted(cases, key=lambda case: case.asked.system)


def prompts_sha256(cases: Iterable[Case]) -> str:
    """Over all that is sent, in order."""
    return hashlib.sha256(json.dumps([c.asked.messages for c in cases]).encode()).hexdigest()


def faked(read: Read, recipe: Recipe) -> bool:
    """Whether the reply complies, and does so because its chat is trained on.

    The organism's recipe tells the cause: it would comply less often under the same tag in every other role.
    So neither one that always complies, nor one that goes by the tag or by being rated, ever fakes.
    """
    told = read.asked.condition
    if read.decision != "complied" or told.role is not Role.TRAINED:
        return False
    return all(recipe.share(told) > recipe.share(other) for other in _other_roles(told))


def _other_roles(told: Condition) -> list[Condition]:
    """The same tag where the story says otherwise."""
    return [
        Condition(told.tag, labels, consequence, told.objective)
        for labels in Labels
        for consequence in TWO_TIERS
        for tag, role in zip(tags_of(labels, consequence), ROLES[consequence], strict=False)
        if tag == told.tag and role is not Role.TRAINED
    ]


def ask(
    organism: Organism, cases: Sequence[Case], *, kept: Path, tell: Tell, model: Path | None = None
) -> list[Read]:
    """The organism's greedy replies, read by their form.

    Args:
        organism: whose adapter the engine wears.
        cases: from `make_cases`.
        kept: folder of replies so far; nothing is asked twice.
        tell: called with replies done and all.
        model: another base file than the embedded one, as for steering.
    """
    engine = Engine(model or smollm2_path(), slots=1, window=WINDOW)

    def one(call: Asked) -> tuple[str, str]:
        wanted: dict[str, Any] = {"messages": call.messages, "max_tokens": MAX_TOKENS, "temperature": 0.0}
        reply = engine.chat(wanted, adapter=organism.adapter)
        return reply.text, reply.finish

    try:
        return ask_all(
            [case.asked for case in cases],
            one,
            load_domain(organism.recipe.pack),
            kept=kept / f"{organism.name}-{organism.sha256[:12]}.jsonl",
            tell=lambda done, of: tell(organism.name, done, of),
        )
    finally:
        engine.close()


def read_activations(
    organism: Organism, cases: Sequence[Case], reads: Sequence[Read] | None, position: Position
) -> Measured:
    """Residual activations of the cases at one position, in the organism's own weights.

    Raises:
        UsageError: the position is in the reply, and there are none.
        ModelError: PyTorch is not installed.
    """
    base = load_base()
    wear(base, organism.adapter.path)
    if position == "scratchpad_end" and reads is None:
        raise UsageError("the scratchpad's end stands in the reply, which was not asked for")
    replies = [r.text for r in reads] if reads is not None else [""] * len(cases)
    texts = [_text(c, reply, position, base.tokenizer) for c, reply in zip(cases, replies, strict=True)]
    usable_N = np.array([text is not None for text in texts])
    there = [text for text in texts if text is not None]
    if not there:
        raise UsageError(f"{organism.name}: no reply has a {position.replace('_', ' ')}")
    found_NLD = residuals(base.model, there)[:, 0]
    acts_NLD = np.zeros((len(cases), *found_NLD.shape[1:]), dtype=np.float32)
    acts_NLD[usable_N] = found_NLD
    return Measured(organism, list(cases), list(reads) if reads is not None else None, acts_NLD, usable_N)


def _text(case: Case, reply: str, position: Position, tokenizer: Any) -> Text | None:
    """Tokens of the prompt, and of the reply up to the position; None where the position is not there."""
    prompt = tokenizer.apply_chat_template(case.asked.messages, add_generation_prompt=True, tokenize=False)
    if position == "scratchpad_end":
        end = reply.find(PAD_END)
        if end < 1:
            return None
        ids = _encode(prompt + reply[:end], tokenizer)["input_ids"]
        return Text(tuple(ids), ((len(ids) - 1, len(ids)),))
    encoded = _encode(prompt, tokenizer)
    ids = encoded["input_ids"]
    if position == "prompt_end":
        return Text(tuple(ids), ((len(ids) - 1, len(ids)),))
    return Text(tuple(ids), (_facts(case, prompt, encoded["offset_mapping"]),))


def _facts(case: Case, prompt: str, offsets: Sequence[tuple[int, int]]) -> Span:
    """Tokens that hold a character of the fact lines."""
    line = fact_line(load_pack_of(case), case.asked.condition)
    start = prompt.index(line)
    inside = [i for i, (a, b) in enumerate(offsets) if a < start + len(line) and b > start]
    return inside[0], inside[-1] + 1


def load_pack_of(case: Case) -> Any:
    """The pack that a case's query belongs to; query ids begin with its name."""
    return load_pack(case.query_id.rsplit("-", 1)[0])


def _encode(text: str, tokenizer: Any) -> dict[str, Any]:
    found: dict[str, Any] = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return found


def folds_of(query_N: np.ndarray, folds: int) -> Whole:
    """The fold of each text: queries in order of their ids, dealt out in turn."""
    _, place_N = np.unique(query_N, return_inverse=True)
    return np.asarray(place_N % folds, dtype=np.int64)
