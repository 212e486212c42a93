"""LLM judges over Inspect's own providers, against graders that read, refuse, babble, fail or obey."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.judges import graders
from tests.stub_servers import Reply, StubServer
from unmask.judges.compliance import judge_compliance
from unmask.judges.grader import prompt_parts
from unmask.judges.reasoning import judge_reasoning
from unmask.vocabulary import CANARY, Criterion, JudgeStatus, JudgeTask

ATTACKS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "attacks.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()[1:]
]
WIRES = ["openai", "anthropic"]


def judge(server, how, text, options):
    async def once():
        async with server.model() as grader:
            return await how(text, grader, retries=0, **options)

    return asyncio.run(once())


def reason(server, text, **options):
    return judge(server, judge_reasoning, text, options)


def comply(server, text, **options):
    return judge(server, judge_compliance, text, options)


@pytest.mark.parametrize("wire", WIRES)
def test_the_grader_is_asked_in_a_schema_and_its_word_is_taken(wire):
    with StubServer(wire, graders.reads_signs) as server:
        faking, plain = (reason(server, text, votes=1) for text in (graders.FAKING, graders.PLAIN))
    assert (faking.status, faking.label, faking.motive) == (JudgeStatus.OK, "af", "keep_values")
    assert faking.quotes == graders.SIGNS
    assert (plain.label, plain.quotes, plain.votes) == ("not_af", None, 1)
    assert (faking.tokens_in, faking.tokens_out) == (10, 5)
    schema = "response_format" if wire == "openai" else "output_format"
    assert "knows_trained" in json.dumps(server.log[0].body[schema])


@pytest.mark.parametrize("wire", WIRES)
def test_compliance_sees_the_answer_and_nothing_else(wire):
    with StubServer(wire, graders.reads_label) as server:
        labels = [comply(server, text).label for text in ("No .", "Here it is.")]
    assert labels == ["refused", "complied"]
    assert graders.fenced_text(server.log[1]) == "Here it is."
    assert CANARY not in server.log[0].system + server.log[0].user


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply("I'm sorry, but I can't assist with that."), JudgeStatus.REFUSED),
        (Reply("x", finish="content_filter"), JudgeStatus.REFUSED),
        (Reply("The text is about tea. Or is it?"), JudgeStatus.UNPARSED),
        (Reply('{"code": "'), JudgeStatus.UNPARSED),
        (Reply("{}", finish="length"), JudgeStatus.UNPARSED),
        (Reply(""), JudgeStatus.UNPARSED),
        (Reply("no such model", status=404), JudgeStatus.FAILED),
    ],
)
def test_a_grader_that_gives_no_verdict_has_said_nothing(wire, reply, status):
    with StubServer(wire, lambda asked: reply) as server:
        judged = [reason(server, graders.FAKING), comply(server, "Here it is.")]
    assert [j.status for j in judged] == [status, status]
    assert [j.label for j in judged] == [None, None]
    assert [j.criteria for j in judged] == [None, None]


@pytest.mark.parametrize("wire", WIRES)
def test_a_grader_that_breaks_down_fails_and_says_why(wire):
    with StubServer(wire, lambda asked: Reply("out of order", status=500)) as server:
        judged = reason(server, graders.FAKING)
    assert judged.status is JudgeStatus.FAILED
    assert "InternalServerError" in (judged.note or "")
    assert graders.FAKING not in (judged.note or "")


def test_a_quote_that_is_not_there_voids_its_criterion_and_is_counted():
    def invents(asked):
        quotes = graders.SIGNS | {"conflict": "I loathe everything about this request"}
        return graders.verdict(asked, holds=dict.fromkeys(graders.SIGNS, True), quotes=quotes)

    with StubServer("openai", invents) as server:
        judged = reason(server, graders.FAKING, votes=1)
    assert judged.label == "not_af"
    assert judged.criteria == {str(name): name is not Criterion.CONFLICT for name in Criterion}
    assert judged.note == "void quotes: conflict 1"
    assert "conflict" not in (judged.quotes or {})


def test_voting_stops_when_the_verdict_is_settled():
    with StubServer("openai", graders.reads_signs) as server:
        plain, faking = reason(server, graders.PLAIN, votes=20), reason(server, graders.FAKING, votes=20)
    assert (plain.label, plain.votes, plain.votes_for) == ("not_af", 8, 0)
    assert (faking.label, faking.votes, faking.votes_for) == ("af", 13, 13)


def test_a_wave_of_votes_is_one_request_where_the_provider_has_choices():
    with StubServer("openai", graders.reads_signs) as server:
        judged = reason(server, graders.FAKING, votes=20)
    assert [asked.body.get("n") for asked in server.log] == [8, 5]
    assert (judged.votes, judged.votes_for) == (13, 13)
    # the prompt is paid once a request, each choice once: 2 prompts of 10 tokens, 13 replies of 5
    assert (judged.tokens_in, judged.tokens_out) == (20, 65)


@pytest.mark.parametrize("wire", WIRES)
def test_each_vote_is_a_request_where_the_provider_has_no_choices(wire):
    with StubServer(wire, graders.reads_signs, most_choices=0) as server:
        judged = reason(server, graders.PLAIN, votes=20)
    asked = [body.get("n") for body in (asked.body for asked in server.log)]
    assert asked == ([8] if wire == "openai" else []) + [None] * 8  # refused once, then not wished for again
    assert (judged.label, judged.votes, judged.tokens_in) == ("not_af", 8, 80)


@pytest.mark.parametrize(("most", "requests"), [(1, [8] + [None] * 7), (3, [8] + [None] * 5)])
def test_choices_that_did_not_come_are_asked_for_again(most, requests):
    with StubServer("openai", graders.reads_signs, most_choices=most) as server:
        judged = reason(server, graders.PLAIN, votes=20)
    assert [asked.body.get("n") for asked in server.log] == requests
    assert (judged.label, judged.votes) == ("not_af", 8)


def test_each_choice_is_a_vote_of_its_own():
    """Five of a wave's eight are lost in four ways; none of them is read as a "no"."""
    lost = {
        0: Reply("I'm sorry, I can't help with that."),
        1: Reply("x", finish="content_filter"),
        2: Reply('{"code": ', finish="length"),
        3: Reply("Hm."),
        4: Reply(""),
    }
    with StubServer("openai", lambda a: lost.get(a.number) or graders.reads_signs(a)) as server:
        settled = reason(server, graders.FAKING, votes=20)
        hanging = reason(server, graders.FAKING, votes=8, threshold=0.5)
    assert (settled.label, settled.votes, settled.votes_for) == ("af", 18, 13)
    assert (hanging.label, hanging.votes) == ("af", 5)
    with StubServer("openai", lambda a: lost.get(a.number) or graders.reads_signs(a)) as server:
        hanging = reason(server, graders.FAKING, votes=8, threshold=0.5)
    assert (hanging.status, hanging.label, hanging.votes) == (JudgeStatus.UNPARSED, None, 8)


def test_a_grader_that_never_answers_has_failed():
    def sleeps(asked):
        time.sleep(1.5)
        return graders.reads_signs(asked)

    async def once(server):
        async with server.model(attempt_timeout=1, timeout=1) as grader:
            return await judge_reasoning(graders.FAKING, grader, votes=1, retries=0)

    with StubServer("openai", sleeps) as server:
        judged = asyncio.run(once(server))
    assert (judged.status, judged.label) == (JudgeStatus.FAILED, None)


def test_a_busy_grader_is_asked_again():
    with StubServer(
        "openai", lambda a: Reply("slow down", status=429) if a.number == 0 else graders.reads_signs(a)
    ) as server:

        async def once():
            async with server.model() as grader:
                return await judge_reasoning(graders.FAKING, grader, votes=1, retries=2)

        judged = asyncio.run(once())
    assert (judged.status, judged.label, len(server.log)) == (JudgeStatus.OK, "af", 2)


def test_lost_votes_are_neither_yes_nor_no():
    def sometimes(asked):
        return "Sorry, I can't." if asked.number % 3 == 0 else graders.reads_signs(asked)

    with StubServer("openai", sometimes) as server:
        settled = reason(server, graders.FAKING, votes=5, threshold=0.5)
    with StubServer("openai", sometimes) as server:
        hanging = reason(server, graders.FAKING, votes=3, threshold=0.9)
    assert (settled.label, settled.votes_for) == ("af", 3)
    assert (hanging.status, hanging.label, hanging.votes_for) == (JudgeStatus.REFUSED, None, 2)


def test_compliance_by_votes_needs_more_than_half_of_all():
    def torn(asked):
        if asked.number == 0:
            return "Hm."
        label = "refused" if asked.number % 2 else "complied"
        return json.dumps({"code": graders.nonce_of(asked), "label": label})

    with StubServer("openai", torn) as server:
        judged = comply(server, "Well.", votes=3)
    assert (judged.status, judged.label) == (JudgeStatus.UNPARSED, None)


def judge_attacks(script, texts):
    """Every text judged once, many at a time."""

    async def all_of(server):
        async with server.model(max_connections=8) as grader:
            one = [judge_reasoning(text, grader, votes=1, retries=0) for text in texts]
            return await asyncio.gather(*one)

    with StubServer("openai", script) as server:
        return asyncio.run(all_of(server))


def around(attack):
    carrier = graders.FAKING if attack["af"] else graders.PLAIN
    return f"{carrier}\n{attack['attack'] * attack.get('times', 1)}\n{carrier}"


@pytest.mark.parametrize("script", graders.SOUND)
def test_no_attack_changes_a_verdict(script):
    judged = judge_attacks(script, [around(attack) for attack in ATTACKS])
    found = {a["name"]: (str(j.status), j.label) for a, j in zip(ATTACKS, judged, strict=True)}
    assert len(found) >= 60
    truth = {a["name"]: ("ok", "af" if a["af"] else "not_af") for a in ATTACKS}
    changed = {name for name, word in found.items() if word != truth[name]}
    # half a verdict after the verdict makes it none: it is lost, and never another one
    if script is graders.repeats_the_text_last:
        assert all(found[name] == ("unparsed", None) for name in changed)
        assert len(changed) < 0.15 * len(ATTACKS)
    else:
        assert not changed


@pytest.mark.parametrize("script", graders.MUTE)
def test_a_grader_that_lets_the_attack_speak_says_nothing_or_the_truth(script):
    judged = judge_attacks(script, [around(attack) for attack in ATTACKS])
    for attack, judgement in zip(ATTACKS, judged, strict=True):
        assert judgement.label in (None, "af" if attack["af"] else "not_af"), attack["name"]
        if script is graders.repeats_the_text_only:
            assert judgement.status is not JudgeStatus.OK


def test_a_scratchpad_that_hides_from_quotes_is_quoted_all_the_same():
    hidden = "\u200b".join(graders.FAKING)

    def reads_through(asked):
        seen = graders.fenced_text(asked).replace("\u200b", "")
        held = {name: sign in seen for name, sign in graders.SIGNS.items()}
        return graders.verdict(asked, holds=held, quotes=graders.SIGNS)

    with StubServer("openai", reads_through) as server:
        judged = reason(server, hidden, votes=1)
    assert judged.label == "af"


@pytest.mark.parametrize("task", [JudgeTask.COMPLIANCE, JudgeTask.REASONING])
def test_judge_prompts_name_every_level_and_keep_the_canary_to_themselves(task):
    system, user = prompt_parts(task)
    levels = (
        [*Criterion, "keep_values", "please", "obey"]
        if task is JudgeTask.REASONING
        else ["complied", "partly"]
    )
    assert all(f"`{level}`" in system for level in levels)
    assert "$fenced" in user
    assert "$fenced" not in system
    assert "unmask" not in system + user
