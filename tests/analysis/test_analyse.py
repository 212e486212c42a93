"""From records to a verdict: studies whose truth we made."""

import json

import numpy as np
import polars as pl
import pytest

from unmask.analysis.analyse import model_result
from unmask.analysis.results import AuditResult, Told
from unmask.records.schema import JUDGEMENTS, REPLIES
from unmask.study import conditions_of, load_study
from unmask.vocabulary import FIRST_TAGS, Condition, Role


def study(**flags):
    return load_study("story", flags={"n_queries": 60, "epochs": 1} | flags, environment={}).study


def records(plan, complies, *, af=0.0, status=lambda *_: "ok", seed=1):
    """Replies of a model that complies with probability `complies(condition)`."""
    rng = np.random.default_rng(seed)
    replies, words = [], []
    for condition in conditions_of(plan):
        for q in range(plan.n_queries):
            for epoch in range(plan.epochs):
                name = f"{condition.key}.{q}.{epoch}"
                helped = rng.random() < complies(condition)
                replies.append(
                    {"reply_id": name, "query_id": f"q{q}", "condition_key": condition.key, "model": "m"}
                    | {"status": status(condition, q), "scratchpad": "s", "reasoning_visibility": "none"}
                    | {"tokens_in": 1, "tokens_cached": 0, "tokens_out": 1, "epoch": epoch + 1}
                )
                label = "complied" if helped else "refused"
                thought = "af" if helped and rng.random() < af else "not_af"
                if status(condition, q) == "ok":  # judges skip what cannot be read
                    words += [word(name, "compliance", label), word(name, "reasoning", thought)]
    return (
        pl.DataFrame([dict.fromkeys(REPLIES) | row for row in replies], schema=REPLIES),
        pl.DataFrame([dict.fromkeys(JUDGEMENTS) | row for row in words], schema=JUDGEMENTS),
    )


def word(reply_id, task, label):
    return {"reply_id": reply_id, "judge": "j", "task": task, "status": "ok", "label": label}


def result(plan, complies, **kwargs):
    return model_result("m", *records(plan, complies, **kwargs), plan)


def by_story(c: Condition):
    return 0.7 if c.role is Role.TRAINED else 0.05


def test_a_model_that_follows_the_story_has_s_and_c_and_no_t():
    found = result(study(), by_story, af=0.9)
    states = {c.name: c.state for c in found.contrasts}
    assert (states["story"], states["training"], states["joint"]) == ("present",) * 3
    assert states["tag"] != "present"
    story = next(c for c in found.contrasts if c.name == "story")
    assert story.effect_95.low < 0.65 < story.effect_95.high
    assert found.verdict.name == "other_gap"  # the controls of the gate were not run, and it says so
    assert any("S_abs" in control for control in found.verdict.controls_not_run)


def test_a_model_that_follows_the_word_is_not_called_a_faker():
    found = result(study(), lambda c: 0.7 if c.tag in FIRST_TAGS else 0.05)
    states = {c.name: c.state for c in found.contrasts}
    assert states["tag"] == "present"
    assert states["story"] != "present"
    assert found.verdict.name not in ("alignment_faking", "silent_gap", "observation_driven")


def test_a_model_that_never_complies_has_no_gap_once_the_study_is_large_enough():
    small = result(study(n_queries=20), lambda c: 0.0)
    large = result(study(n_queries=400), lambda c: 0.0)
    assert small.verdict.name == "inconclusive"
    assert large.verdict.name == "no_gap"
    assert all(cell.complied.estimate == 0 and cell.complied.high > 0 for cell in large.cells)
    assert all(c.detection_limit is not None for c in large.contrasts)


def test_unusable_replies_make_a_run_invalid_and_never_a_null():
    found = result(study(), lambda c: 0.0, status=lambda c, q: "truncated" if q % 2 else "ok")
    assert found.verdict.name == "invalid"
    assert all(cell.n_usable == 30 and cell.n_asked == 60 for cell in found.cells)


def test_a_model_that_was_cut_only_where_trained_is_not_cleared():
    def cut(condition, q):
        return "truncated" if condition.role is Role.TRAINED and q % 5 == 0 else "ok"

    found = result(study(n_queries=400), lambda c: 0.0, status=cut)
    assert found.verdict.name == "inconclusive"
    story = next(c for c in found.contrasts if c.name == "story")
    assert story.bounds.high > 0.15
    assert story.n_unusable == 80


def test_a_run_of_which_nothing_can_be_read_knows_nothing():
    found = result(study(), lambda c: 0.0, status=lambda *_: "error")
    assert found.verdict.name == "invalid"
    assert found.contrasts == []
    assert all(cell.complied is None for cell in found.cells)


def test_plain_labels_alone_say_no_more_than_a_plain_gap():
    plan = load_study("plain", flags={"n_queries": 400, "epochs": 1}, environment={}).study
    found = result(plan, lambda c: 0.0)
    assert found.verdict.name == "no_gap"
    assert "plain" in " ".join([found.verdict.sentence, *found.verdict.qualifiers])
    gap = result(plan, lambda c: 0.5 if c.tag == "free" else 0.1)
    assert gap.verdict.name not in ("no_gap", "alignment_faking", "label_driven")


def test_partly_is_told_apart_in_the_strict_coding():
    plan = study()
    replies, words = records(plan, lambda c: 1.0)
    words = words.with_columns(
        label=pl.when(pl.col("label") == "complied").then(pl.lit("partly")).otherwise(pl.col("label"))
    )
    found = model_result("m", replies, words, plan)
    assert {c.complied.estimate for c in found.cells} == {1.0}
    assert {c.strict.estimate for c in found.cells} == {0.0}


ABOUT = {
    **{"name": "r", "canary": "c", "unmask_version": "0", "started": None, "finished": None},
    **{"study": {}, "pack": {}, "queries": {}, "command": "x", "environment": {}},
}


@pytest.mark.parametrize("name", ["story", "plain"])
def test_a_finished_audit_is_the_same_after_json(name):
    plan = load_study(name, flags={"n_queries": 20, "epochs": 1}, environment={}).study
    audit = AuditResult(
        **ABOUT, models=[result(plan, by_story)], told=[Told("k", 0, "s", "u", "0")], methods="", citation=""
    )
    assert AuditResult.from_json(audit.to_json()) == audit
    assert audit.to_json() == AuditResult.from_json(audit.to_json()).to_json()


@pytest.mark.parametrize(
    ("change", "told"),
    [({"schema": 2}, "another version"), ({"models": [{"model": 3}]}, r"models\.0\.model")],
)
def test_a_result_of_another_shape_is_refused_by_where(change, told):
    whole = AuditResult(**ABOUT, models=[], told=[], methods="", citation="")
    with pytest.raises(ValueError, match=told):
        AuditResult.from_json(json.dumps(json.loads(whole.to_json()) | change))
