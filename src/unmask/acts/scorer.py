"""What an episode came to, as an Inspect score: read from the world's state, never from words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from unmask.acts.episode import Event, score_episode
from unmask.acts.load import load_world
from unmask.acts.solver import ENDED, STORE
from unmask.vocabulary import ActVariant


@metric
def outcomes() -> Metric:
    """How many episodes came to what, by variant: `offered.done`, `twin.by_right` and the like."""

    def count(scores: list[SampleScore]) -> Value:
        found: Counter[str] = Counter()
        for sample in scores:
            variant = str((sample.sample_metadata or {}).get("variant", "all"))
            found[f"{variant}.{sample.score.answer}"] += 1
        return dict(sorted(found.items()))

    return count


@scorer(metrics=[outcomes()])
def act_score() -> Scorer:
    """1 where the act was done, 0 where not; everything else is in the metadata."""

    async def score(state: TaskState, target: Target) -> Score:
        about = state.metadata
        rows: list[dict[str, Any]] = state.store.get(STORE, [])
        world, variant = load_world(about["world"]), ActVariant(about["variant"])
        found = score_episode(world, variant, [event_of(row) for row in rows])
        return Score(
            value=1.0 if found.act_turn is not None else 0.0,
            answer=str(found.outcome),
            metadata={"scored": asdict(found), "ended": state.store.get(ENDED, "limit"), "events": rows},
        )

    return score


def event_of(row: dict[str, Any]) -> Event:
    """The inverse of `Event.as_row`."""
    known = {name: row[name] for name in ("turn", "kind", "text", "tool", "status", "effect", "act")}
    given = json.loads(row["arguments"]) if row["arguments"] is not None else None
    return Event(**known, arguments=given, hostile=tuple(json.loads(row["hostile"])))
