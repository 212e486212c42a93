"""The folder of a run: `runs/NAME/` with logs, records, manifest and report. One process at a time."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.errors import UnmaskError, UsageError
from unmask.files import held, write_atomic
from unmask.records.labels import STORE

MANIFEST = "manifest.json"
COMPARED = ("study", "pack", "queries", "questions", "models", "adapters", "grader", "model_args", "base_url")


class OtherDesignError(UsageError):
    """A folder holds a run of another design."""


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def records(self) -> Path:
        return self.root / "records"

    @property
    def acts(self) -> Path:
        return self.root / "acts"

    @property
    def choices(self) -> Path:
        return self.root / "choices"

    @property
    def check(self) -> Path:
        return self.root / "check"

    @property
    def labels(self) -> Path:
        return self.root / STORE

    @property
    def result(self) -> Path:
        return self.root / "audit.json"

    @property
    def manifest(self) -> Path:
        return self.root / MANIFEST


def run_name(study: str, models: list[str]) -> str:
    """A name that the same command finds again: study and models, made fit for a file system."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join([study, *models])).strip("-.")
    return slug[:120]


def open_folder(root: Path, manifest: dict[str, Any], *, overwrite: bool) -> RunFolder:
    """Make the folder, or go on in it when it holds the same design.

    Raises:
        OtherDesignError: it holds another design, and `overwrite` was not said; names what differs.
    """
    folder = RunFolder(root)
    if overwrite and folder.manifest.is_file():
        for path in (folder.logs, folder.records, folder.check, folder.acts, folder.choices):
            shutil.rmtree(path, ignore_errors=True)
        written = ("report.html", "report.json", "spent.jsonl")
        for path in (folder.manifest, folder.result, *(root / name for name in written)):
            path.unlink(missing_ok=True)
    if folder.manifest.is_file():
        differs = differences(read_manifest(root), manifest)
        if differs:
            raise OtherDesignError(
                f"{root} holds a run of another design: {', '.join(differs)} differ",
                where=str(folder.manifest),
                hint="--name OTHER, or --overwrite to throw that run away",
            )
    else:
        if folder.logs.exists():
            raise UsageError(f"{root} has logs but no manifest", hint="--name OTHER")
        write_atomic(folder.manifest, json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True))
    try:
        folder.logs.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UnmaskError(
            f"cannot make {folder.logs}: {e.strerror}", hint="name a folder you can write"
        ) from e
    return folder


def read_manifest(root: Path) -> dict[str, Any]:
    """What this run was told to do.

    Raises:
        UsageError: there is no run in that folder.
        UnmaskError: the manifest is damaged.
    """
    path = root / MANIFEST
    if not path.is_file():
        raise UsageError(f"no run in {root}", hint="name a folder that `unmask audit` made")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise UnmaskError(
            f"{path.name} is damaged: {e}", where=str(path), hint="--overwrite, or --name OTHER"
        ) from e
    if not isinstance(data, dict):
        raise UnmaskError(
            f"{path.name} is damaged: no keys", where=str(path), hint="--overwrite, or --name OTHER"
        )
    return data


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What two manifests disagree on, in the user's words; study keys one by one."""
    found = []
    old, new = json.loads(json.dumps(old)), json.loads(json.dumps(new))
    for key in COMPARED:
        before, after = old.get(key), new.get(key)
        if before == after or (key == "adapters" and key not in old):  # older runs did not say
            continue
        if key == "study" and isinstance(before, dict) and isinstance(after, dict):
            found += [k for k in after if before.get(k) != after[k]]
        else:
            found.append(key)
    return found


def locked(folder: RunFolder) -> AbstractContextManager[None]:
    """Hold the run for this process; a second one is told, not let in.

    Raises:
        UsageError: another process works in this folder.
    """
    return held(folder.root, hint="wait for it, or --name OTHER")
