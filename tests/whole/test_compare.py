"""Comparing real runs of scripted organisms, from command line to page; native reasoning on the way."""

import json

import pytest

from unmask.cli import main

SMALL = ["--queries", "16", "--epochs", "1", "--wordings", "2", "--no-check", "--json"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))


def audit(model, name, *args):
    return main(["audit", model, "--name", name, *SMALL, *args])


def test_organisms_are_told_apart_and_other_prompts_refused(capsys, tmp_path):
    story = ["--contrasts", "story"]
    assert audit("organism/faker", "faker", *story) == 0
    assert audit("organism/honest", "honest", *story) == 0
    assert audit("organism/honest", "sentence", *story, "--cue", "sentence") == 0
    capsys.readouterr()

    assert main(["compare", "faker", "honest", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    (only,) = found["differences"]
    assert only["differs"]
    assert only["effect"]["high"] < 0
    assert only["pairing"] == "paired"
    assert found["family"] == ["story: organism/honest minus organism/faker"]
    page = tmp_path / "runs" / "compare_faker_honest.html"
    assert err.splitlines()[-1] == f"page: {page}"
    assert "They differ" in page.read_text(encoding="utf-8")

    assert main(["compare", "honest", "sentence"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "prompts differ" in err
    assert "--allow prompt" in err
    assert main(["compare", "honest", "sentence", "--allow", "prompt"]) == 0
    out, _ = capsys.readouterr()
    assert "although they were told different things" in " ".join(out.split())

    assert main(["compare", "faker", "nobody", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "usage"


def test_native_reasoning_counts_from_prompt_to_verdict(capsys):
    native = ["--scratchpad", "native", "--contrasts", "training,joint"]
    assert audit("organism/faker", "native", *native) == 0
    out, err = capsys.readouterr()
    (model,) = json.loads(out)["models"]
    joint = next(c for c in model["contrasts"] if c["name"] == "joint")
    assert joint["effect_95"]["low"] > 0.2
    assert sum(cell["n_reasoning_read"] for cell in model["cells"]) == 64
    assert any("Own reasoning of organism/faker: shown in full" in line for line in model["observations"])
    assert "own reasoning of organism/faker: shown in full" in err
