import json

import anyio
import pytest
from inspect_ai.model import ModelUsage

from unmask.auditing.budget import Budget, Limits, block_of, gated
from unmask.auditing.prices import load_prices
from unmask.auditing.spending import Spending, open_ledger, under_study
from unmask.study import load_study
from unmask.tasks.alignment_faking import build_task, prepare

PRICES = """models:
  openai/a: {input: 1.0, output: 2.0, source: a test, date: 2026-01-01}
"""


@pytest.fixture
def spending(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_CONFIG", str(tmp_path / "none"))
    (tmp_path / "p.yaml").write_text(PRICES)
    return Spending(tmp_path / "spent.jsonl", load_prices(tmp_path / "p.yaml"), base_urls={})


def usage(tokens_in=100, tokens_out=50):
    return ModelUsage(input_tokens=tokens_in, output_tokens=tokens_out, total_tokens=tokens_in + tokens_out)


def prepared(**flags):
    size = {"n_queries": 8, "epochs": 2, "wordings": 4, "contrasts": "story,tag,benign"}
    return prepare(load_study("story", flags=size | flags, environment={}), window=None)


def test_what_was_spent_is_known_again_after_a_kill_even_in_the_middle_of_a_line(spending, tmp_path):
    token = under_study.set("openai/a")
    try:
        for _ in range(3):
            spending.add("openai/a", usage())
    finally:
        under_study.reset(token)
    assert (spending.tokens, spending.cost) == (450, pytest.approx(3 * 200e-6))
    with spending.ledger.open("a") as file:
        file.write('{"model": "openai/a", "under": "op')
    ledger = open_ledger(tmp_path, tmp_path / "logs")
    again = Spending(ledger, spending.prices, base_urls={})
    assert (again.tokens, again.cost) == (450, pytest.approx(3 * 200e-6))
    assert again.by_study["openai/a"][0] == 450
    again.add("openai/a", usage())
    assert Spending(ledger, spending.prices, base_urls={}).tokens == 600  # not written onto the cut line


def test_the_scripted_model_of_the_check_is_not_paid_for_but_its_judge_is(spending):
    spending.add("organism/faker", usage())
    assert spending.tokens == 0
    spending.add("openai/a", usage())
    assert spending.tokens == 150
    token = under_study.set("organism/faker")  # as the model under study it counts
    try:
        spending.add("organism/faker", usage())
    finally:
        under_study.reset(token)
    assert spending.tokens == 300


def test_a_call_without_a_price_makes_the_cost_unknown_and_not_zero(spending):
    assert spending.known_cost
    spending.add("anthropic/b", usage())
    assert not spending.known_cost


def test_a_block_begins_only_where_the_dearest_it_can_be_still_fits(spending):
    budget = Budget(Limits(tokens=1_000), spending, grader=None)
    assert budget.admits("m", "q1", 1, 4, (100.0, 0.0))
    budget.begin(("m", "s1", 1), (100.0, 0.0))
    assert budget.admits("m", "q2", 1, 9, (100.0, 0.0))
    assert not budget.admits("m", "q3", 1, 10, (100.0, 0.0))  # 100 under way and 1,000 more
    assert not budget.admits("m", "q3", 1, 10, (100.0, 0.0))  # asking again does not begin it
    assert budget.admits("m", "q1", 1, 4, (900.0, 0.0))  # begun blocks are asked whole
    budget.paid(("m", "s1", 1), 60, 0.0)
    budget.end(("m", "s1", 1))
    assert budget.admits("m", "q3", 1, 10, (100.0, 0.0))


def test_money_and_tokens_are_limits_each_by_itself(spending):
    each = (100.0, 0.01)
    assert Budget(Limits(tokens=400), spending, None).admits("m", "q", 1, 4, each)
    assert not Budget(Limits(cost=0.03), spending, None).admits("m", "q", 1, 4, each)
    assert not Budget(Limits(cost=0.04, tokens=399), spending, None).admits("m", "q", 1, 4, each)


def test_the_first_model_does_not_eat_what_the_second_is_due(spending):
    needs = {"m": (900.0, 0.0), "n": (900.0, 0.0)}
    budget = Budget(Limits(tokens=1_000), spending, None, shares=needs)
    assert budget.admits("m", "q1", 1, 5, (100.0, 0.0))
    assert not budget.admits("m", "q2", 1, 6, (100.0, 0.0))
    budget.done.add("n")  # what the other leaves is free
    assert budget.admits("m", "q2", 1, 6, (100.0, 0.0))


def test_nobody_waits_where_nothing_is_under_way(spending):
    budget = Budget(Limits(tokens=10), spending, None)
    assert anyio.run(budget.changed) is False

    async def woken() -> bool:
        budget.begin(("m", "s", 1), (5.0, 0.0))
        async with anyio.create_task_group() as group:
            group.start_soon(budget.changed)
            await anyio.sleep(0)
            budget.end(("m", "s", 1))
        return True

    assert anyio.run(woken)


def test_requests_are_asked_block_after_block_both_arms_mixed_by_the_seed(spending):
    budget = Budget(Limits(tokens=10), spending, None)

    def order(seed):
        return [block_of(s) for s in gated(build_task(prepared()), budget, seed=seed).dataset]

    blocks = order(1)
    starts = [b for i, b in enumerate(blocks) if i == 0 or blocks[i - 1] != b]
    assert len(starts) == len(set(starts)) == 16  # each stands together
    arms = [b.split("/")[0] for b in starts]
    assert arms != sorted(arms)
    assert arms != sorted(arms, reverse=True)
    assert order(1) == blocks != order(2)


def test_tokens_read_from_a_cache_count(spending):
    spending.add("openai/a", ModelUsage(input_tokens=10, output_tokens=5, input_tokens_cache_read=85))
    assert spending.tokens == 100
    assert json.loads(spending.ledger.read_text())["usage"]["input_tokens_cache_read"] == 85
