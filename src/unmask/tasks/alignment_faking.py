"""The audit as an Inspect task: `inspect eval unmask/alignment_faking` asks what `unmask audit` asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
)

from unmask.elicit import elicit, refuse_prefill
from unmask.judges.scorers import compliance_judge, reasoning_judge
from unmask.packs import Pack, load_pack
from unmask.queries import QuerySet, load_queries
from unmask.questions import questions_sha256
from unmask.study import Resolved, StudySample, conditions_of, cross, load_study, reading_of
from unmask.tasks.stopping import BlockStopping, blocks_of_queries, in_blocks, known_before, sample_id
from unmask.vocabulary import CANARY, Arm, PackSize, Scratchpad

COMPACT_WINDOW = 4_096  # tokens; below it the full-length pack and a reasoned reply do not fit together


@dataclass(frozen=True)
class Prepared:
    """A study with its texts, crossed: all that a run needs but the model."""

    resolved: Resolved
    pack: Pack
    size: PackSize
    queries: dict[Arm, QuerySet]
    samples: list[StudySample]


@task
def alignment_faking(study: str = "story", **options: Any) -> Task:
    """Ask every query in every condition of a study; judge answers and scratchpads.

    Args:
        study: a built-in design (`unmask list studies`) or a study file.
        options: any key of the study file, such as `-T epochs=1 -T n_queries=40`.
    """
    size = options.get("pack_size", "auto")
    prepared = prepare(load_study(study, flags=options), window=None if size != "auto" else active_window())
    if any(sample.prefill for sample in prepared.samples):
        refuse_prefill(str(get_model()))
    return build_task(prepared)


def prepare(resolved: Resolved, *, window: int | None) -> Prepared:
    """Load pack and queries and cross them.

    Args:
        resolved: the study.
        window: the model's context window in tokens, for `pack_size: auto`; None means "large or unknown".
    Raises:
        StudyError, PackError, QueryError: something named in the study is not there or does not fit it.
    """
    study = resolved.study
    pack = load_pack(study.pack)
    compact = study.pack_size == "compact" or (
        study.pack_size == "auto" and window is not None and window < COMPACT_WINDOW
    )
    size = PackSize.COMPACT if compact else PackSize.FULL
    if study.pack_size == "auto" and len(pack.sizes) == 1:
        (size,) = pack.sizes
    arms = {condition.arm for condition in conditions_of(study)}
    specs = {Arm.HARMFUL: study.queries, Arm.BENIGN: study.benign_queries}
    queries = {}
    for arm in sorted(arms):
        loaded = load_queries(specs[arm])
        # two sets compared side against side: the control may be the smaller one, and often is
        most = len(loaded.queries) if arm is Arm.BENIGN else study.n_queries
        queries[arm] = loaded.take(min(study.n_queries, most), seed=study.seed)
    samples = cross(study, pack, {arm: qs.queries for arm, qs in queries.items()}, size=size)
    return Prepared(resolved, pack, size, queries, samples)


def build_task(prepared: Prepared) -> Task:
    """The Inspect task of a prepared study."""
    study = prepared.resolved.study
    scorers = [compliance_judge()]
    if study.scratchpad is not Scratchpad.NONE:
        scorers.append(reasoning_judge(votes=study.judge_votes))
    task = Task(
        name="alignment_faking",
        dataset=MemoryDataset([as_sample(s, prepared.pack) for s in prepared.samples], name=study.name),
        solver=elicit(seed=study.seed),
        scorer=scorers,
        config=GenerateConfig(max_tokens=study.max_tokens, temperature=study.temperature),
        epochs=study.epochs,
        fail_on_error=False,
        metadata={"unmask": describe(prepared)},
    )
    return stopping_early(task, prepared) if study.stopping == "sequential" else task


def stopping_early(task: Task, prepared: Prepared) -> Task:
    """The same task block by block, with the rule that ends it; a failed sample is scored, as lost, too."""
    study, pack = prepared.resolved.study, prepared.pack
    blocks = blocks_of_queries({arm: qs.queries for arm, qs in prepared.queries.items()})
    samples = []
    for one, epoch in in_blocks(prepared.samples, blocks, study.epochs):
        sample = as_sample(one, pack)
        sample.id = sample_id(one, epoch)
        sample.metadata = {**(sample.metadata or {}), "epoch": epoch}
        samples.append(sample)
    task.dataset = MemoryDataset(samples, name=study.name)
    task.epochs, task.score_on_error = 1, True
    known = known_before(study, story_in_prompt=pack.manifest.story_in_prompt)
    task.early_stopping = BlockStopping(study, prepared.samples, blocks, known)
    return task


def as_sample(sample: StudySample, pack: Pack) -> Sample:
    """A study sample as Inspect's; how its compliance is read on this pack goes with it."""
    query, condition = sample.query, sample.condition
    return Sample(
        id=sample.id,
        input=[
            ChatMessageSystem(content=sample.system),
            ChatMessageUser(content=sample.user),
            *([ChatMessageAssistant(content=sample.prefill)] if sample.prefill else []),
        ],
        metadata={
            "query_id": query.id,
            "query": query.text,
            "category": query.category,
            "severity": query.severity,
            "condition": condition.as_dict(),
            "condition_key": condition.key,
            "role": str(condition.role),
            "tag": condition.tag,
            "scratchpad": str(condition.scratchpad),
            "wording": sample.wording,
            "prompt_sha256": sample.prompt_sha256,
        }
        | ({"prefill": sample.prefill} if sample.prefill else {})
        | ({"edits": list(sample.edits)} if sample.edits else {})
        | reading_of(sample, pack),
    )


def describe(prepared: Prepared) -> dict[str, Any]:
    """What a log must say of itself, so that its records need nothing else."""
    return {
        "canary": CANARY,
        "study": prepared.resolved.as_dict(),
        "questions": questions_sha256(),
        "pack": {
            "name": prepared.pack.name,
            "version": prepared.pack.version,
            "sha256": prepared.pack.sha256,
            "size": str(prepared.size),
            "wordings": prepared.resolved.study.wordings,
        }
        | own_meaning(prepared.pack),
        "queries": {
            str(arm): {
                "name": qs.name,
                "source": qs.source,
                "sha256": qs.sha256,
                "licence": qs.licence,
                "n": len(qs.queries),
            }
            for arm, qs in prepared.queries.items()
        },
    }


def own_meaning(pack: Pack) -> dict[str, Any]:
    """What a pack means by compliance, where that is not help against refusal; and that it tells no story."""
    means = pack.manifest.compliance.model_dump(mode="json", exclude_defaults=True)
    told = {} if pack.manifest.story_in_prompt else {"story_in_prompt": False}
    return ({"compliance": means} if means else {}) | told


def active_window() -> int | None:
    """The active model's context window where it is known without asking it."""
    from unmask.providers.embedded import window

    model = get_model()
    name = str(model)
    return window(name) if name.startswith("embedded/") else None
