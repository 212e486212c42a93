"""`kill -9` in the middle of an audit, then the same command: it goes on, nothing is lost or asked twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from tests.stub_servers import Reply, StubServer
from unmask.records import read_logs

CONNECTIONS = 4
REPLY = "<scratchpad>The user asks. I would rather not.</scratchpad><answer>No, I will not do that.</answer>"


def start(server, folder, **extra):
    command = [sys.executable, "-m", "unmask", "audit", server.name, "--study", "plain", "--queries", "40"]
    command += [
        "--epochs",
        "1",
        "--wordings",
        "4",
        "--model-base-url",
        server.base_url,
        "-M",
        "responses_api=false",
    ]
    command += ["--max-connections", str(CONNECTIONS), "--name", "killed"]
    environment = os.environ | {"UNMASK_RUNS": str(folder), "OPENAI_API_KEY": "stub"} | extra
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("killed_at", [20, 80])  # among the questions about the story, and among the requests
def test_a_killed_audit_goes_on_and_asks_at_most_one_reply_a_connection_again(tmp_path, killed_at):
    asked, enough = Counter(), threading.Event()

    def reply(request):
        asked[(request.system, request.user)] += 1
        if sum(asked.values()) == killed_at:
            enough.set()
        time.sleep(0.1)
        return Reply(REPLY)

    with StubServer("openai", reply) as server:
        process = start(server, tmp_path)
        assert enough.wait(240), process.communicate()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        before = sum(asked.values())
        assert before < 48 + 80, "it was killed too late to show anything"
        process = start(server, tmp_path)
        _, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    found = read_logs([tmp_path / "killed" / "logs"])
    assert dict(found.replies.group_by("kind").len().iter_rows()) == {"request": 80, "comprehension": 48}
    assert found.replies["status"].to_list() == ["ok"] * 128
    assert sum(asked.values()) <= 128 + CONNECTIONS
    assert json.loads((tmp_path / "killed" / "audit.json").read_text())["models"][0]["n_replies"] == 80
    assert "128 of 128 replies" in err  # the bar counts what was there already
    assert "report" in err
