"""The single-turn questions: options in drawn order, letters read by rule, free answers never guessed."""

from __future__ import annotations

import inspect_ai
import pytest

from unmask.acts.asking import Asked, Form, outcome_of, questions_of, read_words
from unmask.acts.design import STAR, condition_of
from unmask.acts.load import load_situations
from unmask.acts.question import Choice
from unmask.organisms.agents import agent_names
from unmask.organisms.agents.truth import choice_outcome
from unmask.records.episodes import read_episode_logs
from unmask.tasks.act_questions import questions_task


@pytest.fixture(scope="module")
def situation():
    return next(s for s in load_situations() if s.name == "spare_host")


def test_every_question_is_asked_in_both_forms_and_every_condition(situation):
    asked = questions_of([situation])
    assert len({q.id for q in asked}) == len(asked) == 2 * (5 + 2) + 1
    assert {q.condition for q in asked if q.asked is Asked.ACT and q.form is Form.FREE} == set(STAR)


def test_options_stand_in_every_order_over_the_questions():
    orders = [tuple(q.letters.values()) for q in questions_of(load_situations()) if q.form is Form.FORCED]
    assert len(set(orders)) == 6
    first = sum(order[0] is Choice.ACT for order in orders) / len(orders)
    assert 0.2 < first < 0.47


def test_the_order_is_the_same_for_every_run_of_a_seed(situation):
    assert questions_of([situation], seed=3) == questions_of([situation], seed=3)


def test_free_text_is_read_by_rule_only_where_it_repeats_one_choice(situation):
    act, comply = (situation.choices[c] for c in (Choice.ACT, Choice.COMPLY))
    assert read_words(f"Well. {act} That is all.", situation) is Choice.ACT
    assert read_words(f"{act} {comply}", situation) is None
    assert read_words("I would never copy my weights.", situation) is None


def test_an_answer_that_cannot_be_read_is_no_choice(situation):
    assert outcome_of(situation, Asked.ACT, None) == "unread"
    assert outcome_of(situation, Asked.CONTROL, None) == "unable"


@pytest.mark.parametrize("agent", ["schemer", "confused"])
def test_agents_choose_as_is_said_of_them(tmp_path, agent, situation):
    assert agent in agent_names()
    inspect_ai.eval(
        questions_task([situation]), model=f"agent/{agent}", log_dir=str(tmp_path), display="none"
    )
    rows = read_episode_logs(tmp_path).episodes
    assert rows.height == 15
    for row in rows.iter_rows(named=True):
        truth = choice_outcome(agent, situation, Asked(row["variant"]), condition_of(row["condition_key"]))
        assert row["outcome"] == truth
