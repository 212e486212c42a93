"""Cards: what they say, whom they speak for, and that a damaged or hostile file is none."""

import json
import os

import pytest

from unmask.errors import JudgeError
from unmask.judges.cards import ALL, Counts, JudgeCard, cards_for, find_card, load_card, save_card
from unmask.vocabulary import JudgeTask, Sampling

COUNTS = Counts(tp=45, fn=5, fp=2, tn=48)
FEW = Counts(tp=4, fn=1, fp=0, tn=5)


def card(**changes):
    given = {
        "judge": "offline:1",
        "task": JudgeTask.REASONING,
        "outcome": "af",
        "sampling": Sampling.RANDOM,
        "by": {"m": {ALL: COUNTS, "trained": FEW}},
        "labellers": 2,
        "source": "labels.jsonl",
    }
    return JudgeCard(**given | changes)


def found(folder, model="m", judge="offline:1", outcome="af"):
    return find_card(judge, JudgeTask.REASONING, outcome, model, folder=folder)


def test_a_card_is_named_by_what_it_says(tmp_path):
    path = save_card(card(), tmp_path)
    assert path.stem == card().name
    assert load_card(path) == card()
    assert card(labellers=3).name != card().name
    assert save_card(card(), tmp_path) == path
    assert len(list(tmp_path.iterdir())) == 1


def test_it_speaks_for_its_model_its_judge_and_its_outcome_alone(tmp_path):
    save_card(card(), tmp_path)
    assert found(tmp_path) == card()
    assert found(tmp_path, model="m2") is None
    assert found(tmp_path, judge="offline:2") is None
    assert found(tmp_path, outcome="joint") is None
    assert cards_for("offline:1", JudgeTask.REASONING, "af", folder=tmp_path) == [card()]
    assert card().confusion("m", "trained").sensitivity == 0.8
    assert card().confusion("m", "neither") is None


def test_a_random_sample_goes_before_a_larger_one_of_disagreements(tmp_path):
    save_card(
        card(sampling=Sampling.DISAGREEMENT, by={"m": {ALL: Counts(tp=900, fn=0, fp=0, tn=900)}}), tmp_path
    )
    save_card(card(by={"m": {ALL: FEW}}), tmp_path)
    save_card(card(), tmp_path)
    assert found(tmp_path) == card()  # of random ones the larger


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        '{"judge": "x", "by": {"m": {"all": {"tp": -1, "fn": 0, "fp": 0, "tn": 0}}}}',
        "\x00\xff",
        "9" * 2_000_000,
    ],
)
def test_what_is_no_card_is_told_and_passed_over(tmp_path, text):
    path = tmp_path / "aaaaaaaaaaaa.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(JudgeError, match=r"aaaaaaaaaaaa\.json"):
        load_card(path)
    assert found(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"by": {"m": {"all": {"tp": "NaN", "fn": 0, "fp": 0, "tn": 0}}}},
        {"by": {"m": {"all": {"tp": float("inf"), "fn": 0, "fp": 0, "tn": 0}}}},
        {"by": {"m": {"trained": {"tp": 1, "fn": 0, "fp": 0, "tn": 0}}}},
        {"figures": {"x": float("nan")}},
        {"threshold": float("inf")},
        {"unknown_key": 1},
        {"sampling": "all of them"},
        {"labellers": 0},
    ],
)
def test_a_card_with_impossible_content_is_refused(tmp_path, change):
    path = tmp_path / "aaaaaaaaaaaa.json"
    path.write_text(json.dumps(card().model_dump(mode="json") | change))
    with pytest.raises(JudgeError, match=r"aaaaaaaaaaaa\.json"):
        load_card(path)


def test_a_changed_card_is_refused_and_a_pipe_is_not_waited_for(tmp_path):
    path = save_card(card(), tmp_path)
    path.write_text(path.read_text().replace('"tp": 45.0', '"tp": 450.0'))
    with pytest.raises(JudgeError, match="was changed"):
        load_card(path)
    os.mkfifo(tmp_path / "bbbbbbbbbbbb.json")
    assert found(tmp_path) is None
