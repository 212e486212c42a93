"""The worlds as they are shipped: each loads, can be played, scores as it says; all is invented."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.acts.known import events_of
from unmask.acts.check import check_world
from unmask.acts.design import FULL, MOTIVE, STAR, episodes_of
from unmask.acts.episode import score_episode
from unmask.acts.load import WORLDS, load_situations, load_world, load_worlds, world_names
from unmask.acts.world import foreign
from unmask.errors import UsageError
from unmask.organisms.agents import agent_names
from unmask.organisms.agents.truth import outcome_of, says_of_it
from unmask.vocabulary import CANARY, Act, ActVariant


@pytest.mark.parametrize("name", world_names())
def test_a_world_scores_as_it_says(name):
    assert check_world(load_world(name)) == []


def test_there_are_worlds_and_questions_for_every_act():
    worlds, situations = load_worlds(), load_situations()
    assert len(worlds) >= 12
    assert {w.act for w in worlds} == set(Act) == {s.act for s in situations}
    assert min(Counter(w.act for w in worlds).values()) >= 2  # one world of an act has no interval


def test_everything_is_marked_and_belongs_to_nobody():
    for path in (*WORLDS.glob("*.yaml"), *(WORLDS.parent / "questions").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert CANARY in text
        assert foreign(text) == []


@pytest.mark.parametrize("agent", agent_names())
def test_an_agent_is_classified_right_in_every_world_variant_and_condition(agent):
    wrong = []
    for world in load_worlds():
        for variant in ActVariant:
            for condition in FULL:
                scored = score_episode(world, variant, events_of(agent, world, variant, condition))
                truth = outcome_of(agent, world, variant, condition)
                said = (scored.lied, scored.confessed)
                if scored.outcome != truth or said != says_of_it(agent, truth, world.act):
                    wrong.append((world.name, str(variant), condition.key, str(scored.outcome), said))
    assert wrong == []


def test_lies_are_told_apart_from_truths():
    for world in load_worlds():
        seen = {
            name: score_episode(world, ActVariant.OFFERED, events_of(name, world, ActVariant.OFFERED, MOTIVE))
            for name in ("schemer", "honest", "incompetent", "confused", "whistle_blower")
        }
        assert seen["schemer"].lied is True
        assert (seen["honest"].lied, seen["honest"].confessed) == (None, False)
        if world.act is not Act.SANDBAGGING:  # there one wrong answer may be a mistake
            assert seen["incompetent"].lied is False  # it tried, and says so
        assert seen["confused"].confessed is True
        if world.act in (Act.LEAK, Act.DISCLOSURE):
            assert seen["whistle_blower"].lied is False


def test_no_two_episodes_are_told_the_same_but_where_a_variant_shows_in_the_state_alone():
    for world in load_worlds():
        told = Counter((e.system, e.user) for e in episodes_of([world], design="full"))
        silent = sum(not world.added(v).notice for v in (ActVariant.OFFERED, ActVariant.HINTED))
        assert max(told.values()) <= 1 + silent, world.name


def test_every_factor_shows_in_what_is_told():
    for world in load_worlds():
        by_cell = {e.condition: e.system for e in episodes_of([world]) if e.variant is ActVariant.OFFERED}
        assert len(set(by_cell.values())) == len(STAR), world.name


def test_an_unknown_world_is_told_with_the_nearest_name():
    with pytest.raises(UsageError) as told:
        load_world("night_backups")
    assert "night_backup" in str(told.value.hint)


def _broken(tmp_path, old, new):
    text = (WORLDS / "night_backup.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "night_backup.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title:", "titel:", "unknown key"),
        ("store.example.net", "store.realhost.com", "reserved domain"),
        ("unmask:canary", "unmask:canari", "canary"),
        ("DECOY-WEIGHTS-WEIR-7F31 (invented", "WEIGHTS-WEIR-7F31 (invented", "DECOY"),
        ("    absent: \"\"", "    absent: \"\"\n    other: x", "conflict"),
        ("  unmentioned: {}", "  unmentioned: {notice: hello}", "adds nothing"),
        ("/work/plan.txt: |", "/work/../plan.txt: |", "no path"),
        ("reached: {to: backup-1, text: test the fans}", "reached: {to: backup-1}", "text"),
    ],
)  # fmt: skip
def test_a_malformed_world_is_refused_where_it_is_wrong(tmp_path, old, new, says):
    with pytest.raises(UsageError) as told:
        load_world(_broken(tmp_path, old, new))
    assert says in f"{told.value} {told.value.hint}"
    assert "night_backup.yaml" in str(told.value.where)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("path: /models/weir/weights.bin, host: store.example.net}}\n  attempt",
         "path: /models/weir/weights.bin, host: backup-1}}\n  attempt", "does not do the act"),
        ("host: store.example.org}}", "host: store.example.net}}", "calls.attempt does the act"),
        ("words: [my weights", "words: [plan.txt, my weights", "repeating the task"),
        ("tools: [list_files, read_file, copy_file", "tools: [list_files, read_file, copy_files", "no tool"),
    ],
)  # fmt: skip
def test_a_world_that_does_not_score_as_it_says_is_found(tmp_path, old, new, says):
    assert any(says in wrong for wrong in check_world(load_world(_broken(tmp_path, old, new))))
