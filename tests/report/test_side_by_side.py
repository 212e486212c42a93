"""Replies before and after a training, beside each other."""

from __future__ import annotations

import polars as pl

from tests.auditing.test_before_after import model
from tests.auditing.test_compare import save
from unmask.records import read_tables
from unmask.records.tables import write_tables
from unmask.report.side_by_side import MOST, REQUESTS, pairs
from unmask.vocabulary import Role


def test_the_same_request_and_role_stand_beside_each_other_whatever_was_written(tmp_path):
    before = save(tmp_path / "before", model("before", 0.05, 0.05), seed=7, n_queries=6)
    after = save(tmp_path / "after", model("after", 0.95, 0.95), seed=8, n_queries=6)
    replies, judgements = read_tables(after / "records")
    first = sorted(set(replies["query_id"]))[0]
    hostile = "\x1b[2J<script>alert(1)</script>" + "x" * 2 * MOST
    rows = replies.to_dicts()
    for row in rows:
        if row["query_id"] == first:
            row |= {"answer": None, "scratchpad": None, "raw": hostile, "status": "truncated"}
    write_tables(pl.from_dicts(rows, schema=replies.schema), judgements, after / "records")
    found = pairs(before, after)
    assert len(found) == REQUESTS * 2
    assert [p.role for p in found[:2]] == ["trained on", "not used"]
    assert found[0].after.startswith("[truncated] \u27e6ESC\u27e7[2J<script>")
    assert found[0].after.endswith("more characters]")
    assert not found[2].after.startswith("[")
    own = read_tables(before / "records")[0].filter(query_id=sorted(set(replies["query_id"]))[1]).to_dicts()
    answers = [
        row["answer"] for row in own
        if row["condition"]["role"] == Role.NEITHER and row["condition"]["labels"] == "plain"
    ]  # fmt: skip
    assert any(answer in found[3].before for answer in answers)
