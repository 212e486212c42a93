"""`unmask show`: one reply with what was told."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("reply", metavar="REPLY")
@click.option("--json", "as_json", is_flag=True, help="The reply as JSON on stdout.")
def show(run: str, reply: str, as_json: bool) -> None:
    """Print one REPLY of RUN: what the model was told and asked, what it wrote, and what judges read in it.

    REPLY is a reply_id, or its beginning; the report and records/replies.parquet name them. What models
    wrote is printed as it is, pleasant or not; control characters and escape sequences are written out,
    so that they do nothing to the terminal.

    \b
    unmask show demo 3f2a91
    """
    from unmask.cli._output import run_folder
    from unmask.report.one_reply import as_text, find

    found = find(run_folder(run), reply)
    # ASCII: a transcript may hold characters that steer a terminal even inside JSON
    click.echo(json.dumps(found, indent=1, ensure_ascii=True) if as_json else as_text(found))
