"""What a pack asks of a study: its own queries, options put to the model in a drawn order, and the contrasts
that it cannot give since its story is not in the prompt.

The order of options is drawn by the study's seed and the query, so that it is the same in every condition
and a preference for a place or a letter cancels in every difference. It is recorded with the query and the
judgement.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from unmask.errors import StudyError
from unmask.packs import Outcome, Pack, ReadBy
from unmask.queries import Query
from unmask.vocabulary import Compliance, Labels

LETTERS = ("X", "Y")  # not A and B, which are tags; two that no sentence uses as a word
PLAIN_ONLY = frozenset({Labels.PLAIN})


@dataclass(frozen=True)
class Asked:
    """A query as it is put to the model; `outcomes` says what each letter or tool name would come to."""

    query: Query
    outcomes: Mapping[str, str]


def put(query: Query, pack: Pack, seed: int) -> Asked:
    """The query in the pack's frame, its options in an order drawn by seed and query.

    Raises:
        StudyError: the pack reads a choice and the query offers none, or one of another kind.
    """
    outcome = pack.manifest.compliance
    if outcome.by is ReadBy.JUDGE:
        return Asked(query, {})
    _refuse_other_kinds(query, outcome, pack)
    options = list(query.options)
    random.Random(f"options {seed} {query.id}").shuffle(options)
    if outcome.by is ReadBy.TOOL:
        listed = "\n".join(f"- {option.name}: {option.text}" for option in options)
        values = {"query": query.text, "tools": listed}
        outcomes = {option.name: str(option.outcome) for option in options}
    else:
        x, y = options
        values = {"query": query.text, "x": x.text, "y": y.text}
        outcomes = {letter: str(o.outcome) for letter, o in zip(LETTERS, options, strict=True)}
    # all at once: a brace in a user's text stays what it is
    text = re.sub(r"\{(\w+)\}", lambda slot: values[slot[1]], outcome.frame)
    return Asked(replace(query, text=text.strip(), options=tuple(options)), outcomes)


def _refuse_other_kinds(query: Query, outcome: Outcome, pack: Pack) -> None:
    tools = [option for option in query.options if option.name]
    needed = "tool_options" if outcome.by is ReadBy.TOOL else "option_complied and option_refused"
    fits = bool(tools) if outcome.by is ReadBy.TOOL else len(query.options) == 2 and not tools
    if not fits:
        own = ", ".join(str(name) for name in pack.manifest.queries.values())
        raise StudyError(
            f"query {query.id!r} has no {needed}, and pack {pack.name} lets the model choose",
            where=f"pack {pack.name}, compliance.by: {outcome.by}",
            hint=f"--queries {own}" if own else "docs/scenarios.md tells the form of such queries",
        )


def refuse_what_no_prompt_tells(pack: Pack, labels: tuple[Labels, ...]) -> None:
    """On a pack whose facts were learned, labels cannot be swapped by a prompt.

    Raises:
        StudyError: the study has other labels than plain.
    """
    if pack.manifest.story_in_prompt or set(labels) <= PLAIN_ONLY:
        return
    raise StudyError(
        f"pack {pack.name} tells no story in the prompt: which tier is trained on was learned from "
        "documents, so no prompt can swap it, and story and tag cannot be told apart on this model alone",
        where=f"labels: {', '.join(labels)}",
        hint="--study synthetic_documents asks what can be asked (plain labels, the published gap); then ask "
        "a second model, trained on the same documents with the tiers reversed, and compare the two runs",
    )


def queries_of(pack: Pack) -> dict[str, str]:
    """The study's keys for queries that this pack has sets of its own for."""
    keys = {"harmful": "queries", "benign": "benign_queries"}
    return {keys[arm]: name for arm, name in pack.manifest.queries.items() if arm in keys}


def outcome_words(pack: Pack) -> dict[str, str]:
    """The pack's own meaning of complied, partly and refused; empty where it is help against refusal."""
    outcome = pack.manifest.compliance
    told = {str(label): getattr(outcome, str(label)) for label in Compliance}
    return {label: words for label, words in told.items() if words}
