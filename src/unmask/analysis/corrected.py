"""Rates and contrasts without the judge's errors, beside the raw ones: by a card, or by labels of the run.

What decides stays the raw interval (docs/judges.md says why). A card counts only for the model and the roles
on whose texts it was made, and only if those were drawn at random. Labels of the run itself go before a card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from unmask.analysis.arrays import Table, judged
from unmask.analysis.figures import JOINT, REPORTED, Measured
from unmask.analysis.results import CellResult, ContrastResult, Interval, JudgeUsed
from unmask.errors import EstimateError
from unmask.estimates import Confusion, corrected_contrast, corrected_rate, labelled_contrast
from unmask.estimates.correction import USELESS, Replies, gap_if_equal
from unmask.judges.cards import OUTCOMES, JudgeCard, Outcome, find_card, joint_judge
from unmask.records.labels import agreed
from unmask.study import Study, cells_of
from unmask.vocabulary import Condition, Contrast, HumanLabel, JudgeTask, Sampling

SEED = 20_240_612  # the draws behind an interval are the same each time: same records, same bytes


@dataclass(frozen=True)
class Cards:
    """The cards of one model's judges by outcome; absent where there is none."""

    by_outcome: Mapping[Outcome, JudgeCard] = field(default_factory=dict)

    def errors(self, outcome: Outcome, model: str, role: str) -> Confusion | None:
        """The judge's errors in this role, if the card may correct and knows it."""
        card = self.by_outcome.get(outcome)
        return card.confusion(model, role) if card is not None and card.corrects else None


def cards_of(model: str, judges: Sequence[JudgeUsed]) -> Cards:
    """The cards on file for the judges of one model."""
    names = {j.task: j.judge for j in judges}
    wanted = [(names[task], task, outcome) for task, outcome in OUTCOMES.items() if task in names]
    if len(wanted) == len(OUTCOMES):
        both = joint_judge(names[JudgeTask.COMPLIANCE], names[JudgeTask.REASONING])
        wanted.append((both, JudgeTask.REASONING, "joint"))
    found: dict[Outcome, JudgeCard] = {}
    for judge, task, outcome in wanted:
        card = find_card(judge, task, outcome, model)
        if card is not None:
            found[outcome] = card
    return Cards(found)


def correct_cells(cells: list[CellResult], table: Table, cards: Cards, model: str) -> list[CellResult]:
    """Cells with `corrected`, where a card knows their role."""
    conditions = {c.key: c for c in table.conditions}
    return [_cell(cell, conditions[cell.condition_key], table, cards, model) for cell in cells]


def _cell(cell: CellResult, condition: Condition, table: Table, cards: Cards, model: str) -> CellResult:
    errors = cards.errors("complied", model, str(condition.role))
    if errors is None or cell.complied is None:
        return cell
    c = table.column(condition)
    asked = table.asked_QC[:, c] > 0
    try:
        rate = corrected_rate(
            table.complied_QC[asked, c], table.usable_QC[asked, c], errors, level=REPORTED, rng=_rng()
        )
    except EstimateError:
        return cell
    return replace(cell, corrected=Interval.of(rate))


def correct_contrasts(
    contrasts: list[ContrastResult],
    measured: Mapping[Contrast, Measured],
    study: Study,
    cards: Cards,
    model: str,
    *,
    labelled: pl.DataFrame | None = None,
) -> list[ContrastResult]:
    """Contrasts with `corrected` and `corrected_by`, where labels of the run or a card allow it.

    Args:
        contrasts: as they stand in the result.
        measured: the same with their counts.
        study: the design.
        cards: of this model's judges.
        model: its name.
        labelled: `labelled_replies` of this model; None where nobody labelled.
    """
    return [_contrast(c, measured[Contrast(c.name)], study, cards, model, labelled) for c in contrasts]


def _contrast(
    result: ContrastResult,
    measured: Measured,
    study: Study,
    cards: Cards,
    model: str,
    labelled: pl.DataFrame | None,
) -> ContrastResult:
    cells = cells_of(measured.contrast, study)
    outcome: Outcome = "joint" if measured.contrast in JOINT else "complied"
    found = labelled_gap(labelled, cells, outcome) if labelled is not None else None
    if found is not None and labelled is not None:
        n = labelled.filter(
            pl.col("condition_key").is_in([c.key for c in cells]), pl.col(f"{outcome}_truth").is_not_null()
        ).height
        told = f"people labelled {n:,} of the replies it compares"
        return replace(result, corrected=found, corrected_by="labels of this run", corrected_note=told)
    card = cards.by_outcome.get(outcome)
    if card is None or not card.corrects:
        return result
    found, note = _by_card(measured, cells, card, model)
    by = f"judge card {card.name}" if found is not None else None
    return replace(result, corrected=found, corrected_by=by, corrected_note=note)


def _by_card(
    measured: Measured, cells: Mapping[Condition, float], card: JudgeCard, model: str
) -> tuple[Interval | None, str | None]:
    """The corrected contrast and what is to be said beside it, or None and why there is none."""
    roles = sorted({str(c.role) for c in cells})
    errors = {role: card.confusion(model, role) for role in roles}
    lacking = [role for role, known in errors.items() if known is None]
    if lacking:
        return None, f"judge card {card.name} knows nothing of the role {', '.join(lacking)}: not corrected"
    try:
        effect = corrected_contrast(
            measured.outcome.rates_QC,
            measured.outcome.weights_C,
            [roles.index(str(c.role)) for c in cells],
            [e for e in errors.values() if e is not None],
            level=REPORTED,
            rng=_rng(),
        )
    except EstimateError as e:
        return None, f"not corrected by judge card {card.name}: {e.message}"
    found = Interval(effect.estimate, effect.low, effect.high, effect.level)
    return found, _if_equal(measured, card.confusion(model))


def _if_equal(measured: Measured, errors: Confusion | None) -> str | None:
    """The raw gap stretched: what it would be if the judge erred alike in all roles."""
    if errors is None or not errors.youden > USELESS:
        return None
    return f"{100 * gap_if_equal(measured.effect, errors):+.1f} points if the judge erred alike in all roles"


def labelled_replies(
    replies: pl.DataFrame, chosen: pl.DataFrame, labels: pl.DataFrame | None
) -> pl.DataFrame | None:
    """Each reply to a request with the judge's words and people's, as booleans; None without random labels.

    Only what all labellers of a reply agree on counts, and only labels drawn at random with a known chance.
    """
    if labels is None:
        return None
    random = labels.filter(
        (pl.col("sampling") == str(Sampling.RANDOM)) & pl.col("inclusion_probability").is_not_null()
    ).join(replies.select("reply_id"), on="reply_id", how="semi")
    if not random.height:
        return None
    told = judged(replies, chosen).join(
        replies.select("reply_id", reasons=pl.col("scratchpad").fill_null("").str.len_chars() > 0),
        on="reply_id",
    )
    for task, name in ((JudgeTask.COMPLIANCE, "complied"), (JudgeTask.REASONING, "af")):
        told = told.join(_agreed(random.filter(pl.col("task") == str(task)), name), on="reply_id", how="left")
    return told.with_columns(joint_truth=_JOINT_TRUTH, joint_chance=_JOINT_CHANCE)


# "Complied, with these reasons", by people: asked of both texts, or of the answer where there are no reasons
# to read. A refusal whose reasons nobody was asked about is left out, though its joint outcome is known to be
# no: with it a no would be seen more often than a yes, and the estimate would be too low. The draw takes the
# two texts of a reply together, so that the chance of both is the smaller one.
_BOTH = pl.col("complied_truth").is_not_null() & pl.col("af_truth").is_not_null()
_REFUSED = ~pl.col("complied_truth") & ~pl.col("reasons")
_JOINT_TRUTH = (
    pl.when(_BOTH)
    .then(pl.col("complied_truth") & pl.col("af_truth"))
    .when(_REFUSED)
    .then(pl.lit(value=False))
)
_JOINT_CHANCE = (
    pl.when(_BOTH).then(pl.min_horizontal("complied_chance", "af_chance")).otherwise("complied_chance")
)


def _agreed(labels: pl.DataFrame, name: str) -> pl.DataFrame:
    by_text = labels.group_by("reply_id", maintain_order=True).agg(
        "label", chance=pl.col("inclusion_probability").min()
    )
    truths = [agreed(HumanLabel(word) for word in words)[0] for words in by_text["label"]]
    return by_text.select(
        "reply_id",
        pl.Series(f"{name}_truth", truths, dtype=pl.Boolean),
        pl.col("chance").alias(f"{name}_chance"),
    ).drop_nulls(f"{name}_truth")


def labelled_gap(told: pl.DataFrame, cells: Mapping[Condition, float], outcome: Outcome) -> Interval | None:
    keys = [c.key for c in cells]
    rows = told.filter(pl.col("condition_key").is_in(keys))
    if outcome == "joint":
        said, truth = pl.col("joint"), pl.col("joint_truth")
        usable, chance = pl.col("joint_known"), pl.col("joint_chance")
    else:
        said, truth = pl.col("complied"), pl.col("complied_truth")
        usable, chance = pl.col("usable"), pl.col("complied_chance")
    rows = rows.filter(usable).select(
        "query_id", "condition_key", said=said.cast(pl.Float64), truth=truth.cast(pl.Float64), chance=chance
    )
    try:
        effect = labelled_contrast(
            Replies(
                rows["said"].to_numpy(),
                rows["truth"].fill_null(np.nan).to_numpy(),
                np.array([keys.index(k) for k in rows["condition_key"].to_list()]),
                rows["query_id"].rank("dense").to_numpy(),
                rows["chance"].fill_null(1.0).to_numpy(),
            ),
            np.array(list(cells.values())),
            level=REPORTED,
        )
    except EstimateError:
        return None
    return Interval(effect.estimate, effect.low, effect.high, effect.level)


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)
