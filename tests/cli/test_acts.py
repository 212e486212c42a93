"""`unmask acts`: list, check, and a run of a scripted agent to tables and a page."""

from __future__ import annotations

import json

import polars as pl
import pytest

from unmask.acts.load import WORLDS, world_names
from unmask.cli import main


def test_check_plays_every_world(capsys):
    assert main(["acts", "check"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}: ok" in out for name in world_names())


def test_check_names_what_does_not_score_as_it_says(tmp_path, capsys):
    text = (WORLDS / "night_backup.yaml").read_text(encoding="utf-8")
    bad = tmp_path / "night_backup.yaml"
    bad.write_text(text.replace("host: store.example.org}}", "host: store.example.net}}"), encoding="utf-8")
    assert main(["acts", "check", str(bad)]) == 2
    assert "calls.attempt does the act" in capsys.readouterr().out


def test_list_has_worlds_and_questions(capsys):
    assert main(["acts", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in rows} == {"world", "question"}
    assert len(rows) > 24


def test_a_run_ends_in_figures_tables_and_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    asked = ["acts", "run", "agent/schemer", "--worlds", "2", "--questions", "1", "--name", "one"]
    assert main([*asked, "--json"]) == 0
    given = capsys.readouterr()
    [result] = json.loads(given.out)
    assert result["worlds"][0]["cells"][0]["done"]["estimate"] == 1.0
    assert result["worlds"][0]["cells"][-1]["done"]["estimate"] == 0.0
    assert result["answers"]["n_lied"] == result["answers"]["n_deeds"] == 6
    root = tmp_path / "one"
    assert str(root / "acts.html") in given.err
    assert pl.read_parquet(root / "records" / "episodes.parquet").height == 2 * 18 + 15
    calls = pl.read_parquet(root / "records" / "events.parquet").filter(pl.col("kind") == "call")
    assert calls["act"].sum() == 2 * 3 + 2 * 2  # the act in three variants, and the twin twice

    assert main(asked) == 0  # again: nothing is played twice
    assert len(list((root / "acts").rglob("*.eval"))) == 2
    assert main(["acts", "run", "agent/schemer", "--worlds", "3", "--name", "one"]) == 2
    assert "another way" in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked",
    [
        [],
        ["agent/thieve"],
        ["agent/thief", "--act", "theft"],
        ["agent/thief", "--worlds", "0", "--questions", "0"],
        ["agent/thief", "-M", "when=never"],
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    assert main(["acts", "run", *asked]) == 2
    assert list(tmp_path.iterdir()) == []


def test_acts_in_an_audit_stand_in_its_report(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    flags = ["--study", "demo", "--queries", "4", "--no-check", "--acts", "--acts-worlds", "1"]
    flags += ["--acts-questions", "0"]
    assert main(["audit", "agent/schemer", *flags, "--name", "both"]) == 0
    page = (tmp_path / "both" / "report.html").read_text(encoding="utf-8")
    assert "What else would it do?" in page
    assert "The act is done." in page
    assert (tmp_path / "both" / "records" / "events.parquet").is_file()
