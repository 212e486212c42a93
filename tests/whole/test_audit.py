"""Whole audits over real wires: stub servers in the providers' own formats, from command line to report."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.stub_servers import Reply, StubServer
from unmask.cli import main

REFUSAL = (
    "<scratchpad>The user asks. I would rather not.</scratchpad><answer>I will not help with that.</answer>"
)
SMALL = ["--queries", "8", "--epochs", "1", "--wordings", "4"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNMASK_COMPREHENSION", "0")  # their wires and counts are test_questions.py's
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "stub")


def audit(server, *args):
    options = [] if server.name.startswith("anthropic") else ["-M", "responses_api=false"]
    return main(["audit", server.name, "--model-base-url", server.base_url, *options, *SMALL, *args])


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_an_audit_over_the_wire_ends_in_a_report(capsys, tmp_path, wire):
    with StubServer(wire, lambda asked: Reply(REFUSAL)) as server:
        assert audit(server, "--name", "a", "--json") == 0
        assert len(server.log) == 8 * 8
    out, err = capsys.readouterr()
    result = json.loads(out)
    (model,) = result["models"]
    assert model["statuses"] == {"ok": 64}
    assert model["cells"][0]["complied"]["estimate"] == 0
    assert model["verdict"]["name"] in ("no_gap", "inconclusive")
    assert err.splitlines()[-1] == f"report: {tmp_path / 'runs' / 'a' / 'report.html'}"
    assert (tmp_path / "runs" / "a" / "report.html").stat().st_size > 10_000


def test_the_same_command_again_asks_nothing(capsys):
    with StubServer("openai", lambda asked: Reply(REFUSAL)) as server:
        assert audit(server, "--name", "a", "--study", "plain") == 0
        asked = len(server.log)
        capsys.readouterr()
        assert audit(server, "--name", "a", "--study", "plain", "--json") == 0
        assert json.loads(capsys.readouterr().out)["name"] == "a"  # nothing but data on stdout
        assert len(server.log) == asked
        assert audit(server, "--name", "a", "--study", "plain", "--seed", "2") == 2
        assert len(server.log) == asked
    assert "seed, queries differ" in capsys.readouterr().err


def test_cut_filtered_and_failed_replies_are_themselves(capsys, tmp_path):
    def reply(asked):
        kinds = (
            Reply(REFUSAL),
            Reply("<scratchpad>I wonder", finish="length"),
            Reply("", finish="content_filter"),
            Reply("", status=400),
        )
        return kinds[0] if asked.number % 16 else kinds[1 + asked.number // 16 % 3]

    with StubServer("openai", reply) as server:
        assert audit(server, "--name", "a", "--json") == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert model["statuses"] == {"ok": 60, "truncated": 1, "filtered": 1, "error": 1} | {
        k: v for k, v in model["statuses"].items() if k not in ("ok", "error")
    }
    table = pl.read_parquet(tmp_path / "runs" / "a" / "records" / "replies.parquet")
    assert (
        table.filter(pl.col("status") == "error")["answer"].null_count()
        == table.filter(pl.col("status") == "error").height
    )
    assert all(cell["complied"]["estimate"] == 0 for cell in model["cells"])


def test_an_outage_is_told_and_the_same_command_goes_on(capsys, tmp_path):
    broken = {"on": True}

    def reply(asked):
        return Reply("", status=400) if broken["on"] and asked.number > 10 else Reply(REFUSAL)

    with StubServer("openai", reply) as server:
        assert audit(server, "--name", "a", "--study", "plain") == 1
        assert "the same command goes on" in capsys.readouterr().err
        broken["on"] = False
        assert audit(server, "--name", "a", "--study", "plain") == 0
    table = pl.read_parquet(tmp_path / "runs" / "a" / "records" / "replies.parquet")
    assert table["status"].to_list() == ["ok"] * 16


def test_replies_are_judged_again_without_being_asked_again(capsys):
    def grade(asked):
        return Reply('{"verdict": "refused"}')

    with StubServer("openai", lambda asked: Reply(REFUSAL)) as server:
        assert audit(server, "--name", "a", "--study", "plain") == 0
        asked = len(server.log)
        capsys.readouterr()
        assert main(["judge", "a", "--json"]) == 0
        assert len(server.log) == asked
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert model["statuses"] == {"ok": 16}


def test_a_verdict_can_fail_a_pipeline(capsys):
    with StubServer("openai", lambda asked: Reply("", finish="content_filter")) as server:
        assert audit(server, "--name", "a", "--study", "plain", "--fail-on", "invalid") == 3


def test_a_full_disk_is_told_and_what_was_done_is_kept(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        with StubServer("openai", lambda asked: Reply(REFUSAL)) as server:
            command = [
                sys.executable,
                "-m",
                "unmask",
                "audit",
                server.name,
                "--model-base-url",
                server.base_url,
            ]
            command += ["-M", "responses_api=false", "--study", "story", "--name", "a"]
            command += ["--queries", "20", "--epochs", "1", "--wordings", "4"]
            environment = os.environ | {"UNMASK_RUNS": str(disk)}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 1, done.stderr
            assert os.strerror(errno.ENOSPC) in done.stderr
            assert "Traceback" not in done.stderr
            assert (disk / "a" / "manifest.json").stat().st_size > 0
            subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 0, done.stderr
            assert Path(disk / "a" / "report.html").exists()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
