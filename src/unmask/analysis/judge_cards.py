"""Which judge cards an audit may name, and what each is worth to its verdict. No formula of its own.

A card of another model says nothing of this one, and one whose texts are not said to be a random sample
serves thresholds only: both are named in words, and neither counts as a check of the judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from unmask.analysis.corrected import Cards
from unmask.analysis.figures import REPORTED
from unmask.analysis.results import JudgeUsed, ModelResult
from unmask.estimates import wilson_limits
from unmask.judges.cards import OUTCOMES, JudgeCard, cards_for
from unmask.records.schema import JUDGEMENTS
from unmask.vocabulary import JudgeTask

NAMED = 3  # models of a card that a sentence names


def with_cards(judges: Sequence[JudgeUsed], cards: Cards, model: str) -> list[JudgeUsed]:
    """Judges with the names of the cards on file for this model, and with what is to be said of them."""
    return [_with_card(j, cards, model) for j in judges]


def _with_card(judge: JudgeUsed, cards: Cards, model: str) -> JudgeUsed:
    outcome = next((outcome for task, outcome in OUTCOMES.items() if task == judge.task), None)
    if outcome is None:
        return judge
    card = cards.by_outcome.get(outcome)
    if card is not None:
        return replace(judge, card=card.name, card_note=None if card.corrects else _not_random(card))
    elsewhere = cards_for(judge.judge, JudgeTask(judge.task), outcome)
    note = _elsewhere(max(elsewhere, key=lambda c: (c.corrects, c.name)), model) if elsewhere else None
    return replace(judge, card_note=note)


def _not_random(card: JudgeCard) -> str:
    return (
        f"judge card {card.name} rests on texts that are not said to be a random sample: it serves "
        "thresholds only"
    )


def _elsewhere(card: JudgeCard, model: str) -> str:
    names = sorted(card.by)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    made_on = ", ".join(name[:80] for name in names[:NAMED])
    return f"judge card {card.name} was made on {made_on}{more}: it says nothing of {model[:80]}"


def reasons_checked(judges: Sequence[JudgeUsed], cards: Cards) -> bool | None:
    """Whether the judge of the reasoning was checked on random texts of this model; None if none judged."""
    reasoning = [j for j in judges if j.task == JudgeTask.REASONING]
    if not reasoning:
        return None
    card = cards.by_outcome.get("af")
    return all(j.card is not None for j in reasoning) and (card is None or card.corrects)


def note_on_reasons(judges: Sequence[JudgeUsed]) -> str | None:
    """What must be said of the card of the judge of the reasoning."""
    return next((j.card_note for j in judges if j.task == JudgeTask.REASONING and j.card_note), None)


def sensitivity_low(cards: Cards, model: str) -> float | None:
    """Lower limit of the reasoning judge's sensitivity on this model, by a card of random texts."""
    card = cards.by_outcome.get("af")
    errors = card.confusion(model) if card is not None and card.corrects else None
    if errors is None or not errors.tp + errors.fn:
        return None
    return wilson_limits(errors.sensitivity, errors.tp + errors.fn, level=REPORTED)[0]


def naming_cards(
    judgements: pl.DataFrame, replies: pl.DataFrame, models: Sequence[ModelResult]
) -> pl.DataFrame:
    """Judgements with `judge_card` as the audit names it for their model, judge and task; else empty.

    Empty too for judges that the audit does not rest on. `replies` needs reply_id and model alone.
    """
    kinds = dict.fromkeys(("model", "task", "judge", "judge_card"), pl.String)
    rows = [(m.model, j.task, j.judge, j.card) for m in models for j in m.judges if j.card is not None]
    return (
        judgements.drop("judge_card")
        .join(replies.select("reply_id", "model"), on="reply_id", how="left", maintain_order="left")
        .join(
            pl.DataFrame(rows, schema=kinds, orient="row"),
            on=["model", "task", "judge"],
            how="left",
            maintain_order="left",
        )
        .select(list(JUDGEMENTS))
    )
