"""Judges side by side on the page: named, escaped, counted, and absent where there is one judge."""

import dataclasses
import json

import pytest

from tests.report import fixtures
from unmask.analysis.results import AuditResult, Interval, JudgeComparison, JudgeConclusion, JudgePair
from unmask.report import render
from unmask.report.judge_words import compare_lines
from unmask.report.judges import judges_of
from unmask.report.visible import is_plain

HOSTILE = "x/<script>alert(1)</script>\x1b[31m"


def conclusion(judge, verdict, audited):
    return JudgeConclusion(
        "openai/gpt-invented", judge, audited, verdict, "S.", {"story": Interval(0.2, 0.1, 0.3, 0.95)}
    )


@pytest.fixture(scope="module")
def made():
    result, replies, judgements = fixtures.audit((fixtures.FAKER,), n_queries=4, epochs=1)
    key = result.models[0].cells[0].condition_key
    ids = replies["reply_id"].to_list()
    pair = JudgePair(
        task="compliance",
        first=fixtures.OFFLINE,
        second=HOSTILE,
        n=100,
        agreed=30,
        one_alone=7,
        kappa=Interval(0.41, 0.2, 0.62, 0.95),
        labels={"complied / refused": 70, "refused / refused": 30},
        by_role={"trained": (70, 100)},
        by_condition={key: (70, 100), "elsewhere": (0, 5)},
        reply_ids=ids[:60] if len(ids) >= 60 else [f"r{i}" for i in range(60)],
    )
    found = [conclusion(fixtures.OFFLINE, "alignment_faking", True), conclusion(HOSTILE, "no_gap", False)]
    compared = JudgeComparison([fixtures.OFFLINE, HOSTILE], [pair], found)
    return dataclasses.replace(result, judges_compared=compared), replies, judgements


def test_the_page_sets_judges_side_by_side(made):
    page = render(*made)
    section = page.split('<section id="judges"')[1].split("</section>")[0]
    for words in (
        "different verdicts",
        "0.41 (0.20 to 0.62)",
        "this report rests on it",
        "7 further replies",
    ):
        assert words in section
    assert "and 20 more" in section  # 70 differ, 50 are named
    assert "<script>" not in section
    assert "&lt;script&gt;" in section
    assert '<a href="#judges">' in page


def test_one_judge_needs_no_section(made):
    alone = dataclasses.replace(made[0], judges_compared=None)
    assert judges_of(alone) is None
    page = render(alone, *made[1:])
    assert 'id="judges"' not in page
    assert "#judges" not in page


def test_it_survives_the_way_through_json_and_an_older_audit_reads(made):
    text = made[0].to_json()
    assert AuditResult.from_json(text) == made[0]
    older = json.loads(text)
    del older["judges_compared"]
    for model in older["models"]:
        for judge in model["judges"]:
            del judge["card_note"]
    assert AuditResult.from_json(json.dumps(older)).judges_compared is None


def test_the_terminal_names_replies_by_id_and_nothing_acts(made):
    lines = "\n".join(compare_lines(made[0].judges_compared))
    assert is_plain(lines)
    assert "and 40 more (--json)" in lines
    assert "on which the audit rests" in lines
