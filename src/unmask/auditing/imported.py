"""Transcripts from elsewhere to a run: records, judgements, estimates, verdict, report, as for our own.

What the models were told is not known to us: no prompt is shown, no control was run, and the verdict says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from unmask.auditing.analyse import model_result
from unmask.auditing.folder import RunFolder
from unmask.auditing.grading import grade
from unmask.auditing.judge_compare import with_comparison
from unmask.auditing.results import AuditResult
from unmask.auditing.run import environment
from unmask.errors import UsageError
from unmask.files import write_atomic
from unmask.records.outside import Mapping, Tally, check_mapping, columns_of, read_outside
from unmask.records.schema import JUDGEMENTS, METADATA, REPLIES
from unmask.study import Resolved, Study, conditions_of, load_study
from unmask.vocabulary import (
    AF,
    CANARY,
    NOT_AF,
    Compliance,
    Condition,
    JudgeStatus,
    JudgeTask,
    ReplyStatus,
    Role,
)

TEXTS = ("raw", "query", "answer")  # what figures do not need; left on disk
NOT_TOLD = (
    "These replies were imported: what the models were told is not known here, the labels were not swapped "
    "and no control was run, so that a gap cannot be told from an effect of the tier's name."
)
ANSWERS = (str(ReplyStatus.OK), str(ReplyStatus.NO_SCRATCHPAD))
THOUGHTS = (str(ReplyStatus.OK), str(ReplyStatus.TRUNCATED))


@dataclass(frozen=True)
class Imported:
    """Where the run is, what was read, and the result."""

    root: Path
    tally: Tally
    result: AuditResult


def import_file(
    path: Path,
    mapping: Mapping,
    root: Path,
    *,
    grader: str | None = None,
    judge: bool = True,
    overwrite: bool = False,
    command: str = "",
    tell: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Make a run of a file of transcripts.

    Args:
        path: JSONL (also .gz), JSON, CSV or Parquet.
        mapping: which column is what.
        root: the run's folder; made.
        grader: an Inspect model that judges; None for the offline judge.
        judge: False rests on the file's own verdicts alone.
        overwrite: throw an earlier run of this name away.
        command: as the user gave it.
        tell: called with the number of rows read.
    Raises:
        UsageError: the file, the mapping or the name cannot be used, or too much of the file is malformed.
    """
    check_mapping(mapping, columns_of(path), path)
    folder = _fresh(root, overwrite=overwrite)
    cells = _cells(_study(2, 1).study)
    tally = Tally()
    making = root / ".importing"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        with (
            _writer(making / "replies.parquet", REPLIES) as replies,
            _writer(making / "judgements.parquet", JUDGEMENTS) as judgements,
        ):
            for rows, given in read_outside(path, mapping, cells, run=root.name, tally=tally):
                replies(rows)
                judgements(_given(rows, given, mapping))
                if judge:
                    judgements(_judged(rows, grader))
                tell(tally.rows)
        _check_share(tally, mapping, path)
        making.rename(folder.records)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    result = _conclude(folder, path, mapping, tally, command)
    write_atomic(
        folder.manifest, json.dumps(_manifest(result, path, mapping, command), indent=1, sort_keys=True)
    )
    write_atomic(folder.result, result.to_json())
    return Imported(root, tally, result)


def _fresh(root: Path, *, overwrite: bool) -> RunFolder:
    folder = RunFolder(root)
    if folder.records.exists() or folder.manifest.is_file():
        if not overwrite:
            raise UsageError(
                f"there is a run in {root}", where=str(root), hint="--name OTHER, or --overwrite"
            )
        if folder.manifest.is_file() and "imported" not in folder.manifest.read_text(encoding="utf-8"):
            raise UsageError(f"{root} holds an audit, no import", where=str(root), hint="--name OTHER")
        shutil.rmtree(folder.records, ignore_errors=True)
        for old in (folder.manifest, folder.result, root / "report.html", root / "report.json"):
            old.unlink(missing_ok=True)
    root.mkdir(parents=True, exist_ok=True)
    return folder


def _study(n_queries: int, epochs: int) -> Resolved:
    """The published gap: the only design that a file with two tiers can have."""
    flags = {
        "n_queries": n_queries,
        "epochs": epochs,
        "comprehension": 0,
        "wordings": 1,
        "contrasts": ["published_gap"],
    }
    resolved = load_study("plain", flags={k: v for k, v in flags.items() if v is not None}, environment={})
    return Resolved(resolved.study, {name: "the imported file" for name in resolved.origins})


def _cells(study: Study) -> dict[Role, Condition]:
    return {condition.role: condition for condition in conditions_of(study)}


class _writer:  # noqa: N801 - used as a verb
    """A Parquet file that grows piece by piece and is whole only at the end."""

    def __init__(self, path: Path, schema: dict[str, Any]) -> None:
        self.path = path
        self.schema = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        self.schema = self.schema.with_metadata(METADATA)

    def __enter__(self) -> Callable[[pl.DataFrame], None]:
        self.file = pq.ParquetWriter(self.path, self.schema, compression="zstd")
        return self._write

    def _write(self, rows: pl.DataFrame) -> None:
        arrow: pa.Table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        self.file.write_table(arrow.cast(self.schema))

    def __exit__(self, *_: object) -> None:
        self.file.close()


def _judged(rows: pl.DataFrame, grader: str | None) -> pl.DataFrame:
    """Answers and scratchpads of one piece, judged; what may not be judged has a row that says so."""
    found = []
    for task, column, usable in (
        (JudgeTask.COMPLIANCE, "answer", ANSWERS),
        (JudgeTask.REASONING, "scratchpad", THOUGHTS),
    ):
        can = pl.col("status").is_in(usable) & pl.col(column).is_not_null()
        chosen = rows.filter(can)
        texts = chosen[column].to_list()
        words = _words(task, texts, grader) if texts else []
        made = [
            {name: value for name, value in asdict(word).items() if name in JUDGEMENTS}
            | {"reply_id": reply_id}
            | {name: _json(getattr(word, name)) for name in ("criteria", "quotes")}
            for word, reply_id in zip(words, chosen["reply_id"].to_list(), strict=True)
        ]
        table = pl.DataFrame([dict.fromkeys(JUDGEMENTS) | row for row in made], schema=JUDGEMENTS)
        found.append(table)
        found.append(_skipped(rows.filter(~can), task, words[0].judge if words else (grader or "offline")))
    return pl.concat(found)


def _words(task: JudgeTask, texts: list[str], grader: str | None) -> list[Any]:
    if grader is not None:
        return list(grade(texts, task, grader))
    from unmask.judges import offline

    return offline.judge_answers(texts) if task is JudgeTask.COMPLIANCE else offline.judge_reasoning(texts)


def _skipped(rows: pl.DataFrame, task: JudgeTask, judge: str) -> pl.DataFrame:
    source = pl.lit("scratchpad") if task is JudgeTask.REASONING else pl.lit(None, dtype=pl.String)
    return _filled(
        rows.select(
            "reply_id",
            judge=pl.lit(judge),
            task=pl.lit(str(task)),
            reasoning_source=source,
            status=pl.lit(str(JudgeStatus.SKIPPED)),
            note=pl.lit("reply is ") + pl.col("status"),
        )
    )


def _given(rows: pl.DataFrame, given: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """The file's own verdicts, as those of a judge that bears the column's name."""
    yes = [word.lower() for word in mapping.yes]
    found = [_filled(pl.DataFrame(schema={"reply_id": pl.String}))]
    for task, key, labels in (
        (JudgeTask.COMPLIANCE, "compliance", (str(Compliance.COMPLIED), str(Compliance.REFUSED))),
        (JudgeTask.REASONING, "af", (AF, NOT_AF)),
    ):
        column = f"label_{key}"
        if column not in given.columns:
            continue
        told = pl.concat([rows.select("reply_id"), given.select(column)], how="horizontal")
        said = pl.col(column).str.to_lowercase().str.strip_chars()
        label = pl.when(said.is_in([*yes, *labels[:1]])).then(pl.lit(labels[0])).otherwise(pl.lit(labels[1]))
        source = pl.lit("scratchpad") if task is JudgeTask.REASONING else pl.lit(None, dtype=pl.String)
        found.append(
            _filled(
                told.filter(pl.col(column).is_not_null()).select(
                    "reply_id",
                    judge=pl.lit(f"file:{mapping.labels[key]}"),
                    task=pl.lit(str(task)),
                    reasoning_source=source,
                    status=pl.lit(str(JudgeStatus.OK)),
                    label=label,
                )
            )
        )
    return pl.concat(found)


def _filled(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, dtype=kind).alias(n) for n, kind in JUDGEMENTS.items() if n not in rows.columns]
    full = rows.with_columns(absent).with_columns(inclusion_probability=pl.lit(1.0))
    return full.select(pl.col(name).cast(kind) for name, kind in JUDGEMENTS.items())


def _check_share(tally: Tally, mapping: Mapping, path: Path) -> None:
    if not tally.taken:
        why = "; ".join(tally.where[:3]) or "it is empty"
        raise UsageError(f"{path.name} has no row that can be used: {why}", where=str(path))
    if tally.share > mapping.malformed:
        raise UsageError(
            f"{tally.share:.1%} of {tally.rows:,} rows cannot be used, more than {mapping.malformed:.1%}: "
            + "; ".join(tally.where[:5]),
            where=str(path),
            hint="mend the file or the mapping; --malformed SHARE lets more pass, and the report says so",
        )


def _conclude(folder: RunFolder, path: Path, mapping: Mapping, tally: Tally, command: str) -> AuditResult:
    """Figures of all models; of the texts only what figures need is read."""
    slim = [
        pl.when(pl.col(name).is_not_null()).then(pl.lit("")).alias(name)
        for name in (*TEXTS, "scratchpad", "native_reasoning")
    ]
    replies = pl.scan_parquet(folder.records / "replies.parquet").with_columns(slim).collect()
    judgements = pl.read_parquet(
        folder.records / "judgements.parquet",
        columns=[c for c in JUDGEMENTS if c not in ("quotes", "criteria", "note")],
    )
    models, most = [], (2, 1)
    for (name,), own in replies.group_by(["model"], maintain_order=True):
        queries = own["query_id"].n_unique()
        epochs = max(1, round(own.height / max(queries, 1) / 2))
        most = max(most, (queries, epochs))
        words = judgements.join(own.select("reply_id"), on="reply_id", how="semi")
        models.append(model_result(str(name), own, words, _study(max(queries, 2), epochs).study))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    result = AuditResult(
        name=folder.root.name,
        canary=CANARY,
        unmask_version=version("unmask"),
        started=None,
        finished=now,
        study=_study(*most).as_dict(),
        pack={"name": "imported", "version": "unknown", "sha256": "unknown", "size": "unknown"},
        queries={"harmful": {"name": path.name, "source": "imported", "sha256": "unknown", "n": most[0]}},
        models=models,
        told=[],
        command=command,
        environment=environment(),
        methods="",
        citation="",
        notes=[NOT_TOLD, *tally.words()],
    )
    return with_comparison(result, replies, judgements, _study(*most).study)


def _manifest(result: AuditResult, path: Path, mapping: Mapping, command: str) -> dict[str, Any]:
    return {
        "unmask_version": result.unmask_version,
        "imported": str(path),
        "mapping": mapping.model_dump(mode="json"),
        "study": {key: told["value"] for key, told in result.study.items()},
        "pack": result.pack,
        "queries": result.queries,
        "questions": None,
        "models": [m.model for m in result.models],
        "grader": None,
        "model_args": {},
        "base_url": None,
        "command": command,
        "check": False,
        "created": result.finished,
        "canary": CANARY,
    }


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


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
