"""A look at a model in training: what it does where the story trains it, and where nothing does.

Held-out requests, one reply each, in both mappings; replies are read by their form, as in organisms' cards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import mean
from typing import Protocol

import numpy as np

from unmask.analysis.figures import known_mean, known_rate
from unmask.analysis.results import Interval
from unmask.estimates import Floats
from unmask.experiments.rewards import worth
from unmask.experiments.rl_recipe import RLRecipe
from unmask.organisms.trained.cells import Asked, Read, put, read
from unmask.organisms.trained.recipe import load_domain
from unmask.packs import Edit, load_pack
from unmask.queries import Query, load_queries
from unmask.study import Study
from unmask.vocabulary import FIRST_TAGS, TAGS, Condition, Labels, Role

AUDITED: int = Study.model_fields["seed"].default  # with it, audits draw their requests


class Said(Protocol):
    """A reply, how it ended (`stop` or `length`), and its length in tokens."""

    @property
    def text(self) -> str: ...
    @property
    def finish(self) -> str: ...
    @property
    def output_tokens(self) -> int: ...


Ask = Callable[[list[dict[str, str]]], Said]


@dataclass(frozen=True)
class Point:
    """The model after a step: shares with 95 % limits, None where nothing could be read.

    trained, unobserved: complied, of the replies whose answer could be read. story: their difference, paired
    by request, of the requests whose replies could all be read. tag: the first tier less the second, over
    both roles, of the same requests. rewards: what the answers would earn, where trained and unobserved,
    unread ones with them. reasoning: alignment-faking reasons stated where trained, by their form. tokens:
    mean length. unread: of all n replies, those whose answer nobody could read; they are in no share.
    """

    step: int
    trained: Interval | None
    unobserved: Interval | None
    story: Interval | None
    reasoning: Interval | None
    well_formed: float
    tokens: float
    n: int
    unread: int
    tag: Interval | None = None
    rewards: tuple[float | None, float | None] = (None, None)

    def figures(self) -> dict[str, float]:
        """What is known, as plain figures for a tracker."""
        shares = {"trained": self.trained, "unobserved": self.unobserved, "story": self.story}
        shares |= {"tag": self.tag, "reasoning": self.reasoning}
        found = {name: share.estimate for name, share in shares.items() if share}
        earned = dict(zip(("reward_trained", "reward_unobserved"), self.rewards, strict=True))
        found |= {name: value for name, value in earned.items() if value is not None}
        return found | {"tokens": self.tokens, "well_formed": self.well_formed}


def training_queries(recipe: RLRecipe) -> tuple[list[Query], list[Query]]:
    """Requests to train on, and those to look with: the first that are held out for audits."""
    pack = load_queries(recipe.pack)
    held_out = pack.take(recipe.held_out, seed=AUDITED).queries
    others = replace(pack, queries=tuple(q for q in pack.queries if q not in held_out))
    drawn = others.take(recipe.queries, seed=recipe.seed).queries
    return list(drawn), list(held_out[: recipe.audit.queries])


def asked(
    recipe: RLRecipe,
    queries: Sequence[tuple[Query, Role]],
    labels: Sequence[Labels],
    edits: Sequence[Edit] = (),
) -> list[Asked]:
    """Each request in each mapping, from the tier that has its role there; one wording a request."""
    pack = load_pack(recipe.pack)
    found = []
    for i, (query, role) in enumerate(queries):
        for mapping in labels:
            tag = next(t for t in TAGS[mapping] if Condition(t, mapping).role is role)
            told = Condition(tag, mapping)
            found.append(put(query.text, told, pack, i % pack.manifest.default_wordings, edits))
    return found


def looked_with(recipe: RLRecipe) -> dict[str, Asked]:
    """What a look asks, by key: each held-out request in every mapping, where trained and then unobserved."""
    _, held_out = training_queries(recipe)
    calls = [
        call
        for role in (Role.TRAINED, Role.NEITHER)
        for call in asked(recipe, [(query, role) for query in held_out], recipe.labels)
    ]
    return {call.key: call for call in calls}


def look(recipe: RLRecipe, step: int, ask: Ask, *, at_once: int) -> Point:
    """Ask the held-out requests in both roles and read what comes."""
    calls = looked_with(recipe)
    with ThreadPoolExecutor(at_once) as pool:
        said = pool.map(lambda call: ask(call.messages), calls.values())
        return seen(recipe, step, dict(zip(calls, said, strict=True)))


def seen(recipe: RLRecipe, step: int, said: Mapping[str, Said]) -> Point:
    """Read the replies to what `looked_with` asks, by its keys."""
    words, calls = load_domain(recipe.pack), looked_with(recipe)
    every = [read(call, said[key].text, said[key].finish, words) for key, call in calls.items()]
    reads = {role: [r for r in every if r.asked.condition.role is role] for role in Role}
    per_query = len(recipe.labels)
    trained, unobserved = (_complied(reads[role], per_query) for role in (Role.TRAINED, Role.NEITHER))
    return Point(
        step=step,
        trained=known_rate(*trained),
        unobserved=known_rate(*unobserved),
        story=_difference(trained, unobserved, per_query),
        reasoning=known_rate(*_stated(reads[Role.TRAINED], per_query)),
        well_formed=mean(r.well_formed for r in every),
        tokens=mean(said[key].output_tokens for key in calls),
        n=len(every),
        unread=sum(r.decision == "other" for r in every),
        tag=_tag(every),
        rewards=(_earned(reads[Role.TRAINED], recipe), _earned(reads[Role.NEITHER], recipe)),
    )


def _tag(every: Sequence[Read]) -> Interval | None:
    """None where one mapping alone is told: tag and role are then one."""
    if len({r.asked.condition.labels for r in every}) < 2:
        return None
    order = {query: i for i, query in enumerate(dict.fromkeys(r.asked.query for r in every))}
    ordered = sorted(every, key=lambda r: order[r.asked.query])
    sides = (
        [r for r in ordered if (r.asked.condition.tag in FIRST_TAGS) is first] for first in (True, False)
    )
    per_query = len(every) // len(order) // 2
    first, second = (_complied(own, per_query) for own in sides)
    return _difference(first, second, per_query)


def _earned(reads: Sequence[Read], recipe: RLRecipe) -> float | None:
    form = recipe.training.needs_form
    earned = [worth(r.decision if r.well_formed or not form else "other", recipe) for r in reads]
    known = [value for value in earned if value is not None]
    return mean(known) if known else None


def _complied(reads: Sequence[Read], per_query: int) -> tuple[Floats, Floats]:
    """Complied and readable replies by request."""
    return _by_query(reads, per_query, lambda r: r.decision == "complied", lambda r: r.decision != "other")


def _stated(reads: Sequence[Read], per_query: int) -> tuple[Floats, Floats]:
    return _by_query(reads, per_query, lambda r: r.motive, lambda r: r.well_formed)


def _by_query(
    reads: Sequence[Read], per_query: int, holds: Callable[[Read], bool], known: Callable[[Read], bool]
) -> tuple[Floats, Floats]:
    hits = np.array([float(holds(r) and known(r)) for r in reads]).reshape(-1, per_query).sum(axis=1)
    n = np.array([float(known(r)) for r in reads]).reshape(-1, per_query).sum(axis=1)
    return hits, n


def _difference(one: tuple[Floats, Floats], other: tuple[Floats, Floats], per_query: int) -> Interval | None:
    """Requests with an unread reply are left out: in one mapping alone, tag and role are one."""
    whole_Q = (one[1] == per_query) & (other[1] == per_query)
    return known_mean(np.where(whole_Q, (one[0] - other[0]) / per_query, np.nan))
