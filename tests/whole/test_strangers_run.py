"""A run folder from a stranger: reading it again opens no model and asks no grader that it names."""

import json
import shutil

import pytest
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import ModelAPI, ModelConfig, modelapi

from tests.stub_servers import Reply, StubServer
from unmask.auditing.plan import Options, reopen
from unmask.cli import main

opened = []


@modelapi("trap")
class Trap(ModelAPI):
    """Stands for providers that run what their arguments name when they are opened, as `hf` and `vllm` do."""

    def __init__(self, model_name, base_url=None, api_key=None, config=None, **model_args):
        super().__init__(model_name, base_url, api_key, [], config)
        opened.append((model_name, model_args))

    async def generate(self, input, tools, tool_choice, config):
        raise AssertionError("nothing is asked")


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    runs = tmp_path_factory.mktemp("audited")
    size = ["--study", "demo", "--queries", "6", "--epochs", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNMASK_RUNS", str(runs))
        patch.setenv("UNMASK_COMPREHENSION", "0")
        assert main(["audit", "organism/faker", *size, "--no-check", "--name", "a"]) == 0
    return runs / "a"


@pytest.fixture
def run(audited, tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    return shutil.copytree(audited, tmp_path / "a")


@pytest.fixture
def wire(monkeypatch):
    """A server that would be sent the user's key and texts."""
    monkeypatch.setenv("OPENAI_API_KEY", "the-users-key")
    with StubServer("openai", lambda asked: Reply("no", status=400)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def test_judging_again_does_not_ask_the_grader_in_a_logs_header(run, wire, capsys):
    grader = ModelConfig(model=wire.name, base_url=wire.base_url, args={"responses_api": False})
    for path in (run / "logs").rglob("*.eval"):
        log = read_eval_log(str(path))
        log.eval.model_roles = {"grader": grader}
        write_eval_log(log, str(path))
    assert main(["judge", "a", "--json"]) == 0
    assert wire.log == []
    (found,) = json.loads(capsys.readouterr().out)["models"]
    assert all(judge["screening"] for judge in found["judges"])
    roles = [read_eval_log(str(p), header_only=True).eval.model_roles for p in (run / "logs").rglob("*.eval")]
    assert all(role["grader"].model == wire.name for role in roles)  # what made the log stays told


def test_judging_again_opens_no_model_of_a_logs_header(run):
    opened.clear()
    for path in (run / "logs").rglob("*.eval"):
        log = read_eval_log(str(path))
        log.eval.model, log.eval.model_args = "trap/x", {"trust_remote_code": True}
        write_eval_log(log, str(path))
    main(["judge", "a"])
    assert opened == []


def test_concluding_again_does_not_ask_the_grader_of_the_manifest(run, wire, capsys):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text()) | {"grader": wire.name, "check": True}
    path.write_text(json.dumps(manifest))
    assert main(["report", "a", "--again"]) == 0
    assert wire.log == []
    (found,) = json.loads((run / "audit.json").read_text())["models"]
    assert "its grader was not asked again" in found["instrument_check"]


def test_the_models_of_a_manifest_are_not_opened(run):
    opened.clear()
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest |= {"models": ["trap/x"], "model_args": {"trust_remote_code": True, "model_path": str(run)}}
    path.write_text(json.dumps(manifest))
    assert reopen(run, Options()).models == ["trap/x"]
    assert opened == []
