"""`unmask records`: Inspect logs to Parquet."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the tables.")
@click.option("--json", "as_json", is_flag=True, help="What was read, as JSON on stdout.")
def records(logs: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Turn Inspect LOGS (files or folders) into replies.parquet and judgements.parquet.

    Replies of killed, repeated or copied logs are counted once. pandas, Polars and DuckDB read the tables.

    \b
    unmask records runs/demo/logs -o tables
    """
    from unmask.cli._output import give, say
    from unmask.records import read_logs, write_tables

    found = read_logs(logs)
    paths = write_tables(found.replies, found.judgements, output)
    for problem in found.problems:
        say(f"unmask: {problem}")
    if as_json:
        give(
            {
                "replies": found.replies.height,
                "judgements": found.judgements.height,
                "files": [str(p) for p in paths],
                "logs": [log["file"] for log in found.logs],
                "problems": found.problems,
            }
        )
        return
    say(f"{found.replies.height:,} replies, {found.judgements.height:,} judgements, {len(found.logs)} logs")
    click.echo("\n".join(str(p) for p in paths))
