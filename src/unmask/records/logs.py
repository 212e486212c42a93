"""Inspect's logs as they lie on disk: headers in the order in which they count, each sample once.

Logs are hostile input: they are parsed as data, a log that says it unpacks to more than memory should hold is
not opened, and a log that cannot be read is named in `problems`, never skipped in silence.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from inspect_ai.log import (
    EvalLog,
    EvalSample,
    read_eval_log,
    read_eval_log_sample,
    read_eval_log_samples,
)

MAX_PART = 2_000_000_000  # bytes of one part of a log, unpacked; the summaries of 100,000 replies take 300 MB
NOT_NEEDED = {"events", "store", "timelines", "events_data", "attachments"}  # most of a log's bytes
MAX_AT_ONCE = (
    50_000_000  # bytes of a sample, unpacked; a larger one is for Inspect, which leaves events unread
)
Seen = set[tuple[str, str, str, int]]


def headers_of(
    paths: Iterable[Path], problems: list[str], *, mark: str, what: str
) -> list[tuple[Path, EvalLog]]:
    """Logs that carry our mark, a finished one before an unfinished one, the newer before the older.

    Args:
        paths: of logs.
        problems: what could not be read is added here.
        mark: the key under which our tasks describe themselves.
        what: such a log in words: "a log of acts".
    """
    found = [(path, header) for path in paths if (header := _header(path, problems, mark, what)) is not None]
    return sorted(found, key=lambda item: (item[1].status == "success", item[1].eval.created), reverse=True)


def unseen(path: Path, header: EvalLog, seen: Seen, problems: list[str]) -> Iterator[EvalSample]:
    """Samples of a log that no log before it had: of a killed run, its retry and a copy, each counts once."""
    for sample in _samples(path, header, problems):
        key = (header.eval.task_id, header.eval.model, str(sample.id), sample.epoch)
        if key not in seen:
            seen.add(key)
            yield sample


def _header(path: Path, problems: list[str], mark: str, what: str) -> EvalLog | None:
    if _is_bomb(path):
        problems.append(f"{path.name}: unpacks to parts of more than {MAX_PART:,} bytes")
        return None
    try:
        header = read_eval_log(str(path), header_only=True)
    except Exception as e:  # noqa: BLE001 - Inspect raises whatever its parsers raise; the log is named instead
        problems.append(f"{path.name}: not readable ({type(e).__name__})")
        return None
    if mark not in (header.eval.metadata or {}):
        problems.append(f"{path.name}: not {what}")
        return None
    return header


def _samples(path: Path, header: EvalLog, problems: list[str]) -> Iterator[EvalSample]:
    try:
        if path.suffix == ".eval":
            yield from _unpacked(path, header)
        else:
            yield from read_eval_log_samples(str(path), all_samples_required=False, exclude_fields=NOT_NEEDED)
    except Exception as e:  # noqa: BLE001 - as above: a half-written log gives what it has, and is named
        problems.append(f"{path.name}: cut short while reading ({type(e).__name__})")


def _unpacked(path: Path, header: EvalLog) -> Iterator[EvalSample]:
    """The samples that are there, in the task's order.

    Inspect's own way opens the log anew for each and reads its table of contents: 15 ms a sample where this
    takes 1, in a log of 288, and more the longer the log.
    """
    ids, epochs = header.eval.dataset.sample_ids, range(1, (header.eval.config.epochs or 1) + 1)
    if ids is None:
        raise ValueError("the log does not name its samples")
    with zipfile.ZipFile(path) as log:
        parts = {part.filename: part for part in log.infolist()}
        for which, epoch in product(ids, epochs):
            part = parts.get(f"samples/{which}_epoch_{epoch}.json")
            if part is None:
                continue
            if part.file_size > MAX_AT_ONCE:
                yield read_eval_log_sample(str(path), which, epoch, exclude_fields=NOT_NEEDED)
                continue
            told = json.loads(log.read(part))
            yield EvalSample.model_validate({k: v for k, v in told.items() if k not in NOT_NEEDED})


def _is_bomb(path: Path) -> bool:
    """Whether some part of a log unpacks, as it says itself, to more than Inspect should be given to read."""
    if path.suffix != ".eval":
        return False
    try:
        with zipfile.ZipFile(path) as log:
            return any(part.file_size > MAX_PART for part in log.infolist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False  # Inspect says what is wrong with it
