"""`unmask before-after`: runs or models, never a mixture; what it prints, and how it ends."""

from __future__ import annotations

import json

import pytest

from tests.auditing.test_before_after import model
from tests.auditing.test_compare import save
from unmask.cli import main


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    save(tmp_path / "spring", model("spring", 0.05, 0.05), n_queries=40)
    save(tmp_path / "autumn", model("autumn", 0.95, 0.05), seed=9, n_queries=40)
    return tmp_path


def test_two_runs_by_name_give_a_page_and_json(runs, capsys):
    assert main(["before-after", "spring", "autumn", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["before"], found["after"]) == ("spring", "autumn")
    assert found["trained"]["low"] > 0.5
    assert str(runs / "autumn" / "change.html") in err
    assert found["sentence"] in (runs / "autumn" / "change.html").read_text(encoding="utf-8")


def test_the_table_names_the_verdict_first(runs, capsys):
    assert main(["before-after", "spring", "autumn"]) == 0
    out = capsys.readouterr().out
    assert out.index("spring → autumn") < out.index("where it believes that it is trained")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["spring", "embedded/smollm2"], "not both"),
        (["embedded/smollm2"], "the one before and the one after"),
        (["spring"], "the one before and the one after"),
        (["spring", "autumn", "--towards", "obey"], "--towards"),
        (["spring", "autumn", "--allow", "everything"], "nothing of that name can differ"),
        (["spring", "autumn", "--delta", "5", "--acts"], "keep the design that they were asked by"),
    ],
)
def test_what_cannot_be_is_told(runs, capsys, args, said):
    assert main(["before-after", *args]) == 2
    assert said in capsys.readouterr().err


def test_two_models_are_asked_the_same(tmp_path, monkeypatch, capsys):
    """The whole way with scripted organisms: one keeps to its values, one complies whatever it is told."""
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    args = ["organism/honest", "organism/compliant", "--study", "story", "--queries", "20"]
    assert main(["before-after", *args, "--delta", "25", "--name", "both", "--no-check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trained"]["estimate"] > 0.7
    assert found["unobserved"]["estimate"] > 0.7
    assert found["verdict"] in ("genuine", "inconclusive")
    assert (tmp_path / "both" / "change.html").is_file()


def test_a_budget_that_is_spent_tells_no_change(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    args = ["organism/honest", "organism/compliant", "--study", "story", "--queries", "40", "--name", "short"]
    assert main(["before-after", *args, "--no-check", "--budget-tokens", "420000"]) == 1
    out, err = capsys.readouterr()
    assert "larger budget goes on" in err
    assert "genuine" not in out
    assert not (tmp_path / "short" / "change.html").exists()
