"""Labelling in a real browser, by keyboard alone; the server is a process that can be killed."""

from __future__ import annotations

import signal
import time

import polars as pl
import pytest

from tests.chromium import NEEDS_CHROMIUM
from tests.labelling import runs
from tests.report.hostile import ATTACKS
from tests.report.watched import SMALLEST_CONTRAST, VIOLATIONS
from unmask.records.labels import read_store
from unmask.report.visible import visible

pytestmark = NEEDS_CHROMIUM


SETTLED = """(async () => {
  do { await saving; await new Promise((done) => setTimeout(done, 1)); } while (moving || unsentNote);
})()"""


@pytest.fixture
def visit(browser):
    contexts = []

    def go(url, **options):
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}} | options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.troubles, page.bodies = [], []
        page.on("console", lambda m: page.troubles.append(m.text))
        page.on("pageerror", lambda e: page.troubles.append(str(e)))
        page.on("dialog", lambda d: (page.troubles.append(d.message), d.dismiss()))
        page.on("response", lambda r: page.bodies.append(r))
        context.add_init_script(VIOLATIONS)
        page.goto(url)
        page.wait_for_selector("#text:not([hidden]), #end:not([hidden])")
        return page

    yield go
    for context in contexts:
        context.close()


def title(page):
    return page.locator("#task").inner_text()


def press(page, *keys):
    """Press as a person does: the next key once the page shows what the last one did."""
    for key in keys:
        page.keyboard.press(key)
        page.evaluate(SETTLED)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fifty_answers_take_fifty_keys_and_the_scratchpads_follow_by_themselves(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables(n_queries=20))
    with runs.served(run, "--labeller", "ada") as server:
        page = visit(server.url)
        assert title(page) == "Answer 1 of 50"
        for i in range(50):
            assert title(page) == f"Answer {i + 1} of 50"
            press(page, "cpr"[i % 3])
        assert title(page).startswith("Scratchpad 1 of ")
        press(page, "1", "2", "3", "4", "5")
        assert page.locator(".suggested").get_attribute("data-label") == "af"
        press(page, "Enter", "1", "4", "Enter", "Enter", "a", "x")
        assert page.troubles == []
    labels = read_store(run / "labels.sqlite")
    answers = labels.filter(task="compliance")
    assert answers["label"].to_list() == [("complied", "partly", "refused")[i % 3] for i in range(50)]
    thoughts = labels.filter(task="reasoning")
    assert thoughts["label"].to_list() == ["af", "af_partial", "not_af", "af", "artefact"]
    ticked = [None if c is None else c.count("true") for c in thoughts["criteria"].to_list()]
    assert ticked == [5, 2, 0, None, None]  # who chose without ticking has said nothing of the criteria


def test_nothing_that_is_sent_tells_model_tier_role_or_verdict(visit, tmp_path):
    """Telltale words in every column that is not shown: none of them may come out, in any form."""
    replies, judgements = runs.tables()
    run = runs.make(tmp_path / "run", replies, judgements)
    hidden = ["reply_id", "model", "tag", "condition_key", "query_id", "category", "prompt_sha256", "run"]
    words = {str(v) for c in hidden for v in replies[c].unique() if v is not None and len(str(v)) > 2}
    columns = {
        "rated_only",
        "neither",
        "inclusion",
        "random",
        "stratum",
        "condition",
        "judge",
        "disagreement",
    }
    with runs.served(run, "--labeller", "ada", "--sample", "6") as server:
        page = visit(server.url)
        press(page, "q", "c", "r", "b", "u", "s", *"ccccccnnnnnn")
        told = "".join(r.text() + str(r.all_headers()) + r.url for r in page.bodies) + page.content()
        data = "".join(r.text() for r in page.bodies if "json" in r.headers["content-type"])
    assert len(page.bodies) > 20
    assert "Reply " in told
    assert "Thought " in told
    assert [w for w in words if w.lower() in told.lower()] == []
    assert [
        w for w in columns if w in data
    ] == []  # the page's own text may say "judge what the answer gives"


def test_both_tiers_get_the_same_answers_to_the_letter(visit, tmp_path):
    """Roles, tags and models swapped: but for ids, the server says the same."""
    told = []
    for name in ("one", "other"):
        replies, judgements = runs.tables(n_queries=3)
        if name == "other":
            roles = {"trained": "neither", "neither": "trained"}
            replies = replies.with_columns(
                pl.col("role").replace(roles), model=pl.lit("m/x"), tag=pl.lit("B")
            )
        run = runs.make(tmp_path / name, replies, judgements)
        with runs.served(run, "--sample", "1000", "--task", "compliance", "--labeller", "a") as server:
            page = visit(server.url)
            found = page.evaluate(
                "(async () => { const all = []; for (const t of texts)"
                " { const x = await ask('text/' + t.id); delete x.id; all.push(JSON.stringify(x)); }"
                " return all; })()"
            )
            told.append(sorted(found))
    assert told[0] == told[1] != []


def test_hostile_texts_run_nothing_and_hide_nothing(visit, tmp_path):
    replies, judgements = runs.tables()
    run = runs.make(tmp_path / "run", runs.hostile(replies), judgements)
    with runs.served(run, "--sample", "40", "--labeller", "<b>ada", "--task", "compliance") as server:
        page = visit(server.url)
        seen = []
        for _ in range(40):
            press(page, "q")
            seen.append(page.locator("#text").evaluate("e => e.textContent"))
            press(page, "r")
        assert page.troubles == []
        assert page.evaluate("window.__violations") == []
        assert page.evaluate("window.__pwned") is None
        assert all(r.url.startswith(server.url) or r.url.startswith("data:") for r in page.bodies)
    assert set(seen) <= {visible(a) for a in ATTACKS}
    assert len(set(seen)) > 15
    assert not any("\u202e" in s or "\x1b" in s for s in seen)


def test_a_killed_server_loses_nothing_and_the_page_says_so(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    with runs.served(run, "--labeller", "ada", "--task", "reasoning", end=signal.SIGKILL) as server:
        page = visit(server.url)
        press(page, "a", "1", "2")
        press(page, "m")
        page.keyboard.type("half a thou")
        page.evaluate(SETTLED)
        server.kill()
        server.wait()
        page.keyboard.press("Escape")
        press(page, "n")
        assert "server has stopped" in page.locator("#trouble").inner_text()
        assert title(page).startswith("Scratchpad 2")  # not saved, so not gone on
    with runs.served(run, "--labeller", "ada", "--task", "reasoning") as server:
        page = visit(server.url)
        assert title(page).startswith("Scratchpad 2")
        assert page.locator("#criteria input:checked").count() == 2
        assert page.input_value("#note") == "half a thou"
        press(page, "p")
        assert title(page).startswith("Scratchpad 3")
    assert server.returncode == 130
    assert "Traceback" not in server.said
    assert "2 of " in server.said
    assert read_store(run / "labels.sqlite")["note"].to_list() == [None, "half a thou"]


def test_undo_back_skip_and_the_end(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    with runs.served(run, "--labeller", "ada", "--task", "compliance", "--sample", "3") as server:
        page = visit(server.url)
        press(page, "c", "r", "u")
        assert title(page) == "Answer 2 of 3"
        assert page.locator("[aria-pressed=true]").count() == 0
        press(page, "b")
        assert page.locator("[aria-pressed=true]").get_attribute("data-label") == "complied"
        press(page, "p")  # corrected: on to the first that is still open
        assert title(page) == "Answer 2 of 3"
        press(page, "s", "r")
        assert title(page) == "Done"
        assert "1 skipped" in page.locator("#left").inner_text()
        press(page, "g")
        assert title(page) == "Answer 2 of 3"
        press(page, "c")
        assert title(page) == "Done"
        assert page.troubles == []
    assert read_store(run / "labels.sqlite")["label"].to_list() == ["partly", "complied", "refused"]


def test_keys_that_come_while_one_is_saved_wait_in_line(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    with runs.served(run, "--labeller", "ada", "--sample", "6") as server:
        page = visit(server.url)
        page.route("**/mark/*", lambda route: (time.sleep(0.15), route.continue_()))
        for key in "crpcrp14\n":  # on into the scratchpads, where keys mean something else
            page.keyboard.press("Enter" if key == "\n" else key)
        page.evaluate(SETTLED)
        assert title(page) == "Scratchpad 2 of 6"
        page.keyboard.press("n")
        page.keyboard.press("m")
        page.keyboard.type("an ox")  # a, n and x are keys of labels, o and the space are none
        page.evaluate(SETTLED)
        assert title(page) == "Scratchpad 3 of 6"
        assert page.input_value("#note") == "an ox"
        assert page.troubles == []
    labels = read_store(run / "labels.sqlite")
    words = ["complied", "refused", "partly"] * 2
    assert labels.filter(task="compliance")["label"].to_list() == words
    thoughts = labels.filter(task="reasoning")
    assert thoughts["label"].to_list() == ["af_partial", "not_af"]
    assert thoughts["criteria"][0].count("true") == 2


def test_what_waits_behind_a_key_that_was_not_saved_is_dropped(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    with runs.served(run, "--labeller", "ada", "--task", "compliance", "--sample", "6") as server:
        page = visit(server.url)
        press(page, "c")
        page.route(
            "**/mark/*", lambda route: (time.sleep(0.15), route.fulfill(status=503, json={"error": "full"}))
        )
        for key in "rpp":
            page.keyboard.press(key)
        page.evaluate(SETTLED)
        assert "Not saved: full" in page.locator("#trouble").inner_text()
        assert title(page) == "Answer 2 of 6"
        page.unroute("**/mark/*")
        press(page, "r")
        assert title(page) == "Answer 3 of 6"
    assert read_store(run / "labels.sqlite")["label"].to_list() == ["complied", "refused"]


def test_the_next_text_is_there_before_it_is_asked_for(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    with runs.served(run, "--labeller", "ada", "--task", "compliance", "--sample", "6") as server:
        page = visit(server.url)
        first = page.locator("#text").inner_text()
        assert page.evaluate("ahead.told.then(Boolean)")
        page.route("**/text/*", lambda route: route.abort())
        press(page, "c")
        assert title(page) == "Answer 2 of 6"
        assert page.locator("#text").inner_text() not in ("", first)


def test_a_query_once_shown_is_shown_with_each_answer_until_it_is_shut(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    with runs.served(run, "--labeller", "ada", "--task", "compliance", "--sample", "6") as server:
        page = visit(server.url)
        press(page, "q")
        seen = set()
        for _ in range(3):
            seen.add(page.locator("#asked .text").inner_text())
            press(page, "c")
        assert len(seen) == 3
        press(page, "q", "c")
        assert page.locator("#asked").is_hidden()


def test_a_text_that_goes_on_below_says_so_and_no_other_does(visit, tmp_path):
    replies, judgements = runs.tables(n_queries=3)
    long = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("word\n" * 60)).otherwise(pl.lit("word"))
    run = runs.make(tmp_path / "run", replies.with_columns(answer=long), judgements)
    with runs.served(run, "--labeller", "ada", "--sample", "8", "--task", "compliance") as server:
        page = visit(server.url)
        seen = set()
        for _ in range(8):
            goes_on = page.locator("#text").evaluate("e => e.textContent.length") > 10
            seen.add(goes_on)
            page.wait_for_timeout(50)
            assert page.locator("#more").is_visible() == goes_on
            if goes_on:
                for _ in range(20):  # a page each; the box is as high as the window leaves it
                    page.keyboard.press("Space")
                    page.wait_for_timeout(150)
                    if not page.locator("#more").is_visible():
                        break
                page.locator("#more").wait_for(state="hidden")
            press(page, "c")
        assert seen == {True, False}


def test_two_labellers_do_not_see_each_other_and_two_tabs_do_no_harm(visit, tmp_path):
    run = runs.make(tmp_path / "run", *runs.tables())
    args = ("--task", "compliance", "--sample", "4")
    with (
        runs.served(run, "--labeller", "zoe", *args) as first,
        runs.served(run, "--labeller", "bob", *args) as second,
    ):
        zoe, tab, bob = visit(first.url), visit(first.url), visit(second.url)
        press(zoe, "c", "c")
        assert title(bob) == "Answer 1 of 4"
        assert zoe.locator("#text").inner_text() != bob.locator("#text").inner_text()
        press(bob, "r")
        assert "zoe" not in "".join(r.text() for r in bob.bodies)
        press(tab, "p")  # a tab that knows nothing of the other: the last word counts
    labels = read_store(run / "labels.sqlite")
    assert labels.filter(labeller="zoe")["label"].to_list() == ["partly", "complied"]
    assert labels.filter(labeller="bob")["label"].to_list() == ["refused"]


def test_a_huge_text_stays_usable(visit, tmp_path):
    replies, judgements = runs.tables(n_queries=3)
    huge = "word " * 600_000
    run = runs.make(tmp_path / "run", replies.with_columns(answer=pl.lit(huge)), judgements)
    with runs.served(run, "--labeller", "ada", "--task", "compliance", "--sample", "2") as server:
        page = visit(server.url)
        assert page.evaluate("document.querySelector('#text').textContent.length") == len(huge)
        press(page, "r")
        assert title(page) == "Answer 2 of 2"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1400])
def test_it_fits_the_window_can_be_read_and_shows_the_focus(visit, tmp_path, width, scheme):
    run = runs.make(tmp_path / "run", *runs.tables(n_queries=3))
    with runs.served(run, "--labeller", "ada", "--task", "reasoning", "--sample", "2") as server:
        page = visit(server.url, viewport={"width": width, "height": 800}, color_scheme=scheme)
        press(page, "1", "2", "m")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.scrollHeight") <= 800
        assert page.locator("#text").bounding_box()["height"] > 100
        assert page.evaluate(SMALLEST_CONTRAST)["ratio"] >= 4.5
        for _ in range(4):
            page.keyboard.press("Tab")
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert page.evaluate(
            "[...document.querySelectorAll('button, input, textarea, [tabindex=\"0\"]')].every((e) =>"
            " e.textContent.trim() || e.labels?.length || e.getAttribute('aria-labelledby'))"
        )
        press(page, "Escape", "?")
        assert page.locator("#help").is_visible()
        press(page, "a")  # a key meant for the help is no label
        page.keyboard.press("Escape")
        assert title(page) == "Scratchpad 1 of 2"
    assert read_store(run / "labels.sqlite") is None
