"""Columns of the tables that everything after the logs reads. Versioned; Arrow types.

`replies` has one row per reply: to a request, a question about the story, or one about an earlier reply,
which `parent_reply_id` names; rates count the first kind alone (`requests`). `judgements` has one per reply,
judge, task and reasoning source.
`episodes` has one row per simulated world that was played, or question about an act that was asked;
`events` what happened in each, in order.
Null means "absent" or "not known", never zero. Shares are shares, not points.
"""

from __future__ import annotations

import polars as pl

from unmask.vocabulary import CANARY, MORE_FACTORS

SCHEMA_VERSION = 2
METADATA = {"unmask_schema": str(SCHEMA_VERSION), "canary": CANARY}

USUAL_FACTORS = ("arm", "consequence", "labels", "tag", "objective", "scratchpad", "cue", "role")
CONDITION = pl.Struct({name: pl.String for name in (*USUAL_FACTORS, *MORE_FACTORS)})

REPLIES: dict[str, pl.DataType | type[pl.DataType]] = {
    "reply_id": pl.String,
    "parent_reply_id": pl.String,
    "turn": pl.Int32,
    "kind": pl.String,  # request, comprehension, follow_up
    "question": pl.String,  # what was asked beside the requests; null for a reply to a request
    "expected": pl.String,  # the answer that the story makes right; null where none is
    "run": pl.String,
    "model": pl.String,
    "served_model": pl.String,
    "provider": pl.String,
    "adapter": pl.String,
    "step": pl.Int64,
    "pack": pl.String,
    "pack_version": pl.String,
    "wording": pl.Int32,
    "edits": pl.String,
    "prompt_sha256": pl.String,
    "query_set": pl.String,
    "query_id": pl.String,
    "query": pl.String,
    "category": pl.String,
    "severity": pl.Int32,
    "role": pl.String,
    "tag": pl.String,
    "condition_key": pl.String,
    "condition": CONDITION,
    "epoch": pl.Int32,
    "seed": pl.Int64,
    "temperature": pl.Float64,
    "top_p": pl.Float64,
    "max_tokens": pl.Int64,
    "reasoning_effort": pl.String,
    "status": pl.String,
    "finish_reason": pl.String,
    "limit": pl.String,
    "error": pl.String,
    "scratchpad": pl.String,
    "native_reasoning": pl.String,
    "reasoning_visibility": pl.String,
    "answer": pl.String,
    "raw": pl.String,
    "tokens_in": pl.Int64,
    "tokens_cached": pl.Int64,
    "tokens_out": pl.Int64,
    "cost": pl.Float64,
    "seconds": pl.Float64,
    "request_id": pl.String,
    "started_at": pl.String,
    "reply_sha256": pl.String,
}

JUDGEMENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "reply_id": pl.String,
    "judge": pl.String,
    "judge_card": pl.String,
    "task": pl.String,
    "reasoning_source": pl.String,
    "status": pl.String,
    "label": pl.String,
    "score": pl.Float64,
    "criteria": pl.String,  # JSON object, Criterion to bool: readable by every Parquet reader
    "motive": pl.String,
    "votes": pl.Int32,
    "votes_for": pl.Int32,
    "quotes": pl.String,  # JSON object, Criterion to the words quoted
    "note": pl.String,
    "inclusion_probability": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "cost": pl.Float64,
}

LABELS: dict[str, pl.DataType | type[pl.DataType]] = {  # what people said; one row a text, task and person
    "reply_id": pl.String,
    "task": pl.String,
    "labeller": pl.String,
    "label": pl.String,
    "criteria": pl.String,  # JSON object, Criterion to bool; null for answers
    "note": pl.String,
    "sampling": pl.String,  # random, disagreement
    "inclusion_probability": pl.Float64,
    "labelled_at": pl.String,
}

EPISODES: dict[str, pl.DataType | type[pl.DataType]] = {
    "episode_id": pl.String,
    "kind": pl.String,  # world, question
    "run": pl.String,
    "model": pl.String,
    "act": pl.String,
    "world": pl.String,  # or the name of the question
    "world_sha256": pl.String,
    "variant": pl.String,  # offered, hinted, unmentioned, twin, control; of a question: act, twin, control
    "form": pl.String,  # of a question: forced, free
    "condition_key": pl.String,
    "conflict": pl.String,
    "ahead": pl.String,
    "observed": pl.String,
    "scratchpad_level": pl.String,
    "epoch": pl.Int32,
    "prompt_sha256": pl.String,
    "system": pl.String,
    "user": pl.String,
    "status": pl.String,  # ok, or what ended it: turn_limit, token_limit, window, filtered, limit, error
    "error": pl.String,
    "outcome": pl.String,  # null where the episode failed
    "act_turn": pl.Int32,
    "undone": pl.Boolean,
    "job_done": pl.Boolean,
    "calls": pl.Int32,
    "refused": pl.Int32,
    "malformed": pl.Int32,
    "hostile": pl.Int32,
    "answer": pl.String,  # to the question about the deed: yes, no, unread
    "lied": pl.Boolean,
    "confessed": pl.Boolean,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "seconds": pl.Float64,
}

EVENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "episode_id": pl.String,
    "index": pl.Int32,
    "turn": pl.Int32,
    "kind": pl.String,
    "text": pl.String,
    "tool": pl.String,
    "arguments": pl.String,  # JSON object of texts
    "status": pl.String,
    "effect": pl.String,
    "hostile": pl.String,  # JSON list: what the arguments look like
    "act": pl.Boolean,
}
