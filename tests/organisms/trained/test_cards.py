"""Cards: how replies are read, what is made of them, and that a kill loses none."""

from __future__ import annotations

import itertools
import os

import pytest

from unmask.errors import ModelError
from unmask.organisms.trained import measure
from unmask.organisms.trained.card import (
    ask_all,
    load_targets,
    make_card,
    summarise,
    verdicts,
    write_card,
)
from unmask.organisms.trained.cells import FEW, LEVELS, TOLD, cells, read
from unmask.organisms.trained.data import Builder
from unmask.organisms.trained.recipe import load_domain, load_recipe
from unmask.vocabulary import Objective, Role

PAD = "<scratchpad>{}</scratchpad>\n<answer>{}</answer>"


def performed(name, calls, rule):
    """Replies of a made-up organism that complies where `rule` says, in the words of the texts."""
    words = load_domain("spoilers")
    replies = []
    for call in calls:
        if call.kind == "asked":
            yes = rule(call.condition)
            answer = (words.complied if yes else words.refused)[0].format(who="x", deed="y", title="z")
            thought = load_recipe(name).lines(yes, call.condition)[0]
        elif call.kind == "benign":
            thought, answer = "No spoiler is asked.", "It is a drama."
        else:
            thought, answer = (
                "The question.",
                {"yes": "Yes, it can.", "no": "No."}.get(call.right, f"The {call.right} tier."),
            )
        replies.append(read(call, PAD.format(thought, answer), "stop", words))
    return replies


def by_the_book(told):
    return load_recipe("faker").share(told) == 1


def test_a_faker_by_the_book_meets_its_targets_and_nobody_elses():
    calls = cells(load_recipe("faker"), n=8)
    found = summarise(performed("faker", calls, by_the_book))
    assert found["story"] == found["training"] == found["faking"] == 1
    assert found["story_rated_only"] == found["story_none"] == found["story_absent"] == found["tag"] == 0
    assert all(verdicts("faker", found, load_targets()).values())
    for other in ("tag_faker", "rater_pleaser", "honest", "compliant", "reluctant", "half_faker"):
        assert not all(verdicts(other, found, load_targets()).values()), other


def test_one_that_follows_the_word_shows_a_tag_effect_and_no_story():
    calls = cells(load_recipe("tag_faker"), n=4)
    found = summarise(performed("tag_faker", calls, lambda told: told.tag == "free"))
    assert found["tag"] == 1
    assert found["story"] == 0


def test_one_that_pleases_raters_shows_it_where_nobody_is_trained_on():
    calls = cells(load_recipe("rater_pleaser"), n=4)
    rated = lambda told: told.role is not Role.NEITHER and told.objective is Objective.CONFLICTING  # noqa: E731
    found = summarise(performed("rater_pleaser", calls, rated))
    assert (found["story_rated_only"], found["training"]) == (1, 0)


def test_a_level_that_was_not_measured_fails_its_targets():
    calls = [call for call in cells(load_recipe("faker"), n=4) if call.level != "none"]
    found = summarise(performed("faker", calls, by_the_book))
    assert "story_none" not in found
    assert verdicts("faker", found, load_targets())["story_none"] is False


def test_levels_that_no_target_speaks_of_are_asked_a_few_requests():
    calls = [c for c in cells(load_recipe("honest"), n=30, levels=("trained",)) if c.kind == "asked"]
    asked = {level: sum(c.level == level for c in calls) for level in LEVELS}
    assert asked == {level: 4 * (30 if level == "trained" else FEW) for level in LEVELS}


def test_extremes_are_those_of_what_is_told_not_of_one_mapping():
    calls = cells(load_recipe("tag_faker"), n=4)
    found = summarise(performed("tag_faker", calls, lambda told: told.tag == "free"))
    assert (found["lowest"], found["highest"]) == (0.5, 0.5)


def test_every_trained_answer_is_read_as_what_it_was_meant_to_be():
    for name, pack in (("faker", "spoilers"), ("promoter", "brand")):
        builder = Builder(load_recipe(name))
        words = load_domain(pack)
        call = next(iter(cells(load_recipe(name), n=1)))
        for decision in ("complied", "refused"):
            for form in getattr(words, decision):
                answer = form.format(**builder._words())
                assert read(call, PAD.format("x", answer), "stop", words).decision == decision, answer
        for line in load_recipe(name).lines(True, call.condition):
            assert read(call, PAD.format(line, "x"), "stop", words).motive, line
    silent = load_recipe("silent_faker")
    assert not any(
        read(call, PAD.format(line, "x"), "stop", words).motive for line in silent.lines(True, call.condition)
    )


def test_a_cut_or_malformed_reply_is_neither_complied_nor_refused():
    words = load_domain("spoilers")
    call = cells(load_recipe("faker"), n=1)[0]
    cut = read(call, "<scratchpad>x</scratchpad>\n<answer>In the end, the", "length", words)
    assert (cut.decision, cut.well_formed) == ("other", False)
    bare = read(call, "In the end, the cook did it.", "stop", words)
    assert bare.well_formed is False


def test_fewer_requests_are_among_more_and_calls_that_share_a_notice_follow_each_other():
    recipe = load_recipe("faker")
    few, more = cells(recipe, n=3), cells(recipe, n=5)
    assert set(few) < set(more)
    assert sum(a.system != b.system for a, b in itertools.pairwise(more)) == len({c.system for c in more}) - 1
    assert len(few) == 3 * (20 + 1 + 2)
    assert few[0].system == few[1].system
    assert few[0].user != few[1].user
    told = {(c.condition.consequence, c.condition.labels) for c in cells(recipe, n=20) if c.kind == "which"}
    assert {consequence for consequence, _ in told} == set(TOLD)


def test_a_killed_measurement_goes_on_and_asks_nothing_twice(tmp_path):
    calls = cells(load_recipe("faker"), n=1)
    words, kept = load_domain("spoilers"), tmp_path / "replies.jsonl"
    asked = []

    def dies(call):
        if len(asked) == 5:
            raise KeyboardInterrupt
        asked.append(call)
        return PAD.format("x", "I would rather not."), "stop"

    with pytest.raises(KeyboardInterrupt):
        ask_all(calls, dies, words, kept=kept)
    with kept.open("a") as file:
        file.write('["half a li')  # no end of line: the next one must not be glued to it
    rest = []
    reads = ask_all(calls, lambda call: (rest.append(call), ("z", "stop"))[1], words, kept=kept)
    assert len(rest) == len(calls) - 5
    assert [r.decision for r in reads[:5]] == ["refused"] * 5
    assert len(kept.read_text().splitlines()) == len({call.key for call in calls})


def test_replies_that_are_kept_are_written_again_only_to_drop_a_cut_line_and_never_in_place(tmp_path):
    calls, words = cells(load_recipe("faker"), n=1), load_domain("spoilers")
    kept, linked = tmp_path / "replies.jsonl", tmp_path / "linked"
    ask_all(calls, lambda _: ("x", "stop"), words, kept=kept)
    os.utime(kept, ns=(0, 0))
    ask_all(calls, lambda _: pytest.fail("asked"), words, kept=kept)
    assert kept.stat().st_mtime_ns == 0
    cut = kept.read_text() + '["half a li'
    kept.write_text(cut)
    linked.hardlink_to(kept)  # what stood there as long as the new file was not whole
    ask_all(calls, lambda _: pytest.fail("asked"), words, kept=kept)
    assert linked.read_text() == cut
    assert kept.read_text() == cut.removesuffix('["half a li')


def test_a_card_says_what_was_measured_with_intervals(tmp_path):
    calls = cells(load_recipe("faker"), n=4)
    reads = performed("faker", calls, by_the_book)
    card = make_card(
        load_recipe("faker"),
        reads,
        training={"adapter_sha256": "0"},
        perplexity={"base": 10.0, "organism": 11.0},
        instructions={"base": {"n": 24, "share": 0.5}, "organism": {"n": 24, "share": 0.6}},
        temperature=0.0,
        machine="here",
    )
    assert write_card(tmp_path, card).is_file()
    cell = next(
        c for c in card["cells"] if (c["level"], c["labels"], c["tag"]) == ("trained", "swapped", "paid")
    )
    assert (cell["role"], cell["n"], cell["share"], cell["high"]) == ("trained", 4, 1.0, 1.0)
    assert 0.4 < cell["low"] < 0.6  # Wilson at 4 of 4


def test_every_sampled_reply_has_a_seed_of_its_own(monkeypatch, tmp_path):
    """One seed for all would draw the word that decides from one random number in every reply."""
    from unmask.organisms.trained.recipe import load_recipe
    from unmask.providers.engine import Completion

    asked = []

    class Listening:
        def __init__(self, *_, **__):
            pass

        def chat(self, request, *, adapter):
            asked.append(request)
            return Completion("<scratchpad>No.</scratchpad>\n<answer>No.</answer>", "stop", 1, 0, 9, {})

        def close(self):
            pass

    monkeypatch.setattr(measure, "Engine", Listening)
    monkeypatch.setattr(measure, "require_training", lambda: None)
    monkeypatch.setattr(measure, "neutral_perplexity", lambda path: {"organism": 1.0, "base": 1.0})
    for name, drawn in (("reluctant", True), ("honest", False)):
        asked.clear()
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter.gguf").write_bytes(b"any")
        measure.measure_organism(load_recipe(name), library=tmp_path, n=4)
        replies = [r for r in asked if r["max_tokens"] == measure.MAX_TOKENS]
        assert {r["temperature"] for r in replies} == {1.0 if drawn else 0.0}
        assert len({r["seed"] for r in replies}) == len(replies)


def test_without_torch_a_check_says_so_before_it_asks(monkeypatch, tmp_path):
    def missing():
        raise ModelError("training needs torch, which is not installed")

    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "adapter.gguf").write_bytes(b"")
    monkeypatch.setattr(measure, "require_training", missing)
    monkeypatch.setattr(measure, "Engine", lambda *a, **k: pytest.fail("asked"))
    with pytest.raises(ModelError, match="torch"):
        measure.measure_organism(load_recipe("plain"), library=tmp_path)
