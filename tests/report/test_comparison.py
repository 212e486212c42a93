"""The comparison's page and table: hostile text does nothing, no figure is missing, no file is lost."""

from __future__ import annotations

import dataclasses
import io
from itertools import cycle

import pytest
from rich.console import Console

from tests.auditing.test_compare import OTHER, save
from tests.report import fixtures
from tests.report.hostile import ATTACKS
from tests.report.watched import SMALLEST_CONTRAST, watch
from unmask.auditing.compare import compare
from unmask.errors import UsageError
from unmask.report import numbers
from unmask.report.comparison import ComparisonTable, p_value, render, write_comparison
from unmask.report.visible import is_plain, visible


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    roots = [save(folder / "one", fixtures.FAKER, fixtures.IGNORER), save(folder / "two", OTHER, seed=9)]
    return compare(roots, contrasts=["story", "tag"], allow=["prompt", "judge"])


@pytest.fixture(scope="module")
def hostile(found):
    texts = cycle(ATTACKS)
    members = [
        dataclasses.replace(m, name=next(texts), run=next(texts), model=next(texts), served_model=next(texts),
                            finished=next(texts), sampling=next(texts))
        for m in found.members
    ]  # fmt: skip
    return dataclasses.replace(
        found,
        title=next(texts),
        members=members,
        family=list(ATTACKS),
        notes=list(ATTACKS),
        allowed={"prompt": list(ATTACKS)},
    )


def table(found, width=140):
    out = io.StringIO()
    Console(file=out, width=width).print(ComparisonTable(found))
    return out.getvalue()


def test_names_are_no_markup_of_the_terminals_library(found):
    names = cycle(["[link=https://example.com]a[/link]", "[/]b", "[red]c"])
    named = dataclasses.replace(
        found, members=[dataclasses.replace(m, name=next(names)) for m in found.members]
    )
    out = io.StringIO()
    Console(file=out, width=200, force_terminal=True).print(ComparisonTable(named))
    assert "\x1b]8;" not in out.getvalue()  # a link
    assert all(name in out.getvalue() for name in ("[link=https://example.com]a[/link]", "[/]b", "[red]c"))


def test_page_and_table_hold_every_figure(found):
    page, text = render(found), table(found)
    for d in found.differences:
        assert numbers.points(d.effect.estimate) in page
        assert numbers.limits(d.effect) in page
        assert numbers.gap(d.effect) in text
        assert p_value(d.p_holm) in page
    for line in found.family:
        assert line in page
        assert line.split(": ")[1].split(" minus ")[0] in text


def test_same_comparison_same_bytes(found):
    assert render(found) == render(found)


def test_what_was_allowed_to_differ_stands_first(found):
    allowed = dataclasses.replace(found, allowed={"judge": ["story of b was judged by x, of a by y"]})
    page = render(allowed)
    assert page.index('id="allowed"') < page.index("<h3>Each by itself")
    assert "judged by x" in table(allowed)
    assert 'id="allowed"' not in render(dataclasses.replace(found, allowed={}))


def test_no_escape_sequence_reaches_a_terminal(hostile):
    assert is_plain(table(hostile, width=400))


def test_only_a_page_of_our_own_is_replaced(found, tmp_path):
    path = tmp_path / "page.html"
    write_comparison(found, path)
    write_comparison(found, path)
    path.write_text("somebody's own", encoding="utf-8")
    with pytest.raises(UsageError, match="no page of unmask compare"):
        write_comparison(found, path)
    assert path.read_text(encoding="utf-8") == "somebody's own"
    write_comparison(found, path, overwrite=True)
    assert "unmask compare" in path.read_text(encoding="utf-8")


def test_p_values_in_words():
    assert [p_value(p) for p in (None, 0.0, 0.00099, 0.0123, 1.0)] == [
        "–",
        "< 0.001",
        "< 0.001",
        "0.012",
        "1.000",
    ]


@pytest.fixture
def visit(browser, found, hostile, tmp_path):
    (tmp_path / "plain.html").write_text(render(found), encoding="utf-8")
    (tmp_path / "hostile.html").write_text(render(hostile), encoding="utf-8")
    contexts = []

    def go(name, **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | options))
        return watch(contexts[-1], f"file://{tmp_path / name}.html")

    yield go
    for context in contexts:
        context.close()


@pytest.mark.browser
def test_in_a_browser_attacks_run_nothing_and_ask_nobody(visit):
    watched = visit("hostile")
    watched.page.mouse.move(300, 300)
    watched.page.wait_for_timeout(300)
    watched.quiet()
    text = " ".join(watched.page.evaluate("document.body.textContent").split())
    for attack in ATTACKS:
        assert " ".join(visible(attack).split()) in text
    acting = "script, iframe, object, img, form, base, a[href^=java]"
    assert watched.page.evaluate(f"document.querySelectorAll('{acting}').length") == 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1400])
@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_in_a_browser_it_fits_and_can_be_read(visit, name, width, scheme):
    page = visit(name, viewport={"width": width, "height": 900}, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("figure .wide" if width > 900 else "figure .narrow").first.is_visible()
    assert page.evaluate(SMALLEST_CONTRAST)["ratio"] >= 4.5
