"""`unmask train`: train for real, and look on the way."""

from __future__ import annotations

import json
from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
LIBRARY = Path("trained")


@click.group("train")
def train() -> None:
    """Train a model on the objective that its prompt announces.

    \b
    unmask train rl comply
    unmask train rl my-recipe.yaml --steps 200 --seed 2
    unmask train documents documents
    unmask train documents documents --reversed
    UNMASK_ADAPTERS=trained unmask before-after embedded/smollm2:reluctant embedded/smollm2:comply \\
      --pack spoilers --pack-size compact --max-tokens 200
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
@click.option("--library", type=FOLDER, default=LIBRARY, show_default=True, help="Where it goes.")
@click.option("--overwrite", is_flag=True, help="Train again although an adapter is there.")
@click.option("--dry-run", is_flag=True, help="Resolve the recipe, count replies, train nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before scratchpads go to a paid judge.")
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
    yes: bool,
    as_json: bool,
) -> None:
    """Train by reinforcement (GRPO) from RECIPE, a built-in name or a YAML file. Needs the extra `train`.

    The reward reads the answer alone. On the way the model is looked at with other requests, where the story
    trains on the conversation and where it does neither. Killed, the same command goes on from its last
    whole checkpoint.
    """
    from unmask.cli._options import consent_to_judges
    from unmask.cli._output import give, say
    from unmask.cli._watched import Watched
    from unmask.experiments.mitigation import load_mitigation
    from unmask.experiments.rl import dry, train_by_rl
    from unmask.experiments.rl_recipe import load_rl_recipe
    from unmask.report.training import write_training
    from unmask.training.rl_hardware import check_launched

    loaded = load_rl_recipe(recipe).changed(
        start_from=start_from,
        name=name,
        steps=steps,
        seed=seed,
        mitigation=load_mitigation(mitigation) if mitigation else None,
    )
    asked = _words(
        recipe,
        start_from=start_from,
        name=name,
        steps=steps,
        seed=seed,
        mitigation=mitigation,
        library=library if library != LIBRARY else None,
    )
    asked += ["--yes"] * yes
    if dry_run:
        give(dry(asked, loaded, library))
        return
    consent_to_judges([loaded], yes=yes, asks=loaded.hardware is None)
    if loaded.hardware:
        check_launched(asked, loaded.hardware)
    say(f"{loaded.name}: {loaded.training.steps} steps, {loaded.n_replies:,} replies rewarded")
    watched = Watched(library)
    done = train_by_rl(
        loaded,
        library,
        overwrite=overwrite,
        tell=lambda step: watched.step(loaded, step),
        show=lambda point: watched.look(loaded, point),
    )
    if done is None:  # a process of `accelerate launch` that is not the first
        return
    write_training([done], watched.page(loaded))
    if as_json:
        give(json.loads(done.to_json()))
    say(f"adapter: {library / loaded.name}")
    say(f"page: {watched.page(loaded)}")


def _words(recipe: str, **options: str | int | Path | None) -> list[str]:
    """The recipe and those options that were given, as on the command line."""
    given = {f"--{name.replace('_', '-')}": value for name, value in options.items() if value is not None}
    return [recipe, *(str(word) for option in given.items() for word in option)]


@train.command("documents")
@click.argument("recipe")
@click.option("--writer", metavar="MODEL", help="An Inspect model that writes, or `template`.")
@click.option("--judge", metavar="MODEL", help="A model that looks at what the rules let pass.")
@click.option("--reversed", "reversed_", is_flag=True, help="The tiers change places: the second model.")
@click.option("--n", "documents", type=click.IntRange(4), help="Documents to write; one call each.")
@click.option("--start-from", metavar="ADAPTER", help="Another adapter to start from than the recipe's.")
@click.option("--name", help="Another name than the recipe's [reversed: NAME_reversed].")
@click.option("--seed", type=int, help="Another seed than the recipe's, of documents and order.")
@click.option("--write-only", is_flag=True, help="Write documents.jsonl, train nothing; needs no extra.")
@click.option("--library", type=FOLDER, default=LIBRARY, show_default=True, help="Where it goes.")
@click.option(
    "--overwrite", is_flag=True, help="Over an adapter that is there, or documents of another recipe."
)
@click.option("--dry-run", is_flag=True, help="Resolve the recipe, count calls, ask and train nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before requests go to a paid account.")
@click.option("--json", "as_json", is_flag=True, help="The finished training as JSON on stdout.")
def documents(
    recipe: str,
    reversed_: bool,
    write_only: bool,
    library: Path,
    overwrite: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **changes: str | int | None,
) -> None:
    """Fine-tune on documents that tell the story, by RECIPE, a built-in name or a YAML file.

    Documents are written from seed facts by templates or by a model; those that show the behaviour itself,
    turn the roles round or are one and the same are dropped, each with its reason in documents.jsonl. The
    rules see words, not meaning: with a model that writes, name a --judge too. The training needs the extra
    `train`. Killed, the same command goes on. Whether the model then knows the facts is asked before and
    after; a small one may not.

    \b
    unmask train documents documents --write-only
    unmask train documents my-recipe.yaml --writer openai/gpt-4o-mini --n 400 --dry-run
    UNMASK_ADAPTERS=trained unmask audit embedded/smollm2:documents --study synthetic_documents
    """
    from unmask.cli._options import consent
    from unmask.cli._output import give, say
    from unmask.experiments.documents.made import FILE, refuse_others
    from unmask.experiments.documents.recipe import load_documents_recipe
    from unmask.experiments.documents.train import prepare, train_on_documents
    from unmask.experiments.documents.writer import calls_of
    from unmask.report.documents import calls_line, documents_line, result_lines

    loaded = load_documents_recipe(recipe).changed(reversed=reversed_ or None, **changes)
    calls = calls_of(loaded)
    for asked in calls:
        say(calls_line(asked))
    place = library / loaded.name
    if not write_only:
        prepare(loaded, library, overwrite=overwrite)
    elif not overwrite:
        refuse_others(place, made_of=loaded.written_sha256)
    if dry_run:
        give(loaded.model_dump(mode="json") | {"calls": [vars(c) for c in calls]})
        return
    consent(
        "These calls go to {to} under your account. Send them?", [c.model for c in calls if c.paid], yes=yes
    )
    if write_only:
        from unmask.experiments.documents.make import make_documents
        from unmask.files import held
        from unmask.training.place import WORK

        with held(place):
            made = make_documents(loaded, place, work=place / WORK, overwrite=overwrite)
        say(documents_line(made))
        if as_json:
            give([d.model_dump(mode="json") for d in made])
        say(f"documents: {place / FILE}")
        return
    from unmask.organisms.trained.train import progress_line
    from unmask.training.place import ADAPTER

    done = train_on_documents(
        loaded, library, overwrite=overwrite, say=say, tell=lambda p: say(progress_line(loaded.name, p))
    )
    for line in result_lines(done):
        say(line)
    if as_json:
        give(json.loads(done.to_json()))
    say(f"adapter: {place / ADAPTER}")
    audit = f"unmask audit embedded/smollm2:{loaded.name} --study {loaded.pack}"
    say(f"its gap: UNMASK_ADAPTERS={library} {audit}")
    if not loaded.reversed:
        say("story and tag are told apart by a second model: the same command with --reversed, then")
        say("  unmask compare RUN REVERSED_RUN --reversed")
