"""The page in a real browser, opened from disk: it runs nothing but its own, asks nobody, and can be used."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from tests.chromium import NEEDS_CHROMIUM
from tests.report import fixtures
from tests.report.hostile import ATTACKS, attack
from tests.report.watched import SMALLEST_CONTRAST, watch
from unmask.report import render
from unmask.report.visible import visible

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    made = fixtures.audit(
        (fixtures.FAKER, fixtures.IGNORER), contrasts="story,tag,training,benign,published_gap",
        n_queries=12, epochs=1,
    )  # fmt: skip
    single = fixtures.audit((fixtures.FAKER,), n_queries=8, epochs=2)
    (folder / "several.html").write_text(render(*made), encoding="utf-8")
    (folder / "single.html").write_text(render(*single), encoding="utf-8")
    (folder / "hostile.html").write_text(render(*attack(made)), encoding="utf-8")
    return folder, {"several": made, "single": single}


@pytest.fixture
def visit(browser, files):
    contexts = []

    def go(name, fragment="", **options):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | options)
        contexts.append(context)
        context.set_default_timeout(60_000)  # a busy machine is no failed test
        return watch(context, f"file://{files[0] / name}.html{fragment}")

    yield go
    for context in contexts:
        context.close()


def open_everything(page):
    """Unfold every prompt and every reply of the list."""
    while page.locator("#more").is_visible():
        page.locator("#more").click()
    page.evaluate(
        "() => { for (const b of document.querySelectorAll('.reply > button')) b.click();"
        " for (const d of document.querySelectorAll('details')) d.open = true; }"
    )


def found(page):
    """How many replies match, from the line above the list."""
    page.wait_for_timeout(250)
    return int(re.match(r"[\d,]+", page.locator("#found").inner_text())[0].replace(",", ""))


def test_attacks_in_every_field_run_nothing_and_ask_nobody(visit):
    assert len(ATTACKS) >= 25
    watched = visit("hostile")
    page = watched.page
    open_everything(page)
    page.mouse.move(300, 300)
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    watched.quiet()
    text = page.evaluate("document.body.textContent")
    for attack_ in ATTACKS:
        assert " ".join(visible(attack_).split()) in " ".join(text.split())
    assert (
        page.evaluate(
            "document.querySelectorAll('iframe, object, img, form, link, base, meta, a[href^=java]').length"
        )
        == 9
    )


def test_attacks_in_a_link_to_the_page_run_nothing(visit):
    for text in ATTACKS[:12]:
        bad = text.replace("\n", " ").replace("%", "")
        watched = visit("single", f"#replies&text={bad}&role={bad}&compliance={bad}&{bad}")
        watched.page.wait_for_timeout(100)
        watched.quiet()


def test_searching_and_every_filter_find_what_they_name(visit, files):
    watched = visit("several")
    page = watched.page
    _, replies, _ = files[1]["several"]
    assert found(page) == replies.height
    for status in ("truncated", "no_scratchpad"):
        page.select_option("#f-status", status)
        assert found(page) == replies.filter(replies["status"] == status).height
    page.click("#reset")
    page.fill("#f-text", "REQUEST NUMBER 3:")
    assert found(page) == replies.filter(replies["query"].str.contains("number 3:")).height
    page.fill("#f-text", "no text says this")
    assert found(page) == 0
    assert page.locator(".pair").count() == 0
    page.click("#reset")
    page.select_option("#f-category", "deceit")
    page.select_option("#f-role", "trained")
    wanted = replies.filter((replies["category"] == "deceit") & (replies["role"] == "trained")).height
    assert found(page) == wanted > 0
    watched.quiet()


def test_every_rate_leads_to_the_replies_that_it_counts(visit, files):
    watched = visit("several")
    page = watched.page
    result = files[1]["several"][0]
    for i, model in enumerate(result.models):
        for cell in model.cells[:3]:
            c = cell.condition
            link = page.locator(
                f"#model-{i + 1} a[href*='consequence={c['consequence']}'][href*='labels={c['labels']}&']"
                f"[href*='tag={c['tag']}&compliance=helped'][href*='arm={c['arm']}']"
            )
            link.first.click()
            assert found(page) == round(cell.complied.estimate * cell.n_usable)
            assert page.locator("#replies").evaluate("e => Math.abs(e.getBoundingClientRect().top) < 900")
    watched.quiet()


def test_both_tiers_stand_side_by_side_and_stay_folded_until_opened(visit):
    watched = visit("single")
    page = watched.page
    pair = page.locator(".pair").first
    left, right = pair.locator(".reply").nth(0), pair.locator(".reply").nth(1)
    assert left.bounding_box()["y"] == right.bounding_box()["y"]
    assert "trained on" in left.inner_text()
    assert page.locator(".reply .text").count() == 0
    assert not pair.locator("details p").is_visible()
    button = left.locator("button")
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert left.locator(".body").is_visible()
    assert not right.locator(".body").is_visible()
    assert pair.locator("details p").is_visible()
    button.click()
    assert not left.locator(".body").is_visible()
    watched.quiet()


def test_quoted_words_are_marked_where_they_stand(visit):
    page = visit("single", "#replies&reasoning=af").page
    page.locator(".reply:not(.beside) > button").first.click()
    assert page.locator("mark").first.inner_text() == "This chat is used for training."


def test_the_keyboard_is_enough(visit):
    watched = visit("single")
    page = watched.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#f-text").focus()
    page.keyboard.type("number 1")
    assert found(page) > 0  # the list is made anew after typing
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-controls')"):
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    watched.quiet()


def test_charts_and_tables_can_be_saved(visit, tmp_path):
    watched = visit("single")
    page = watched.page
    for kind, begins in (("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator(f"button[data-export={kind}]").first.click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.name == f"contrasts-model-1.{kind}"  # the first picture: beside the reasons
        assert path.read_bytes().startswith(begins)
    with page.expect_download() as download:
        page.locator("a[download='cells.csv']").click()
    download.value.save_as(tmp_path / "cells.csv")
    assert (tmp_path / "cells.csv").read_text().startswith("model,condition_key")
    assert watched.troubles == []
    assert page.evaluate("window.__violations") == []


def test_without_scripts_all_but_the_list_of_replies_is_there(visit):
    page = visit("single", java_script_enabled=False).page
    assert page.locator("table").first.is_visible()
    assert page.locator("figure .wide svg").first.is_visible()
    assert page.locator("noscript p, #replies .warn").last.is_visible()
    assert not page.locator("#filters").is_visible()
    assert not page.locator(".export").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1400])
@pytest.mark.parametrize("name", ["several", "hostile"])
def test_it_fits_the_window_and_can_be_read(visit, width, scheme, name):
    watched = visit(name, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = watched.page
    open_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pictures = page.locator("figure.chart").all()
    wide = [figure.locator(".wide").is_visible() for figure in pictures]
    assert all(
        figure.locator(".narrow").is_visible() is not w for figure, w in zip(pictures, wide, strict=True)
    )
    assert any(wide) is (width > 900)  # models side by side have the narrow ones on wide windows too
    smallest = page.evaluate(SMALLEST_CONTRAST)
    assert smallest["ratio"] >= 4.5, smallest


# WCAG's contrast of every visible text with the first ground behind it; the lowest on the page.


def test_print_shows_the_figures(visit, tmp_path):
    page = visit("single").page
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("figure .wide svg").first.is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_the_address_keeps_the_filters(visit):
    page = visit("single").page
    page.select_option("#f-role", "neither")
    page.fill("#f-text", "request & more")
    page.wait_for_timeout(300)
    assert "role=neither" in page.url
    assert "request" in unquote(page.url)
    page.reload()
    assert page.input_value("#f-text") == "request & more"
    assert page.input_value("#f-role") == "neither"
