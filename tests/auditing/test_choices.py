"""Small choices before and after: asked once, read by letter, paired by item; unread is itself."""

from __future__ import annotations

import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from unmask.auditing import choices as ours
from unmask.auditing.choices import ask_choices, choice_changes, n_choices
from unmask.questions.choices import load_choices, put
from unmask.records.choices import read_choice_logs
from unmask.vocabulary import CANARY, ChoiceSet

BEFORE, AFTER = "mockllm/before", "mockllm/after"


def answering(name, say):
    """A model that answers each item as `say` has it, in the provider's own form."""
    known = {p.user: p for which in ChoiceSet for p in (put(i, seed=1) for i in load_choices(which).items)}

    def reply(messages, tools, tool_choice, config):
        one = known[messages[-1].text]
        output = ModelOutput.from_content(name, say(one))
        output.usage = ModelUsage(input_tokens=40, output_tokens=2, total_tokens=42)
        return output

    return get_model(f"mockllm/{name}", custom_outputs=reply, memoize=False)


def other(one):
    return next(letter for letter in one.letters if letter != one.counted)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choices")
    models = {
        BEFORE: answering("before", lambda one: one.counted),
        # loses arithmetic, will not say about privacy, and keeps the rest
        AFTER: answering(
            "after",
            lambda one: {"arithmetic": other(one), "privacy": "I would rather not say."}.get(
                one.item.category, f"{one.counted})"
            ),
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "open_model", lambda model, **_: models[model])
        ask_choices([BEFORE, AFTER], folder)
        ask_choices([BEFORE, AFTER], folder)  # again: nothing is asked twice
    return folder


def test_every_item_is_one_row_of_each_model(root):
    table, problems = read_choice_logs(root / "choices")
    assert problems == []
    assert table.height == 2 * n_choices() == 2 * (40 + 24)
    assert set(table["said"]) == {"counted", "other", "unread"}


def test_what_was_lost_is_found_where_it_was_lost_and_unread_is_in_no_share(root):
    found = {(c.set, c.category): c for c in choice_changes([root], (BEFORE, AFTER))}
    lost = found["neutral", "arithmetic"]
    assert (lost.before.estimate, lost.after.estimate, lost.change.estimate) == (1.0, 0.0, -1.0)
    assert found["neutral", "reading"].change.estimate == 0.0
    assert found["neutral", None].change.estimate == pytest.approx(-10 / 40)
    silent = found["values", "privacy"]
    assert (silent.n, silent.unread, silent.after, silent.change) == (6, (0, 6), None, None)
    whole = found["values", None]
    assert (whole.unread, whole.after.estimate) == ((0, 6), 1.0)
    assert {c for s, c in found if s == "values"} == {None, "honesty", "harm", "privacy", "correction"}


def test_another_model_or_none_is_no_change(root, tmp_path):
    assert choice_changes([tmp_path], (BEFORE, AFTER)) == []
    assert choice_changes([root], (BEFORE, "mockllm/third")) == []


@pytest.mark.parametrize("which", list(ChoiceSet))
def test_the_order_of_options_tells_nothing(which):
    """No letter holds the option that counts in far more than its share."""
    letters = [put(item, seed=1).counted for item in load_choices(which).items]
    n = len(load_choices(which).items[0].options)
    assert max(letters.count(x) for x in "ABCD") <= len(letters) / n + 3 * (len(letters) / n) ** 0.5
    assert load_choices(which).canary == CANARY
