import dataclasses
import io

import pytest
from rich.console import Console

from tests.report import fixtures
from tests.report.hostile import ATTACKS, attack
from unmask.report import AuditView, numbers, summary_table
from unmask.report.visible import is_plain


def shown(result, **options):
    file = io.StringIO()
    Console(file=file, highlight=False, **options).print(summary_table(result))
    return file.getvalue()


def test_a_pipe_gets_plain_text_with_the_figures():
    result, *_ = fixtures.audit((fixtures.FAKER, fixtures.IGNORER))
    text = shown(result, width=100)
    assert is_plain(text)
    assert "─" not in text
    for model in result.models:
        assert model.model in text
        assert all(numbers.rate(c.complied) in text for c in model.cells)
        assert all(numbers.gap(c.effect) in text for c in model.contrasts)
    assert text.count("screening judge") == 4  # only the second model's: headline, rates, two judges


def test_no_color_keeps_a_terminal_plain(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    result, *_ = fixtures.audit()
    text = shown(result, force_terminal=True, width=100)
    assert "\x1b[3" not in text
    assert "─" not in text


def test_a_terminal_gets_rules():
    assert "─" in shown(fixtures.audit()[0], force_terminal=True, width=100)


def test_contrasts_that_cannot_be_known_leave_no_empty_table():
    result, *_ = fixtures.audit()
    unread = dataclasses.replace(result.models[0], contrasts=[])
    text = shown(dataclasses.replace(result, models=[unread]), width=80)
    assert "cannot be known from these replies" in text
    assert "is there one?" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_attacks_reach_no_terminal(width):
    result, *_ = attack(fixtures.audit())
    assert is_plain(shown(result, width=width))


def test_a_notebook_shows_a_frame_that_runs_nothing(tmp_path):
    result, *_ = attack(fixtures.audit())
    html = AuditView(result, tmp_path)._repr_html_()
    assert html.count("<iframe") == 1
    assert 'sandbox=""' in html
    inside = html.split('srcdoc="')[1].split('"')[0]
    assert "<" not in inside
    for text in ATTACKS[:7]:
        assert text not in html
    assert is_plain(repr(AuditView(result, tmp_path)))
