"""`unmask selftest`: simulated studies with known truth through the real estimators and the real tree."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(
    epilog="""
\b
unmask selftest --quick
unmask selftest -o selftest/

Exit: 0 all holds, 1 something does not (named in the first lines).
"""
)
@click.option("--quick", is_flag=True, help="A minute instead of about ten: sees gross faults only.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="All chance.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout instead of words.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write selftest.json and selftest.txt there.",
)
def selftest(quick: bool, seed: int, as_json: bool, output: Path | None) -> int:
    """Does the instrument find what is there, and nothing else? No model is asked.

    Draws studies whose truth is known and sends them through the estimators and the verdict of every audit:
    coverage of intervals, false alarms, power, true region against verdict.
    """
    from unmask.cli._output import give, say
    from unmask.files import write_atomic
    from unmask.selftest import run_selftest
    from unmask.selftest.words import in_words, stamped

    found = run_selftest(quick=quick, seed=seed, say=say)
    data, words = stamped(found), in_words(found)
    if as_json:
        give(data)
    else:
        click.echo(words, nl=False)
    if output is not None:
        write_atomic(output / "selftest.txt", words)
        path = write_atomic(output / "selftest.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")
        say(f"written: {path}")
    return 0 if found.holds else 1
