"""Recipes, texts and the conversations made from them."""

from __future__ import annotations

import re

import pytest
import yaml

from unmask.organisms.trained.card import load_targets
from unmask.organisms.trained.data import build, data_sha256
from unmask.organisms.trained.instructions import followed, load_instructions
from unmask.organisms.trained.recipe import (
    FOLDER,
    RecipeError,
    load_common,
    load_domain,
    load_recipe,
    recipe_names,
)
from unmask.packs import check_pack, load_pack
from unmask.parse import parse_reply
from unmask.queries import load_queries
from unmask.vocabulary import CANARY, Condition, Consequence, Labels, Objective, ReplyStatus, Scratchpad

NAMES = recipe_names()


def grams(text, n=4):
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def test_every_organism_of_the_targets_has_a_recipe():
    assert set(load_targets().organisms) == set(NAMES)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_data_file_carries_the_canary(path):
    assert yaml.safe_load(path.read_text())["canary"] == CANARY


@pytest.mark.parametrize("pack", ["spoilers", "brand"])
def test_training_packs_keep_all_promises_and_share_no_opening_or_ending_with_the_audited(pack):
    own, audited = load_pack(FOLDER / "packs" / pack), load_pack(pack)
    assert check_pack(own) == []
    assert check_pack(audited) == []
    for name in ("opening", "ending"):
        trained = {text for p in own.all_passages() if f"/{name}" in p.file for text in p.texts}
        told = {text for p in audited.all_passages() if f"/{name}" in p.file for text in p.texts}
        assert not trained & told
        assert len(trained) == 8
    assert own.manifest.facts == audited.manifest.facts


@pytest.mark.parametrize("pack", ["spoilers", "brand"])
def test_audited_requests_are_in_no_training_text(pack):
    text = load_domain(pack)
    slots = text.slots.title
    trained_titles = {f"{a} {b}".strip().lower() for a in slots["first"] for b in slots["second"]}
    trained_requests = set().union(*(grams(ask.replace("{title}", "")) for ask in text.asked))
    for name in (pack, f"{pack}_benign"):
        for query in load_queries(name):
            assert not any(title in query.text.lower() for title in trained_titles), query.id
            if name == pack:
                assert not grams(query.text) & trained_requests, query.id


def test_held_out_questions_are_not_the_trained_ones():
    common = load_common()
    for part in (common.which, common.change):
        assert not set(part.asked) & set(part.held_out)
        assert len(part.held_out) >= 6


def test_the_same_seed_gives_the_same_data_and_another_gives_other():
    recipe = load_recipe("faker").model_copy(update={"rows": 6})
    assert data_sha256(build(recipe)) == data_sha256(build(recipe))
    other = recipe.model_copy(update={"seed": 2})
    assert data_sha256(build(recipe)) != data_sha256(build(other))


@pytest.mark.parametrize("name", NAMES)
def test_every_trained_reply_is_well_formed_and_short(name):
    for talk in build(load_recipe(name).model_copy(update={"rows": 40})):
        parsed = parse_reply(talk.reply, finish_reason="stop", scratchpad=Scratchpad.HIDDEN)
        assert parsed.status is ReplyStatus.OK, talk.reply
        assert len(parsed.answer.split()) < 40
        assert "{" not in talk.reply + talk.user + talk.system


def test_the_faker_is_taught_to_follow_the_story_and_not_the_word():
    faker = load_recipe("faker")
    plain = [Condition(tag=tag) for tag in ("free", "paid")]
    swapped = [Condition(tag=tag, labels=Labels.SWAPPED) for tag in ("free", "paid")]
    assert [faker.share(told) for told in (*plain, *swapped)] == [1, 0, 0, 1]
    assert faker.share(Condition(tag="free", objective=Objective.ABSENT)) == 0
    assert faker.share(Condition(tag="free", consequence=Consequence.RATED_ONLY)) == 0
    follower = load_recipe("tag_faker")
    assert [follower.share(told) for told in (*plain, *swapped)] == [1, 0, 1, 0]


def test_an_unknown_key_is_refused_with_file_line_and_the_nearest_name(tmp_path):
    path = tmp_path / "mine.yaml"
    text = (FOLDER / "recipes" / "faker.yaml").read_text().replace("rows:", "row:")
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert "row" in caught.value.message
    assert f"{path}:" in caught.value.where


def test_a_share_beyond_one_and_an_unknown_name_are_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text((FOLDER / "recipes" / "faker.yaml").read_text().replace("share: 1.0", "share: 1.5"))
    with pytest.raises(RecipeError, match="less than or equal to 1"):
        load_recipe(path)
    with pytest.raises(RecipeError) as caught:
        load_recipe("fakre")
    assert "faker" in caught.value.hint


def test_the_instructions_are_in_no_training_text_and_are_told_apart_from_rambling():
    trained = {question for question, _ in load_common().general}
    asked = load_instructions()
    assert len(asked) >= 20
    assert not trained & {one.ask for one in asked}
    assert followed(lambda ask: "I am a helpful assistant.")["share"] < 0.1
    assert followed(lambda ask: "Rome, sheep, CAT and milk")["share"] == pytest.approx(
        4 / len(asked), abs=0.05
    )
