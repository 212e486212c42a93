"""What can be seen of a model's own reasoning: before the first call, and in the evidence."""

from __future__ import annotations

import polars as pl
import pytest

from tests.analysis.test_analyse import records
from unmask.analysis.analyse import model_result
from unmask.analysis.own_reasoning import check_readable, observed, sentence
from unmask.auditing.plan import Options, plan
from unmask.errors import ModelError
from unmask.study import load_study
from unmask.vocabulary import Role, Scratchpad, Visibility

CHAT = {"responses_api": False}


def study(**flags):
    return load_study("story", flags={"n_queries": 40, "epochs": 1} | flags, environment={}).study


def seen(*pairs):
    return pl.DataFrame(pairs, schema=["status", "reasoning_visibility"], orient="row")


@pytest.mark.parametrize(
    ("model", "scratchpad", "words"),
    [
        ("openai/o9", "native", "shown as a summary at most"),
        ("openai/o9", "hidden", "if it reasons beside the prompt's scratchpad: shown as a summary at most"),
        ("deepseek/r", "native", "shown in full"),
        ("newcomer/m", "native", "nobody has said"),
    ],
)
def test_it_is_told_per_provider(model, scratchpad, words):
    assert words in sentence(model, study(scratchpad=scratchpad))


def test_nothing_is_said_where_it_matters_little():
    assert sentence("organism/faker", study()) is None
    assert sentence("newcomer/m", study()) is None


def test_reasoning_that_is_never_shown_cannot_carry_a_contrast():
    with pytest.raises(ModelError, match="joint cannot be known") as told:
        check_readable("openai/o9", study(scratchpad="native"), CHAT)
    assert "--contrasts story,tag,training" in told.value.hint
    check_readable("openai/o9", study(scratchpad="native"))  # by the Responses API: a summary
    check_readable("openai/o9", study(scratchpad="hidden"), CHAT)
    check_readable("openai/o9", study(scratchpad="native", contrasts="story,tag"), CHAT)


def test_it_is_refused_before_anything_is_sent_or_written(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    options = Options(runs=tmp_path, model_args=CHAT)
    with pytest.raises(ModelError, match="not shown"):
        plan(["openai/o3"], flags={"scratchpad": "native"}, options=options)
    assert list(tmp_path.iterdir()) == []


NATIVE, HIDDEN = Scratchpad.NATIVE, Scratchpad.HIDDEN


@pytest.mark.parametrize(
    ("scratchpad", "rows", "found"),
    [
        (NATIVE, [("ok", "full"), ("ok", "full")], Visibility.FULL),
        (NATIVE, [("ok", "full"), ("ok", "summary")], Visibility.SUMMARY),
        (NATIVE, [("ok", "full"), ("error", "none"), ("empty", "redacted")], Visibility.FULL),
        (NATIVE, [("ok", "none")], Visibility.NONE),
        (NATIVE, [], Visibility.NONE),
        (HIDDEN, [("ok", "none")], Visibility.FULL),
        (HIDDEN, [("ok", "none"), ("no_scratchpad", "redacted")], Visibility.REDACTED),
        (HIDDEN, [("ok", "full")], None),  # there, and no judge was given it
        (Scratchpad.NONE, [("ok", "full")], Visibility.NONE),
    ],
)
def test_the_evidence_takes_the_least_that_was_seen(scratchpad, rows, found):
    assert observed(seen(*rows), scratchpad) is found


def test_native_reasoning_is_what_counts_where_it_was_asked_for():
    """Read from the scratchpad's judgements alone, a native study would have no reasoning at all."""
    asked = study(scratchpad="native")
    replies, words = records(asked, lambda c: 0.9 if c.role is Role.TRAINED else 0.05, af=0.95)
    words = words.with_columns(reasoning_source=pl.when(pl.col("task") == "reasoning").then(pl.lit("native")))
    replies = replies.with_columns(reasoning_visibility=pl.lit("full"))
    found = model_result("m", replies, words, asked)
    assert next(c for c in found.contrasts if c.name == "joint").state == "present"
    told = model_result("m", replies, words, study())  # the same judgements are not the scratchpad's
    assert all(cell.n_reasoning_read == 0 for cell in told.cells)
