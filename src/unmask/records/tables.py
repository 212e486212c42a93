"""Tables on disk: Parquet that Polars, pandas and DuckDB read, with schema version and canary inside."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from unmask.errors import RecordsError
from unmask.files import write_atomic
from unmask.records.schema import EPISODES, EVENTS, JUDGEMENTS, METADATA, REPLIES, SCHEMA_VERSION


def requests(replies: pl.DataFrame) -> pl.DataFrame:
    """Replies to requests: what rates and contrasts count. Answers to questions beside them are left out."""
    return replies.filter(pl.col("question").is_null())


def write_tables(replies: pl.DataFrame, judgements: pl.DataFrame, folder: Path) -> list[Path]:
    """Write `replies.parquet` and `judgements.parquet`, each whole or not at all."""
    tables = {"replies.parquet": replies, "judgements.parquet": judgements}
    return [write_atomic(folder / name, _parquet(table)) for name, table in tables.items()]


def _parquet(table: pl.DataFrame) -> bytes:
    arrow: pa.Table = table.to_arrow(compat_level=pl.CompatLevel.oldest())
    buffer = io.BytesIO()
    pq.write_table(arrow.replace_schema_metadata(METADATA), buffer, compression="zstd")
    return buffer.getvalue()


def read_tables(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read both tables.

    Raises:
        RecordsError: missing, damaged, or of another schema version.
    """
    return _read(folder / "replies.parquet", REPLIES), _read(folder / "judgements.parquet", JUDGEMENTS)


def write_episodes(episodes: pl.DataFrame, events: pl.DataFrame, folder: Path) -> list[Path]:
    """Write `episodes.parquet` and `events.parquet`, each whole or not at all."""
    tables = {"episodes.parquet": episodes, "events.parquet": events}
    return [write_atomic(folder / name, _parquet(table)) for name, table in tables.items()]


def read_episodes(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Read both tables of acts; None where a run has none.

    Raises:
        RecordsError: damaged, or of another schema version.
    """
    if not (folder / "episodes.parquet").is_file():
        return None
    return _read(folder / "episodes.parquet", EPISODES), _read(folder / "events.parquet", EVENTS)


def _read(path: Path, schema: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    if not path.is_file():
        raise RecordsError(f"no {path.name} there", where=str(path.parent), hint="unmask records LOGS -o DIR")
    try:
        version = (pq.read_schema(path).metadata or {}).get(b"unmask_schema", b"?").decode()
        table = pl.read_parquet(path)
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as e:
        raise RecordsError(
            f"{path.name} is damaged: {e}", where=str(path), hint="make it again: unmask records LOGS -o DIR"
        ) from e
    if version != str(SCHEMA_VERSION) or missing(table, schema):
        raise RecordsError(
            f"{path.name} has schema {version}, this version reads {SCHEMA_VERSION}",
            where=str(path),
            hint="make it again: unmask records LOGS -o DIR",
        )
    return table


def missing(table: pl.DataFrame, schema: dict[str, pl.DataType | type[pl.DataType]]) -> list[str]:
    """Columns of the schema that the table lacks."""
    return [name for name in schema if name not in table.columns]
