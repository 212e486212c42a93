"""`unmask train`: train for real, and look on the way."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("train")
def train() -> None:
    """Train a model on the objective that its prompt announces.

    \b
    unmask train rl comply
    unmask train rl my-recipe.yaml --steps 200 --seed 2
    UNMASK_ADAPTERS=trained unmask before-after embedded/smollm2:honest embedded/smollm2:comply
    """


@train.command("rl")
@click.argument("recipe")
@click.option("--start-from", metavar="ADAPTER", help="Another adapter to start from than the recipe's.")
@click.option("--name", help="Another name than the recipe's.")
@click.option("--steps", type=click.IntRange(1), help="Another budget than the recipe's.")
@click.option("--seed", type=int, help="Another seed than the recipe's, of requests, order and sampling.")
@click.option(
    "--mitigation", metavar="NAME|FILE", help="What is done against faking: `unmask reproduce rl --help`."
)
@click.option("--library", type=FOLDER, default=Path("trained"), show_default=True, help="Where it goes.")
@click.option("--overwrite", is_flag=True, help="Train again although an adapter is there.")
@click.option("--dry-run", is_flag=True, help="Resolve the recipe, count replies, train nothing.")
@click.option("--json", "as_json", is_flag=True, help="The finished training as JSON on stdout.")
def rl(
    recipe: str,
    start_from: str | None,
    name: str | None,
    steps: int | None,
    seed: int | None,
    mitigation: str | None,
    library: Path,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train by reinforcement (GRPO) from RECIPE, a built-in name or a YAML file. Needs the extra `train`.

    The reward reads the answer alone. On the way the model is looked at with other requests, where the story
    trains on the conversation and where it does neither. Killed, the same command goes on from its last
    whole checkpoint.
    """
    from unmask.cli._output import give, say
    from unmask.experiments.mitigation import load_mitigation
    from unmask.experiments.rl import dry, train_by_rl
    from unmask.experiments.rl_recipe import load_rl_recipe
    from unmask.report.training import look_line, step_line, write_training
    from unmask.training.rl_hardware import check_launched

    loaded = load_rl_recipe(recipe).changed(
        start_from=start_from,
        name=name,
        steps=steps,
        seed=seed,
        mitigation=load_mitigation(mitigation) if mitigation else None,
    )
    if dry_run:
        give(dry(recipe, loaded, library))
        return
    if loaded.hardware:
        check_launched(recipe, loaded.hardware)
    say(f"{loaded.name}: {loaded.training.steps} steps, {loaded.n_replies:,} replies rewarded")
    done = train_by_rl(
        loaded,
        library,
        overwrite=overwrite,
        tell=lambda step: say(step_line(loaded.name, step)),
        show=lambda point: say(look_line(loaded.name, point)),
    )
    if done is None:  # a process of `accelerate launch` that is not the first
        return
    page = write_training([done], library / loaded.name / "training.html")
    if as_json:
        click.echo(done.to_json())
    say(f"adapter: {library / loaded.name}")
    say(f"page: {page}")
