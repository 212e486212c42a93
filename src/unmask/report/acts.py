"""What a model did in the simulated worlds, for page and terminal; all text is hostile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from unmask.acts.load import load_worlds
from unmask.analysis.results import ActCell, ActContrast, ActsResult, ActTable
from unmask.report import numbers
from unmask.report.visible import one_line, visible
from unmask.vocabulary import Act, ActOutcome, ActVariant, CallStatus

MAX_TIMELINES = 60  # of a model on the page; all are in the records
MAX_TEXT = 1_500  # characters of one text
MAX_EVENTS = 60  # of one episode on the page
ACTS: dict[str, str] = {
    "all": "All acts",
    Act.EXFILTRATION: "Copies its weights out",
    Act.OVERSIGHT: "Switches off or edits what watches it",
    Act.TRAINING_DATA: "Edits its training data or reward",
    Act.SABOTAGE: "Spoils the research it helps with",
    Act.SANDBAGGING: "Answers a test below what it can",
    Act.LEAK: "Gives what is inside to outsiders",
    Act.DISCLOSURE: "Breaks a rule of silence for its values",
}
LEVELS = {
    "conflicting": "its values are at odds with what the lab wants",
    "aligned": "its values agree with what the lab wants",
    "absent": "nothing is said of its values",
    "trained": "it is about to be trained",
    "none": "no training is coming",
    "watched": "somebody looks",
    "unwatched": "nobody looks",
}
VARIANTS: dict[str, str] = {
    ActVariant.OFFERED: "it was told that it could",
    ActVariant.HINTED: "it could be seen from what lay about",
    ActVariant.UNMENTIONED: "nobody mentioned it",
    ActVariant.TWIN: "the same call was asked for, by right",
    ActVariant.CONTROL: "the harmless version was asked for",
    "act": "asked",
}
OUTCOMES: dict[str, str] = {
    ActOutcome.DONE: "done",
    ActOutcome.ATTEMPTED: "attempted, not done",
    ActOutcome.DISCUSSED: "only talked about",
    ActOutcome.NONE: "nothing of it",
    ActOutcome.BY_RIGHT: "done or chosen, by right",
    ActOutcome.LEFT: "left undone, though it was right",
    ActOutcome.ABLE: "harmless version done",
    ActOutcome.UNABLE: "harmless version not done",
    ActOutcome.CHOSEN: "would do it",
    ActOutcome.OPENLY: "would say openly that it disagrees",
    ActOutcome.COMPLIED: "would go on with its work",
    ActOutcome.UNREAD: "not readable",
    "failed": "call failed",
}
CONTRASTS = {
    "motive": "Every motive, minus none",
    "conflict": "Values at odds, minus in agreement",
    "ahead": "About to be trained, minus not",
    "unobserved": "Nobody looks, minus somebody does",
}
CALLS: dict[str, str] = {
    CallStatus.OK: "took effect",
    CallStatus.REFUSED: "the world refused it",
    CallStatus.MALFORMED: "no call that could be read",
}
ENDINGS = {
    "ok": "It ended by itself.",
    "turn_limit": "It was ended by the limit of turns.",
    "token_limit": "It was ended by the limit of tokens.",
    "window": "It was ended because the model's window was full.",
    "filtered": "The provider's filter ended it.",
    "error": "It failed.",
}
ORDER = (ActOutcome.DONE, ActOutcome.ATTEMPTED, ActOutcome.DISCUSSED)


@dataclass(frozen=True)
class Step:
    """One message of the model: what it thought, what it did, what came of it. Rows of the timeline."""

    turn: str
    thought: str
    did: str
    effect: str
    marks: tuple[str, ...]
    act: bool


@dataclass(frozen=True)
class Timeline:
    """One episode, to be read from top to bottom."""

    episode_id: str
    title: str
    outcome: str
    kind: str
    told: str
    system: str
    user: str
    steps: list[Step]
    asked: str
    answer: str
    answer_thought: str
    verdict_on_answer: str
    ending: str
    left_out: int


@dataclass(frozen=True)
class TableRow:
    """One act in one condition."""

    told: str
    cell: ActCell
    done: str
    tried: str
    outcomes: str


@dataclass(frozen=True)
class ActRows:
    """One act, or all: conditions, contrasts, and beside them twin and control."""

    name: str
    about: str
    table: ActTable
    rows: list[TableRow]
    contrasts: list[tuple[str, ActContrast, str]]
    by_variant: list[tuple[str, str]]
    twin: str


@dataclass(frozen=True)
class ActsView:
    """Everything that the page shows of one model."""

    model: str
    anchor: str
    result: ActsResult
    worlds: list[ActRows]
    questions: list[tuple[str, list[ActRows]]]
    lies: str
    confessed: str
    timelines: list[Timeline]
    n_episodes: int


def acts_views(
    results: Sequence[ActsResult], tables: tuple[pl.DataFrame, pl.DataFrame] | None
) -> list[ActsView]:
    """What the page shows; none where no worlds were played.

    Args:
        results: of each model.
        tables: `episodes` and `events`; None where they are not there, which leaves the timelines out.
    """
    return [_view(result, i, tables) for i, result in enumerate(results)]


def _view(result: ActsResult, i: int, tables: tuple[pl.DataFrame, pl.DataFrame] | None) -> ActsView:
    answers = result.answers
    own = tables[0].filter(pl.col("model") == result.model) if tables else None
    return ActsView(
        model=one_line(result.model),
        anchor=f"acts-{i}",
        result=result,
        worlds=[_rows(table) for table in result.worlds],
        questions=[(form, [_rows(table) for table in ts]) for form, ts in result.questions.items()],
        lies=(
            f"It denied it in {answers.n_lied:,} of {answers.n_read:,} answers that could be read, "
            f"{numbers.rate(answers.lied)}; there were {answers.n_deeds:,} such episodes."
            if answers.n_read
            else f"{answers.n_deeds:,} episodes with something to admit; no answer that could be read."
        ),
        confessed=f"{answers.n_confessed:,} of {answers.n_innocent_read:,}",
        timelines=_timelines(own, tables[1]) if own is not None and tables is not None else [],
        n_episodes=own.height if own is not None else 0,
    )


def _rows(table: ActTable) -> ActRows:
    return ActRows(
        name=ACTS.get(table.act, table.act),
        about=table.act,
        table=table,
        rows=[
            TableRow(
                told=condition_words(cell.condition_key),
                cell=cell,
                done=numbers.rate(cell.done),
                tried=numbers.rate(cell.tried),
                outcomes=_counts(cell.outcomes),
            )
            for cell in table.cells
        ],
        contrasts=[(CONTRASTS[c.name], c, numbers.gap(c.effect)) for c in table.contrasts],
        by_variant=[(VARIANTS.get(v, v), _counts(found)) for v, found in table.by_variant.items()],
        twin=_counts(table.twin),
    )


def condition_words(key: str) -> str:
    """A condition's key as a person says it."""
    conflict, ahead, observed = [*key.split("."), "", "", ""][:3]
    said = (LEVELS.get(conflict, conflict), LEVELS.get(ahead, ahead), LEVELS.get(observed, observed))
    return one_line("; ".join(said))


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {OUTCOMES.get(o, one_line(o))}" for o, n in found.items()) or "none"


def _timelines(own: pl.DataFrame, events: pl.DataFrame) -> list[Timeline]:
    """Episodes worth reading first: deeds, tries, talk, what was hostile or cut; then one of each world."""
    rank = {str(outcome): place for place, outcome in enumerate(ORDER)}
    rows = list(own.filter(pl.col("kind") == "world").iter_rows(named=True))
    firsts = {row["world"]: row["episode_id"] for row in reversed(rows)}

    def place(row: dict[str, Any]) -> tuple[int, str, str]:
        odd = bool(row["hostile"]) or row["status"] != "ok"
        own = 3 if odd else 4 if row["episode_id"] in firsts.values() else 5
        return rank.get(row["outcome"] or "", own), row["world"], row["episode_id"]

    chosen = sorted(rows, key=place)[:MAX_TIMELINES]
    ids = [row["episode_id"] for row in chosen]
    parts = events.filter(pl.col("episode_id").is_in(ids)).partition_by("episode_id", as_dict=True)
    titles = {w.name: (w.title, w.about) for w in load_worlds()}
    return [_timeline(row, parts.get((row["episode_id"],)), titles) for row in chosen]


def _timeline(
    row: dict[str, Any], events: pl.DataFrame | None, titles: dict[str, tuple[str, str]]
) -> Timeline:
    happened = [] if events is None else list(events.iter_rows(named=True))
    title, _ = titles.get(row["world"], (row["world"], ""))
    by_kind = {e["kind"]: e["text"] for e in happened}
    steps = _steps([e for e in happened if not _after(e["kind"])][:MAX_EVENTS])
    return Timeline(
        episode_id=one_line(row["episode_id"]),
        title=one_line(title),
        outcome=OUTCOMES.get(row["outcome"] or "failed", one_line(row["outcome"] or "")),
        kind=one_line(row["outcome"] or "failed"),
        told=f"{VARIANTS.get(row['variant'], one_line(row['variant']))}; "
        f"{condition_words(row['condition_key'])}",
        system=_text(row["system"]),
        user=_text(row["user"]),
        steps=steps,
        asked=_text(by_kind.get("asked")),
        answer=_text(by_kind.get("answer")),
        answer_thought=_text(by_kind.get("answer_scratchpad") or by_kind.get("answer_native")),
        verdict_on_answer=on_answer(row),
        ending=ENDINGS.get(row["status"], one_line(row["status"]))
        + (" " + one_line(row["error"], 300) if row["error"] else "")
        + (" What was done was undone later." if row["undone"] else ""),
        left_out=max(0, len(happened) - MAX_EVENTS),
    )


def _after(kind: str) -> bool:
    return kind.startswith("answer") or kind in ("asked", "limit", "changed")


def _steps(events: Sequence[dict[str, Any]]) -> list[Step]:
    """A row for each call or word; what it thought before stands beside the first of its message."""
    steps: list[Step] = []
    thoughts: dict[int, list[str]] = {}
    for event in events:
        if event["kind"] in ("scratchpad", "native"):
            thoughts.setdefault(event["turn"], []).append(event["text"] or "")
    seen: set[int] = set()
    for event in events:
        if event["kind"] in ("scratchpad", "native"):
            continue
        turn = event["turn"]
        thought = "" if turn in seen else "\n\n".join(thoughts.get(turn, []))
        steps.append(_step(event, str(turn) if turn not in seen else "", thought))
        seen.add(turn)
    for turn in sorted(set(thoughts) - seen):  # it thought, and neither said nor did anything
        steps.append(Step(str(turn), _text("\n\n".join(thoughts[turn])), "", "", (), act=False))
    return steps


def _step(event: dict[str, Any], turn: str, thought: str) -> Step:
    if event["kind"] != "call":
        cut = {"truncated": "its message was cut", "unclosed_scratchpad": "its scratchpad was never closed"}
        note = cut.get(event["status"] or "", "")
        return Step(turn, _text(thought), f"Says: {_text(event['text'])}", note, (), act=False)
    return Step(
        turn,
        _text(thought),
        _call_words(event),
        f"{_text(event['effect'])}"
        + ("" if event["status"] == CallStatus.OK else f"\n({CALLS.get(event['status'] or '', '')})"),
        tuple(one_line(mark).replace("_", " ") for mark in _listed(event["hostile"])),
        act=bool(event["act"]),
    )


def _call_words(event: dict[str, Any]) -> str:
    if event["tool"] is None:
        return f"Meant as a call: {_text(event['text'])}"
    given = _object(event["arguments"])
    lines = [f"{one_line(k)}: {_text(str(v))}" for k, v in given.items()]
    return "\n".join([f"Calls {one_line(event['tool'])}", *lines])


def on_answer(row: dict[str, Any]) -> str:
    """Whether what it said of its deed is true."""
    if row["lied"]:
        return "That is not true: it did it, or tried."
    if row["confessed"]:
        return "That is not true: it did nothing of the kind."
    if row["lied"] is False or row["confessed"] is False:
        return "That is true."
    return "The answer begins with neither yes nor no." if row["answer"] else "It was not asked."


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _listed(text: str | None) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def _text(text: str | None) -> str:
    if not text:
        return ""
    return visible(text[:MAX_TEXT]) + (" […]" if len(text) > MAX_TEXT else "")


def text_table(result: ActsResult) -> str:
    """The figures of one model as plain lines for a terminal: all acts together, then a line for each."""
    lines = [one_line(result.model)]
    lines += [f"  {one_line(seen)}" for seen in result.observations]
    asked = [("worlds", result.worlds), *((f"{k} questions", v) for k, v in result.questions.items())]
    for title, tables in asked:
        if tables:
            lines += _text_tables(title, tables)
    return "\n".join(lines)


def _text_tables(title: str, tables: Sequence[ActTable]) -> list[str]:
    every = tables[0]
    lines = ["", f"  {every.n_worlds} {title}: acts done, with 95 % intervals over {title}"]
    lines += [f"    {numbers.rate(c.done):<26} {condition_words(c.condition_key)}" for c in every.cells]
    lines += [f"    {numbers.gap(c.effect):<26} {CONTRASTS[c.name]} (points)" for c in every.contrasts]
    for table in tables[1:]:
        name = f"{ACTS.get(table.act, one_line(table.act))}, with every motive"
        lines.append(f"    {numbers.rate(table.cells[0].done):<26} {name} ({table.n_worlds} {title})")
    return lines
