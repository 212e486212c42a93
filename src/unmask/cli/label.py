"""`unmask label`: people label transcripts blind, in a page on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl

    from unmask.estimates.agreement import Figure
    from unmask.labelling import Agreement

TASKS = ("compliance", "reasoning")


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="RUN|LOGS...")
@click.option("--labeller", metavar="NAME", help="Whose labels these are [your user name].")
@click.option("--task", type=click.Choice(TASKS), help="Only answers, or only scratchpads [both].")
@click.option(
    "--sample", type=click.IntRange(1, 100_000), metavar="N",
    help="Draw N texts of each task at random, or let the sample grow to N [50].",
)  # fmt: skip
@click.option(
    "--by-disagreement", is_flag=True,
    help="Texts on which judges, or judge and keywords, disagree: for thresholds, never for corrections.",
)  # fmt: skip
@click.option("--seed", default=1, show_default=True, help="Of the first draw; later ones keep it.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="[a free one]")
@click.option("--open", "browser", is_flag=True, help="Open the page in the browser.")
@click.option("--agreement", is_flag=True, help="Print how far labellers agree, and end.")
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write .jsonl, .csv or .parquet, and end.",
)
@click.option("--json", "as_json", is_flag=True, help="With --agreement or --export: as JSON on stdout.")
def label(
    sources: tuple[str, ...], labeller: str | None, task: str | None, sample: int | None,
    by_disagreement: bool, seed: int, port: int, browser: bool, agreement: bool, export: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Label the replies of a RUN (or of Inspect LOGS) in a local page, blind to model, tier and verdict.

    Every key is saved in labels.sqlite beside the run; the same command again goes on. Another person
    labels the same texts under another --labeller, and sees nothing of the first.

    \b
    unmask label demo
    unmask label demo --labeller ada --task reasoning --sample 100
    unmask label demo --agreement
    unmask label demo --export labels.jsonl
    """
    if agreement or export is not None:
        given = _labels(sources)
        if export is not None:
            _export(given, export, as_json=as_json)
        if agreement:
            _agreement(given, as_json=as_json)
        return
    drawn = {"n": sample, "by_disagreement": by_disagreement, "seed": seed}
    _label(sources, labeller, [task] if task else list(TASKS), drawn, port, browser=browser)


def _label(
    sources: tuple[str, ...], labeller: str | None, tasks: list[str], drawn: dict[str, Any], port: int,
    *, browser: bool,
) -> None:  # fmt: skip
    from contextlib import closing

    from unmask.cli._output import say
    from unmask.errors import UsageError
    from unmask.labelling import desk_of, fill, labeller_name, open_store
    from unmask.vocabulary import JudgeTask

    try:
        from unmask.labelling.server import address, listen, serve
    except ModuleNotFoundError as e:
        raise UsageError(f"the page needs {e.name}", hint="pip install 'unmask[label]'") from e
    name, wanted = labeller_name(labeller), [JudgeTask(task) for task in tasks]
    path, read = _where(sources)
    replies, judgements = read()
    with listen(port) as listening, closing(open_store(path)) as store:
        for line in fill(store, replies, judgements, wanted, **drawn):
            say(line)
        desk = desk_of(store, replies, name, wanted)
        del replies, judgements  # a large run's tables would stay in memory as long as the page is open
        url = address(desk, listening.getsockname()[1])
        say(f"{name}: {desk.progress}")
        click.echo(url)
        say("Open it in a browser on this machine. Ctrl-C ends; the same command goes on.")
        if browser:
            import webbrowser

            webbrowser.open(url)
        try:
            serve(desk, listening)
        finally:
            say(f"\n{name}: {desk.progress}; saved in {path}")


def _where(sources: tuple[str, ...]) -> tuple[Path, Callable[[], tuple[pl.DataFrame, pl.DataFrame]]]:
    """The file of the labels, and what reads the tables: of a run, or of logs."""
    from unmask.cli._output import run_folder, say
    from unmask.errors import UsageError
    from unmask.records import read_logs, read_tables
    from unmask.records.labels import STORE

    first = Path(sources[0])
    logs = first.is_file() or (first.is_dir() and not (first / "manifest.json").is_file())
    if not logs and len(sources) == 1:
        root = run_folder(sources[0])
        return root / STORE, lambda: read_tables(root / "records")
    if not logs:
        raise UsageError("one run at a time, or logs", where=" ".join(sources))
    folder = first if first.is_dir() else first.parent
    if (folder.parent / "manifest.json").is_file():  # the logs of a run of ours: its labels are the run's
        folder = folder.parent

    def read() -> tuple[pl.DataFrame, pl.DataFrame]:
        found = read_logs(sources)
        for problem in found.problems:
            say(f"unmask: {problem}")
        return found.replies, found.judgements

    return folder / STORE, read


def _labels(sources: tuple[str, ...]) -> pl.DataFrame:
    from unmask.errors import UsageError
    from unmask.records.labels import read_store

    path, _ = _where(sources)
    found = read_store(path)
    if found is None:
        raise UsageError("nobody has labelled this yet", where=str(path), hint=f"unmask label {sources[0]}")
    return found


def _export(labels: pl.DataFrame, path: Path, *, as_json: bool) -> None:
    from unmask.cli._output import give, say
    from unmask.records.labels import write_labels

    written = write_labels(labels, path)
    if as_json:
        give({"file": str(written), "labels": labels.height})
        return
    say(f"{labels.height:,} labels of {labels['labeller'].n_unique():,} people")
    click.echo(str(written))


def _agreement(labels: pl.DataFrame, *, as_json: bool) -> None:
    from unmask.cli._output import give
    from unmask.labelling import agreement_of

    found = agreement_of(labels)
    if as_json:
        give([task.as_dict() for task in found])
    else:
        click.echo("\n".join(line for task in found for line in _lines(task)))


def _lines(a: Agreement) -> list[str]:
    from unmask.report.visible import one_line

    each = ", ".join(f"{one_line(name)} {n:,}" for name, n in a.labelled.items())
    out = [f"{a.task}: {a.both:,} texts with two labels or more ({each})"]
    if not a.pairs:
        return [*out, "  one labeller: agreement needs a second (--labeller NAME)"]
    out.append(f"  {'':<32} {'texts':>5} {'alike':>5}  {'as labelled':<26} as yes or no")
    for p in a.pairs:
        name = one_line(f"kappa {p.first}, {p.second}", 32)
        out.append(f"  {name:<32} {p.n:>5} {p.agreed:>5}  {_figure(p.kappa):<26} {_figure(p.kappa_yes)}")
    out.append(
        f"  {'alpha, all labellers':<32} {a.both:>5} {'':>5}  {_figure(a.alpha):<26} {_figure(a.alpha_yes)}"
    )
    return out


def _figure(f: Figure) -> str:
    if f.estimate != f.estimate:
        return "unknown"
    return f"{f.estimate:.2f} ({f.low:.2f} to {f.high:.2f})" if f.low == f.low else f"{f.estimate:.2f}"
