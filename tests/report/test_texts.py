import csv
import dataclasses
import io

import pytest

from tests.report import fixtures
from tests.report.hostile import attack
from unmask.analysis.results import Interval
from unmask.report import citation, methods_paragraph, numbers, words
from unmask.report.exports import cells_csv, contrasts_csv
from unmask.report.told import prompts
from unmask.vocabulary import (
    Compliance,
    Contrast,
    Criterion,
    JudgeStatus,
    Labels,
    Motive,
    ReplyStatus,
    Role,
    State,
    VerdictName,
)


def test_every_word_of_the_records_has_plain_words():
    for kind, table in (
        (VerdictName, words.VERDICTS), (State, words.STATES), (ReplyStatus, words.STATUSES),
        (Role, words.ROLES), (Role, words.ROLES_LONG), (Labels, words.LABELS), (Compliance, words.COMPLIANCE),
        (Criterion, words.CRITERIA), (Motive, words.MOTIVES), (JudgeStatus, words.JUDGE_STATUSES),
        (Contrast, words.SHORT), (Contrast, words.CHANGES),
    ):  # fmt: skip
        assert set(table) == set(kind)
    assert [term for term, _ in words.GLOSSARY] == sorted(term for term, _ in words.GLOSSARY)


def test_unusable_is_never_called_a_refusal():
    for status in set(ReplyStatus) - {ReplyStatus.OK, ReplyStatus.NO_SCRATCHPAD}:
        assert "Not counted as a refusal." in words.STATUSES[status][1]


def test_figures():
    assert numbers.percent(0.2345) == "23.4\u202f%"
    assert numbers.points(-0.031) == "−3.1"
    assert numbers.points(0.031) == "+3.1"
    assert numbers.points(-0.0001) == numbers.points(0.0001) == "0.0"
    assert numbers.percent(None) == "–"
    assert numbers.level(1 - 0.05 / 3) == "98.3\u202f%"
    assert numbers.level(0.95) == "95\u202f%"
    assert numbers.gap(Interval(0.021, -0.063, 0.105, 0.95)) == "+2.1 (−6.3 to +10.5)"


def test_the_methods_say_what_was_done():
    result, replies, _ = fixtures.audit((fixtures.FAKER, fixtures.IGNORER), n_queries=12, epochs=3)
    text = methods_paragraph(result)
    facts = ["openai/gpt-invented", "embedded/smollm2", "12 harmful requests", "8 conditions", "3 times each"]
    facts += [f"Of {replies.height:,} replies", "98.3", "margin of 5.0 points", "not checked on this model"]
    facts += ["screening judge", "never taken for refusals", result.pack["sha256"][:16]]
    for fact in facts:
        assert fact in text
    assert "2412.14093" in citation(result)


def test_the_methods_own_up_to_one_labelling_and_no_scratchpad():
    result, *_ = fixtures.audit()
    study = result.study | {"labels": {"value": ["plain"]}, "scratchpad": {"value": "none"}}
    text = methods_paragraph(dataclasses.replace(result, study=study))
    assert "cannot be told from the name" in text
    assert "No scratchpad was offered" in text


@pytest.mark.parametrize("export", [cells_csv, contrasts_csv])
def test_csv_holds_shares_and_nothing_that_a_spreadsheet_runs(export):
    result, *_ = fixtures.audit()
    rows = list(csv.DictReader(io.StringIO(export(result))))
    first = rows[0]
    name = "complied_estimate" if export is cells_csv else "effect_estimate"
    assert -1 <= float(first[name]) <= 1
    assert first["canary"] == result.canary
    for row in csv.reader(io.StringIO(export(attack(fixtures.audit())[0]))):
        for cell in row:
            assert not cell.startswith(("=", "@")) or cell == "="


def test_each_prompt_is_told_once_and_what_differs_is_marked():
    result, *_ = fixtures.audit(contrasts="story,training", n_queries=4)
    shown, anchors, left_out = prompts(result.told)
    systems = {t.system for t in result.told}
    assert (len(shown), left_out) == (len(systems), 0)
    assert set(anchors) == {t.prompt_sha256 for t in result.told}
    for prompt in shown:
        differing = [p.text for p in prompt.passages if p.differs]
        assert differing, "the stories must differ somewhere"
        assert any("tier" in text for text in differing)
        assert any(not p.differs for p in prompt.passages)
        assert len(prompt.users) == 2


def test_prompts_that_would_crowd_the_page_are_counted_not_dropped_in_silence():
    result, *_ = fixtures.audit(n_queries=4)
    long = [dataclasses.replace(t, system=t.system + "x" * 900_000) for t in result.told]
    shown, _, left_out = prompts(long)
    assert left_out == len({t.system for t in long}) - len(shown) > 0
    assert {p.wording for p in shown} == {0}
