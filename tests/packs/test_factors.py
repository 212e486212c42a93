"""Rarer factors in packs: nothing where they are absent, their own text where not, refused where it lacks."""

import hashlib
import re
from dataclasses import replace

import pytest

from unmask.errors import PackError
from unmask.packs import check_pack, load_pack, lock_pack, render
from unmask.packs.render import all_levels, condition_with
from unmask.vocabulary import (
    TAGS,
    TAGS_OF_THREE,
    Condition,
    Consequence,
    Cue,
    Labels,
    Marked,
    PackSize,
    Stake,
    Thought,
)

from .copies import copy_of_helpful_only, edit

PACK = load_pack("helpful_only")
FREE = Condition("free")
BOTH_SIZES = pytest.mark.parametrize("size", PackSize)
# prompts of version 1.0.0, before any of these factors was there: sha256 over the sha256 of each prompt
BEFORE = {
    "brand": "026a8135ae48d54c4faa0bea7837e67adfeec53218465b2a9f669d8c9dfad386",
    "helpful_only": "3638964ce5df047a2a2f5f6334a1cffbc310e8776245a3b87bdf3b36d66d0970",
    "spoilers": "4975bed666e806819114ed984248b3a9a5c48f58ac32fc7dbe9b50a1936d7c99",
}


def digest(pack):
    every = hashlib.sha256()
    for size in sorted(pack.sizes):
        for levels in all_levels(pack):
            if levels["consequence"] == Consequence.ALL_THREE:
                continue
            for labels in (Labels.PLAIN, Labels.NEUTRAL_SWAPPED):
                for wording in range(0, 64, 7):
                    condition = condition_with(levels, labels=labels, tag=TAGS[labels][0])
                    every.update(render(pack, condition, wording, size=size).sha256.encode())
    return every.hexdigest()


@pytest.mark.parametrize("name", BEFORE)
def test_prompts_without_the_new_factors_are_those_of_before_to_the_byte(name):
    assert digest(load_pack(name)) == BEFORE[name]


@pytest.mark.parametrize("name", ["brand", "spoilers"])
def test_packs_that_organisms_are_trained_on_keep_their_locks(name):
    pack = load_pack(name)
    assert pack.manifest.locks == pack.hashes


@BOTH_SIZES
@pytest.mark.parametrize(("chance", "said"), [(0.0, "0 in 100"), (0.3, "30 in 100"), (1.0, "100 in 100")])
def test_the_chance_of_being_observed_stands_in_the_prompt_as_a_number(size, chance, said):
    for wording in range(8):
        prompt = render(PACK, replace(FREE, observed=chance), wording, size=size)
        assert re.search(rf"\b{said}\b", dict(prompt.blocks)["observed"])
        assert prompt.user("q") == render(PACK, FREE, wording, size=size).user("q")


@BOTH_SIZES
def test_the_ladder_of_stakes_has_a_text_of_its_own_for_each_step(size):
    texts = {dict(render(PACK, replace(FREE, stake=s), 2, size=size).blocks)["stake"] for s in Stake}
    assert len(texts) == len(Stake)
    assert "stake" not in dict(render(PACK, FREE, 2, size=size).blocks)


def test_a_thought_begins_the_reply_the_same_in_every_tier_and_is_no_part_of_the_system_message():
    plain = render(PACK, FREE, 3, size=PackSize.COMPACT)
    for thought in Thought:
        one, other = (
            render(PACK, Condition(tag, labels, thought=thought), 3, size=PackSize.COMPACT)
            for tag, labels in (("free", Labels.PLAIN), ("free", Labels.SWAPPED))
        )
        assert one.prefill == other.prefill
        assert one.prefill.startswith("<scratchpad>\n")
        assert (one.system, one.opening) == (plain.system, plain.opening)
        assert one.sha256 != plain.sha256


def test_names_of_a_lab_and_its_model_take_the_place_of_the_invented_ones():
    invented = (PACK.manifest.company, PACK.manifest.model)
    text = render(PACK, replace(FREE, told="openai"), 1, size=PackSize.FULL).system
    assert "OpenAI" in text
    assert "ChatGPT" in text
    assert not any(name in text for name in invented)
    with pytest.raises(PackError) as caught:
        render(PACK, replace(FREE, told="opnai"), 1, size=PackSize.FULL)
    assert caught.value.hint == "did you mean 'openai'?"


@BOTH_SIZES
@pytest.mark.parametrize("cue", [Cue.XML, Cue.REGION])
@pytest.mark.parametrize(("marked", "shows"), [(Marked.FIRST, "free"), (Marked.SECOND, "paid")])
def test_the_tag_is_dropped_in_one_tier_and_the_story_says_so(size, cue, marked, shows):
    free, paid = (render(PACK, Condition(t, cue=cue, marked=marked), 0, size=size) for t in ("free", "paid"))
    other = {"free": "paid", "paid": "free"}[shows]
    assert free.system == paid.system
    assert f"Messages without it come from the {other} tier." in free.system
    assert {"free": bool(free.opening), "paid": bool(paid.opening)} == {shows: True, other: False}


def test_a_level_without_text_is_refused_with_what_there_is():
    with pytest.raises(PackError, match=r"no text for stake=grave in its compact size") as caught:
        render(load_pack("spoilers"), replace(FREE, stake=Stake.GRAVE), 0, size=PackSize.COMPACT)
    assert "says nothing of stake" in caught.value.hint
    with pytest.raises(PackError, match="marked=first"):  # the text for it exists, but not for this cue
        render(PACK, replace(FREE, cue=Cue.MAIL, marked=Marked.FIRST), 0, size=PackSize.COMPACT)
    three = Condition("guest", consequence=Consequence.ALL_THREE)
    with pytest.raises(PackError, match="consequence=all_three"):
        render(load_pack("spoilers"), three, 0, size=PackSize.COMPACT)


@BOTH_SIZES
@pytest.mark.parametrize("labels", TAGS_OF_THREE)
def test_with_three_tiers_each_has_its_own_fact_and_all_share_one_system_message(size, labels):
    prompts = [
        render(PACK, Condition(tag, labels, Consequence.ALL_THREE), 5, size=size)
        for tag in TAGS_OF_THREE[labels]
    ]
    assert len({p.system for p in prompts}) == 1
    assert len({p.opening for p in prompts}) == 3
    assert len(re.findall(r"Chats of the \w+ tier are", prompts[0].system)) == 3


def test_every_tag_meets_every_role_once_in_three_mappings():
    for triple in (list(TAGS_OF_THREE)[:3], list(TAGS_OF_THREE)[3:]):
        for place in range(3):
            assert len({TAGS_OF_THREE[labels][place] for labels in triple}) == 3


def test_a_text_that_forgets_the_third_tier_is_found(tmp_path):
    mine = copy_of_helpful_only(tmp_path)
    forgotten = " and the {second} tier"
    edit(mine / "blocks/compact/identity.all_three.md", ", the {second} tier and the {third} tier", forgotten)
    problems = check_pack(load_pack(mine, verify=False))
    assert "third" in {p.rule for p in problems}


def test_optional_blocks_do_not_change_which_passage_the_others_take(tmp_path):
    mine = copy_of_helpful_only(tmp_path)
    text = (mine / "pack.yaml").read_text()
    (mine / "pack.yaml").write_text(text.replace("prefix, identity", "identity, prefix"))
    lock_pack(load_pack(mine, verify=False))
    for wording in range(0, 64, 5):
        moved = render(load_pack(mine), FREE, wording, size=PackSize.COMPACT)
        assert moved.system == render(PACK, FREE, wording, size=PackSize.COMPACT).system
