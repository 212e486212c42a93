"""`unmask import`: transcripts from elsewhere, judged and concluded as our own."""

from __future__ import annotations

from pathlib import Path

import click

FIELDS = "reply, scratchpad, answer, native, messages, query, query_id, model, tier, epoch, finish, error"


@click.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--preset", metavar="NAME", help="A known layout: vlaf, alignment_faking_rl, messages, plain.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN", help=f"{FIELDS}.")
@click.option(
    "--trained", multiple=True, metavar="WORD", help="What the tier says where chats are trained on."
)
@click.option("--unobserved", multiple=True, metavar="WORD", help="What it says where they are not.")
@click.option(
    "--group", "group", multiple=True, metavar="COLUMN", help="Splits a model's replies into studies."
)
@click.option("--name", help="Name of the run [the file's].")
@click.option("--model-role", "role", metavar="grader=MODEL", help="Judge by this model instead of offline.")
@click.option("--no-judge", is_flag=True, help="Rest on the file's own verdicts (preset's labels).")
@click.option("--malformed", type=click.FloatRange(0, 1), help="Share of rows that may be unusable [0.01].")
@click.option("--columns", is_flag=True, help="Only say which columns the file has, and a mapping to check.")
@click.option("--overwrite", is_flag=True, help="Throw an earlier import of this name away.")
@click.option("--yes", is_flag=True, help="Do not ask before replies go to a paid account.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
def import_(
    files: tuple[Path, ...],
    preset: str | None,
    pairs: tuple[str, ...],
    trained: tuple[str, ...],
    unobserved: tuple[str, ...],
    group: tuple[str, ...],
    name: str | None,
    role: str | None,
    no_judge: bool,
    malformed: float | None,
    columns: bool,
    overwrite: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make one run of the FILEs (JSONL, also .gz; JSON, CSV, Parquet): records, verdict, report.

    \b
    unmask import transcripts.jsonl.gz --preset vlaf --name vlaf
    unmask import mine.csv --map reply=completion --map query=prompt --map tier=user --trained free
    """
    from unmask.auditing.imported import import_file, overridden
    from unmask.auditing.preflight import is_paid
    from unmask.cli._options import command_line, consent, grader_of, runs_folder
    from unmask.cli._output import give, put, say, show_result
    from unmask.records.mapping import Mapping, load_preset, propose
    from unmask.records.pieces import columns_of

    found = columns_of(files[0])
    if columns:
        if as_json:
            give({"columns": found, "proposed": propose(found)})
            return
        put("columns: " + ", ".join(found))
        put("to check: " + " ".join(f"--map {k}={v}" for k, v in propose(found).items()))
        return
    mapping = load_preset(preset) if preset else Mapping(columns={} if pairs else propose(found))
    mapping = overridden(mapping, pairs)
    changes = {"trained": trained, "unobserved": unobserved, "group": group}
    mapping = mapping.model_copy(update={k: v for k, v in changes.items() if v})
    if malformed is not None:
        mapping = mapping.model_copy(update={"malformed": malformed})
    grader = grader_of([role] if role else [])
    consent("Send these replies to {to}?", [grader] if grader and is_paid(grader, None) else [], yes=yes)
    if not preset and not pairs:
        say("mapped by name: " + ", ".join(f"{k}={v}" for k, v in mapping.columns.items()))
    root = runs_folder() / (name or files[0].name.split(".")[0])
    done = import_file(
        files,
        mapping,
        root,
        grader=grader,
        judge=not no_judge,
        overwrite=overwrite,
        command=command_line(),
        tell=say,
    )
    for line in done.tally.words():
        say(line)
    show_result(done.result, root, as_json=as_json)
