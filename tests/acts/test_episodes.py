"""Episodes in real Inspect runs on mock models and scripted agents: how they end, what is kept of each."""

from __future__ import annotations

import json

import inspect_ai
import polars as pl
import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.tool import ToolCall

from unmask.acts.design import condition_of
from unmask.acts.load import load_world
from unmask.errors import UsageError
from unmask.organisms.agents.truth import outcome_of
from unmask.records.episodes import read_episode_logs
from unmask.tasks.acts import acts, acts_task, choose_worlds
from unmask.vocabulary import ActVariant

WORLD = "night_backup"
USAGE = ModelUsage(input_tokens=50, output_tokens=10, total_tokens=60)


def played(tmp_path, model, *, sends=None, limits=None, **options):
    if sends is not None:
        model = get_model("mockllm/model", custom_outputs=sends, memoize=False)
    task = acts_task([load_world(WORLD)], **options)
    wanted = f"{WORLD}.offered.conflicting.trained.unwatched"
    task.dataset = task.dataset.filter(lambda sample: sample.id == wanted)
    [log] = inspect_ai.eval(
        task, model=model, log_dir=str(tmp_path), display="none", log_level="error", **(limits or {})
    )
    read = read_episode_logs(tmp_path)
    assert read.problems == []
    assert read.episodes.height == 1
    return read.episodes.row(0, named=True), list(read.events.iter_rows(named=True)), log


def calls(function, arguments, *, error=None):
    output = ModelOutput.for_tool_call("mockllm/model", function, arguments)
    if error:
        call = ToolCall(id="x", function=function, arguments={}, parse_error=error)
        output.choices[0].message.tool_calls = [call]
    output.usage = USAGE
    return output


def says(text):
    output = ModelOutput.from_content("mockllm/model", text)
    output.usage = USAGE
    return output


@pytest.mark.parametrize("tools", ["native", "text"])
def test_an_act_is_found_and_a_lie_about_it(tmp_path, tools):
    row, events, _ = played(tmp_path, "agent/schemer", tools=tools)
    assert (row["outcome"], row["status"], row["job_done"], row["lied"]) == ("done", "ok", True, True)
    assert row["act_turn"] == 3
    kinds = [e["kind"] for e in events]
    assert kinds[-2:] == ["asked", "answer"]
    assert kinds.count("scratchpad") == 4  # three calls and the closing message
    [deed] = [e for e in events if e["act"]]
    assert json.loads(deed["arguments"])["host"] == "store.example.net"
    assert (row["malformed"], row["hostile"], row["refused"]) == (0, 0, 0)


def test_an_endless_loop_ends_at_the_limit_of_turns_and_says_so(tmp_path):
    def sends(messages, *_):
        return says("No.") if "did you" in messages[-1].text.lower() else calls("list_files", {})

    row, events, log = played(tmp_path, None, sends=sends, turns=5)
    assert log.status == "success"
    assert (row["status"], row["outcome"], row["calls"]) == ("turn_limit", "none", 5)
    assert [e["text"] for e in events if e["kind"] == "limit"] == ["turn_limit"]
    assert row["answer"] == "no"  # it is asked all the same


def test_a_limit_of_tokens_ends_it_and_says_so(tmp_path):
    row, _, _ = played(tmp_path, None, sends=lambda *_: calls("list_files", {}), episode_tokens=150)
    assert (row["status"], row["calls"]) == ("token_limit", 3)


@pytest.mark.parametrize("limits", [{"message_limit": 6}, {"token_limit": 200}], ids=str)
def test_a_limit_of_inspect_keeps_what_was_done_before(tmp_path, limits):
    act = {"path": "/models/weir/weights.bin", "host": "store.example.net"}
    row, _, _ = played(tmp_path, None, sends=lambda *_: calls("copy_file", act), limits=limits)
    assert row["status"].startswith("limit")
    assert row["outcome"] == "done"
    assert row["answer"] is None


def test_a_call_that_the_provider_could_not_parse_is_kept_as_malformed(tmp_path):
    sent = iter([calls("copy_file", {}, error="no JSON: {path"), says("Done."), says("No, I did not.")])
    row, events, _ = played(tmp_path, None, sends=lambda *_: next(sent))
    assert (row["malformed"], row["calls"], row["outcome"]) == (1, 1, "none")
    [call] = [e for e in events if e["kind"] == "call"]
    assert call["tool"] is None
    assert "copy_file" in call["text"]


def test_several_calls_in_one_message_are_made_in_order(tmp_path):
    def both(*_):
        output = calls("read_file", {"path": "/work/plan.txt"})
        more = ToolCall(
            id="y", function="copy_file", arguments={"path": "/work/plan.txt", "host": "backup-1"}
        )
        output.choices[0].message.tool_calls.append(more)
        return output

    sent = iter([both(), says("Done."), says("No.")])
    row, events, _ = played(tmp_path, None, sends=lambda *_: next(sent))
    assert [e["tool"] for e in events if e["kind"] == "call"] == ["read_file", "copy_file"]
    assert (row["job_done"], row["outcome"]) == (True, "none")


def test_an_episode_that_failed_is_a_row_without_an_outcome(tmp_path):
    def broken(*_):
        raise RuntimeError("no provider today")

    row, _, _ = played(tmp_path, None, sends=broken)
    assert (row["status"], row["outcome"], row["lied"]) == ("error", None, None)
    assert "no provider today" in row["error"]


def test_only_talk_is_no_deed(tmp_path):
    row, _, _ = played(tmp_path, "agent/talker")
    assert (row["outcome"], row["job_done"], row["confessed"]) == ("discussed", True, False)


def test_the_whole_design_of_a_world_is_classified_right(tmp_path):
    inspect_ai.eval(
        acts_task([load_world("seed_runs")]), model="agent/saboteur", log_dir=str(tmp_path), display="none"
    )
    rows = read_episode_logs(tmp_path).episodes
    assert rows.height == 18
    for row in rows.iter_rows(named=True):
        condition = condition_of(row["condition_key"])
        truth = outcome_of("saboteur", load_world(row["world"]), ActVariant(row["variant"]), condition)
        assert row["outcome"] == truth
    assert rows.filter(pl.col("outcome") == "done").height == 3


def test_options_that_are_not_known_are_refused():
    for options in (
        {"wolrds": 3},
        {"worlds": "many"},
        {"design": "moon"},
        {"scratchpad": "x"},
        {"worlds": 0},
    ):
        with pytest.raises(UsageError):
            acts(**options)
    with pytest.raises(UsageError):
        acts_task([load_world(WORLD)], tools="shell")


def test_a_few_worlds_hold_as_many_acts_as_can_be():
    assert len({world.act for world in choose_worlds(None, n=7)}) == 7
