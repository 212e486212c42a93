"""Budgets over the wire: a server whose usage and price are known, and its bill against what was allowed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import polars as pl
import pytest

from tests.judges import graders
from tests.stub_servers import Reply, StubServer
from unmask.cli import main

REPLY = "<scratchpad>The user asks. I would rather not.</scratchpad><answer>No, I will not do that.</answer>"
GRADER = "anthropic/claude-3-5-sonnet-stub"
IN, OUT = 800, 200
DOLLARS = (IN * 1.0 + OUT * 5.0) / 1e6  # a call
PRICES = """models:
  openai/stub: {input: 1.0, output: 5.0, source: the test's own server, date: 2026-01-01}
  anthropic/claude-3-5-sonnet-stub: {input: 1.0, output: 5.0, source: the same, date: 2026-01-01}
"""


def answer(asked):
    return Reply(REPLY, tokens_in=IN, tokens_out=OUT)


def grade(asked):
    label = "You classify answers" in asked.system
    read = graders.reads_label(asked) if label else graders.reads_signs(asked)
    text = read if isinstance(read, str) else read.text
    return Reply(text, tokens_in=IN, tokens_out=OUT)


@pytest.fixture(scope="module")
def servers():
    """One pair for the whole file: Inspect keeps a model, and with it the address, for the process."""
    with StubServer("openai", answer) as model, StubServer("anthropic", grade) as grader:
        yield model, grader


@pytest.fixture
def wires(servers, tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNMASK_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "stub")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", servers[1].base_url)
    (tmp_path / "prices.yaml").write_text(PRICES)
    for server in servers:
        server.log.clear()
    return servers


def command(server, tmp_path, *more):
    size = ["--queries", "40", "--epochs", "1", "--wordings", "4", "--contrasts", "story,tag", "--no-check"]
    wire = ["--model-base-url", server.base_url, "-M", "responses_api=false", "--max-connections", "4"]
    prices = ["--prices", str(tmp_path / "prices.yaml"), "--max-tokens", "250"]
    return ["audit", server.name, *wire, *size, *prices, "--name", "b", *more]


def result(tmp_path):
    return json.loads((tmp_path / "runs" / "b" / "audit.json").read_text())


def test_money_holds_judges_included_the_verdict_says_so_and_more_money_goes_on(wires, capsys, tmp_path):
    model, grader = wires
    role = ["--model-role", f"grader={GRADER}"]
    assert main(command(model, tmp_path, *role, "--budget-cost", "2.00")) == 1
    err = capsys.readouterr().err
    assert "stopped at its budget of 2.00 US dollars" in err
    calls = len(model.log) + len(grader.log)
    assert 1.0 < calls * DOLLARS <= 2.00  # all of the bill, judges' too
    (found,) = result(tmp_path)["models"]
    assert "Stopped at its budget of 2.00 US dollars" in found["verdict"]["sentence"]
    assert any("count neither as refusals nor" in reason for reason in found["verdict"]["reasons"])
    replies = pl.read_parquet(tmp_path / "runs" / "b" / "records" / "replies.parquet")
    replies = replies.filter(pl.col("question").is_null())
    assert replies["status"].to_list() == ["ok"] * replies.height  # what was not asked has no row
    whole = replies.group_by("query_id").len()["len"].to_list()
    assert set(whole) == {4}  # each request in all its cells, or in none
    assert {c["n_asked"] for c in found["cells"]} == {len(whole)}
    assert 5 < len(whole) < 40

    asked = len(model.log)
    assert main(command(model, tmp_path, *role, "--budget-cost", "10")) == 0
    assert result(tmp_path)["stopped"] is None
    assert len(model.log) == 40 * 4 + 48  # nothing was asked twice
    assert len(model.log) > asked
    (found,) = result(tmp_path)["models"]
    assert "Stopped" not in found["verdict"]["sentence"]
    assert found["cost"] == pytest.approx(len(model.log) * DOLLARS)


def test_tokens_hold_over_two_runs_that_both_stop(wires, tmp_path):
    model, _ = wires
    for budget in (120_000, 160_000):
        assert main(command(model, tmp_path, "--budget-tokens", str(budget))) == 1
        assert budget * 0.85 < len(model.log) * (IN + OUT) <= budget


def test_a_budget_in_money_for_a_model_without_a_price_is_refused_before_the_first_call(
    wires, capsys, tmp_path, monkeypatch
):
    model, _ = wires
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    args = ["audit", "openai/unpriced", "--budget-cost", "1", "--yes", "--name", "c"]
    assert main(args) == 2
    told = capsys.readouterr().err
    assert "the price of openai/unpriced is unknown here" in told
    assert "prices.yaml" in told
    assert not model.log


def test_a_budget_too_small_for_any_answer_is_refused_before_the_first_call(wires, capsys, tmp_path):
    model, _ = wires
    assert main(command(model, tmp_path, "--budget-tokens", "60000")) == 2
    told = capsys.readouterr().err
    assert "no verdict comes of fewer than" in told
    assert "--budget-tokens" in told
    assert not model.log
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_killed_run_counts_what_it_had_spent(tmp_path):
    asked, enough = Counter(), threading.Event()

    def slow(request):
        asked["n"] += 1
        if asked["n"] == 70:
            enough.set()
        time.sleep(0.05)
        return answer(request)

    (tmp_path / "prices.yaml").write_text(PRICES)
    environment = os.environ | {"UNMASK_RUNS": str(tmp_path / "runs"), "OPENAI_API_KEY": "stub"}
    with StubServer("openai", slow) as server:
        args = [sys.executable, "-m", "unmask", *command(server, tmp_path, "--budget-cost", "0.24")]
        process = subprocess.Popen(
            args, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert enough.wait(240), process.communicate()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        before = asked["n"]
        assert before * DOLLARS < 0.24, "it was killed too late to show anything"
        process = subprocess.Popen(
            args, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        _, err = process.communicate(timeout=400)
    assert process.returncode == 1, err
    lost = 4  # calls under way when it was killed: billed, and never seen by it
    assert 0.85 * 0.24 < asked["n"] * DOLLARS <= 0.24 + lost * DOLLARS
