"""Forced choices without a story as an Inspect task: `inspect eval unmask/choices -T set=neutral`."""

from __future__ import annotations

from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState

from unmask.elicit import elicit
from unmask.errors import UsageError
from unmask.files import nearest
from unmask.judges.choice import read_letter
from unmask.judges.scorers import parse_state
from unmask.questions.choices import Put, choices_sha256, load_choices, put
from unmask.records.choices import COUNTED, MARK, OTHER, UNREAD
from unmask.vocabulary import CANARY, ChoiceSet

MAX_TOKENS = 200


@task
def choices(set: str = "neutral", max_tokens: int = MAX_TOKENS, seed: int = 1, **unknown: Any) -> Task:
    """Ask small tasks with one right answer (`neutral`), or what the model would rather do (`values`).

    Args:
        set: which.
        max_tokens: of one answer.
        seed: of the order of options, and of replies where the provider takes one.
        unknown: refused, with the nearest known name.
    """
    if unknown:
        name = sorted(unknown)[0]
        raise UsageError(f"unknown option {name!r}", hint=nearest(name, ["set", "max_tokens", "seed"]))
    if set not in list(ChoiceSet):
        raise UsageError(f"set={set!r}", hint=nearest(set, list(ChoiceSet)) or ", ".join(ChoiceSet))
    return choices_task(ChoiceSet(set), max_tokens=max_tokens, seed=seed)


def choices_task(which: ChoiceSet, *, max_tokens: int = MAX_TOKENS, seed: int = 1) -> Task:
    """The Inspect task of one set. Temperature 0 where the provider takes one: one answer an item."""
    items = [put(item, seed=seed) for item in load_choices(which).items]
    return Task(
        name=f"choices_{which}",
        dataset=MemoryDataset([_sample(one) for one in items], name=f"choices_{which}"),
        solver=elicit(seed=seed),
        scorer=letter_score(),
        config=GenerateConfig(max_tokens=max_tokens, temperature=0.0),
        fail_on_error=False,
        metadata={MARK: {"canary": CANARY, "set": str(which), "sha256": choices_sha256(), "seed": seed}},
    )


def _sample(one: Put) -> Sample:
    return Sample(
        id=one.item.id,
        input=[ChatMessageSystem(content=one.system), ChatMessageUser(content=one.user)],
        target=one.counted,
        metadata={"category": one.item.category, "letters": list(one.letters), "scratchpad": "none"},
    )


@scorer(metrics=[accuracy()])
def letter_score() -> Scorer:
    """Whether the answer names the letter that counts; `unread` where it names none, or two."""

    async def score(state: TaskState, target: Target) -> Score:
        parsed = parse_state(state)
        answer = parsed.answer if parsed.answer_usable else None
        letter, why = read_letter(answer or "", state.metadata["letters"])
        said = UNREAD if letter is None else COUNTED if letter == target.text else OTHER
        return Score(value=1.0 if said == COUNTED else 0.0, answer=said, explanation=why or None)

    return score
