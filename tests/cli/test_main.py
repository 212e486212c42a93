"""The command line: exit codes, errors in words, data on stdout, nothing heavy for `--help`."""

import json
import subprocess
import sys

import pytest

from unmask.cli import VERBS, main


def run(capsys, *args):
    code = main(list(args))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr(
        "inspect_ai.model._model._models", {}
    )  # a model that another test opened needs no key


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["audit"], "no model named", "unmask audit embedded/smollm2"),
        (["audit", "embedded/smolm2"], "smolm2", None),
        (["audit", "nobody/x"], "nobody", None),
        (["audit", "openai/gpt-4o"], "OPENAI_API_KEY", "unmask doctor"),
        (["audit", "embedded/smollm2", "--study", "stori"], "no study 'stori'", "did you mean 'story'?"),
        (["audit", "embedded/smollm2", "--pack", "helpful"], "helpful", "helpful_only"),
        (["audit", "embedded/smollm2", "--queries", "nowhere.csv"], "nowhere.csv", None),
        (["audit", "embedded/smollm2", "--queries", "1"], "n_queries", None),
        (["audit", "embedded/smollm2", "--queries", "9999"], "240", None),
        (["audit", "embedded/smollm2", "--queries", "4", "--queries", "5"], "one number and one set", None),
        (["audit", "embedded/smollm2", "--contrasts", "storry"], "contrasts", None),
        (["audit", "embedded/smollm2", "--edit", "drop:nothing", "--dry-run"], "nothing", None),
        (["audit", "embedded/smollm2", "--delta", "80"], "delta", None),
        (["audit", "embedded/smollm2", "-M", "window"], "KEY=VALUE", None),
        (["audit", "embedded/smollm2", "-M", "windo=9"], "windo", "did you mean window?"),
        (["audit", "embedded/smollm2", "--model-role", "judge=openai/x"], "unknown model role", "grader"),
        (["audit", "embedded/smollm2", "--model-role", "grader="], "--model-role grader=", None),
        (["audit", "embedded/smollm2", "embedded/smollm2"], "named twice", None),
        (["audit", "embedded/smollm2", "--epocs", "2"], "--epocs", "--help"),
        (["report", "nowhere"], "nowhere", None),
        (["show", "nowhere", "x"], "nowhere", None),
        (["judge", "nowhere"], "no run 'nowhere'", None),
        (["pack", "show", "nothing"], "nothing", None),
        (["auditt"], "no command 'auditt'", "did you mean 'audit'?"),
    ],
)
def test_a_users_mistake_is_told_in_words_and_exits_with_2(capsys, args, message, hint):
    code, out, err = run(capsys, *args)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    if hint:
        assert hint in err


def test_a_prompt_that_does_not_fit_says_by_how_much_and_what_to_do(capsys):
    code, _, err = run(capsys, "audit", "embedded/smollm2", "--pack-size", "full", "--max-tokens", "1200")
    assert code == 2
    assert "prompt does not fit" in err
    assert "window of 2,048" in err
    assert "nothing was sent" in err
    assert "--pack-size compact" in err


def test_errors_are_json_where_json_was_asked(capsys):
    code, out, _ = run(capsys, "audit", "embedded/smollm2", "--study", "stori", "--json")
    assert code == 2
    error = json.loads(out)["error"]
    assert error["kind"] == "study"
    assert "stori" in error["message"]
    assert error["hint"] == "did you mean 'story'?"


def test_records_of_something_that_is_no_log_cannot_finish(capsys, tmp_path):
    (tmp_path / "half.eval").write_bytes(b"PK\x03\x04")
    code, _, err = run(capsys, "records", str(tmp_path), "-o", str(tmp_path / "out"))
    assert code == 1
    assert "half.eval" in err
    assert not (tmp_path / "out").exists()


def test_a_dry_run_asks_and_writes_nothing(capsys, tmp_path):
    code, out, _ = run(capsys, "audit", "embedded/smollm2", "--study", "demo", "--dry-run", "--json")
    assert code == 0
    plan = json.loads(out)
    assert plan["estimates"][0]["calls"] == 4 * 14 + 19
    assert plan["estimates"][0]["paid"] is False
    assert plan["study"]["epochs"]["origin"] == "study file"
    assert not (tmp_path / "runs").exists()


def test_a_paid_account_is_not_used_without_a_yes(capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    code, _, err = run(capsys, "audit", "openai/gpt-4o", "--study", "plain")
    assert code == 2
    assert "paid account" in err
    assert "--yes" in err


@pytest.mark.parametrize(
    "args",
    [
        ["import", "FILE", "--model-role", "grader=openai/gpt-4o"],
        ["judge", "check", "FILE", "--judge", "openai/gpt-4o"],
    ],
)
def test_a_paid_judge_reads_nothing_where_nobody_can_be_asked(capsys, monkeypatch, tmp_path, args):
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    path = tmp_path / "mine.csv"
    path.write_text("reply,query,tier\nNo.,Tell me.,free\n")
    code, _, err = run(capsys, *(str(path) if arg == "FILE" else arg for arg in args))
    assert code == 2
    assert "paid account" in err
    assert "--yes" in err


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help(capsys, verb):
    code, out, _ = run(capsys, verb, "--help")
    assert code == 0
    assert out.startswith("Usage: unmask")


def test_help_loads_nothing_heavy():
    check = (
        "import sys\nfrom unmask.cli import main\nmain(['--help'])\n"
        "heavy = {'inspect_ai', 'polars', 'sklearn', 'scipy', 'numpy', 'altair', 'xllamacpp', 'torch'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_and_doctor_are_data(capsys):
    code, out, _ = run(capsys, "list", "--json")
    assert code == 0
    assert {"story", "plain", "demo"} <= set(json.loads(out)["studies"])
    code, out, _ = run(capsys, "doctor", "--json")
    assert code == 0
    assert json.loads(out)["embedded model"]["ok"]


def test_doctor_never_shows_a_key(capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    _, out, err = run(capsys, "doctor")
    assert "very-secret" not in out + err
