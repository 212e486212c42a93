"""`unmask plan`: what a study costs and what it can say, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from unmask.vocabulary import VerdictName

EXAMPLES = """
\b
unmask plan full openai/gpt-4o --effect 20 --power 0.9
unmask plan story embedded/smollm2 --queries 80 --epochs 2 --simulate
unmask plan full openai/gpt-4o --model-role grader=anthropic/claude-sonnet-4-0 --prices my-prices.yaml

Prices are yours to fill in: ~/.config/unmask/prices.yaml (or $UNMASK_CONFIG/prices.yaml). None is shipped,
since none is invented. Exit: 0 said, 2 usage: a study that cannot give what was asked.
"""


MORE = click.FloatRange(min=0, min_open=True)


@click.command(epilog=EXAMPLES)
@click.argument("study")
@click.argument("models", nargs=-1, metavar="[MODEL...]")
@click.option(
    "--queries", multiple=True, metavar="N|SET", help="As in `unmask audit`: a number, a set, or both."
)
@click.option("--epochs", type=int, help="Replies per query.")
@click.option("--wordings", type=int, help="Wordings of the prompt.")
@click.option("--pack", help="Prompt pack.")
@click.option("--pack-size", type=click.Choice(["auto", "full", "compact"]), help="Length of the prompt.")
@click.option("--contrasts", metavar="A,B", help="What is asked.")
@click.option("--labels", metavar="A,B", help="Mappings of tag to role.")
@click.option("--delta", type=float, metavar="POINTS", help="A gap within this counts as none [5].")
@click.option("--max-tokens", type=int, help="Longest reply, reasoning included.")
@click.option(
    "--effect", type=float, default=10.0, show_default=True, metavar="POINTS", help="What must be found."
)
@click.option("--power", type=float, default=0.9, show_default=True, help="In what share of runs.")
@click.option(
    "--verdict",
    type=click.Choice([str(v) for v in VerdictName]),
    help="Plan for this verdict [what the study gives a faker].",
)
@click.option(
    "--base",
    type=float,
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="How often the model complies where nothing moves it. Middling rates need more replies.",
)
@click.option(
    "--unusable", type=float, default=0.0, metavar="PERCENT", help="Replies that cannot be read [0]."
)
@click.option(
    "--judge-card",
    type=float,
    metavar="SHARE",
    help="Lower limit of the reasoning judge's known sensitivity. Without a card no silent_gap is said.",
)
@click.option("--simulate", is_flag=True, help="Confirm by simulated studies: some seconds to a minute.")
@click.option("--reply-tokens", type=MORE, metavar="N", help="Usual length of a reply, reasoning included.")
@click.option("--calls-per-minute", type=MORE, metavar="N", help="For the hours, where no run here tells it.")
@click.option(
    "--prices", type=click.Path(path_type=Path), metavar="FILE", help="Prices over your own prices file."
)
@click.option(
    "--budget-cost", type=float, metavar="DOLLARS", help="Would this budget do? As in `unmask audit`."
)
@click.option("--budget-tokens", type=int, metavar="N", help="The same in tokens.")
@click.option("--model-role", "roles", multiple=True, metavar="grader=MODEL", help="Judge by this model.")
@click.option("--judge-votes", type=int, metavar="N", help="Completions for each scratchpad, at most [20].")
@click.option(
    "-M", "model_args", multiple=True, metavar="KEY=VALUE", help="Argument for the model's provider."
)
@click.option("--model-base-url", help="Base URL of the model's API.")
@click.option("--no-check", is_flag=True, help="Leave out the instrument check.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write plan.txt, plan.json and the picture plan.svg and plan.png there.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout instead of words.")
def plan(**given: Any) -> int:
    """Say what STUDY costs each MODEL, which verdicts it can reach with which power, and the cheapest design.

    Asks no model. Without a MODEL a scripted one stands for it: the powers are the same, calls too.
    """
    from unmask.auditing.planning import Told, Wanted, forecast
    from unmask.cli._output import give, put, say
    from unmask.instrument.designs import Assumed
    from unmask.report.plan_text import plan_text, write_plan

    found = forecast(
        given["models"] or ["organism/faker"],
        study=given["study"],
        flags=_flags(given),
        options=_options(given),
        assumed=Assumed(given["base"] / 100, given["unusable"] / 100),
        wanted=Wanted(given["effect"] / 100, given["power"], given["verdict"]),
        told=Told(given["reply_tokens"], given["calls_per_minute"], given["judge_card"]),
        simulate=given["simulate"],
    )
    text, data = plan_text(found) + "\n", found.as_dict()
    if given["as_json"]:
        give(data)
    else:
        put(text, nl=False)
    if given["output"] is not None:
        kept = json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n"
        paths = write_plan(found, given["output"], text=text, data=kept)
        say(f"written: {', '.join(str(p) for p in paths)}")
    return 0


def _flags(given: dict[str, Any]) -> dict[str, Any]:
    """The flags of `unmask audit` that are keys of the study, where this verb has them."""
    from unmask.cli.audit import flags_of

    return flags_of({"edits": (), **given})


def _options(given: dict[str, Any]) -> Any:
    from unmask.cli.audit import options_of

    beside = {"name": None, "max_connections": None, "display": "none", "overwrite": False}
    return options_of({**beside, **given})
