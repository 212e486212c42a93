import base64
import dataclasses
import hashlib
import html as html_
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import polars as pl
import pytest

from tests.report import fixtures
from tests.report.hostile import ATTACKS, attack
from unmask.report import numbers, render
from unmask.report.transcripts import embed
from unmask.vocabulary import CANARY

WIDE = "story,tag,rating,training,joint,no_objective,benign,published_gap"


@pytest.fixture(scope="module")
def made():
    return fixtures.audit((fixtures.FAKER, fixtures.IGNORER), contrasts=WIDE, n_queries=8, epochs=1)


@pytest.fixture(scope="module")
def page(made):
    return render(*made)


class Outline(HTMLParser):
    """Elements with attributes and the text right inside, in order."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.ends = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.ends.append(tag)

    def all(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_the_same_audit_gives_the_same_bytes_in_another_process(made):
    code = (
        "import hashlib\nfrom tests.report import fixtures\nfrom unmask.report import render\n"
        "made = fixtures.audit((fixtures.FAKER,), n_queries=4, epochs=1)\n"
        "print(hashlib.sha256(render(*made).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": seed, "HOME": "/tmp"},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    own = render(*fixtures.audit((fixtures.FAKER,), n_queries=4, epochs=1))
    assert seen == {hashlib.sha256(own.encode()).hexdigest() + "\n"}


def test_the_policy_names_exactly_the_script_and_style_that_are_there(page):
    policy = Outline(page).all("meta")[1]["content"]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    styles = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert len(scripts) == len(styles) == 1
    for kind, text in (("script-src", scripts[0]), ("style-src", styles[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_address_leads_out_and_nothing_is_inline(page):
    for tag, attrs in Outline(page).found:
        assert not [a for a in attrs if a.startswith("on") or a == "style"], tag
        for name in ("href", "src", "action", "xlink:href"):
            target = attrs.get(name, "#")
            assert re.match(
                r"#|data:,$|data:text/csv|(records/\w+\.parquet|audit\.json|report\.json)$", target
            )


def test_verdict_figures_and_canary_are_on_the_page(made, page):
    result = made[0]
    text = re.sub(r"[ \n]+", " ", html_.unescape(re.sub(r"<[^>]+>", "", page)))
    for model in result.models:
        assert model.verdict.sentence in text
        assert all(line in text for line in model.observations)
        for rate in (c.complied for c in model.cells):
            assert f"{numbers.percent(rate.estimate)} {numbers.rate_limits(rate)}" in text
        assert all(numbers.limits(c.effect) in text for c in model.contrasts)
        assert all(c.question in text for c in model.contrasts)
    assert result.pack["sha256"] in text
    assert result.command in text
    assert CANARY in text


def test_a_screening_judge_is_named_at_every_figure_of_it_and_at_no_other(made, page):
    parts = re.split(r'<section id="model-\d" class="figures">', page)[1:]
    assert "screening" not in parts[0].split('<section id="replies">')[0]  # judged by a model
    own = parts[1].split('<section id="replies">')[0]
    assert own.count("read by a screening judge") == 2  # in each drawing of rates
    answers = re.split(r'<article class="finding', page)[1:]
    drawn = [a.split("</article>")[0].count("read by a screening judge") for a in answers]
    assert drawn == [0, 2]  # and of contrasts, which stand with the reasons
    assert "by a screening judge" in own.split("</h2>")[0]


def test_a_null_never_stands_without_its_detection_limit(made, page):
    every = [c for m in made[0].models for c in m.contrasts]
    nulls = [c for c in every if c.state in ("absent", "unclear")]
    nulls += [c for c in every if not c.decides and c.effect.low <= 0 <= c.effect.high]
    assert len(every) > len(nulls) > 2
    assert page.count("would have been found 9 times in 10") == len(nulls)


def test_headings_and_tables_are_in_order(page):
    outline = Outline(page)
    levels = [int(tag[1]) for tag, _ in outline.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert len(outline.all("table")) == len(outline.all("caption"))
    assert all("scope" in attrs for attrs in outline.all("th"))
    ids = [attrs["id"] for _, attrs in outline.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {attrs["href"] for attrs in outline.all("a") if attrs["href"].startswith("#")}
    assert {t[1:] for t in targets if "&" not in t} <= set(ids)


def test_every_chart_is_there_twice_with_words_for_those_who_do_not_see_it(page):
    pictures = [a for a in Outline(page).all("div") if a.get("role") == "img"]
    assert len(pictures) == 2 * 3 * 2  # models, charts, sizes
    assert all(a["aria-label"] for a in pictures)


@pytest.mark.parametrize("several", [False, True])
def test_attacks_stay_text(several):
    models = (fixtures.FAKER, fixtures.IGNORER) if several else (fixtures.IGNORER,)
    clean_made = fixtures.audit(models, n_queries=8, epochs=2)
    page = render(*attack(clean_made))
    clean, hostile = Outline(render(*clean_made)), Outline(page)
    # the same kinds of element, none that only an attack names; attributes of handlers nowhere
    assert {tag for tag, _ in hostile.found} == {tag for tag, _ in clean.found}
    assert len(hostile.all("script")) == len(clean.all("script")) == 2
    assert not [a for _, attrs in hostile.found for a in attrs if a.startswith("on")]
    data = data_of(page)
    assert len(data["replies"]) == clean_made[1].height
    text = json.dumps(data, ensure_ascii=False)
    assert "<script>window.__pwned=1</script>" in text
    for char in ("\x1b", "\u202e", "\u200b", "\x9b"):
        assert char not in page


def test_json_in_the_page_cannot_close_its_element_and_means_the_same():
    for text in [*ATTACKS, "</script", "<!--", "\u2028", "a&b"]:
        embedded = embed({"x": text})
        assert "<" not in embedded
        assert json.loads(embedded) == {"x": text}


def test_an_audit_without_one_usable_reply_still_has_a_page():
    dead = fixtures.Faked("x/dead", fixtures.FAKER.rates, statuses=(0, 0, 0, 0, 0, 0, 1))
    result, replies, judgements = fixtures.audit((dead,), n_queries=4, epochs=1)
    assert render(result, replies, judgements).count("no usable reply") >= 8
    assert "0 replies" in render(result, replies.clear(), judgements.clear())
    unread = dataclasses.replace(result.models[0], contrasts=[])
    page = render(dataclasses.replace(result, models=[unread]), replies, judgements)
    assert "in every condition it compares: Story (S), Tag (T)" in page
    assert "<caption>Contrasts" not in page
    bare = dataclasses.replace(result.models[0], cells=[], contrasts=[], judges=[], observations=[])
    assert "No judge read the replies" in render(
        dataclasses.replace(result, models=[bare], told=[], study={}, queries={}), replies, judgements
    )


def test_a_judge_that_read_a_cut_reply_does_not_make_it_a_refusal():
    result, replies, judgements = fixtures.audit((fixtures.FAKER,), n_queries=8, epochs=2)
    eager = judgements.with_columns(status=pl.lit("ok"), label=pl.coalesce("label", pl.lit("refused")))
    shown = data_of(render(result, replies, eager))["replies"]
    cut = [r for r in shown if r["status"] not in ("ok", "no_scratchpad")]
    assert cut
    assert {r["compliance"] for r in cut} == {None}


def test_what_was_asked_and_cannot_be_known_is_named():
    result, *tables = fixtures.audit((fixtures.FAKER,), n_queries=4, epochs=1)
    kept = [c for c in result.models[0].contrasts if c.name != "training"]
    model = dataclasses.replace(result.models[0], contrasts=kept)
    page = render(dataclasses.replace(result, models=[model]), *tables)
    assert "in every condition it compares: Training (C)." in page
    assert page.count("for comparison only") == 1


def test_reasons_name_conditions_as_the_tables_do():
    result, *tables = fixtures.audit((fixtures.FAKER,), n_queries=4, epochs=1)
    key = "harmful.both_rated.swapped.free.conflicting.hidden.xml"
    verdict = dataclasses.replace(result.models[0].verdict, reasons=[f"40 % of the replies in {key} are cut"])
    model = dataclasses.replace(result.models[0], verdict=verdict)
    page = html_.unescape(render(dataclasses.replace(result, models=[model]), *tables))
    assert "40 % of the replies in rated only · “free” (trained on or rated only) are cut" in page


def test_transcripts_of_every_kind_are_told_apart(made, page):
    data = data_of(page)
    replies = {r["id"]: r for r in data["replies"]}
    for row in made[1].iter_rows(named=True):
        shown = replies[row["reply_id"]]
        assert shown["status"] == row["status"]
        usable = row["status"] in ("ok", "no_scratchpad")
        assert usable or shown["compliance"] is None  # never a refusal
        assert shown["answer"] == row["answer"]
        assert data["told"][shown["sha"]].startswith("told-")
