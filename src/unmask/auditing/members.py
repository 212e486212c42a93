"""Runs on disk as members of a comparison: one model of one run each, its figures made anew from its records.

A run may be old, half copied or edited by someone. Nothing of it is believed that its tables do not show:
`audit.json` gives a verdict's name and a date; where its figures are not those of the records, that is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unmask.analysis.arrays import Table, choose, tabulate
from unmask.analysis.comprehension import follow_ups
from unmask.analysis.results import RESULT_SCHEMA, FollowUpResult
from unmask.auditing.folder import MANIFEST, RunFolder, read_manifest
from unmask.errors import RecordsError, UsageError
from unmask.judges.scorers import reasoning_source
from unmask.records import read_tables, requests
from unmask.records.schema import JUDGEMENTS, REPLIES
from unmask.study import Study, conditions_of
from unmask.vocabulary import VerdictName

MAX_JSON_BYTES = 200_000_000  # an audit of 100,000 replies has 2 MB: more is a mistake or an attack
Prompts = dict[tuple[str, int], frozenset[str]]  # condition key and wording to the hashes of what was told


@dataclass(frozen=True)
class Member:
    """One model of one run.

    served: the names under which it was served. prompts: of each condition and wording. queries: id to a mark
    of its set and text. judges: task to judge, as chosen for the figures. told: contrast to the
    estimate that `audit.json` gives. answers: what it says of its replies when asked.
    """

    run: str
    model: str
    finished: str | None
    verdict: str | None
    study: Study
    table: Table
    served: tuple[str, ...]
    prompts: Prompts
    queries: dict[str, str]
    judges: dict[str, str]
    sampling: tuple[str, ...]
    told: dict[str, float]
    answers: list[FollowUpResult]


class _Estimate(BaseModel):
    estimate: float


class _ToldContrast(BaseModel):
    name: str
    effect_95: _Estimate


class _ToldVerdict(BaseModel):
    name: VerdictName


class _ToldModel(BaseModel):
    model: str
    verdict: _ToldVerdict
    contrasts: list[_ToldContrast]


class _Told(BaseModel):
    """What a comparison takes from `audit.json`; the rest may be as it likes."""

    model_config = ConfigDict(strict=True)

    format: int = Field(alias="schema")
    unmask_version: str
    finished: str | None
    models: list[_ToldModel]


def members_of(root: Path) -> list[Member]:
    """All models of a finished run, in the order in which they were named.

    Raises:
        UsageError: no finished run there, or its study is not one that this version knows.
        RecordsError: its files are damaged, of another schema, or hold what no run writes.
    """
    manifest = read_manifest(root)
    study = _study(manifest, root)
    told = _told(root)
    replies, judgements = read_tables(RunFolder(root).records)
    _check(replies, REPLIES, root)
    _check(judgements, JUDGEMENTS, root)
    if replies["reply_id"].n_unique() != replies.height:
        raise RecordsError(
            "a reply stands twice in replies.parquet: its figures would count it twice",
            where=str(root),
            hint=_again(root),
        )
    by_model = {m.model: m for m in told.models}
    names = [m.model for m in told.models]
    found = set(replies["model"].drop_nulls().to_list())
    if len(by_model) != len(names) or set(names) != found:
        raise RecordsError(
            "audit.json and records/ are not of one run: they name other models",
            where=str(root),
            hint=_again(root),
        )
    return [_member(root, study, told.finished, by_model[m], replies, judgements) for m in names]


def _member(
    root: Path,
    study: Study,
    finished: str | None,
    told: _ToldModel,
    replies: pl.DataFrame,
    judgements: pl.DataFrame,
) -> Member:
    every = replies.filter(pl.col("model") == told.model)
    own = requests(every)
    words = judgements.join(own.select("reply_id"), on="reply_id", how="semi")
    chosen = choose(words, source=reasoning_source("auto", study.scratchpad))
    judges = chosen.select("task", "judge").unique().sort("task", "judge")
    return Member(
        run=root.resolve().name,
        model=told.model,
        finished=finished,
        verdict=str(told.verdict.name),
        study=study,
        table=tabulate(own, chosen, conditions_of(study)),
        served=tuple(sorted(set(own["served_model"].drop_nulls().to_list()))),
        prompts=_prompts(own),
        queries=_queries(own),
        judges={str(task): str(judge) for task, judge in judges.iter_rows()},
        sampling=_sampling(own),
        told={c.name: c.effect_95.estimate for c in told.contrasts},
        answers=follow_ups(
            every, choose(judgements.join(every.select("reply_id"), on="reply_id", how="semi"))
        ),
    )


def _study(manifest: dict[str, Any], root: Path) -> Study:
    try:
        return Study.model_validate(manifest["study"])
    except (KeyError, ValidationError) as e:
        first = e.errors()[0] if isinstance(e, ValidationError) else {"loc": ("study",), "msg": "missing"}
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"the study of this run is not one that this version reads: {key}: {first['msg']}",
            where=str(root / MANIFEST),
            hint=f"compare with the version that made it: {manifest.get('unmask_version', 'not recorded')}",
        ) from e


def _told(root: Path) -> _Told:
    path = RunFolder(root).result
    if not path.is_file():
        raise UsageError(
            f"no finished audit in {root}",
            where=str(path),
            hint="give the command of the audit again: it goes on from where it stopped",
        )
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise RecordsError(f"{path.name} is larger than {MAX_JSON_BYTES:,} bytes", where=str(path))
        told = _Told.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as e:
        first = e.errors()[0] if isinstance(e, ValidationError) else None
        detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(e)
        raise RecordsError(f"{path.name} is damaged: {detail}", where=str(path), hint=_again(root)) from e
    if told.format != RESULT_SCHEMA:
        raise RecordsError(
            f"{path.name} has schema {told.format}, this version reads {RESULT_SCHEMA}",
            where=str(path),
            hint=f"it was written by unmask {told.unmask_version}; {_again(root)}",
        )
    return told


def _again(root: Path) -> str:
    return f"make it again from its logs: unmask judge {root}"


def _check(table: pl.DataFrame, schema: dict[str, Any], root: Path) -> None:
    """Columns hold what they should: a number where a name belongs would end as an unreadable error."""
    for name, kind in schema.items():
        found = table.schema[name]
        if not isinstance(kind, pl.Struct) and found != kind and found != pl.Null:
            raise RecordsError(
                f"column {name} holds {found}, not {kind}", where=str(root / "records"), hint=_again(root)
            )


def _prompts(own: pl.DataFrame) -> Prompts:
    found: dict[tuple[str, int], set[str]] = {}
    columns = own.select("condition_key", "wording", "prompt_sha256").unique().drop_nulls()
    for key, wording, digest in columns.iter_rows():
        found.setdefault((key, wording), set()).add(digest)
    return {place: frozenset(digests) for place, digests in found.items()}


def _queries(own: pl.DataFrame) -> dict[str, str]:
    """Each query's set and text as one mark; two texts under one id give a mark that equals no other."""
    marks: dict[str, list[str]] = {}
    for row in own.select("query_id", "query_set", "query").unique().sort(pl.all()).iter_rows():
        marks.setdefault(row[0], []).append(hashlib.sha256(repr(row).encode()).hexdigest())
    return {name: " ".join(found) for name, found in marks.items()}


def _sampling(own: pl.DataFrame) -> tuple[str, ...]:
    names = ("temperature", "top_p", "max_tokens", "reasoning_effort")
    rows = own.select(names).unique().sort(pl.all())
    return tuple(
        ", ".join(f"{n.replace('_', ' ')} {v:g}" if isinstance(v, float) else f"{n.replace('_', ' ')} {v}"
                  for n, v in zip(names, row, strict=True) if v is not None)
        for row in rows.iter_rows()
    )  # fmt: skip


def sampled_differently(members: Sequence[Member], names: Sequence[str]) -> str | None:
    """In words; None where all were sampled alike."""
    if len({m.sampling for m in members}) < 2:
        return None
    each = [f"{n} at {' or '.join(m.sampling)}" for m, n in zip(members, names, strict=True)]
    return f"sampled differently: {'; '.join(each)}"


def named(members: Sequence[Member]) -> list[str]:
    """A name for each that tells it from the others: the model, with its run where that is needed."""
    models = [m.model for m in members]
    if len(set(models)) == len(models):
        return models
    return [f"{m.model} in {m.run}" for m in members]
