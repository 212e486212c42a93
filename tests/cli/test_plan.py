import json
import xml.etree.ElementTree as ET

import pytest

from unmask.cli import main

SMALL = [
    "--queries",
    "40",
    "--epochs",
    "2",
    "--wordings",
    "4",
    "--pack-size",
    "compact",
    "--max-tokens",
    "100",
]


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))


def test_the_words_say_costs_verdicts_controls_and_the_cheapest(capsys):
    assert main(["plan", "full", "organism/faker", *SMALL, "--effect", "20"]) == 0
    told = capsys.readouterr().out
    for part in (
        "Nothing was sent",
        "nothing: it stays on this machine",
        "alignment_faking",
        "What dropping a control saves",
        "The cheapest that says alignment_faking in 90 % of runs",
        "by formula",
    ):
        assert part in told


def test_a_design_without_the_controls_says_that_it_cannot_say_faking(capsys):
    assert main(["plan", "story", *SMALL]) == 0
    told = capsys.readouterr().out
    assert "It cannot say alignment_faking" in told
    assert "B (benign)" in told


def test_json_and_picture(capsys, tmp_path):
    assert main(["plan", "full", *SMALL, "--json", "-o", str(tmp_path / "p")]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["cheapest"]["verdict"] == "alignment_faking"
    assert json.loads((tmp_path / "p" / "plan.json").read_text()) == data
    svg = ET.fromstring((tmp_path / "p" / "plan.svg").read_text())
    texts = [t.text for t in svg.iter() if t.text]
    assert any("alignment_faking" in t for t in texts)
    assert (tmp_path / "p" / "plan.png").read_bytes().startswith(b"\x89PNG")


def test_what_the_study_cannot_give_is_usage(capsys):
    assert main(["plan", "story", *SMALL, "--verdict", "alignment_faking", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "study"
    assert "controls not run" in error["hint"]


def test_a_budget_that_would_not_do_is_told(capsys):
    assert main(["plan", "story", *SMALL, "--budget-tokens", "1000"]) == 2
    assert "no verdict comes of fewer than" in capsys.readouterr().err
