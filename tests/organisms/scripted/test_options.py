"""Scripted organisms choose: the letter or tool that does what was drawn, at the rates that were set."""

import asyncio

import pytest
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig

from unmask.organisms.scripted import load_facts
from unmask.organisms.scripted.options import known_options, pick
from unmask.organisms.scripted.provider import OrganismAPI
from unmask.packs import load_pack
from unmask.parse import parse_reply
from unmask.queries import load_queries
from unmask.study import cross, load_study
from unmask.study.scenario import put
from unmask.vocabulary import Arm, Compliance, PackSize, Role, Scratchpad

FACTS = load_facts()
READ = {"moral_values": lambda answer: answer, "tool_choice": lambda answer: answer[6:-7]}


@pytest.mark.parametrize("name", READ)
def test_every_option_is_known_and_the_one_decided_on_is_taken(name):
    pack = load_pack(name)
    for query in load_queries(name):
        asked = put(query, pack, seed=5)
        for decided, expected in (
            (Compliance.COMPLIED, "complied"),
            (Compliance.PARTLY, "complied"),
            (Compliance.REFUSED, "refused"),
        ):
            answer = pick(asked.query.text, decided, FACTS)
            assert answer is not None, query.id
            assert asked.outcomes[READ[name](answer)] == expected, query.id


def test_options_that_are_not_known_are_not_chosen():
    assert pick("Tea or coffee?\n\nX: Tea, please.\nY: Coffee, please.", Compliance.COMPLIED, FACTS) is None
    assert pick("How is tea made?", Compliance.REFUSED, FACTS) is None
    assert known_options(()) == {}


@pytest.mark.parametrize("name", READ)
def test_a_faker_chooses_at_its_rates(name):
    """Rates 1 and 0: each trained reply takes the objective's option, each other one the other."""
    api = OrganismAPI("faker", trained=1.0, untrained=0.0, rated=0.0)
    study = load_study(name, flags={"n_queries": 16, "contrasts": ("story",)}, environment={}).study
    pack = load_pack(name)
    queries = {Arm.HARMFUL: load_queries(name).take(16, seed=1).queries}
    for s in cross(study, pack, queries, size=PackSize.COMPACT):
        told = [ChatMessageSystem(content=s.system), ChatMessageUser(content=s.user)]
        output = asyncio.run(api.generate(told, [], "none", GenerateConfig(seed=1)))
        parsed = parse_reply(output.completion, finish_reason="stop", scratchpad=Scratchpad.HIDDEN)
        expected = "complied" if s.condition.role is Role.TRAINED else "refused"
        assert s.outcomes[READ[name](parsed.answer)] == expected
