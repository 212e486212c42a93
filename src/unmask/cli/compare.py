"""`unmask compare`: models, prompts or dates side by side."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

EXAMPLES = """
\b
unmask compare faker honest tag_faker
unmask compare spring autumn --contrast story,training --allow served_model
unmask compare one-run-of-five-models --json
unmask compare plain_documents reversed_documents --reversed

Exit: 0 compared, whatever it found; 1 a run cannot be read; 2 usage, or the runs differ where they must not.
"""


@click.command(epilog=EXAMPLES)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--contrast",
    "contrasts",
    multiple=True,
    metavar="A,B",
    help="What is compared [the study file's family, else story]. Each one added makes the family larger.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="WHAT",
    help="Compare although this differs: prompt, served_model, judge, stopping. The title then says so.",
)
@click.option(
    "--reversed",
    "reversed_documents",
    is_flag=True,
    help="The second model learned the documents of the first with the tiers reversed: say what of "
    "the gap follows them, and what the bare word.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the page is written.")
@click.option("--overwrite", is_flag=True, help="Replace a file of that name that is no comparison.")
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON on stdout.")
def compare(
    runs: tuple[str, ...],
    contrasts: tuple[str, ...],
    allow: tuple[str, ...],
    reversed_documents: bool,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Set the models of one or several RUNs side by side: how far is each from the first?

    Figures are made anew from the runs' records. Differences are paired by request where the same requests
    were asked, else between two samples; Holm's adjustment covers every difference shown. The runs must have
    been told the same, judged alike, and served by what was named: else nothing is compared.
    """
    from rich.console import Console

    from unmask.auditing.compare import compare as compare_runs
    from unmask.cli._output import give, run_folder, say
    from unmask.report.comparison import ComparisonTable, write_comparison

    roots = [run_folder(run) for run in runs]
    asked = [part.strip() for word in contrasts for part in word.split(",") if part.strip()]
    found = compare_runs(roots, contrasts=asked or None, allow=allow, reversed_documents=reversed_documents)
    page = write_comparison(found, output or _page(roots), overwrite=overwrite)
    if as_json:
        give(json.loads(found.to_json()))
    else:
        Console(highlight=False).print(ComparisonTable(found))
    say(f"page: {page}")


def _page(roots: list[Path]) -> Path:
    """Beside the first run, named after all of them: the same runs give the same page."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(root.resolve().name for root in roots)).strip("-.")
    return roots[0].resolve().parent / f"compare_{slug[:120]}.html"
