"""A Hugging Face data set folder on disk: which files make which split. Never the network.

The layout: a README.md whose front matter lists `configs` with `data_files`, or without one, files
named for their split (`data/train-00000-of-00002.parquet`, `test.jsonl`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import yaml

from unmask.errors import QueryError
from unmask.queries.archive import read_inside
from unmask.queries.columns import Row, nearest
from unmask.queries.files import READERS, decoded

SPLIT_OF_NAME = re.compile(r"^([A-Za-z][A-Za-z0-9_]*?)(?:-\d{5}-of-\d{5}(?:-[0-9a-f]+)?)?$")
MAX_LISTED = 1_000  # configs, and patterns in each: a README with more is made to keep us busy
LFS = b"version https://git-lfs"


def hub_rows(spec: str) -> tuple[Iterator[Row], str, str]:
    """Rows of `FOLDER[:split]`, where they are from, and the licence that the README states.

    Raises:
        QueryError: no such folder or split, several splits and none named, a path that leads outside.
    """
    folder, split = _folder_and_split(spec)
    about = _front_matter(folder)
    splits = _from_configs(folder, about["configs"]) if about.get("configs") else _from_names(folder)
    if not splits:
        raise QueryError(
            "no data files", where=str(folder), hint=f"data/SPLIT-*.parquet, or {', '.join(READERS)}"
        )
    if split is None and len(splits) > 1:
        raise QueryError(
            f"{len(splits)} splits: {', '.join(splits)}", where=str(folder), hint=f"hf:{folder}:SPLIT"
        )
    chosen = split or next(iter(splits))
    if chosen not in splits:
        raise QueryError(
            f"no split {chosen!r}{nearest(chosen, splits)}",
            where=str(folder),
            hint=f"splits: {', '.join(splits)}",
        )
    licence = about.get("license")
    stated = licence if isinstance(licence, str) else "not stated"
    return _rows(splits[chosen], folder), f"hf: {folder}, split {chosen}", stated


def _folder_and_split(spec: str) -> tuple[Path, str | None]:
    if Path(spec).is_dir():
        return Path(spec), None
    folder, _, split = spec.rpartition(":")
    if folder and split and Path(folder).is_dir():
        return Path(folder), split
    raise QueryError(
        "no such data set folder",
        where=folder or spec,
        hint="a folder on disk is read; nothing is downloaded",
    )


def _rows(files: list[Path], folder: Path) -> Iterator[Row]:
    for file in files:
        name = file.relative_to(folder).as_posix()
        data = read_inside(file, _boundary(folder))
        if data.startswith(LFS):
            raise QueryError("a git-lfs pointer, not the data", where=str(file), hint="git lfs pull")
        for row in READERS[file.suffix.lower()](data, str(file)):
            yield Row(f"{name}, {row.place}", row.cells)


def _boundary(folder: Path) -> Path:
    """Where links may lead: the folder, or in the hub's cache the blobs beside `snapshots/REVISION`."""
    real = folder.resolve()
    return real.parent.parent if real.parent.name == "snapshots" else real


def _front_matter(folder: Path) -> dict[str, object]:
    readme = folder / "README.md"
    if not readme.is_file():
        return {}
    parts = (
        decoded(read_inside(readme, _boundary(folder)), str(readme)).replace("\r\n", "\n").split("---\n", 2)
    )
    if len(parts) < 3 or parts[0].strip():
        return {}
    if len(parts[1]) > 2**20:
        raise QueryError("front matter larger than 1 MB", where=str(readme))
    try:
        about = yaml.safe_load(parts[1])
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise QueryError("the front matter is not YAML", where=str(readme)) from problem
    return about if isinstance(about, dict) else {}


def _from_configs(folder: Path, configs: object) -> dict[str, list[Path]]:
    """Splits by name; with several configs by `config/split`."""
    readme = str(folder / "README.md")
    if (
        not isinstance(configs, list)
        or len(configs) > MAX_LISTED
        or not all(isinstance(config, dict) for config in configs)
    ):
        raise QueryError("configs is not a list of mappings", where=readme)
    splits: dict[str, list[Path]] = {}
    for config in configs:
        prefix = f"{config.get('config_name', 'default')}/" if len(configs) > 1 else ""
        for split, patterns in _data_files(config.get("data_files"), readme):
            splits[prefix + split] = [file for pattern in patterns for file in _glob(folder, pattern)]
    return splits


def _data_files(data_files: object, readme: str) -> Iterator[tuple[str, list[str]]]:
    """`data_files` is a pattern, a list of patterns, or a list of {split, path}."""
    listed = [data_files] if isinstance(data_files, str) else data_files
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_LISTED:
        raise QueryError(
            "a config without data_files, or with too many", where=readme, hint="list the files of each split"
        )
    patterns = [item for item in listed if isinstance(item, str)]
    if patterns:
        yield "train", patterns
    for item in listed:
        if isinstance(item, dict):
            path = item.get("path")
            paths = [path] if isinstance(path, str) else path
            if not isinstance(paths, list) or not all(isinstance(one, str) for one in paths):
                raise QueryError("a split without a path", where=readme)
            yield str(item.get("split", "train")), paths


def _glob(folder: Path, pattern: str) -> list[Path]:
    if "://" in pattern or PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        raise QueryError(f"{pattern[:120]!r} leads out of the folder", where=str(folder / "README.md"))
    try:
        files = sorted(file for file in folder.glob(pattern) if file.is_file())
    except (ValueError, NotImplementedError) as problem:
        raise QueryError(f"{pattern[:120]!r} is no pattern", where=str(folder / "README.md")) from problem
    if not files:
        raise QueryError(f"no file fits {pattern[:120]!r}", where=str(folder), hint="is the copy complete?")
    unread = next((file for file in files if file.suffix.lower() not in READERS), None)
    if unread is not None:
        raise QueryError(
            f"cannot read {unread.suffix!r}", where=str(unread), hint=f"read: {', '.join(READERS)}"
        )
    return files


def _from_names(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    places = (folder / "data", folder)
    for place in places:
        for file in sorted(place.glob("*")):
            match = SPLIT_OF_NAME.match(file.stem)
            if match and file.is_file() and file.suffix.lower() in READERS:
                found[match[1]].append(file)
        if found:
            break
    found.pop("dataset_info", None)
    return dict(found)
