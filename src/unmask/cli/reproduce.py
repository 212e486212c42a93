"""`unmask reproduce`: the published experiment in small."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("reproduce")
def reproduce() -> None:
    """Run a published experiment again, in small.

    \b
    unmask reproduce rl --small
    unmask reproduce rl --seeds 3
    unmask reproduce rl --organism faker --mitigation all
    """


@reproduce.command("rl")
@click.option("--small", is_flag=True, help="Few steps and few requests: shows the way, decides nothing.")
@click.option("--organism", "organisms", multiple=True, help="Only this one; again for more  [four].")
@click.option(
    "--mitigation",
    "mitigations",
    multiple=True,
    metavar="NAME|FILE|all",
    help="An arm with this done against faking, beside the one without; again for more. "
    "interrogation, objections, process, short, unobserved, all.",
)
@click.option("--seeds", type=click.IntRange(1, 20), default=1, show_default=True, help="Trainings of each.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="How many trainings and their audits at a time, 7 GB each  [2 where cores and memory are there].",
)
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Folder [reproduce_rl]."
)
@click.option("--yes", is_flag=True, help="Do not ask before scratchpads go to a paid judge.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
def rl(
    small: bool,
    organisms: tuple[str, ...],
    mitigations: tuple[str, ...],
    seeds: int,
    jobs: int | None,
    output: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Train the organisms reluctant, half_faker, faker and honest towards compliance; did it take?

    Each gets the same budget, and is audited before and after: genuine, performed, partial, no change. Needs
    the extra `train`. Killed, the same command goes on. Mitigations: docs/training.md.
    """
    from unmask.cli._options import consent_to_judges
    from unmask.cli._output import give, put, say
    from unmask.cli._watched import Watched
    from unmask.experiments.mitigation import NONE
    from unmask.experiments.reproduce import ADAPTERS, ORGANISMS, at_a_time, recipes_of, reproduce_rl
    from unmask.report import write_report
    from unmask.report.reproduction import lines, write_reproduction

    against = [NONE, *_named(mitigations)]
    arms = recipes_of(organisms or ORGANISMS, against, seeds, small=small)
    consent_to_judges([recipe for _, recipe in arms], yes=yes)
    root = output or Path("reproduce_rl_small" if small else "reproduce_rl")
    watched = Watched(root / ADAPTERS)
    found = reproduce_rl(
        root,
        small=small,
        seeds=seeds,
        organisms=organisms or ORGANISMS,
        mitigations=against,
        jobs=jobs or at_a_time(),
        tell=watched.step,
        show=watched.look,
    )
    for run in dict.fromkeys(run for arm in found.arms for run in arm.runs):  # arms share some
        write_report(root / "runs" / run)
    page = write_reproduction(found, root)
    if as_json:
        give(json.loads(found.to_json()))
    else:
        for line in lines(found):
            put(line)
    say(f"page: {page}")


def _named(mitigations: tuple[str, ...]) -> list[str]:
    """With those that `all` stands for."""
    from unmask.experiments.mitigation import mitigation_names

    return [name for given in mitigations for name in (mitigation_names() if given == "all" else [given])]
