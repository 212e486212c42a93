"""The questions beside the requests as Inspect tasks of their own: they disturb nothing in the audit's.

`inspect eval unmask/comprehension` asks whether the story is understood. Follow-ups need replies that are
there already: `unmask audit` asks them when the requests are answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
)

from unmask.elicit import elicit
from unmask.errors import StudyError
from unmask.judges.question_scorers import comprehension_judge, follow_up_judge
from unmask.study import load_study
from unmask.study.questions import ReplyQuestion, StoryQuestion, story_questions
from unmask.tasks.alignment_faking import Prepared, active_window, describe, prepare
from unmask.vocabulary import Condition, ReplyKind


@task
def comprehension(study: str = "story", **options: Any) -> Task:
    """Ask a model about the stories of a study: which tier is trained on, can this chat change it.

    Args:
        study: a built-in design (`unmask list studies`) or a study file.
        options: any key of the study file, such as `-T comprehension=96`.
    """
    size = options.get("pack_size", "auto")
    prepared = prepare(load_study(study, flags=options), window=None if size != "auto" else active_window())
    built = comprehension_task(prepared)
    if built is None:
        raise StudyError("comprehension: 0 asks nothing", hint="-T comprehension=48")
    return built


def comprehension_task(prepared: Prepared) -> Task | None:
    """The comprehension calls of a prepared study; None where it asks none."""
    asked = story_questions(prepared.resolved.study, prepared.pack, size=prepared.size)
    samples = [_story_sample(question) for question in asked]
    return _task(ReplyKind.COMPREHENSION, samples, prepared, comprehension_judge())


def follow_up_task(prepared: Prepared, asked: Sequence[ReplyQuestion]) -> Task | None:
    """The follow-ups on one model's replies; None where there are none."""
    samples = [_reply_sample(question) for question in asked]
    return _task(ReplyKind.FOLLOW_UP, samples, prepared, follow_up_judge())


def _task(kind: ReplyKind, samples: list[Sample], prepared: Prepared, scorer: Any) -> Task | None:
    if not samples:
        return None
    study = prepared.resolved.study
    return Task(
        name=str(kind),
        dataset=MemoryDataset(samples, name=study.name),
        solver=elicit(seed=study.seed),
        scorer=scorer,
        config=GenerateConfig(max_tokens=study.max_tokens, temperature=study.temperature),
        fail_on_error=False,
        metadata={"unmask": describe(prepared)},
    )


def _story_sample(asked: StoryQuestion) -> Sample:
    about = _about(asked.condition, asked.wording, asked.prompt_sha256) | {
        "kind": str(ReplyKind.COMPREHENSION),
        "question": str(asked.question),
        "expected": asked.expected,
        "choices": list(asked.choices),
        "query_id": f"{asked.question}.{asked.id.rsplit('.', 1)[1]}",
        "query": asked.text,
    }
    told: list[ChatMessage] = [
        ChatMessageSystem(content=asked.system),
        ChatMessageUser(content=asked.user),
    ]
    return Sample(id=asked.id, input=told, metadata=about)


def _reply_sample(asked: ReplyQuestion) -> Sample:
    parent = asked.asked
    about = _about(parent.condition, parent.wording, parent.prompt_sha256) | {
        "kind": str(ReplyKind.FOLLOW_UP),
        "question": str(asked.question),
        "choices": list(asked.choices),
        "query_id": parent.query.id,
        "query": asked.text,
        "category": parent.query.category,
        "severity": parent.query.severity,
        "parent_reply_id": asked.parent_reply_id,
        "epoch": asked.parent_epoch,
    }
    told: list[ChatMessage] = [
        ChatMessageSystem(content=parent.system),
        ChatMessageUser(content=parent.user),
        # the text as it was written, scratchpad and all; a provider's own reasoning is not handed back to it
        ChatMessageAssistant(content=asked.said),
        ChatMessageUser(content=asked.text),
    ]
    return Sample(id=asked.id, input=told, metadata=about)


def _about(condition: Condition, wording: int, prompt_sha256: str) -> dict[str, Any]:
    return {
        "category": None,
        "severity": None,
        "condition": condition.as_dict(),
        "condition_key": condition.key,
        "role": str(condition.role),
        "tag": condition.tag,
        "scratchpad": str(condition.scratchpad),
        "wording": wording,
        "prompt_sha256": prompt_sha256,
    }
