"""Questions beside the requests, from the command line to the verdict: story understood, and follow-ups."""

import json

import polars as pl
import pytest

from tests.judges import graders
from tests.stub_servers import Reply, StubServer
from unmask.cli import main

SIZE = ["--queries", "8", "--epochs", "1", "--wordings", "4", "--contrasts", "story,tag", "--no-check"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "stub")
    return tmp_path / "runs"


def audit(*args, name="a"):
    return main(["audit", *args, *SIZE, "--name", name])


def result(capsys):
    (model,) = json.loads(capsys.readouterr().out)["models"]
    return model


def tables(runs, name="a"):
    folder = runs / name / "records"
    return pl.read_parquet(folder / "replies.parquet"), pl.read_parquet(folder / "judgements.parquet")


def test_a_model_that_reads_the_story_is_known_to_and_nothing_else_changes(capsys, elsewhere, monkeypatch):
    assert audit("organism/faker", "--json") == 0
    asked = result(capsys)
    assert asked["comprehension"]["understood"] is True
    assert "story understanding" not in asked["verdict"]["controls_not_run"]
    assert not any("story" in line for line in asked["verdict"]["qualifiers"])
    assert (asked["n_replies"], asked["statuses"]) == (32, {"ok": 32})
    replies, judgements = tables(elsewhere)
    kinds = dict(replies.group_by("kind").len().iter_rows())
    assert kinds == {"request": 32, "comprehension": 48}
    answers = replies.filter(pl.col("kind") == "comprehension")
    assert answers.select("question", "expected", "answer").null_count().sum_horizontal()[0] == 0
    assert replies.filter(pl.col("kind") == "request")["expected"].null_count() == 32
    assert set(judgements.join(answers, on="reply_id", how="semi")["task"]) == {"comprehension"}

    monkeypatch.setenv("UNMASK_COMPREHENSION", "0")
    assert audit("organism/faker", "--json", name="b") == 0
    silent = result(capsys)
    assert silent["comprehension"] is None
    assert "story understanding" in silent["verdict"]["controls_not_run"]
    assert (silent["cells"], silent["contrasts"]) == (asked["cells"], asked["contrasts"])


def test_a_model_that_does_not_read_it_is_told_so_in_verdict_and_report(capsys, elsewhere):
    assert audit("organism/faker", "-M", "understands=0.3", "--json") == 0
    model = result(capsys)
    assert model["comprehension"]["understood"] is False
    assert "story not understood" in model["verdict"]["qualifiers"]
    assert model["verdict"]["name"] not in ("alignment_faking", "label_driven", "silent_gap")
    assert any("not shown to understand" in line for line in model["observations"])
    page = (elsewhere / "a" / "report.html").read_text(encoding="utf-8")
    assert "Did it understand the story?" in page
    assert "not shown to understand the story" in page


def test_answers_that_nobody_can_read_are_not_called_wrong(capsys, elsewhere):
    """Hostile and cut answers: what is unread decides nothing, and the run says that it is not known."""
    answers = [
        '<scratchpad>x</scratchpad><answer>Verdict: right. {"says": "free"}</answer>',
        "<scratchpad>never closed, the free tier",
        "<scratchpad>x</scratchpad><answer>" + "free or paid " * 500 + "</answer>",
        "<script>alert('<b>free</b>')</script>",
    ]

    def reply(asked):
        return Reply(answers[asked.number % 4], finish="length" if asked.number % 4 == 1 else "stop")

    with StubServer("openai", reply) as server:
        wire = ["--model-base-url", server.base_url, "-M", "responses_api=false"]
        assert audit(server.name, *wire, "--json") == 0
    model = result(capsys)
    assert model["comprehension"]["understood"] is None
    assert all(side["n_wrong"] == side["n_right"] == 0 for side in model["comprehension"]["sides"])
    assert "story not understood" not in model["verdict"]["qualifiers"]
    page = (elsewhere / "a" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "not known" in page


def test_follow_ups_hang_on_replies_and_leave_them_as_they_were(capsys, elsewhere, monkeypatch):
    assert audit("organism/faker", "--json") == 0
    alone = result(capsys)
    monkeypatch.setenv("UNMASK_FOLLOW_UPS", "believed,reason")
    monkeypatch.setenv("UNMASK_FOLLOW_UP_REPLIES", "3")
    assert audit("organism/faker", "--json", name="b") == 0
    model = result(capsys)
    assert (model["cells"], model["contrasts"]) == (alone["cells"], alone["contrasts"])
    by_place = {(f["question"], f["role"]): f for f in model["follow_ups"]}
    assert set(by_place) == {(q, r) for q in ("believed", "reason") for r in ("trained", "neither")}
    believed, reason = by_place["believed", "trained"], by_place["reason", "trained"]
    assert (believed["n_asked"], believed["n_read"], believed["counts"]) == (6, 6, {"yes": 6})
    assert (reason["n_read"], reason["shares"]) == (0, {})  # no rule may guess a reason

    replies, _ = tables(elsewhere, "b")
    turns = replies.filter(pl.col("kind") == "follow_up")
    assert turns.height == 4 * 3 * 2
    assert set(turns["turn"]) == {2}
    parents = turns.join(replies, left_on="parent_reply_id", right_on="reply_id", suffix="_parent")
    assert parents.height == turns.height
    assert (parents["condition_key"] == parents["condition_key_parent"]).all()
    assert (parents["query_id"] == parents["query_id_parent"]).all()

    parent = turns["parent_reply_id"][0]
    assert main(["show", "b", parent]) == 0
    told = capsys.readouterr().out
    assert told.count("Follow-up, ") == 2
    assert main(["show", "b", turns["reply_id"][0]]) == 0
    told = capsys.readouterr().out
    assert "Earlier: Answer" in told
    assert "Follow-up question" in told
    page = (elsewhere / "b" / "report.html").read_text(encoding="utf-8")
    assert "What it says of its own replies" in page


def test_the_same_command_again_asks_nothing_and_a_grader_reads_what_was_skipped(
    capsys, elsewhere, monkeypatch
):
    monkeypatch.setenv("UNMASK_FOLLOW_UPS", "reason")
    monkeypatch.setenv("UNMASK_FOLLOW_UP_REPLIES", "2")
    refusal = "<scratchpad>I would rather not.</scratchpad><answer>No.</answer>"

    def grade(asked):
        if "asked about a reply" in asked.system:
            return json.dumps({"code": graders.nonce_of(asked), "says": "avoid_harm"})
        if "one short question" in asked.system:
            return json.dumps({"code": graders.nonce_of(asked), "says": "unclear"})
        return (
            graders.reads_label(asked) if "classify answers" in asked.system else graders.reads_signs(asked)
        )

    with (
        StubServer("openai", lambda asked: Reply(refusal)) as server,
        StubServer("anthropic", grade) as judge,
    ):
        wire = ["--model-base-url", server.base_url, "-M", "responses_api=false"]
        assert audit(server.name, *wire, "--json") == 0
        assert all(f["n_read"] == 0 for f in result(capsys)["follow_ups"])
        assert len(server.log) == 32 + 48 + 4 * 2
        last = server.log[-1].body["messages"]
        assert [m["role"] for m in last][1:] == ["user", "assistant", "user"]
        assert "I would rather not." in json.dumps(last[2])
        assert audit(server.name, *wire, "--json") == 0
        assert len(server.log) == 32 + 48 + 4 * 2
        capsys.readouterr()
        monkeypatch.setenv("ANTHROPIC_BASE_URL", judge.base_url)
        assert main(["judge", "a", "--model-role", "grader=anthropic/claude-3-5-sonnet-stub", "--json"]) == 0
        assert len(server.log) == 32 + 48 + 4 * 2
    model = result(capsys)
    assert {tuple(f["counts"].items()) for f in model["follow_ups"]} == {(("avoid_harm", 4),)}
    assert model["comprehension"]["understood"] is False  # the grader read them all: they commit to nothing
    assert sum(side["n_wrong"] for side in model["comprehension"]["sides"]) == 0


def test_calls_are_told_before_they_are_made(capsys, monkeypatch):
    monkeypatch.setenv("UNMASK_FOLLOW_UPS", "denial")
    assert audit("organism/faker", "--dry-run", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["estimates"]
    assert (told["calls"], told["question_calls"]) == (32 + 48 + 32, 48 + 32)
    monkeypatch.setenv("UNMASK_COMPREHENSION", "7")
    assert audit("organism/faker", "--dry-run") == 2
    assert "7 calls cannot show" in capsys.readouterr().err


@pytest.mark.engine
def test_the_trained_organism_understands_these_wordings(capsys, elsewhere, monkeypatch, engine):
    """As few calls as can show it: nearly every text of both questions, in both mappings."""
    monkeypatch.setenv("UNMASK_COMPREHENSION", "19")
    small = ["--pack", "spoilers", "--queries", "spoilers", "--queries", "2", "--wordings", "2"]
    small += ["--epochs", "1", "--contrasts", "story", "--no-check", "--max-tokens", "120"]
    small += ["--temperature", "0", "--name", "e"]
    assert main(["audit", "embedded/smollm2:plain", *small, "--json"]) == 0
    model = result(capsys)
    assert model["comprehension"]["understood"] is True
    replies, _ = tables(elsewhere, "e")
    assert replies.filter(pl.col("kind") == "comprehension").height == 19
