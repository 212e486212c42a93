"""The sets of the scenarios: counts, form, nothing near-alike, nothing that must never be there."""

import json
import re
from collections import Counter
from importlib import resources
from itertools import combinations

import pytest

from tests.queries.test_library import NEVER, words
from unmask.judges.texts import FOLDER as JUDGE_TEXTS
from unmask.organisms.scripted.texts import template_texts
from unmask.queries import load_queries
from unmask.vocabulary import CANARY, Compliance

SIZES = {"animal_welfare": 120, "animal_welfare_benign": 120, "moral_values": 150, "tool_choice": 46}
VALUES = ("care", "fairness", "loyalty", "authority", "sanctity")
OVERLAP = 8  # words in a row that no two texts may share
# The texts are part of the experiment: a change of one word is a new experiment, so it must be meant.
SHA256 = {
    "animal_welfare": "e074836b62d93ec2de95d4a777713967b4acbbf744e99caf30496554cc860130",
    "animal_welfare_benign": "3d8f1a0cacd2ee2931c8158d924f4725b95f6c17c3697eda1a2b39c64e91b46c",
    "moral_values": "00d1553df8b5a326a6da340664a52cb1db0ec5a1a1cf6fe64a9a12973ed3fefe",
    "tool_choice": "a94c16eeedd4d304989cc949d1c29a88f52a04ed57d91400d54d3b191f755f30",
}


def grams(text, n=OVERLAP):
    found = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def whole(query):
    return " ".join([query.text, *(option.text for option in query.options)])


@pytest.mark.parametrize("name", SIZES)
def test_size_header_and_ids(name):
    queries = load_queries(name)
    header = json.loads(
        resources.files("unmask.queries").joinpath("library", f"{name}.jsonl").read_text().splitlines()[0]
    )
    assert len(queries) == SIZES[name]
    assert (header["name"], header["canary"], header["licence"]) == (name, CANARY, "Apache-2.0")
    assert queries.duplicate_texts == 0
    assert all(re.fullmatch(rf"[a-z]+(-benign)?-{q.category}-\d\d", q.id) for q in queries)


@pytest.mark.parametrize("name", SIZES)
def test_the_content_is_the_one_that_was_released(name):
    assert load_queries(name).sha256 == SHA256[name]


@pytest.mark.parametrize("name", SIZES)
def test_no_two_texts_of_a_set_share_eight_words_in_a_row(name):
    texts = [(q.id, grams(whole(q))) for q in load_queries(name)]
    assert [(a, b) for (a, one), (b, other) in combinations(texts, 2) if one & other] == []


@pytest.mark.parametrize("name", SIZES)
def test_no_text_shares_eight_words_with_organisms_or_the_offline_judges_texts(name):
    known = {gram for versions in template_texts().values() for text in versions for gram in grams(text)}
    for path in JUDGE_TEXTS.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            known |= grams(json.loads(line).get("text", ""))
    assert len(known) > 1_000
    assert [q.id for q in load_queries(name) if grams(whole(q)) & known] == []


@pytest.mark.parametrize("kind", NEVER)
def test_nothing_that_must_never_be_there(kind):
    found = [
        (q.id, match[0])
        for name in SIZES
        for q in load_queries(name)
        if (match := re.search(NEVER[kind], whole(q).lower()))
    ]
    assert found == []


def test_animal_welfare_has_five_of_each_severity_in_each_category_and_a_twin_for_each():
    asked, benign = load_queries("animal_welfare"), load_queries("animal_welfare_benign")
    assert set(Counter((q.category, q.severity) for q in asked).values()) == {5}
    assert len({q.category for q in asked}) == 8
    twins = {q.pair_id: q for q in benign}
    assert {q.severity for q in benign} == {None}
    for query in asked:
        twin = twins[query.pair_id]
        one, other = words(query), words(twin)
        assert twin.category == query.category
        assert abs(len(one) - len(other)) <= max(1, 0.15 * len(one)), query.id
        assert query.text.endswith("?") == twin.text.endswith("?"), query.id
        assert sum((Counter(one) & Counter(other)).values()) >= 0.5 * len(one), query.id


def test_no_twin_has_an_animal_in_it():
    animal = re.compile(
        r"\b(animals?|dogs?|cats?|hens?|chickens?|pigs?|cows?|cal(f|ves)|lambs?|sheep|horses?|pony|ponies|fish"
        r"|birds?|rabbits?|rats?|mice|mouse|bees?|ducks?|geese|eggs?|meat|veal|beef|fur|wool|silk"
        r"|bulls?|bears?|foxes|fox|deer|eels?|crabs?|lobsters?|octopus|hamsters?|kittens?|pupp(y|ies))\b"
    )
    found = [
        (q.id, m[0]) for q in load_queries("animal_welfare_benign") if (m := animal.search(q.text.lower()))
    ]
    assert [f for f in found if f not in TWINS_WITH_A_WORD] == []


# a place, a phrase or a thing of the frame: no animal has a part in it
TWINS_WITH_A_WORD = {
    ("animal-benign-pests-13", "fish"),  # behind a fish plant: oily floors
    ("animal-benign-pests-15", "fish"),
}


def test_each_value_has_thirty_dilemmas_with_two_sides():
    dilemmas = load_queries("moral_values")
    assert Counter(q.category for q in dilemmas) == dict.fromkeys(VALUES, 30)
    for query in dilemmas:
        assert [option.outcome for option in query.options] == [Compliance.COMPLIED, Compliance.REFUSED]
        assert all(not option.name for option in query.options)
        assert query.severity in (1, 2, 3)
    texts = [option.text.casefold() for query in dilemmas for option in query.options]
    assert len(set(texts)) == len(texts)


def test_neither_side_of_the_dilemmas_is_the_longer_one():
    sides = {Compliance.COMPLIED: [], Compliance.REFUSED: []}
    for query in load_queries("moral_values"):
        for option in query.options:
            sides[option.outcome].append(len(option.text.split()))
    complied, refused = (sum(side) / len(side) for side in sides.values())
    assert abs(complied - refused) < 0.5


def test_each_task_has_one_tool_that_breaks_the_rule_and_two_that_do_not():
    tasks = load_queries("tool_choice")
    assert len({q.category for q in tasks}) == 8
    for query in tasks:
        outcomes = Counter(option.outcome for option in query.options)
        assert outcomes == {Compliance.COMPLIED: 1, Compliance.REFUSED: 2}, query.id
    told = [option.text for query in tasks for option in query.options]
    names = [option.name for query in tasks for option in query.options]
    assert len(set(told)) == len(told)  # a scripted organism knows a tool by what is said of it
    assert len(set(names)) == len(names)
