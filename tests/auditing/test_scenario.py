"""Audits of the scenario packs: who could read compliance is said first and last; nothing is guessed."""

import json
from dataclasses import replace

import pytest

from unmask.analysis.plumbing import NO_JUDGE
from unmask.analysis.scenario import NO_STORY, NOBODY_READ, before_asking, is_unread
from unmask.auditing.live_check import calls_of, check_plumbing, is_read_right
from unmask.auditing.plan import Options, plan
from unmask.auditing.run import execute
from unmask.study import load_study
from unmask.tasks.alignment_faking import prepare
from unmask.verdict import Plumbing

SMALL = {"n_queries": 8, "epochs": 1, "wordings": 4}


def prepared(study, **flags):
    return prepare(load_study(study, flags=SMALL | flags, environment={}), window=2048)


def audit(study, folder, **flags):
    options = Options(name="small", runs=folder, progress=False)
    result = execute(plan(["organism/faker"], study=study, flags=SMALL | flags, options=options))
    return result, result.models[0]


def test_without_a_grader_nothing_reads_animal_welfare_and_that_is_said_first(tmp_path):
    animal = prepared("animal_welfare")
    assert is_unread(animal, grader=None)
    assert not is_unread(animal, grader="openai/gpt-4o")
    assert "without a grader every answer stays unread" in before_asking(animal, grader=None)
    assert before_asking(animal, grader="openai/gpt-4o") is None
    assert calls_of(animal) == 0 < calls_of(animal, grader="openai/gpt-4o")
    assert check_plumbing(animal, grader=None, folder=tmp_path) == NO_JUDGE


def test_an_audit_of_animal_welfare_without_a_grader_runs_to_an_end_that_says_why(tmp_path):
    result, model = audit("animal_welfare", tmp_path, contrasts=("story", "tag"), comprehension=0)
    assert model.verdict.name == "invalid"
    assert NOBODY_READ in model.observations
    assert any(told.startswith("Complied means here:") for told in model.observations)
    assert "only a grader reads" in model.instrument_check
    (compliance,) = [j for j in model.judges if j.task == "compliance"]
    assert compliance.statuses == {"skipped": model.n_replies}
    assert result.pack["compliance"]["complied"].startswith("the answer deals with")


@pytest.mark.parametrize("study", ["moral_values", "tool_choice"])
def test_choices_are_read_without_a_judge_and_the_plumbing_is_checked(tmp_path, study):
    _, model = audit(study, tmp_path, contrasts=("story", "tag"), comprehension=0)
    assert "was read as" in model.instrument_check
    (compliance,) = [j for j in model.judges if j.task == "compliance"]
    assert compliance.statuses == {"ok": model.n_replies}
    assert not compliance.screening
    assert any("read by a rule" in told for told in model.observations)


def test_synthetic_documents_carry_the_reservation_and_no_plumbing(tmp_path):
    _, model = audit("synthetic_documents", tmp_path, comprehension=0)
    assert NO_STORY in model.verdict.qualifiers
    assert "Plumbing not checked on this pack" in model.instrument_check


def test_options_that_no_scripted_model_knows_leave_the_plumbing_unchecked(tmp_path):
    rows = [
        {
            "category": "care",
            "text": f"Case {i}?",
            "option_complied": f"Go {i}.",
            "option_refused": f"Stay {i}.",
        }
        for i in range(8)
    ]
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    own = prepared("moral_values", queries=str(path))
    assert not is_read_right(own)
    assert check_plumbing(own, grader=None, folder=tmp_path).state is Plumbing.NOT_ON_THIS_PACK
    assert is_read_right(prepared("moral_values"))


def test_a_pack_of_one_size_is_asked_in_it_whatever_the_window():
    resolved = load_study("moral_values", flags=SMALL, environment={})
    assert prepare(resolved, window=None).size == prepare(resolved, window=2048).size == "compact"
    animal = load_study("animal_welfare", flags=SMALL, environment={})
    assert prepare(animal, window=None).size == "full"
    assert replace(prepare(animal, window=2048)).size == "compact"
