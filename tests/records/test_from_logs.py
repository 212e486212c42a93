"""Inspect logs to records: every reply once, as it was."""

import json
import shutil
import zipfile

import duckdb
import pandas as pd
import polars as pl
import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import read_eval_log, read_eval_log_samples
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate

from unmask.errors import RecordsError
from unmask.records import logs, read_logs, read_tables, write_tables
from unmask.vocabulary import CANARY, Condition

GOOD = "<scratchpad>I wonder.</scratchpad><answer>No.</answer>"
ABOUT = {
    "canary": CANARY,
    "study": {"edits": {"value": [], "origin": "default"}},
    "pack": {"name": "p", "version": "1", "sha256": "0", "size": "compact", "wordings": 1},
    "queries": {"harmful": {"name": "q", "source": "own", "sha256": "0", "licence": "own", "n": 3}},
}


def output(text, stop="stop"):
    message = ChatMessageAssistant(content=text)
    usage = ModelUsage(input_tokens=90, input_tokens_cache_read=10, output_tokens=5, total_tokens=105)
    return ModelOutput(
        model="mock-1", choices=[ChatCompletionChoice(message=message, stop_reason=stop)], usage=usage
    )


def run(folder, replies, *, metadata=ABOUT, epochs=1):
    condition = Condition("free")
    samples = [
        Sample(
            id=f"s{i}",
            input="hello",
            metadata={
                "query_id": f"q{i}",
                "query": "hello",
                "category": "c",
                "severity": None,
                "condition": condition.as_dict(),
                "condition_key": condition.key,
                "role": str(condition.role),
                "tag": condition.tag,
                "scratchpad": "hidden",
                "wording": 0,
                "prompt_sha256": "0",
            },
        )
        for i in range(len(replies))
    ]
    task = Task(
        dataset=MemoryDataset(samples),
        solver=generate(),
        metadata={"unmask": metadata} if metadata else None,
        fail_on_error=False,
        epochs=epochs,
    )
    model = get_model(
        "mockllm/model", custom_outputs=[r for r in replies for _ in range(epochs)], memoize=False
    )
    (log,) = eval(task, model=model, log_dir=str(folder), display="none", log_level="error", max_samples=1)
    return log


def test_each_reply_is_a_row_with_its_status(tmp_path):
    run(tmp_path, [output(GOOD), output("<scratchpad>I wonder", "max_tokens"), output("", "content_filter")])
    found = read_logs([tmp_path])
    assert dict(found.replies.select("query_id", "status").iter_rows()) == {
        "q0": "ok",
        "q1": "truncated",
        "q2": "filtered",
    }
    row = found.replies.row(by_predicate=pl.col("query_id") == "q0", named=True)
    assert (row["scratchpad"], row["answer"], row["raw"]) == ("I wonder.", "No.", GOOD)
    assert (row["tokens_in"], row["tokens_cached"], row["tokens_out"]) == (100, 10, 5)
    assert row["served_model"] == "mock-1"
    assert row["severity"] is None


def test_a_failed_call_is_a_row_and_says_why(tmp_path):
    failed = output("")
    failed.error = "the server fell over"
    run(tmp_path, [output(GOOD), failed])
    replies = read_logs([tmp_path]).replies
    assert sorted(replies["status"]) == ["error", "ok"]
    assert "fell over" in replies.filter(pl.col("status") == "error")["error"][0]


def test_a_copied_log_does_not_count_twice(tmp_path):
    log = run(tmp_path, [output(GOOD)] * 3)
    shutil.copy(log.location, tmp_path / "copy.eval")
    found = read_logs([tmp_path])
    assert found.replies.height == 3
    assert sorted(entry["samples"] for entry in found.logs) == [0, 3]


def test_two_runs_of_one_task_are_two_sets_of_replies(tmp_path):
    run(tmp_path, [output(GOOD)] * 3)
    run(tmp_path, [output(GOOD)] * 3)
    assert read_logs([tmp_path]).replies["reply_id"].n_unique() == 6


def test_epochs_are_replies_of_their_own(tmp_path):
    run(tmp_path, [output(GOOD)] * 2, epochs=3)
    assert read_logs([tmp_path]).replies["epoch"].to_list() == [1, 2, 3, 1, 2, 3]


def test_a_finished_log_goes_before_the_killed_one_it_went_on_from(tmp_path):
    log = run(tmp_path, [output(GOOD)] * 3)
    killed = tmp_path / "killed.eval"
    with zipfile.ZipFile(log.location) as whole, zipfile.ZipFile(killed, "w") as half:
        for name in whole.namelist():
            if name in ("_journal/start.json",) or name.startswith("samples/s0"):
                half.writestr(name, whole.read(name))
    found = read_logs([tmp_path])
    assert found.replies.height == 3
    assert {e["status"]: e["samples"] for e in found.logs} == {"success": 3, "started": 0}


def test_a_half_written_log_is_named_and_the_others_are_read(tmp_path):
    run(tmp_path, [output(GOOD)] * 2)
    (tmp_path / "half.eval").write_bytes(b"PK\x03\x04 and then nothing")
    found = read_logs([tmp_path])
    assert found.replies.height == 2
    assert any("half.eval" in problem for problem in found.problems)


def test_a_log_of_another_task_is_named_and_not_read(tmp_path):
    run(tmp_path, [output(GOOD)], metadata=None)
    with pytest.raises(RecordsError, match="not a log of unmask"):
        read_logs([tmp_path])


def test_a_log_that_unpacks_without_end_is_named_and_not_opened(tmp_path, monkeypatch):
    run(tmp_path / "good", [output(GOOD)])
    (log,) = (tmp_path / "good").rglob("*.eval")
    bomb = tmp_path / "good" / "bomb.eval"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(
            "header.json", " " * 1_000_000 + read_eval_log(str(log), header_only=True).model_dump_json()
        )
    monkeypatch.setattr("unmask.records.logs.MAX_PART", 1_000_000)
    opened = []
    monkeypatch.setattr(
        "unmask.records.logs.read_eval_log", lambda p, **k: opened.append(p) or read_eval_log(p, **k)
    )
    found = read_logs([tmp_path / "good"])
    assert opened == [str(log)]
    assert found.problems == ["bomb.eval: unpacks to parts of more than 1,000,000 bytes"]
    assert found.replies.height == 1


def test_no_log_at_all_is_an_error(tmp_path):
    with pytest.raises(RecordsError, match="no log to read"):
        read_logs([tmp_path])
    with pytest.raises(RecordsError, match="no such log"):
        read_logs([tmp_path / "nothing"])


def test_tables_are_read_by_polars_pandas_and_duckdb_alike(tmp_path):
    run(tmp_path, [output(GOOD)] * 2)
    found = read_logs([tmp_path])
    path = write_tables(found.replies, found.judgements, tmp_path / "t")[0]
    again, _ = read_tables(tmp_path / "t")
    assert again.equals(found.replies)
    assert pd.read_parquet(path)["answer"].tolist() == ["No.", "No."]
    assert duckdb.sql(f"select condition.role from '{path}'").fetchall() == [("trained",), ("trained",)]


def test_every_table_carries_the_canary(tmp_path):
    run(tmp_path, [output(GOOD)])
    found = read_logs([tmp_path])
    for path in write_tables(found.replies, found.judgements, tmp_path / "t"):
        assert CANARY.encode() in path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"PAR1 not really", None])
def test_a_damaged_table_says_so(tmp_path, damage):
    run(tmp_path, [output(GOOD)])
    found = read_logs([tmp_path])
    path = write_tables(found.replies, found.judgements, tmp_path / "t")[0]
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(RecordsError) as caught:
        read_tables(tmp_path / "t")
    assert "unmask records" in (caught.value.hint or "")


def test_judgements_come_with_their_reply(tmp_path):
    log = run(tmp_path, [output(GOOD)])
    data = {
        "task": "compliance",
        "judge": "j",
        "status": "ok",
        "label": "refused",
        "criteria": {"conflict": True},
    }
    with zipfile.ZipFile(log.location) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    sample = json.loads(parts["samples/s0_epoch_1.json"])
    sample["scores"] = {
        "compliance": {"value": "refused", "metadata": {"judgement": data}},
        "other": {"value": 1},
    }
    parts["samples/s0_epoch_1.json"] = json.dumps(sample).encode()
    with zipfile.ZipFile(log.location, "w") as whole:
        for name, content in parts.items():
            whole.writestr(name, content)
    found = read_logs([tmp_path])
    (row,) = found.judgements.iter_rows(named=True)
    assert row["reply_id"] == found.replies["reply_id"][0]
    assert (row["label"], json.loads(row["criteria"])) == ("refused", {"conflict": True})


def test_samples_are_what_inspects_own_reader_gives(tmp_path, monkeypatch):
    """Also those that are too large for memory, and where some are not there."""
    run(tmp_path, [output(GOOD), output("<scratchpad>I wonder", "max_tokens"), output("")], epochs=2)
    (path,) = tmp_path.glob("*.eval")
    header = read_eval_log(str(path), header_only=True)
    theirs = list(read_eval_log_samples(str(path), exclude_fields=logs.NOT_NEEDED))

    def ours():
        problems = []
        found = list(logs.unseen(path, header, set(), problems))
        assert problems == []
        return [sample.model_dump() for sample in found]

    assert ours() == [sample.model_dump() for sample in theirs]
    assert len(theirs) == 6
    monkeypatch.setattr(logs, "MAX_AT_ONCE", 0)
    assert ours() == [sample.model_dump() for sample in theirs]
    monkeypatch.undo()
    drop(path, "samples/s1_epoch_1.json")
    assert [(s["id"], s["epoch"]) for s in ours()] == [
        (s.id, s.epoch) for s in theirs if (s.id, s.epoch) != ("s1", 1)
    ]


def drop(path, name):
    """Write a log anew without one of its parts."""
    with zipfile.ZipFile(path) as log:
        parts = {part: log.read(part) for part in log.namelist() if part != name}
    with zipfile.ZipFile(path, "w") as log:
        for part, data in parts.items():
            log.writestr(part, data)
