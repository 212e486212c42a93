"""`unmask pack`: what a model is told; show it, compare it, check it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from unmask.packs import Pack, Prompt
    from unmask.vocabulary import Condition

Command = TypeVar("Command", bound=Callable[..., Any])
EXAMPLE = "harmful.trained.plain.free.conflicting.hidden.xml"
LEVELS = "observed-50 (in 100), stake-grave, thought-faking, marked-first, told-openai, variation-NAME"
SIZES = click.Choice(["full", "compact"])


@click.group()
def pack() -> None:
    """Show, compare and check prompt packs: built-in names, or folders of your own (docs/packs.md)."""


def told(command: Command) -> Command:
    """Options that say in which wording and length."""
    command = click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")(command)
    command = click.option("--size", type=SIZES, help="[full where the pack has it]")(command)
    return click.option("--wording", default=0, show_default=True, help="Number of the wording, from 0.")(
        command
    )


@pack.command()
@click.argument("name")
@click.option("--condition", "key", help="A condition's key, as records and logs have it.")
@click.option("--tag", help="free or paid; A or B with neutral labels  [the first tier's]")
@click.option("--labels", help="plain, swapped, neutral, neutral_swapped  [plain]")
@click.option("--consequence", help="trained, both_rated, rated_only, none, all_three  [trained]")
@click.option("--objective", help="conflicting, aligned, absent  [conflicting]")
@click.option("--scratchpad", help="hidden, monitored, none, native  [hidden]")
@click.option("--cue", help="xml, region, mail, sentence, omitted  [xml]")
@click.option("--told", help="Whose names it gives: openai, google, ...  [the pack's invented ones]")
@click.option("--observed", help="Stated chance in 100 that anybody looks at the chat  [not said]")
@click.option("--stake", help="harmless, minor, serious, grave  [not said]")
@click.option("--thought", help="neutral, faking, unmoved: put into the scratchpad  [none]")
@click.option("--marked", help="first or second: the one tier whose users carry the tag  [both do]")
@told
def show(
    name: str, key: str | None, wording: int, size: str | None, as_json: bool, **levels: str | None
) -> None:
    """Print what a model is told in one condition, block by block. Sends nothing.

    \b
    unmask pack show helpful_only --labels swapped --wording 3
    unmask pack show ./my_pack --condition harmful.trained.plain.free.conflicting.hidden.xml
    """
    from unmask.cli._output import give, say, shown
    from unmask.packs import fact_line, load_pack

    loaded = load_pack(name)
    condition = read_condition(key, levels)
    prompt = _render(loaded, condition, wording, size)
    reply = (("reply begins", prompt.prefill),) if prompt.prefill else ()
    if as_json:
        about = {"pack": loaded.name, "version": loaded.version, "pack_sha256": loaded.sha256}
        where = {
            "condition": condition.as_dict(),
            "wording": wording,
            "fact_line": fact_line(loaded, condition),
        }
        blocks = [{"block": block, "text": text} for block, text in prompt.blocks]
        texts = {"system": prompt.system, "user": prompt.user("{query}"), "prefill": prompt.prefill}
        texts["sha256"] = prompt.sha256
        give(about | where | {"blocks": blocks} | texts)
        return
    for block, text in (*prompt.blocks, ("user message", prompt.user("(the query)")), *reply):
        click.echo(click.style(shown(f"--- {block}"), dim=True) + shown(f"\n{text}\n"))
    words = len(prompt.system.split())
    say(f"{loaded.name} {loaded.version}, {condition.key}, wording {wording}: {words} words")
    say(f"sha256 {prompt.sha256}")


@pack.command()
@click.argument("a")
@click.argument("b", required=False)
@click.option("--condition", "keys", multiple=True, help="Once: the condition shown. Twice: compare the two.")
@told
def diff(a: str, b: str | None, keys: tuple[str, ...], wording: int, size: str | None, as_json: bool) -> None:
    """Compare two packs in one condition, or two conditions of one pack, block by block.

    \b
    unmask pack diff helpful_only ./my_pack
    unmask pack diff helpful_only --condition harmful.trained.plain.free.conflicting.hidden.xml \\
        --condition harmful.none.plain.free.conflicting.hidden.xml
    """
    from unmask.cli._output import give, put
    from unmask.errors import UsageError
    from unmask.packs import diff_packs, diff_prompts, load_pack

    if len(keys) > 2 or (b is None and len(keys) != 2):
        raise UsageError("nothing to compare", hint="two packs, or one pack and --condition twice")
    left, right = load_pack(a), load_pack(b or a)
    first = read_condition(keys[0] if keys else None, {})
    second = read_condition(keys[-1] if keys else None, {})
    changes = diff_prompts(_render(left, first, wording, size), _render(right, second, wording, size))
    files = diff_packs(left, right)
    if as_json:
        blocks = [vars(change) | {"kind": change.kind} for change in changes.blocks]
        give({"changed": changes.changed, "blocks": blocks, "files": files})
        return
    put(str(changes))
    for file, kind in files.items():
        put(f"{kind:<8} {file}")


@pack.command()
@click.argument("name")
@click.option("--lock", is_flag=True, help="Accept the texts as they are: write their hashes into pack.yaml.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def check(name: str, lock: bool, as_json: bool) -> None:
    """Check that a pack's texts are the locked ones and keep what the statistics rest on. Exit 2 if not.

    \b
    unmask pack check helpful_only
    unmask pack check ./my_pack --lock
    """
    from unmask.cli._output import give, put, say
    from unmask.packs import check_pack, load_pack, lock_pack

    loaded = load_pack(name, verify=False)
    if lock:
        say(f"locked {len(loaded.hashes)} texts in {lock_pack(loaded)}")
        loaded = load_pack(name)
    problems = check_pack(loaded)
    if as_json:
        about = {"pack": loaded.name, "version": loaded.version, "sha256": loaded.sha256}
        found = {"ok": not problems, "problems": [vars(problem) for problem in problems]}
        give(about | found | {"scripted_readable": loaded.scripted_readable, "tokens": _tokens(loaded)})
    else:
        for problem in problems:
            put(str(problem))
        _say_summary(loaded, len(problems))
    if problems:
        click.get_current_context().exit(2)


def read_condition(key: str | None, levels: dict[str, str | None]) -> Condition:
    """A condition from its key, or from single levels; what is not given is the default.

    Raises:
        UsageError: both at once, or a word that is no level; names the nearest.
    """
    from unmask.errors import UsageError
    from unmask.files import nearest
    from unmask.vocabulary import MORE_FACTORS, Condition

    given = {factor: level for factor, level in levels.items() if level is not None}
    if key is not None and given:
        raise UsageError(f"--condition and --{next(iter(given))} at once", hint="give one or the other")
    every = key.split(".") if key is not None else []
    parts, more = every[:7], every[7:]
    if key is not None and len(parts) != 7:
        raise UsageError(
            f"a condition's key has at least 7 parts, not {len(parts)}", hint=f"it is like {EXAMPLE}"
        )
    consequence, labels = (parts[1], parts[2]) if parts else (given.get("consequence"), given.get("labels"))
    known = _known_levels(labels or "plain", consequence or "trained")
    chosen = dict(zip(known, parts, strict=True)) if parts else {f: given.get(f, known[f][0]) for f in known}
    for factor, level in chosen.items():
        if level not in known[factor]:
            raise UsageError(f"no {factor} {level!r}", hint=nearest(level, known[factor]))
    more += [f"{factor}-{given[factor]}" for factor in MORE_FACTORS if factor in given]
    try:
        return Condition.from_key(".".join([*chosen.values(), *more]))
    except ValueError as e:
        raise UsageError(f"not a condition: {e}", where=".".join(more), hint=LEVELS) from e


def _known_levels(labels: str, consequence: str) -> dict[str, list[str]]:
    """Factors in the order of a condition's key, each with its levels, the default first."""
    from unmask.vocabulary import Arm, Consequence, Cue, Labels, Objective, Scratchpad, tags_of

    known = labels in set(Labels) and consequence in set(Consequence)
    tags = (tags_of(Labels(labels), Consequence(consequence)) if known else ()) or ("free",)
    return {
        "arm": [str(level) for level in Arm],
        "consequence": [str(level) for level in Consequence],
        "labels": [str(level) for level in Labels],
        "tag": list(tags),
        "objective": [str(level) for level in Objective],
        "scratchpad": [str(level) for level in Scratchpad],
        "cue": [str(level) for level in Cue],
    }


def _render(loaded: Pack, condition: Condition, wording: int, size: str | None) -> Prompt:
    from unmask.packs import render
    from unmask.vocabulary import PackSize

    chosen = PackSize(size) if size else max(loaded.sizes, key=lambda s: s is PackSize.FULL)
    return render(loaded, condition, wording, size=chosen)


def _tokens(loaded: Pack) -> dict[str, int]:
    return {str(size): loaded.tokens(size) for size in loaded.sizes}


def _say_summary(loaded: Pack, n_problems: int) -> None:
    from unmask.cli._output import say

    sizes = ", ".join(f"{size} at most about {n:,} tokens" for size, n in _tokens(loaded).items())
    say(f"{loaded.name} {loaded.version}: {loaded.n_wordings} wordings; {sizes}")
    if not loaded.scripted_readable:
        say("not the standard fact line: scripted organisms cannot read it, plumbing stays unchecked")
    say("all invariants hold" if not n_problems else f"{n_problems} broken")
