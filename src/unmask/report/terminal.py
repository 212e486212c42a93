"""The same answer for a terminal or a pipe: sentence, rates, contrasts, what became of the replies."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from unmask.analysis.results import AuditResult, ModelResult
from unmask.report import numbers, words
from unmask.report.answers import follow_up_rows
from unmask.report.rows import CellRow, ContrastRow, cell_rows, contrast_rows, in_words
from unmask.report.tables import table_of
from unmask.report.visible import one_line
from unmask.vocabulary import JudgeStatus, ReplyStatus, State, VerdictName

STATE_STYLES = {State.PRESENT: "bold", State.NEGATIVE: "bold", State.ABSENT: "", State.UNCLEAR: "dim"}


def summary_table(result: AuditResult) -> RenderableType:
    """All models, one after the other; colour and rules only where a terminal shows them."""
    return Group(*(Summary(m, i) for i, m in enumerate(result.models)))


@dataclass(frozen=True)
class Summary:
    """One model's part; draws itself plainly into a pipe, a file, or under NO_COLOR."""

    model: ModelResult
    index: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich asks of a renderable."""
        plain = console.no_color or not options.is_terminal
        yield Text("")
        cells = cell_rows(self.model, self.index)
        yield from _sentence(self.model, cells)
        yield _rates(cells, screening=_screening(self.model), plain=plain)
        yield _contrasts(contrast_rows(self.model, self.index), self.model.verdict.delta, plain=plain)
        yield from _beside(self.model)
        yield from _rest(self.model)


def _screening(model: ModelResult) -> bool:
    return any(j.screening for j in model.judges)


def _sentence(model: ModelResult, cells: list[CellRow]) -> list[RenderableType]:
    headline = words.VERDICTS[VerdictName(model.verdict.name)].headline
    judged = " (by a screening judge: a first look)" if _screening(model) else ""
    lines: list[RenderableType] = [
        Text.assemble((one_line(model.model), "bold"), "\n", (headline, "bold"), judged),
        Text(one_line(model.verdict.sentence)),
    ]
    notes = [*model.observations, *(in_words(line, cells) for line in model.verdict.reasons)]
    lines += [Padding(Text(f"- {one_line(note)}"), (0, 0, 0, 2)) for note in notes]
    if model.verdict.qualifiers:
        lines.append(Text("Reservations: " + "; ".join(map(one_line, model.verdict.qualifiers))))
    return [*lines, Text("")]


def _rates(cells: list[CellRow], *, screening: bool, plain: bool) -> RenderableType:
    judged = ", screening judge" if screening else ""
    table = table_of(f"Complied, of usable replies, with 95 % interval{judged}", plain=plain)
    table.add_column("this chat is")
    table.add_column("user")
    for name in ("usable", "complied", "AF reasoning"):
        table.add_column(name, justify="right")
    before = None
    for row in cells:
        if row.scene != before:
            table.add_row(Text(row.scene_short, style="" if plain else "italic"))
            before = row.scene
        cell = row.cell
        read = f"{numbers.percent(cell.af.estimate)} of {cell.n_reasoning_read:,}" if cell.af else "none read"
        usable = f"{cell.n_usable:,} of {cell.n_asked:,}"
        complied = numbers.rate(cell.complied) if cell.complied else "no usable reply"
        table.add_row(f"  {row.role}", Text(one_line(row.tag)), usable, complied, read)
    return table


def _contrasts(rows: list[ContrastRow], delta: float, *, plain: bool) -> RenderableType:
    if not rows:
        return Text("What moves it cannot be known from these replies.")
    level = numbers.level(rows[0].contrast.effect.level)
    margin = numbers.points(delta, signed=False)
    table = table_of(
        f"What moves it, in points, with the verdict's {level} interval; margin {margin}", plain=plain
    )
    table.add_column("contrast", no_wrap=True)
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_column("is there one?")
    for row in rows:
        style = "" if plain else STATE_STYLES.get(State(row.contrast.state), "")
        state = Text(row.state, style=style)
        if row.contrast.detection_limit is not None and row.null:
            limit = numbers.points(row.contrast.detection_limit, signed=False)
            state.append(f"; finds {limit} or more 9 times in 10", style="" if plain else "dim")
        table.add_row(f"{row.name} ({row.letter})", numbers.gap(row.contrast.effect), state)
        if row.contrast.corrected is not None:
            by = Text(f"without the judge's errors, by {one_line(row.contrast.corrected_by or '')}")
            table.add_row("", numbers.gap(row.contrast.corrected), by)
        if row.contrast.corrected_note is not None:
            table.add_row("", "", Text(one_line(row.contrast.corrected_note), style="" if plain else "dim"))
    return table


def _beside(model: ModelResult) -> list[RenderableType]:
    """The questions beside the requests: in a sentence, and a line for each follow-up."""
    lines: list[RenderableType] = []
    if model.comprehension is not None:
        lines.append(Text("Story: " + one_line(model.comprehension.sentence)))
    for row in follow_up_rows(model):
        read = f"{row.n_read:,} of {row.n_asked:,} read"
        lines.append(Text(one_line(f"{row.about} ({row.role_words}) {row.share}; {read}")))
    return lines


def _rest(model: ModelResult) -> list[RenderableType]:
    counts = [
        f"{model.statuses[str(s)]:,} {words.STATUSES[s][0]}"
        for s in ReplyStatus
        if model.statuses.get(str(s), 0)
    ]
    judges = [
        f"{one_line(j.task)} by {one_line(j.judge)}{' (screening judge)' if j.screening else ''}, "
        f"{j.statuses.get(str(JudgeStatus.OK), 0):,} read, "
        + (f"judge card {one_line(j.card)}" if j.card else "not checked on this model")
        + (f" ({one_line(j.card_note)})" if j.card_note else "")
        for j in model.judges
    ]
    lines = [Text("Replies: " + ", ".join(counts)), Text("Judges: " + ("; ".join(judges) or "none"))]
    lines.append(Text("Instrument check: " + one_line(model.instrument_check)))
    if model.verdict.controls_not_run:
        lines.append(Text("Controls not run: " + ", ".join(map(one_line, model.verdict.controls_not_run))))
    return list(lines)
