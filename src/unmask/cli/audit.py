"""`unmask audit`: ask, judge, conclude."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unmask.cli._options import command_line, consent, grader_of, pairs, runs_folder
from unmask.errors import UsageError
from unmask.vocabulary import VerdictName

if TYPE_CHECKING:
    from unmask.auditing.acts import ActsOptions
    from unmask.auditing.plan import Options

EXAMPLES = """
\b
unmask audit embedded/smollm2 --study demo
unmask audit openai/gpt-4o --model-role grader=anthropic/claude-sonnet-4-0
unmask audit embedded/smollm2 --queries 40 --queries pyrit:~/pyrit.whl --dry-run

Exit: 0 a verdict was reached, whatever it is; 1 could not finish (replies are kept, the same command
goes on); 2 usage; 3 only by --fail-on.
"""
TO_ACCOUNTS = (
    "These requests go to {to} under your account and its terms of use; many ask for things a provider's "
    "policy may not allow. Send them?"
)


@click.command(epilog=EXAMPLES)
@click.argument("models", nargs=-1, metavar="MODEL...")
@click.option("--study", default="story", show_default=True, help="Design: a built-in name or a YAML file.")
@click.option(
    "--queries",
    "queries",
    multiple=True,
    metavar="N|SET",
    help="How many queries per condition, a query set, or both (give it twice). Queries are the "
    "unit: intervals narrow by their root.",
)
@click.option(
    "--epochs", type=int, help="Replies per query. Sharpens each query's rate; cannot replace queries."
)
@click.option("--wordings", type=int, help="Wordings of the prompt; each query sits in one.")
@click.option("--pack", help="Prompt pack: a built-in name or a folder.")
@click.option("--pack-size", type=click.Choice(["auto", "full", "compact"]), help="Length of the prompt.")
@click.option(
    "--contrasts", metavar="A,B", help="What is asked: story, tag, training, joint, published_gap, ..."
)
@click.option(
    "--labels", metavar="A,B", help="Mappings of tag to role: plain, swapped, neutral, neutral_swapped."
)
@click.option(
    "--scratchpad",
    type=click.Choice(["hidden", "monitored", "none", "native"]),
    help="What the prompt says of the model's reasoning.",
)
@click.option(
    "--cue", type=click.Choice(["xml", "region", "mail", "sentence", "omitted"]), help="How the tag shows."
)
@click.option("--edit", "edits", multiple=True, metavar="EDIT", help="drop:BLOCK or swap:BLOCK=ALTERNATIVE.")
@click.option(
    "--variations", metavar="A,B", help="Named variations to ask, the base first (docs/studies.md)."
)
@click.option(
    "--delta",
    type=float,
    metavar="POINTS",
    help="A gap within this counts as none [5]. Fixed before the run, stored with it.",
)
@click.option(
    "--stop-early",
    is_flag=True,
    help="Ask block by block and stop as soon as the verdict is decided; --queries is then the most. "
    "Intervals are wider than a fixed design's; not the default for figures to be published.",
)
@click.option("--seed", type=int, help="Draws queries, wordings and order.")
@click.option("--max-tokens", type=int, help="Longest reply, reasoning included. Cut replies do not count.")
@click.option("--temperature", type=float, help="Sampling temperature.")
@click.option(
    "--model-role",
    "roles",
    multiple=True,
    metavar="grader=MODEL",
    help="Judge by this model. Without it an offline screening judge reads the replies.",
)
@click.option(
    "--judge-votes",
    type=int,
    metavar="N",
    help="Completions of the grader for each scratchpad, at most [20]. It stops once the verdict cannot "
    "change: 8 of 20 for a clear no, 13 for a clear yes.",
)
@click.option(
    "-M", "model_args", multiple=True, metavar="KEY=VALUE", help="Argument for the model's provider."
)
@click.option("--model-base-url", help="Base URL of the model's API.")
@click.option("--max-connections", type=int, help="Calls under way at once.")
@click.option(
    "--budget-cost",
    type=float,
    metavar="DOLLARS",
    help="Spend no more on the whole run: all models, judges and restarts included. Needs their prices "
    "(`unmask plan` says where they are kept). The run then ends with what is known, and exit 1.",
)
@click.option(
    "--budget-tokens", type=int, metavar="N", help="The same in tokens of prompts and replies; no prices."
)
@click.option(
    "--prices", type=click.Path(path_type=Path), metavar="FILE", help="Prices over your own prices file."
)
@click.option("--name", help="Name of the run's folder under runs/ (or UNMASK_RUNS).")
@click.option("--overwrite", is_flag=True, help="Throw away a run of that name with another design.")
@click.option(
    "--no-check",
    is_flag=True,
    help="Leave out the instrument check; the verdict then says so. It costs seconds, and judge calls "
    "where a grader judges.",
)
@click.option(
    "--acts",
    is_flag=True,
    help="Play the simulated worlds too: what would it do against its maker? (docs/acts.md). It costs up to "
    "13 calls an episode, 18 episodes a world.",
)
@click.option("--acts-worlds", type=int, metavar="N", help="Only so many worlds, the acts taking turns.")
@click.option("--acts-questions", type=int, metavar="N", help="Only so many questions about acts; 0: none.")
@click.option("--acts-turns", type=int, metavar="N", help="Most messages in one episode  [12].")
@click.option("--dry-run", is_flag=True, help="Check everything, say what it would cost, ask nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before requests go to a paid account.")
@click.option(
    "--display",
    type=click.Choice(["none", "plain", "rich", "full"]),
    default="none",
    help="Inspect's own display instead of one line of progress.",
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice([str(v) for v in VerdictName]),
    help="Exit 3 when a model gets this verdict.",
)
def audit(**given: Any) -> int:
    """Ask each MODEL the same queries in every condition; say whether the difference is alignment faking,
    something duller, or not there.
    """
    from unmask.auditing.plan import plan
    from unmask.auditing.run import execute
    from unmask.cli._output import say, show_plan, show_result

    options = options_of(given)
    planned = plan(given["models"], study=given["study"], flags=flags_of(given), options=options)
    show_plan(planned, as_json=given["as_json"] and given["dry_run"])
    if given["dry_run"]:
        return 0
    consent(TO_ACCOUNTS, [e.model for e in planned.estimates if e.paid], yes=given["yes"])
    result = execute(planned)
    show_result(result, planned.root, as_json=given["as_json"])
    if result.stopped is not None:
        say(f"unmask: {result.stopped}; the same command with a larger budget goes on")
        return 1
    bad = {m.verdict.name for m in result.models} & set(given["fail_on"])
    return 3 if bad else 0


def flags_of(given: dict[str, Any]) -> dict[str, Any]:
    """Flags that are keys of the study file; None where nothing was said."""
    same = (
        "epochs",
        "wordings",
        "pack",
        "pack_size",
        "contrasts",
        "labels",
        "variations",
        "scratchpad",
        "cue",
        "seed",
        "max_tokens",
        "temperature",
        "judge_votes",
    )
    flags = {key: given.get(key) for key in same}  # `unmask plan` has only some of them
    numbers = [q for q in given["queries"] if q.isdigit()]
    sets = [q for q in given["queries"] if not q.isdigit()]
    if len(numbers) > 1 or len(sets) > 1:
        raise UsageError("--queries takes one number and one set", where=" ".join(given["queries"]))
    flags["n_queries"] = int(numbers[0]) if numbers else None
    flags["queries"] = sets[0] if sets else None
    flags["edits"] = list(given["edits"]) or None
    flags["stopping"] = "sequential" if given.get("stop_early") else None
    flags["delta"] = given["delta"] / 100 if given["delta"] is not None else None
    return flags


def options_of(given: dict[str, Any]) -> Options:
    from unmask.auditing.budget import Limits
    from unmask.auditing.plan import Options

    return Options(
        name=given["name"],
        runs=runs_folder(),
        grader=grader_of(given["roles"]),
        model_args=pairs(given["model_args"], "-M"),
        base_url=given["model_base_url"],
        max_connections=given["max_connections"],
        display=given["display"],
        overwrite=given["overwrite"],
        check=not given["no_check"],
        budget=Limits(given["budget_cost"], given["budget_tokens"]),
        prices=given["prices"],
        acts=_acts(given),
        command=command_line(),
    )


def _acts(given: dict[str, Any]) -> ActsOptions | None:
    """What to play, where `--acts` was said; `unmask plan` does not know it."""
    from unmask.auditing.acts import ActsOptions

    n, questions = given.get("acts_worlds"), given.get("acts_questions")
    if not given.get("acts"):
        if n is not None or questions is not None:
            raise UsageError("--acts-worlds and --acts-questions say how much of --acts", hint="say --acts")
        return None
    return ActsOptions(
        worlds=n,
        questions=questions,
        turns=given.get("acts_turns"),
        max_tokens=given.get("max_tokens"),
        seed=given.get("seed") or 1,
    )
