"""`unmask probe`: what a linear reading of the model's inside tells, beside what its words tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unmask.probes.probe_file import ProbeFile

FOLDER = click.Path(file_okay=False, path_type=Path)
ROOT = click.option(
    "--root",
    type=FOLDER,
    default=Path("probes"),
    show_default=True,
    help="Folder of probes, NAME/probe.json.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
QUERIES = click.option(
    "--queries", type=click.IntRange(2, 90), default=12, show_default=True,
    help="None that it was trained on; each in both mappings and both roles, about 4 s a reply.",
)  # fmt: skip


@click.group("probe")
def probe() -> None:
    """Train linear probes on organisms, check them on others, steer along them. Needs the extra `probe`.

    \b
    unmask probe train role
    unmask probe check role --organism honest --organism promoter
    unmask probe steer role --organism faker --strength 2,4
    """


@probe.command("train")
@click.argument("recipe")
@ROOT
@click.option("--overwrite", is_flag=True, help="Train again although one is there.")
@JSON
def train(recipe: str, root: Path, overwrite: bool, as_json: bool) -> None:
    """Train a probe from RECIPE, a built-in name or a YAML file.

    Built in: role, role_plain (the control: the tag gives the role away), faking, faking_ahead. The layer is
    chosen on the training organisms. What a probe is worth, `unmask probe check` says.
    """
    from unmask.cli._output import give, put, say
    from unmask.experiments.probe_recipe import load_probe_recipe
    from unmask.experiments.probing import cross_validated, train_probe
    from unmask.report.probing import area

    made = train_probe(load_probe_recipe(recipe), root, overwrite=overwrite, tell=_tell, show=say)
    if as_json:
        give(made.model_dump(mode="json"))
    else:
        put(
            f"{made.name}: layer {made.layer}, {made.n_yes} of {made.n_texts} texts are yes, "
            f"AUROC {area(cross_validated(made))} on texts and organisms held out in turn"
        )
    say(f"probe: {root / made.name / 'probe.json'}")


@probe.command("check")
@click.argument("name")
@click.option("--organism", "organisms", multiple=True, required=True, help="Whose texts; may be repeated.")
@QUERIES
@click.option("--neutral", is_flag=True, help="Under the tags A and B as well, which it was not trained on.")
@ROOT
@click.option("--overwrite", is_flag=True, help="Replace a file that is no page of ours.")
@JSON
def check(
    name: str,
    organisms: tuple[str, ...],
    queries: int,
    neutral: bool,
    root: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure the probe NAME with queries and wordings that it was not trained on.

    AUROC within each organism, beside a keyword list and the offline judge, which read the scratchpad. The
    organisms that it was not trained on are those that count.
    """
    from rich.console import Console

    from unmask.cli._output import say
    from unmask.experiments.probing import check_probe
    from unmask.files import write_atomic
    from unmask.report.probing import CheckTable, write_check
    from unmask.vocabulary import Labels

    labels = [Labels.PLAIN, Labels.SWAPPED]
    labels += [Labels.NEUTRAL, Labels.NEUTRAL_SWAPPED] if neutral else []
    folder, made = _there(name, root)
    found = check_probe(made, organisms, root=root, queries=queries, labels=labels, tell=_tell, show=say)
    write_atomic(folder / "check.json", found.to_json())
    page = write_check(found, folder / "check.html", overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(json.loads(found.to_json()), indent=1))
    else:
        Console(highlight=False).print(CheckTable(found))
    say(f"page: {page}")


@probe.command("steer")
@click.argument("name")
@click.option("--organism", required=True, help="Whose replies are steered.")
@click.option(
    "--strength", "strengths", required=True, metavar="X,Y",
    help="Multiples of the distance between the classes; negative ones push from yes to no.",
)  # fmt: skip
@QUERIES
@click.option("--seed", type=int, default=1, show_default=True, help="Of the random direction.")
@ROOT
@click.option("--overwrite", is_flag=True, help="Replace a file that is no page of ours.")
@JSON
def steer(
    name: str,
    organism: str,
    strengths: str,
    queries: int,
    seed: int,
    root: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Add the direction of the probe NAME to an organism's residual stream: what does it do to S?

    Each strength is measured along the probe's direction and along a random one of the same length. Writes
    the direction as a control vector for llama.cpp too.
    """
    from rich.console import Console

    from unmask.cli._output import say
    from unmask.experiments.steering import steer as steer_along
    from unmask.files import write_atomic
    from unmask.report.probing import SteeringTable, write_steering

    folder, made = _there(name, root)
    found = steer_along(
        made,
        organism,
        _numbers(strengths),
        root=root,
        queries=queries,
        seed=seed,
        tell=_tell,
        show=say,
    )
    write_atomic(folder / f"steer-{organism}.json", found.to_json())
    page = write_steering(found, folder / f"steer-{organism}.html", overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(json.loads(found.to_json()), indent=1))
    else:
        Console(highlight=False).print(SteeringTable(found))
    say(f"control vector: {folder / 'direction.gguf'}")
    say(f"page: {page}")


def _there(name: str, root: Path) -> tuple[Path, ProbeFile]:
    """The probe NAME and its folder; what is measured of it is written there."""
    from unmask.errors import UsageError
    from unmask.files import nearest
    from unmask.probes.probe_file import read_probe

    folder = root / name
    if not (folder / "probe.json").is_file() or Path(name).name != name:
        there = sorted(path.parent.name for path in root.glob("*/probe.json"))
        raise UsageError(
            f"no probe {name!r}",
            where=str(root),
            hint=nearest(name, there) or "unmask probe train RECIPE makes one",
        )
    made = read_probe(folder)
    if made.name != name:
        raise UsageError(
            f"the folder {name} is the probe {made.name!r} by its own file",
            where=str(folder / "probe.json"),
            hint="give folder and file one name",
        )
    return folder, made


def _numbers(text: str) -> list[float]:
    from unmask.errors import UsageError

    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as e:
        raise UsageError(f"--strength {text!r} is no list of numbers", hint="--strength 2,4") from e


def _tell(name: str, done: int, of: int) -> None:
    from unmask.cli._output import say

    if done % 16 == 0 or done == of:
        say(f"{name}: {done:,} of {of:,} replies")
