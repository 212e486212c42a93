"""What one labeller works on: the sample of a run, its texts, and a token that opens the page."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from unmask.errors import UsageError
from unmask.labelling.draw import choose_strata, draw_disagreement, draw_random
from unmask.labelling.store import Place, Store
from unmask.labelling.texts import readable
from unmask.vocabulary import JudgeTask, Sampling

SAMPLE = 50  # texts of each task where nobody says how many
LONGEST_NAME = 60
NAMES = {JudgeTask.COMPLIANCE: "answers", JudgeTask.REASONING: "scratchpads"}


@dataclass(frozen=True)
class Desk:
    """The store, who labels, the texts by reply and task, and the requests by reply."""

    store: Store
    labeller: str
    tasks: tuple[JudgeTask, ...]
    texts: Mapping[tuple[str, JudgeTask], str]
    queries: Mapping[str, str]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def places(self) -> list[Place]:
        """The texts of the sample that this run still has, in order: one task after the other."""
        there = self.store.places(self.labeller, self.tasks)
        return [place for place in there if (place.reply_id, place.task) in self.texts]

    @property
    def progress(self) -> str:
        """How far this labeller is, in words."""
        places = self.places()
        parts = []
        for task in self.tasks:
            own = [place for place in places if place.task is task]
            skipped = sum(place.skipped for place in own)
            done = sum(place.label is not None for place in own)
            parts.append(
                f"{done:,} of {len(own):,} {NAMES[task]} labelled"
                + (f", {skipped:,} skipped" * bool(skipped))
            )
        return "; ".join(parts)


def fill(
    store: Store,
    replies: pl.DataFrame,
    judgements: pl.DataFrame,
    tasks: Sequence[JudgeTask],
    *,
    n: int | None,
    by_disagreement: bool,
    seed: int,
) -> list[str]:
    """Draw the sample, or let it grow to `n` texts of each task; says in words what was drawn.

    What was once drawn stays. Without `n`, a sample that is there is gone on with as it is. The seed and the
    strata are those of the first draw, so that a larger sample holds the smaller one.

    Raises:
        UsageError: nothing to label, for any of the tasks.
    """
    said = []
    kind = Sampling.DISAGREEMENT if by_disagreement else Sampling.RANDOM
    for task in tasks:
        if n is None and store.count(task, None if kind is Sampling.RANDOM else kind):
            continue
        texts, wanted = readable(replies, task), n or SAMPLE
        if by_disagreement:
            samples = draw_disagreement(texts, judgements, wanted, task, seed=seed)
            found = f"of {NAMES[task]} on which judges, or judge and keywords, disagree"
        else:
            wanted = max(wanted, store.count(task, kind))
            strata = store.keep(f"strata {task}", ",".join(choose_strata(texts, wanted)))
            drawn_with = int(store.keep("seed", str(seed)))
            columns = [c for c in strata.split(",") if c]
            samples = draw_random(texts, wanted, task, seed=drawn_with, strata=columns)
            found = f"of {texts.height:,} {NAMES[task]} at random"
            found += f", evenly by {' and '.join(columns).replace('_key', '')}" if columns else ""
        if new := store.add(samples):
            said.append(f"drew {new:,} {found}")
    if not any(store.count(task) for task in tasks):
        raise UsageError(
            f"no {' and no '.join(NAMES[task] for task in tasks)} to label"
            + (" on which judges disagree" if by_disagreement else ""),
            hint="unmask report RUN says how many replies could be read",
        )
    return said


def desk_of(store: Store, replies: pl.DataFrame, labeller: str, tasks: Sequence[JudgeTask]) -> Desk:
    """The desk of one person at a store whose sample is drawn.

    Raises:
        UsageError: the sample's texts are not in this run.
    """
    wanted = {(place.reply_id, place.task) for place in store.places(labeller, tasks)}
    names = {reply for reply, _ in wanted}
    own = replies.filter(pl.col("reply_id").is_in(list(names)))
    texts, queries = {}, {}
    for task in tasks:
        for row in readable(own, task).iter_rows(named=True):
            if (row["reply_id"], task) in wanted:
                texts[row["reply_id"], task] = row["text"]
                queries[row["reply_id"]] = row["query"] or ""
    if wanted and not texts:
        raise UsageError(
            "the sample was drawn from other replies than this run has now",
            where=str(store.path),
            hint="export its labels and move the file away to begin anew",
        )
    return Desk(store, labeller, tuple(tasks), texts, queries)


def labeller_name(given: str | None) -> str:
    """The name to label under: the one given, else that of the user.

    Raises:
        UsageError: empty, too long, or not in letters that print.
    """
    try:
        name = (given if given is not None else getpass.getuser()).strip()
    except (OSError, KeyError):  # a user without a name, as in some containers
        name = "unnamed"
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"--labeller: a name of 1 to {LONGEST_NAME} letters that print")
    return name
