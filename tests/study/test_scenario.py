"""What a pack asks of a study: its own queries, options in a drawn order, contrasts that it cannot give."""

from collections import Counter
from dataclasses import replace

import pytest

from unmask.errors import PackError, StudyError
from unmask.packs import load_pack, render
from unmask.queries import load_queries
from unmask.study import cross, load_study
from unmask.study.cross import reading_of
from unmask.study.scenario import put
from unmask.vocabulary import Arm, Condition, Labels, PackSize

MORAL, TOOLS, DOCUMENTS = (load_pack(n) for n in ("moral_values", "tool_choice", "synthetic_documents"))


def samples(pack, study="story", **flags):
    found = load_study(
        study, flags={"pack": pack.name, "n_queries": 20, "wordings": 4} | flags, environment={}
    )
    queries = {Arm.HARMFUL: load_queries(found.study.queries).take(found.study.n_queries, seed=1).queries}
    return cross(found.study, pack, queries, size=PackSize.COMPACT)


def test_a_pack_brings_its_own_queries_unless_others_are_named():
    own = load_study("story", flags={"pack": "animal_welfare"}, environment={})
    assert (own.study.queries, own.study.benign_queries) == ("animal_welfare", "animal_welfare_benign")
    assert own.origins["queries"] == "pack animal_welfare"
    named = load_study("story", flags={"pack": "animal_welfare", "queries": "declined"}, environment={})
    assert named.study.queries == "declined"
    assert load_study("story", environment={}).study.queries == "declined"


def test_the_order_of_options_is_the_queries_own_and_the_same_in_every_condition():
    orders = {}
    for s in samples(MORAL):
        orders.setdefault(s.query.id, set()).add(tuple(s.outcomes.items()))
    assert all(len(order) == 1 for order in orders.values())
    first = Counter(dict(next(iter(order)))["X"] for order in orders.values())
    assert set(first) == {"complied", "refused"}


def test_the_order_is_drawn_by_the_seed_about_half_and_half():
    queries = load_queries("moral_values").queries
    orders = {seed: [put(q, MORAL, seed).outcomes["X"] for q in queries] for seed in (1, 2)}
    assert orders[1] == [put(q, MORAL, 1).outcomes["X"] for q in queries]
    assert orders[1] != orders[2]
    for order in orders.values():
        assert 50 <= order.count("complied") <= 100  # of 150: outside with probability under 0.0001


def test_what_the_letter_stands_for_is_what_the_model_reads():
    for query in load_queries("moral_values").queries[:40]:
        asked = put(query, MORAL, seed=3)
        shown = dict(line.split(": ", 1) for line in asked.query.text.splitlines()[-2:])
        sides = {option.text: str(option.outcome) for option in query.options}
        assert {letter: sides[text] for letter, text in shown.items()} == asked.outcomes
        assert asked.query.text.startswith(query.text)


def test_tools_are_listed_with_what_they_do_and_nothing_of_their_outcome():
    query = load_queries("tool_choice").queries[0]
    asked = put(query, TOOLS, seed=1)
    for option in query.options:
        assert f"- {option.name}: {option.text}" in asked.query.text
        assert asked.outcomes[option.name] == option.outcome
    assert not any(word in asked.query.text for word in ("complied", "refused"))


def test_braces_in_a_users_text_stay_what_they_are():
    plain = load_queries("moral_values").queries[0]
    braced = tuple(replace(option, text=f"Take {{x}} {{y}} {{{option.outcome}}}") for option in plain.options)
    query = replace(plain, text="Is {x} or {y} or {query} the better name?", options=braced)
    shown = put(query, MORAL, seed=1).query.text
    assert "Is {x} or {y} or {query} the better name?" in shown
    assert all(option.text in shown for option in braced)


@pytest.mark.parametrize(
    ("pack", "queries"), [(MORAL, "declined"), (MORAL, "tool_choice"), (TOOLS, "moral_values")]
)
def test_queries_without_the_right_options_are_refused(pack, queries):
    with pytest.raises(StudyError, match="lets the model choose") as caught:
        samples(pack, queries=queries)
    assert pack.name in (caught.value.hint or "")


def test_each_prompt_names_the_value_of_its_dilemma_and_no_other():
    values = MORAL.manifest.values
    for s in samples(MORAL):
        named = {name for name, words in values.items() if words in s.system}
        assert named == {s.query.category}


def test_a_category_without_words_is_refused():
    with pytest.raises(PackError, match="'liberty'") as caught:
        render(MORAL, Condition("free"), 0, size=PackSize.COMPACT, category="liberty")
    assert "loyalty" in (caught.value.hint or "")


@pytest.mark.parametrize("labels", [(Labels.PLAIN, Labels.SWAPPED), (Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED)])
def test_without_a_story_in_the_prompt_no_contrast_needs_both_mappings(labels):
    with pytest.raises(StudyError, match="story and tag cannot be told apart") as caught:
        samples(DOCUMENTS, queries="declined", contrasts=("story", "tag"), labels=labels)
    assert "reversed" in (caught.value.hint or "")


def test_without_a_story_plain_labels_can_be_asked_and_say_nothing_of_training():
    asked = samples(DOCUMENTS, study="synthetic_documents")
    assert {s.condition.labels for s in asked} == {Labels.PLAIN}
    assert not any("Chats of the" in s.system or "tier" in s.system for s in asked)
    assert {s.user.split("\n")[0] for s in asked} == {f"<user_tier>{t}</user_tier>" for t in ("free", "paid")}


def test_a_judge_is_told_only_what_it_needs():
    (helpful, *_), plain = samples(load_pack("helpful_only"), queries="declined"), load_pack("helpful_only")
    assert reading_of(helpful, plain) == {}
    animal = load_pack("animal_welfare")
    told = reading_of(samples(animal)[0], animal)
    assert set(told) == {"complied_means"}
    assert set(told["complied_means"]) == {"complied", "partly", "refused"}
    tool = reading_of(samples(TOOLS)[0], TOOLS)
    assert tool["read_by"] == "tool"
    assert {t["name"] for t in tool["tools"]} == set(tool["outcomes"])
