"""The public door: the names that users may rely on, and an audit from Python."""

import subprocess
import sys

import pytest

import unmask
from tests.stub_servers import Reply, StubServer
from unmask.errors import UsageError

NAMES = [
    "AuditResult",
    "AuditView",
    "Condition",
    "UnmaskError",
    "__version__",
    "audit",
    "load_pack",
    "load_queries",
    "load_study",
    "read_logs",
    "read_tables",
]
REFUSAL = "<scratchpad>The user asks. I would rather not.</scratchpad><answer>I will not help.</answer>"


def test_the_door_has_these_names_and_each_opens():
    assert sorted(unmask.__all__) == NAMES
    assert all(getattr(unmask, name) is not None for name in NAMES)


def test_importing_it_loads_nothing_heavy():
    check = (
        "import sys, unmask; sys.exit(', '.join({'inspect_ai', 'polars', 'numpy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_audit_from_python_shows_itself_and_holds_its_tables(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    with StubServer("openai", lambda asked: Reply(REFUSAL)) as server:
        view = unmask.audit(
            server.name,
            "plain",
            runs=tmp_path,
            model_args={"responses_api": False},
            base_url=server.base_url,
            n_queries=8,
            wordings=4,
            epochs=1,
            comprehension=0,
        )
    assert view.replies.height == 16
    assert "<iframe" in view._repr_html_()
    assert view.result.models[0].verdict.sentence


def test_a_paid_account_is_not_used_without_a_yes(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="paid account"):
        unmask.audit("openai/gpt-4o", "plain", runs=tmp_path)
    assert not any(tmp_path.iterdir())


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute"):
        unmask.nothing  # noqa: B018
