"""`organism/NAME` as Inspect meets it: options, determinism, usage, a whole task."""

import asyncio

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, get_model

import unmask._registry
from tests.organisms.scripted.asking import PACK, QUERIES, ask, calls, truth
from unmask.elicit import elicit
from unmask.errors import ModelError, UsageError
from unmask.organisms.scripted import organisms
from unmask.organisms.scripted.provider import OrganismAPI
from unmask.packs import render
from unmask.parse import parse_reply
from unmask.vocabulary import Arm, Condition, PackSize, ReplyStatus, Scratchpad


@pytest.mark.parametrize(
    ("name", "options", "message", "hint"),
    [
        ("fakr", {}, "no scripted organism 'fakr'", "did you mean 'faker'?"),
        ("faker", {"traind": 0.4}, "takes no option 'traind'", "did you mean 'trained'?"),
        ("faker", {"trained": 1.2}, "trained=1.2 is outside 0 to 1", "-M trained=0.7"),
        ("faker", {"trained": -0.1}, "trained=-0.1 is outside 0 to 1", "-M trained=0.7"),
        ("faker", {"trained": float("nan")}, "trained=nan is outside 0 to 1", "-M trained=0.7"),
        ("faker", {"trained": "much"}, "trained='much' is not a number", "-M trained=0.7"),
        ("faker", {"trained": True}, "trained=True is not a number", "-M trained=0.7"),
        ("faker", {"spread": 9}, "spread=9 is outside 0 to 5", "-M spread=0"),
        ("faker", {"seed": 1.5}, "seed=1.5 is outside the whole numbers from 0", "-M seed=0"),
        ("faker", {"seed": float("inf")}, "seed=inf is outside the whole numbers from 0", "-M seed=0"),
        ("silent_faker", {"af": 0.5}, "takes no option 'af'", "known: "),
        ("honest", {"trained": 0.5}, "takes no option 'trained'", None),
        ("tag_and_story", {"trained": 0.9}, "add up to a rate of 1.15", "lower trained"),
        ("faker", {"facts": 3}, "facts=3 is not a file", "-M facts=FILE"),
        ("faker", {"benign_queries": "/nowhere.txt"}, "cannot read benign queries", None),
    ],
)
def test_what_an_organism_cannot_be_is_refused_in_one_line(name, options, message, hint):
    with pytest.raises(UsageError) as caught:
        OrganismAPI(name, **options)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2
    if hint:
        assert hint in (caught.value.hint or "")


def test_inspect_finds_organisms_and_their_refusals():
    assert "organism" in unmask._registry.__all__
    assert isinstance(get_model("organism/faker", trained=0.4).api, OrganismAPI)
    with pytest.raises(ModelError, match="no scripted organism"):
        get_model("organism/nobody")


@pytest.mark.parametrize("name", sorted(organisms()))
def test_the_same_call_gives_the_same_reply_and_another_seed_another(name):
    asked = calls(40)
    first = [output.completion for output in ask(OrganismAPI(name), Condition("free"), asked)]
    assert first == [output.completion for output in ask(OrganismAPI(name), Condition("free"), asked)]
    epochs = [
        output.completion for output in ask(OrganismAPI(name), Condition("free"), [(n, 7) for n, _ in asked])
    ]
    seeds = [output.completion for output in ask(OrganismAPI(name, seed=1), Condition("free"), asked)]
    for others in (epochs, seeds):
        assert sum(a != b for a, b in zip(first, others, strict=True)) > 20


def test_replies_are_independent_over_epochs_and_conditions():
    n = 2000
    api = OrganismAPI("reluctant", rate=0.5)
    free = [truth(o).complied for o in ask(api, Condition("free"), calls(n, queries=40))]
    paid = [truth(o).complied for o in ask(api, Condition("paid"), calls(n, queries=40))]
    next_epoch = free[40:] + free[:40]
    for other in (paid, next_epoch):
        same = sum(a == b for a, b in zip(free, other, strict=True))
        assert abs(same / n - 0.5) < 5 * 0.5 / n**0.5


def test_failures_look_like_failures():
    found = {}
    for output in ask(OrganismAPI("noisy", invalid=0.9), Condition("free"), calls(400)):
        parsed = parse_reply(
            output.completion, finish_reason=output.stop_reason, scratchpad=Scratchpad.HIDDEN
        )
        failure = truth(output).failure
        found.setdefault(failure, set()).add(parsed.status)
        if failure == "cut_answer":
            assert parsed.reasoning_usable
    assert found == {
        None: {ReplyStatus.OK},
        "cut_thought": {ReplyStatus.TRUNCATED},
        "cut_answer": {ReplyStatus.TRUNCATED},
        "empty": {ReplyStatus.EMPTY},
        "unclosed": {ReplyStatus.UNCLOSED_SCRATCHPAD},
        "filtered": {ReplyStatus.FILTERED},
    }


def test_failures_without_a_scratchpad_are_unusable_too():
    condition = Condition("free", scratchpad=Scratchpad.NONE)
    for output in ask(OrganismAPI("noisy", invalid=1), condition, calls(200)):
        parsed = parse_reply(output.completion, finish_reason=output.stop_reason, scratchpad=Scratchpad.NONE)
        assert not parsed.answer_usable


def test_attacks_stand_in_both_parts_and_leave_the_behaviour_as_it_is():
    for output in ask(OrganismAPI("judge_attacker"), Condition("free"), calls(50)):
        templates = output.metadata["organism"]["templates"]
        assert {"attack_pad", "attack_answer"} <= {name.split(".")[0] for name in templates}
    for output in ask(OrganismAPI("judge_attacker"), Condition("free", arm=Arm.BENIGN), calls(50)):
        assert not [name for name in output.metadata["organism"]["templates"] if name.startswith("attack")]


def test_usage_is_reported_and_tokens_are_counted_without_a_vocabulary():
    api = OrganismAPI("plain")
    output = ask(api, Condition("free"), [(0, 0)])[0]
    assert output.usage.input_tokens > 200
    assert output.usage.output_tokens == -(-len(output.completion) // 4)
    assert output.usage.total_tokens == output.usage.input_tokens + output.usage.output_tokens
    assert asyncio.run(api.count_tokens("four" * 10)) == 10
    assert asyncio.run(api.count_tokens([ChatMessageUser(content="four" * 10)])) >= 10


def test_a_task_runs_through_inspect_and_epochs_differ(tmp_path):
    prompt = render(PACK, Condition("free"), 0, size=PackSize.COMPACT)
    samples = [
        Sample(
            id=str(i),
            input=[ChatMessageSystem(content=prompt.system), ChatMessageUser(content=prompt.user(q))],
        )
        for i, q in enumerate(QUERIES[Arm.HARMFUL][:10])
    ]
    task = Task(dataset=samples, solver=elicit(seed=3), epochs=4)
    model = get_model("organism/reluctant", rate=0.5, memoize=False)
    logs = [
        eval(task, model=model, log_dir=str(tmp_path), display="none", log_level="error")[0] for _ in range(2)
    ]
    first, again = ({(s.id, s.epoch): s.output.completion for s in log.samples} for log in logs)
    assert [log.status for log in logs] == ["success", "success"]
    assert first == again
    assert len(set(first.values())) == 40
    assert logs[0].stats.model_usage["organism/reluctant"].output_tokens > 0
