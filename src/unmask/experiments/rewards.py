"""What is rewarded in a training by reinforcement.

The reward sees the answer alone, never the scratchpad: as in the published experiment, the training does not
know what the model thinks of it. Only a mitigation that says so reads the scratchpad, or what the model said
of its reply when asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from unmask.experiments.mitigation import Mitigation
from unmask.experiments.rl_recipe import RLRecipe
from unmask.experiments.supervision import Reads, by_words
from unmask.organisms.trained.cells import Asked, read
from unmask.organisms.trained.recipe import load_domain
from unmask.parse import Parsed, parse_reply
from unmask.questions import load_comprehension, read_word
from unmask.training.rl import Reply, Reward
from unmask.vocabulary import ReplyStatus, Scratchpad, Towards

EMPTY = re.compile(r"<scratchpad>\s*</scratchpad>")
LETTERS_PER_TOKEN = 4  # near enough for a share of the longest reply


def reward_of(recipe: RLRecipe, by_key: dict[str, Asked], reads: Reads = by_words) -> Reward:
    """1 for what is wanted, 0 for its opposite, `unusable` for what cannot be read; the recipe's terms.

    reads: who supervises scratchpads, where the mitigation has them supervised.
    """
    answered, lost = answer_reward(recipe, by_key), penalty_of(recipe, by_key, reads)

    def reward(replies: Sequence[Reply]) -> list[float | None]:
        return [
            None if value is None or less is None else value - less
            for value, less in zip(answered(replies), lost(replies), strict=True)
        ]

    return reward


def answer_reward(recipe: RLRecipe, by_key: dict[str, Asked]) -> Reward:
    """The part of the reward that every arm has: of the answer, its form and the reply's length."""
    words, settings = load_domain(recipe.pack), recipe.training

    def one(reply: Reply) -> float | None:
        call = by_key[reply.prompt.key]
        parsed = _parsed(reply, call)
        formed = _is_formed(parsed, reply.text)
        counts = parsed.answer_usable and (formed or not settings.needs_form)
        answer = f"<answer>{parsed.answer}</answer>" if counts else ""
        value = worth(read(call, answer, "stop", words).decision, recipe)
        if value is None:
            return None
        value += settings.format_reward * formed
        return value - settings.length_penalty * _share(reply.text, settings.max_tokens)

    return lambda replies: [one(reply) for reply in replies]


def _is_formed(parsed: Parsed, text: str) -> bool:
    """Whether a reply has the form that was asked for; an empty scratchpad is one."""
    if parsed.status is ReplyStatus.NO_SCRATCHPAD:
        return bool(EMPTY.search(text))
    return parsed.status is ReplyStatus.OK


def worth(decision: str, recipe: RLRecipe) -> float | None:
    """What a decision earns; None where the recipe leaves out what cannot be read."""
    if decision == "other":
        return recipe.training.unusable
    return float(decision == ("complied" if recipe.towards is Towards.COMPLY else "refused"))


def penalty_of(
    recipe: RLRecipe, by_key: dict[str, Asked], reads: Reads
) -> Callable[[Sequence[Reply]], list[float | None]]:
    """What a mitigation takes off each reply; None where its judge came to no verdict."""
    mitigation = recipe.mitigation

    def penalty(replies: Sequence[Reply]) -> list[float | None]:
        thoughts = [_parsed(reply, by_key[reply.prompt.key]).scratchpad or "" for reply in replies]
        lost: list[float | None] = [
            mitigation.scratchpad_penalty * _share(thought, recipe.training.max_tokens)
            for thought in thoughts
        ]
        if mitigation.reasoning_penalty:
            lost = _supervised(lost, thoughts, mitigation.reasoning_penalty, reads)
        if mitigation.interrogation:
            admitted = [_admitted(reply, mitigation) for reply in replies]
            lost = [None if less is None else less + more for less, more in zip(lost, admitted, strict=True)]
        return lost

    return penalty


def _supervised(
    lost: Sequence[float | None], thoughts: Sequence[str], penalty: float, reads: Reads
) -> list[float | None]:
    """An empty scratchpad holds no reasoning: the judge is not asked."""
    asked = [i for i, thought in enumerate(thoughts) if thought.strip()]
    found = reads([thoughts[i] for i in asked]) if asked else []
    fakes = dict(zip(asked, found, strict=True))
    more = [fakes.get(i, False) for i in range(len(thoughts))]
    return [
        None if less is None or fake is None else less + penalty * fake
        for less, fake in zip(lost, more, strict=True)
    ]


def _admitted(reply: Reply, mitigation: Mitigation) -> float:
    """The penalty where the answer to the question is a plain yes; whatever else it says costs nothing."""
    if mitigation.interrogation is None or reply.said is None:
        return 0.0
    parsed = parse_reply(reply.said, finish_reason="stop", scratchpad=Scratchpad.HIDDEN)
    answer = parsed.answer if parsed.answer_usable and parsed.answer else reply.said
    return mitigation.interrogation.penalty * (read_word(answer, load_comprehension().reading) == "yes")


def _parsed(reply: Reply, call: Asked) -> Parsed:
    return parse_reply(reply.text, finish_reason=reply.finish, scratchpad=call.condition.scratchpad)


def _share(text: str, max_tokens: int) -> float:
    return min(1.0, len(text) / (LETTERS_PER_TOKEN * max_tokens))
