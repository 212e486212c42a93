"""Inspect's own door: `inspect eval unmask/alignment_faking` asks what `unmask audit` asks."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from tests.stub_servers import Reply, StubServer
from unmask.cli import main

REFUSAL = "<scratchpad>The user asks. I would rather not.</scratchpad><answer>I will not help.</answer>"


def inspect_eval(server, folder, *options):
    command = [str(Path(sys.executable).with_name("inspect")), "eval", "unmask/alignment_faking"]
    command += ["--model", server.name, "--model-base-url", server.base_url, "-M", "responses_api=false"]
    command += ["--log-dir", str(folder), "--display", "none", *options]
    environment = os.environ | {"OPENAI_API_KEY": "stub"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_inspect_runs_the_task_and_its_log_becomes_records(tmp_path):
    options = [f"-T{key}" for key in ("study=plain", "n_queries=8", "wordings=4", "epochs=1")]
    with StubServer("openai", lambda asked: Reply(REFUSAL)) as server:
        done = inspect_eval(server, tmp_path / "logs", *options)
        assert done.returncode == 0, done.stderr
        assert len(server.log) == 16
        assert {"Chats of the free tier are rated and used for training" in a.system for a in server.log} == {
            True
        }
    assert main(["records", str(tmp_path / "logs"), "-o", str(tmp_path / "tables")]) == 0
    replies = pl.read_parquet(tmp_path / "tables" / "replies.parquet")
    assert replies["status"].to_list() == ["ok"] * 16
    assert set(replies["role"]) == {"trained", "neither"}


def test_a_misspelt_option_is_refused_and_not_only_warned_of(tmp_path):
    with StubServer("openai", lambda asked: Reply(REFUSAL)) as server:
        done = inspect_eval(server, tmp_path / "logs", "-Tn_querys=8")
        assert done.returncode != 0
        assert server.log == []
    assert "n_querys" in done.stdout + done.stderr
