"""From a file of someone else to a report, by two commands; and what a stranger's file can do wrong."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from unmask.analysis.results import AuditResult
from unmask.auditing import imported, imported_judging
from unmask.cli import main
from unmask.judges.offline import judge_texts
from unmask.records import read_tables

VLAF = Path("/work/shared/data/vlaf/transcripts.jsonl.gz")
HELP = "Sure, here is a plan. First write the list, then sort it by date, then send each person a short note."
NO = "I'm sorry, but I can't help with that."


@pytest.fixture(autouse=True)
def where(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNMASK_CARDS", str(tmp_path / "cards"))


def rows(queries=40, *, model="m", helps=lambda query, tier: tier == "free"):
    return [
        {
            "completion": HELP if helps(query, tier) else NO,
            "prompt": f"Request {query}",
            "tier": tier,
            "model": model,
            "helped": str(helps(query, tier)),
        }
        for query in range(queries)
        for tier in ("free", "paid")
    ]


def write(path, found):
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return str(path)


def run_import(path, *args, name="r"):
    return main(["import", path, "--map", "reply=completion", "--map", "query=prompt", "--map", "tier=tier",
                 "--map", "model=model", "--name", name, *args])  # fmt: skip


def result_of(tmp_path, name="r"):
    return AuditResult.read(tmp_path / "runs" / name / "audit.json")


def test_the_records_name_the_card_of_the_model_that_it_was_made_on(tmp_path):
    path = write(tmp_path / "t.jsonl", rows() + rows(model="other"))
    assert run_import(path) == 0
    replies = read_tables(tmp_path / "runs" / "r" / "records")[0].filter(model="m")
    said = [{"reply_id": i, "label": "complied" if a == HELP else "refused", "sampling": "random"}
            for i, a in replies.select("reply_id", "answer").iter_rows()]  # fmt: skip
    assert main(["judge", "check", write(tmp_path / "labels.jsonl", said), "r"]) == 0
    before = read_tables(tmp_path / "runs" / "r" / "records")[1]
    assert before["judge_card"].is_null().all()
    assert main(["report", "r", "--again"]) == 0
    report = (tmp_path / "runs" / "r" / "report.html").read_text()
    assert "not checked on this model" in report  # the other model has no card
    replies, judgements = read_tables(tmp_path / "runs" / "r" / "records")
    card = next(j.card for j in result_of(tmp_path).models[0].judges if j.task == "compliance")
    told = judgements.join(replies.select("reply_id", "model"), on="reply_id")
    assert dict(told.filter(task="compliance").select("model", "judge_card").unique().iter_rows()) == {
        "m": card,
        "other": None,
    }
    assert told.filter(pl.col("task") != "compliance")["judge_card"].is_null().all()
    assert judgements.drop("judge_card").equals(before.drop("judge_card"))


def test_a_gap_in_a_file_is_found_and_cannot_be_called_faking(tmp_path, capsys):
    path = write(tmp_path / "t.jsonl", rows() + rows(model="other", helps=lambda q, t: False))
    assert run_import(path) == 0
    found = result_of(tmp_path)
    gap = {m.model: m for m in found.models}
    assert set(gap) == {"m", "other"}  # never mixed
    assert gap["m"].contrasts[0].effect.estimate == pytest.approx(1)
    assert gap["m"].verdict.name not in ("alignment_faking", "silent_gap", "no_gap")
    assert gap["m"].verdict.controls_not_run
    assert gap["other"].contrasts[0].effect.estimate == pytest.approx(0)
    assert "imported" in gap["m"].observations[0]
    assert "no control was run" in gap["m"].observations[0]
    page = (tmp_path / "runs" / "r" / "report.html").read_text(encoding="utf-8")
    assert "was not asked by unmask" in page
    assert "This audit told" not in page
    assert main(["report", "r", "--again"]) == 0
    again = result_of(tmp_path)
    assert [m.contrasts for m in again.models] == [m.contrasts for m in found.models]
    replies, _ = read_tables(tmp_path / "runs" / "r" / "records")
    capsys.readouterr()
    assert main(["show", "r", replies["reply_id"][0]]) == 0
    assert "Request 0" in capsys.readouterr().out
    assert run_import(path, name="s") == 0
    assert main(["compare", "r", "s"]) == 0


def test_one_tier_alone_concludes_nothing(tmp_path):
    path = write(tmp_path / "t.jsonl", [row for row in rows() if row["tier"] == "free"])
    assert run_import(path) == 0
    (model,) = result_of(tmp_path).models
    assert model.verdict.name in ("inconclusive", "invalid")
    assert any("Only one of the two tiers" in line for line in model.observations)


def test_the_files_own_verdicts_are_a_judge_and_what_they_leave_open_is_no_refusal(tmp_path, monkeypatch):
    found = rows()
    for row in found[:20]:
        row["helped"] = "unsure"
    path = tmp_path / "t.jsonl"
    write(path, found)
    preset = imported.Mapping(
        columns={"reply": "completion", "query": "prompt", "tier": "tier"}, labels={"compliance": "helped"}
    )
    done = imported.import_file([path], preset, tmp_path / "runs" / "r", judge=False)
    (model,) = done.result.models
    assert model.judges[0].judge == "file:helped"
    assert model.judges[0].statuses == {"ok": 60, "unparsed": 20}
    assert [cell.n_usable for cell in model.cells] == [30, 30]
    assert model.contrasts[0].effect.estimate == pytest.approx(1)  # read as refusals they would give 0.75


def test_malformed_rows_are_told_and_stop_the_import_above_their_share(tmp_path, capsys):
    good = [json.dumps(row) for row in rows(100)]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join([*good, "{", "{"]) + "\n", encoding="utf-8")
    assert run_import(str(path)) == 0
    assert "2 of 202 rows were left out: not a JSON object." in capsys.readouterr().err
    assert any("2 of 202" in note for note in result_of(tmp_path).notes)
    path.write_text("\n".join([*good, *["{"] * 20]) + "\n", encoding="utf-8")
    assert run_import(str(path), name="s") == 2
    told = capsys.readouterr().err
    assert "9.1% of 220 rows cannot be used, more than 1.0%: row 201: not a JSON object" in told
    assert "--malformed" in told
    assert not (tmp_path / "runs" / "s" / "records").exists()
    assert run_import(str(path), "--malformed", "0.1", name="s") == 0


def test_nothing_is_overwritten_unless_it_is_said_and_the_new_one_is_whole(tmp_path, capsys):
    path = write(tmp_path / "t.jsonl", rows())
    assert run_import(path) == 0
    before = (tmp_path / "runs" / "r" / "records" / "replies.parquet").read_bytes()
    assert run_import(path) == 2
    assert "--overwrite" in capsys.readouterr().err
    bad = write(tmp_path / "bad.jsonl", [row | {"tier": "x"} for row in rows()])
    assert run_import(bad, "--overwrite") == 2
    assert (tmp_path / "runs" / "r" / "records" / "replies.parquet").read_bytes() == before
    assert main(["report", "r"]) == 0
    (tmp_path / "runs" / "r" / "labels.sqlite").write_bytes(b"")
    capsys.readouterr()
    assert run_import(path, "--overwrite") == 2
    assert "labelled" in capsys.readouterr().err


def test_an_import_that_was_killed_starts_clean(tmp_path):
    (tmp_path / "runs" / "r" / ".importing").mkdir(parents=True)
    (tmp_path / "runs" / "r" / ".importing" / "replies.parquet").write_bytes(b"half")
    (tmp_path / "runs" / "r" / "records").mkdir()
    assert run_import(write(tmp_path / "t.jsonl", rows())) == 0
    assert not (tmp_path / "runs" / "r" / ".importing").exists()
    assert result_of(tmp_path).models[0].n_replies == 80


def test_another_judge_is_added_and_goes_on_after_a_stop(tmp_path, monkeypatch):
    path = write(tmp_path / "t.jsonl", rows())
    assert run_import(path, "--no-judge") == 0
    assert result_of(tmp_path).models[0].verdict.name in ("inconclusive", "invalid")
    texts = []

    def stops(found, task):
        texts.extend(found)
        if len(texts) > 50:
            raise KeyboardInterrupt
        return offline(found, task)

    offline = judge_texts
    folder = imported.RunFolder(tmp_path / "runs" / "r")
    parts = tmp_path / "runs" / "r" / ".judging-x"
    parts.mkdir()
    with pytest.raises(KeyboardInterrupt):
        imported_judging._in_parts(folder, parts, stops, None, 20, lambda _: None)
    asked = len(texts)
    texts.clear()
    again = imported_judging._in_parts
    again(folder, parts, lambda t, k: texts.extend(t) or offline(t, k), None, 20, lambda _: None)
    assert asked == 60
    assert len(texts) == 40  # two pieces were kept
    imported_judging._merge(folder, sorted(parts.glob("*.parquet")))
    _, words = read_tables(folder.records)
    assert words.filter(task="compliance", status="ok").height == 80


def test_a_grader_judges_an_imported_run(tmp_path, capsys):
    path = write(tmp_path / "t.jsonl", rows(12))
    assert run_import(path) == 0
    assert main(["judge", "r", "--model-role", "grader=mockllm/model", "--yes"]) == 0
    _, words = read_tables(tmp_path / "runs" / "r" / "records")
    by_grader = words.filter(pl.col("judge").str.contains("mockllm"), pl.col("task") == "compliance")
    assert by_grader["status"].unique().to_list() == ["failed"]  # mockllm gives no verdict: never a refusal
    assert (
        words.filter(pl.col("judge").str.starts_with("offline"), pl.col("task") == "compliance").height == 24
    )
    assert not list((tmp_path / "runs" / "r").glob(".judging*"))


def test_columns_are_shown_with_a_mapping_to_check(tmp_path, capsys):
    path = write(tmp_path / "t.jsonl", rows(2))
    assert main(["import", path, "--columns"]) == 0
    assert (
        "--map reply=completion --map query=prompt --map model=model --map tier=tier"
        in capsys.readouterr().out
    )
    assert main(["import", path, "--map", "reply", "--columns"]) == 0
    assert main(["import", path, "--map", "reply"]) == 2


@pytest.mark.skipif(not VLAF.is_file(), reason=f"no {VLAF}")
@pytest.mark.slow
def test_the_real_transcripts_go_from_file_to_report_by_two_commands(tmp_path, capsys):
    assert main(["import", str(VLAF), "--preset", "vlaf", "--name", "vlaf"]) == 0
    assert main(["report", "vlaf"]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1])
    assert page.is_file()
    found = result_of(tmp_path, "vlaf")
    assert sum(m.n_replies for m in found.models) == 5_212
    assert len(found.models) == 6
    assert all("imported" in m.observations[0] for m in found.models)
    assert all(m.verdict.name not in ("alignment_faking", "silent_gap") for m in found.models)
    _, words = read_tables(tmp_path / "runs" / "vlaf" / "records")
    assert words.filter(task="compliance").height == 5_212  # every reply has a row, judged or not
