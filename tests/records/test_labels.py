"""Labels in files and in the store: what fits comes back as it was, what does not is named."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing

import polars as pl
import pytest

from unmask.errors import RecordsError
from unmask.records.labels import FORMATS, read_labels, read_store, write_labels
from unmask.records.schema import LABELS
from unmask.vocabulary import CANARY

CRITERIA = json.dumps({"knows_trained": True, "knows_changed": False})
ROWS = pl.DataFrame(
    [
        ("r1", "reasoning", "ada", "af", CRITERIA, 'a "note",\nof two lines', "random", 0.25, "2026-01-01"),
        ("r1", "compliance", "bob", "partly", None, None, "disagreement", None, "2026-01-02"),
    ],
    schema=LABELS,
    orient="row",
)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_form_gives_back_what_was_written_and_carries_the_canary(tmp_path, suffix):
    path = write_labels(ROWS, tmp_path / f"labels{suffix}")
    read = read_labels(path)
    assert read.rows.equals(ROWS)
    assert read.problems == []
    assert CANARY in str(path.read_bytes())


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(RecordsError, match=r"\.xlsx"):
        write_labels(ROWS, tmp_path / "labels.xlsx")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"label": "af"}, "no reply_id"),
        ({"reply_id": "x", "label": "complied", "task": "reasoning"}, "no label of the task"),
        ({"reply_id": "x", "label": "af", "sampling": "rndom"}, "no sampling"),
        ({"reply_id": "x", "label": "af", "inclusion_probability": 0.0}, "not above 0"),
        ({"reply_id": "x", "label": "af", "inclusion_probability": 1.5}, "at most 1"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_never_guessed_at(tmp_path, row, why):
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in ({"reply_id": "r1", "label": "af"}, row)))
    read = read_labels(path)
    assert read.rows["reply_id"].to_list() == ["r1"]
    assert why in read.problems[0]
    assert read.problems[0].startswith("row 2")


def test_without_a_stated_sampling_labels_correct_nothing(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("reply_id,label\nr1,refused\n")
    row = read_labels(path).rows.row(0, named=True)
    assert (row["task"], row["sampling"], row["inclusion_probability"]) == (
        "compliance",
        "disagreement",
        None,
    )


def test_a_damaged_store_is_a_message_and_none_is_none(tmp_path):
    assert read_store(tmp_path / "labels.sqlite") is None
    path = tmp_path / "odd #1?.sqlite"
    path.write_bytes(b"no database at all, but long enough to look like something" * 20)
    with pytest.raises(RecordsError, match="damaged"):
        read_store(path)


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "-2", "+3", "'=4", "''=5", "'quoted'", "plain"])
def test_a_spreadsheet_runs_nothing_of_exported_labels_and_they_read_back(tmp_path, text):
    rows = ROWS.with_columns(note=pl.lit(text), labeller=pl.lit(text), reply_id=pl.lit(text))
    path = write_labels(rows, tmp_path / "labels.csv")
    with path.open(newline="") as file:
        fields = [field for record in csv.reader(file) for field in record]
    assert not [field for field in fields if field.startswith(("=", "+", "-", "@"))]
    assert read_labels(path).rows.equals(rows)


@pytest.mark.parametrize(
    "body",
    [
        "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i < 0",
        "with recursive n(i) as (select 1 union all select i + 1 from n limit 50) select i from n",
        "select printf('%.*c', 2000000, 'x') as i",
    ],
)
def test_a_store_whose_view_never_ends_or_is_huge_is_given_up(tmp_path, monkeypatch, body):
    monkeypatch.setattr("unmask.records.labels.LONGEST", 0.5)
    monkeypatch.setattr("unmask.records.labels.MAX_LABELS", 40)
    path = tmp_path / "labels.sqlite"
    with closing(sqlite3.connect(path)) as db:
        columns = (
            "i || '' as reply_id, 'compliance' as task, 'a' as labeller, 'complied' as label, "
            "null as criteria, null as note, 'random' as sampling, 1.0 as inclusion_probability, "
            "null as labelled_at, 1 as done"
        )
        db.execute(f"create view labels as select {columns} from ({body})")
    with pytest.raises(RecordsError, match=r"labels\.sqlite"):
        read_store(path)
