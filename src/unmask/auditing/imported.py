"""Transcripts from elsewhere to a run: records, judgements, estimates, verdict, report, as for our own.

What the models were told is not known to us: no prompt is shown, no control was run, and the verdict says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from unmask.analysis.analyse import model_result
from unmask.analysis.judge_cards import naming_cards
from unmask.analysis.results import AuditResult, ModelResult
from unmask.auditing.environment import environment
from unmask.auditing.folder import RunFolder, locked, read_manifest
from unmask.auditing.imported_judging import Writer, given, judge_kept, judged, pieces_of
from unmask.auditing.judge_compare import with_comparison
from unmask.errors import UsageError
from unmask.files import file_sha256, write_atomic
from unmask.records.labels import read_store
from unmask.records.mapping import Mapping, check_mapping
from unmask.records.outside import read_outside
from unmask.records.pieces import Tally, columns_of
from unmask.records.schema import JUDGEMENTS, REPLIES
from unmask.study import Resolved, Study, conditions_of, load_study
from unmask.vocabulary import CANARY, Condition, Role

TEXTS = ("scratchpad", "native_reasoning")  # figures need whether they are there; of other texts nothing
NEEDED = (
    "reply_id", "parent_reply_id", "kind", "question", "model", "served_model", "provider", "query_set",
    "query_id", "category", "severity", "role", "tag", "condition_key", "epoch", "status", "finish_reason",
    "reasoning_visibility", "tokens_in", "tokens_cached", "tokens_out",
)  # fmt: skip
MOST_MODELS = 500
NOT_TOLD = (
    "These replies were imported: what the models were told is not known here, the labels were not swapped "
    "and no control was run, so that a gap cannot be told from an effect of the tier's name."
)
PACK = {"name": "imported", "version": "unknown", "sha256": None, "size": "unknown"}


@dataclass(frozen=True)
class Imported:
    """Where the run is, what was read, and the result."""

    root: Path
    tally: Tally
    result: AuditResult


def is_imported(root: Path) -> bool:
    """Whether a run's replies came from elsewhere."""
    return "imported" in read_manifest(root)


def import_file(
    paths: Sequence[Path],
    mapping: Mapping,
    root: Path,
    *,
    grader: str | None = None,
    judge: bool = True,
    overwrite: bool = False,
    command: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Make a run of files of transcripts.

    Args:
        paths: JSONL (also .gz), JSON, CSV or Parquet, all with the mapped columns.
        mapping: which column is what.
        root: the run's folder; made.
        grader: an Inspect model that judges; None for the offline judge.
        judge: False rests on the file's own verdicts alone.
        overwrite: throw an earlier import of this name away, once the new one is read.
        command: as the user gave it.
        tell: called now and then with what was done.
    Raises:
        UsageError: the files, the mapping or the name cannot be used, or too much of them is malformed.
    """
    for path in paths:
        check_mapping(mapping, columns_of(path), path)
    folder = RunFolder(root)
    _check_free(folder, overwrite=overwrite)
    with locked(folder):
        tally = _records(folder, paths, mapping, by_offline=judge and grader is None, tell=tell)
        manifest = _manifest(paths, mapping, tally, folder, command)
        write_atomic(folder.manifest, json.dumps(manifest, indent=1, sort_keys=True))
        if judge and grader is not None:
            judge_kept(folder, grader, lambda n: tell(f"{n:,} replies judged"))
        return Imported(root, tally, _conclude(folder, manifest))


def conclude_imported(root: Path) -> AuditResult:
    """The result of an imported run anew, with today's judge cards and labels; nothing is judged."""
    folder = RunFolder(root)
    with locked(folder):
        return _conclude(folder, read_manifest(root))


def judge_imported(
    root: Path, *, grader: str | None, tell: Callable[[int], None] = lambda _: None
) -> AuditResult:
    """Add the judgements of another judge to an imported run, and conclude again; goes on if interrupted."""
    folder = RunFolder(root)
    with locked(folder):
        judge_kept(folder, grader, tell)
        return _conclude(folder, read_manifest(root))


def _check_free(folder: RunFolder, *, overwrite: bool) -> None:
    """A folder without a manifest holds nothing whole: an import that was killed starts clean.

    Raises:
        UsageError: it holds a run, or labels, that would be lost.
    """
    where = str(folder.root)
    if not folder.manifest.is_file():
        return
    if not is_imported(folder.root):
        raise UsageError(f"{folder.root} holds an audit, no import", where=where, hint="--name OTHER")
    if not overwrite:
        raise UsageError(
            f"there is a run in {folder.root}",
            where=where,
            hint=f"--name OTHER, or --overwrite; to judge it further: unmask judge {folder.root.name}",
        )
    if folder.labels.is_file():
        raise UsageError(
            f"people have labelled the replies in {folder.root}",
            where=str(folder.labels),
            hint="--name OTHER, or move that file away first",
        )


def _records(
    folder: RunFolder,
    paths: Sequence[Path],
    mapping: Mapping,
    *,
    by_offline: bool,
    tell: Callable[[str], None],
) -> Tally:
    """Both tables, read aside and put in their place when they are whole."""
    if by_offline:
        from unmask.judges.offline import judge_texts
    cells = _cells(_study(2, 1).study)
    tally = Tally()
    making = folder.root / ".importing"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    try:
        with (
            Writer(making / "replies.parquet", REPLIES) as replies,
            Writer(making / "judgements.parquet", JUDGEMENTS) as judgements,
        ):
            for rows, labels in read_outside(paths, mapping, cells, run=folder.root.name, tally=tally):
                replies(rows)
                judgements(given(rows, labels, mapping))
                if by_offline:
                    judgements(judged(rows, judge_texts, None))
                tell(f"{tally.rows:,} rows read")
        _check_share(tally, mapping, paths)
        written = ("report.html", "report.json")
        for path in (folder.manifest, folder.result, *(folder.root / name for name in written)):
            path.unlink(missing_ok=True)
        for path in (folder.records, *folder.root.glob(".judging-*")):
            shutil.rmtree(path, ignore_errors=True)
        making.rename(folder.records)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return tally


def _study(n_queries: int, epochs: int) -> Resolved:
    """The published gap: the only design that a file with two tiers can have."""
    flags = {
        "n_queries": n_queries,
        "epochs": epochs,
        "comprehension": 0,
        "wordings": 1,
        "contrasts": ["published_gap"],
    }
    resolved = load_study("plain", flags=flags, environment={})
    return Resolved(resolved.study, {name: "the imported file" for name in resolved.origins})


def _cells(study: Study) -> dict[Role, Condition]:
    return {condition.role: condition for condition in conditions_of(study)}


def _check_share(tally: Tally, mapping: Mapping, paths: Sequence[Path]) -> None:
    names = ", ".join(path.name for path in paths)
    where = ", ".join(map(str, paths))
    told = "; ".join(tally.where[:5])
    if not tally.taken:
        raise UsageError(f"{names}: no row can be used: {told or 'there is none'}", where=where)
    if tally.share > mapping.malformed:
        raise UsageError(
            f"{tally.share:.1%} of {tally.rows:,} rows cannot be used, more than {mapping.malformed:.1%}: "
            + told,
            where=where,
            hint="mend the file or the mapping; --malformed SHARE lets more pass, and the report says so",
        )


def _conclude(folder: RunFolder, manifest: dict[str, Any]) -> AuditResult:
    """Figures of all models; of the texts only whether they are there is read."""
    replies = _slim_replies(folder)
    judgements = _slim_judgements(folder)
    labels = read_store(folder.labels)
    models, most = [], (2, 1)
    groups = replies.partition_by("model", maintain_order=True)
    if len(groups) > MOST_MODELS:
        raise UsageError(
            f"{len(groups):,} different models, more than {MOST_MODELS}: is `model` the right column?",
            where=str(folder.root),
            hint="--map model=COLUMN, and fewer --group; then --overwrite",
        )
    for own in groups:
        queries = own["query_id"].n_unique()
        epochs = max(1, round(own.height / queries / own["role"].n_unique()))
        most = max(most, (queries, epochs))
        words = judgements.join(own.select("reply_id"), on="reply_id", how="semi")
        study = _study(max(queries, 2), epochs).study
        models.append(_told(model_result(str(own["model"][0]), own, words, study, labels=labels), own))
    names = [f["name"] for f in manifest["files"]]
    result = AuditResult(
        name=folder.root.name,
        canary=CANARY,
        unmask_version=version("unmask"),
        started=None,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        study=_study(*most).as_dict(),
        pack=PACK,
        queries={"harmful": {"name": ", ".join(names), "source": "imported", "sha256": None, "n": most[0]}},
        models=models,
        told=[],
        command=manifest["command"],
        environment=environment(),
        methods="",
        citation="",
        notes=[*manifest["left_out"], *(f"{f['name']}: sha256 {f['sha256']}" for f in manifest["files"])],
    )
    _name_cards(folder, judgements["judge_card"], replies.select("reply_id", "model"), models)
    result = with_comparison(result, replies, judgements, _study(*most).study)
    write_atomic(folder.result, result.to_json())
    return result


def _name_cards(
    folder: RunFolder, before: pl.Series, replies: pl.DataFrame, models: Sequence[ModelResult]
) -> None:
    """Write the cards that the result names into the table, piece by piece; nothing where there are none."""
    if before.is_null().all() and not any(j.card for m in models for j in m.judges):
        return
    path = folder.records / "judgements.parquet"
    aside = path.with_suffix(".naming")
    with Writer(aside, JUDGEMENTS) as write:
        for piece in pieces_of(path):
            write(naming_cards(piece, replies, models))
    aside.replace(path)


def _slim_replies(folder: RunFolder) -> pl.DataFrame:
    there = [pl.when(pl.col(name).is_not_null()).then(pl.lit("")).alias(name) for name in TEXTS]
    absent = [pl.lit(None, dtype=kind).alias(n) for n, kind in REPLIES.items() if n not in (*NEEDED, *TEXTS)]
    lazy = pl.scan_parquet(folder.records / "replies.parquet")
    return lazy.select(*NEEDED, *there).with_columns(absent).select(list(REPLIES)).collect(engine="streaming")


def _slim_judgements(folder: RunFolder) -> pl.DataFrame:
    unread = ("quotes", "criteria", "note")
    lazy = pl.scan_parquet(folder.records / "judgements.parquet")
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in unread]
    return lazy.select(pl.exclude(unread)).with_columns(absent).select(list(JUDGEMENTS)).collect()


def _told(result: ModelResult, own: pl.DataFrame) -> ModelResult:
    """What a reader must know before any figure of replies that we did not ask for."""
    first = [NOT_TOLD]
    if own["role"].n_unique() < len(Role) - 1:
        first.append("Only one of the two tiers is in the file: there is nothing to compare.")
    return replace(result, observations=[*first, *result.observations])


def _manifest(
    paths: Sequence[Path], mapping: Mapping, tally: Tally, folder: RunFolder, command: str
) -> dict[str, Any]:
    models = pl.scan_parquet(folder.records / "replies.parquet").select("model").unique(maintain_order=True)
    return {
        "unmask_version": version("unmask"),
        "imported": [str(path) for path in paths],
        "files": [{"name": path.name, "sha256": file_sha256(path)} for path in paths],
        "mapping": mapping.model_dump(mode="json"),
        "left_out": tally.words(),
        "study": _study(2, 1).study.model_dump(mode="json"),
        "pack": PACK,
        "queries": {},
        "questions": None,
        "models": models.collect()["model"].to_list(),
        "grader": None,
        "model_args": {},
        "base_url": None,
        "command": command,
        "check": False,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "canary": CANARY,
    }


def overridden(mapping: Mapping, pairs: Sequence[str]) -> Mapping:
    """A mapping with `field=column` pairs of the user over it.

    Raises:
        UsageError: a pair without `=`.
    """
    columns = dict(mapping.columns)
    for pair in pairs:
        name, sign, column = pair.partition("=")
        if not sign or not name or not column:
            raise UsageError(f"--map {pair}: expected field=column", hint="--map reply=completion")
        columns[name] = column
    return mapping.model_copy(update={"columns": columns})
