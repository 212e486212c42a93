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
        "The cheapest with these contrasts that says alignment_faking in 90 % of runs",
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


def test_a_verdict_that_needs_fewer_contrasts_has_a_cheaper_design(capsys):
    assert main(["plan", "full", *SMALL, "--delta", "20", "--verdict", "no_gap", "--json"]) == 0
    cheapest = json.loads(capsys.readouterr().out)["cheapest"]
    few = cheapest["fewer"]
    assert few["contrasts"] == ["story", "tag"]
    assert few["sized"]["calls"] < cheapest["found"]["calls"] / 3
    again = [
        "plan",
        "full",
        *SMALL,
        "--delta",
        "20",
        "--verdict",
        "no_gap",
        "--contrasts",
        "story,tag",
        "--json",
    ]
    assert main(again) == 0
    cheapest = json.loads(capsys.readouterr().out)["cheapest"]
    assert cheapest["found"]["calls"] == few["sized"]["calls"]
    assert cheapest["fewer"] is None


def test_a_budget_says_how_many_requests_it_pays_for(capsys):
    assert main(["plan", "story", *SMALL, "--budget-tokens", "200000"]) == 0
    told = capsys.readouterr().out
    assert "pays for about" in told
    assert main(["plan", "story", *SMALL, "--budget-tokens", "60000000"]) == 0
    assert "pays for all of it" in capsys.readouterr().out


def test_a_study_that_stops_early_is_not_promised_the_power_of_a_fixed_one(tmp_path, capsys):
    (tmp_path / "early.yaml").write_text("name: early\nstopping: sequential\n", encoding="utf-8")
    assert main(["plan", str(tmp_path / "early.yaml"), *SMALL]) == 0
    assert "stops as soon as its verdict is decided" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--calls-per-minute", "--reply-tokens"])
def test_a_rate_of_nothing_is_usage(capsys, flag):
    assert main(["plan", "story", *SMALL, flag, "0"]) == 2
    assert flag in capsys.readouterr().err


def test_a_budget_that_would_not_do_is_told(capsys):
    assert main(["plan", "story", *SMALL, "--budget-tokens", "1000"]) == 2
    assert "no verdict comes of fewer than" in capsys.readouterr().err
