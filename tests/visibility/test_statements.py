"""The table of what providers show: every row names its source and day, and the nearest row wins."""

from __future__ import annotations

import pytest

from unmask.errors import UsageError
from unmask.files import read_yaml
from unmask.visibility import statement_on, worst
from unmask.visibility.statements import Statements, _statements
from unmask.vocabulary import Visibility


def test_every_row_says_where_and_when():
    rows = _statements()
    assert len(rows) >= 15
    assert all(len(row.source) > 20 and row.seen.year >= 2026 for row in rows)
    assert len({(row.pattern, str(row.args)) for row in rows}) == len(rows)


def test_the_nearest_row_wins():
    assert statement_on("openai/o9").shown is Visibility.SUMMARY
    assert statement_on("openai/o9", {"responses_api": False}).shown is Visibility.NONE
    assert statement_on("openai/o9", {"responses_api": True}).shown is Visibility.SUMMARY
    assert statement_on("bedrock/eu.anthropic.claude-3-7-sonnet-x").shown is Visibility.FULL
    assert statement_on("bedrock/eu.anthropic.claude-opus-9").shown is Visibility.SUMMARY
    assert statement_on("bedrock/meta.llama") is None
    assert statement_on("newcomer/model") is None
    assert statement_on("openaix/model") is None


def test_worst_of_several():
    assert worst([Visibility.FULL, Visibility.SUMMARY]) is Visibility.SUMMARY
    assert worst([Visibility.REDACTED, Visibility.NONE]) is Visibility.NONE
    assert worst([]) is None


def test_a_row_without_source_or_with_an_unknown_word_is_refused(tmp_path):
    path = tmp_path / "v.yaml"
    for row in (
        "pattern: a/*\n    shown: full\n    seen: 2026-01-01",
        "pattern: a/*\n    shown: some\n    seen: 2026-01-01\n    source: s",
    ):
        path.write_text(f"statements:\n  - {row}\n", encoding="utf-8")
        with pytest.raises(UsageError):
            read_yaml(path, Statements)
