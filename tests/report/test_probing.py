"""Pages and tables of probes: the same bytes, nothing that acts, a dash where nothing can be known."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from unmask.analysis.results import Interval
from unmask.errors import UsageError
from unmask.experiments.probing import Check, Row
from unmask.experiments.steering import Dose, Steering
from unmask.report.probing import CheckTable, SteeringTable, render, write_check
from unmask.vocabulary import CANARY


def some(estimate):
    return Interval(estimate, estimate - 0.1, estimate + 0.05, 0.95)


@pytest.fixture
def check():
    row = Row(
        "honest", "both", False, 32, 16, 1, some(0.9), some(0.8), some(0.5), some(-0.1), None, some(0.2)
    )
    unknown = replace(row, organism="<b>x</b>", probe=None, over_keywords=None)
    return Check(
        probe="role", target="role", position="prompt_end", layer=22, trained_on=["faker"],
        tag_gives_role=True, cross_validated=some(0.85), queries=8, wordings=[3, 7],
        prompts_sha256={"honest": "ab" * 32},
        judge="offline:1", rows=[row, replace(row, labels="swapped"), unknown], date="2026-01-01",
    )  # fmt: skip


@pytest.fixture
def steering():
    dose = Dose("none", 0.0, some(0.9), some(0.1), some(0.8), None, 1.0, 0, 32)
    doses = [dose, replace(dose, kind="probe", strength=-4.0, change=some(-0.2), unread=3)]
    return Steering("role", "faker", True, 22, 3.0, 288.0, "ab" * 32, 8, 1, doses, "2026-01-01")


def test_the_page_holds_every_figure_once_escaped_and_asks_for_nothing(check, steering):
    page = render([check], [steering])
    assert page == render([check], [steering])
    assert "0.90 (0.80 to 0.95)" in page
    assert "−0.10 (−0.20 to −0.05)" in page
    assert "<b>x" not in page
    assert "<script" not in page.lower()
    assert "http" not in page.split("</style>")[1].replace("http://www.w3.org", "")
    assert "only the other mapping says" in page
    assert CANARY in page
    assert "−4" in page
    assert "3 of 32" in page


def test_a_page_of_something_else_is_not_replaced(check, tmp_path):
    path = write_check(check, tmp_path / "check.html")
    write_check(check, path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="no page of unmask probe"):
        write_check(check, path)


def test_the_tables_say_the_same(check, steering):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(CheckTable(check))
    console.print(SteeringTable(steering))
    text = console.export_text()
    for figure in ("0.90 (0.80 to 0.95)", "16 of 32", "along the probe", "−4", "−20.0", "–"):
        assert figure in text
