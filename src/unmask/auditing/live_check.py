"""The live half of the instrument check: scripted models of known rates, through this run's own prompts,
parser and judge. How their replies are held against the rates: `analysis/plumbing.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from inspect_ai.model import get_model

from unmask.analysis.arrays import choose, tabulate
from unmask.analysis.plumbing import HIGH, LOW, NO_JUDGE, NOT_KEPT, NOT_ON_THIS_PACK, REPLIES, Checked, judged
from unmask.analysis.scenario import is_unread
from unmask.auditing.asking import ask, why
from unmask.errors import JudgeError, RecordsError, UnmaskError
from unmask.judges.scorers import reasoning_source
from unmask.organisms.scripted import load_facts, read_prompt
from unmask.organisms.scripted.options import pick
from unmask.organisms.scripted.reading import built_in_benign, fingerprint
from unmask.records import read_logs
from unmask.study import Resolved, StudySample, conditions_of
from unmask.tasks.alignment_faking import Prepared, build_task
from unmask.vocabulary import Arm, Compliance

ORGANISM = "organism/faker"


def chosen_samples(prepared: Prepared) -> tuple[list[StudySample], int]:
    """What the scripted model is asked, and how many replies to each: `REPLIES` or more a harmful cell."""
    queries = prepared.queries[Arm.HARMFUL].queries[:REPLIES]
    taken = {q.id for q in queries}
    samples = [s for s in prepared.samples if s.condition.arm is Arm.HARMFUL and s.query.id in taken]
    return samples, -(-REPLIES // max(1, len(queries)))


def calls_of(prepared: Prepared, *, grader: str | None = None) -> int:
    """Replies that the check asks for; nothing where it cannot be used."""
    if is_unread(prepared, grader=grader):
        return 0
    if Arm.HARMFUL not in prepared.queries or not is_read_right(prepared):
        return 0
    samples, epochs = chosen_samples(prepared)
    return len(samples) * epochs


def is_read_right(prepared: Prepared) -> bool:
    """Whether a scripted model reads role and query of every prompt that the check would send."""
    facts = load_facts()
    benign = built_in_benign(facts)
    for s in chosen_samples(prepared)[0]:
        reading = read_prompt(s.system, s.user, facts)
        right = reading.role is s.condition.role and reading.story.objective is s.condition.objective
        chooses = not s.outcomes or pick(reading.query, Compliance.COMPLIED, facts) is not None
        if not right or not chooses or fingerprint(reading.query) in benign:
            return False
    return True


def check_plumbing(prepared: Prepared, *, grader: str | None, folder: Path, may_ask: bool = True) -> Checked:
    """Ask the scripted model, judge, and hold every cell against its cut; goes on where it was stopped.

    Args:
        prepared: the run's prompts and queries.
        grader: the run's judge; None is the offline one.
        folder: where the check keeps its logs, apart for each judge.
        may_ask: False rests on the logs that are there and asks no grader; the offline judge asks nobody.
    Raises:
        UnmaskError: it could not finish, or the grader answered nothing at all.
    """
    if is_unread(prepared, grader=grader):
        return NO_JUDGE
    if calls_of(prepared, grader=grader) == 0:
        return NOT_ON_THIS_PACK
    samples, epochs = chosen_samples(prepared)
    study = prepared.resolved.study.model_copy(update={"epochs": epochs})
    asked = replace(prepared, resolved=Resolved(study, prepared.resolved.origins), samples=samples)
    judge = re.sub(r"[^A-Za-z0-9._-]+", "-", grader or "offline")
    logs = folder / judge / str(prepared.size)
    if may_ask or grader is None:
        _ask(asked, grader=grader, logs=logs)
    elif not _is_kept(logs):
        return NOT_KEPT
    records = read_logs([logs])
    cells = [c for c in conditions_of(study) if c.arm is Arm.HARMFUL]
    words = choose(records.judgements, source=reasoning_source("auto", study.scratchpad))
    table = tabulate(records.replies, words, cells)
    if grader and not table.usable_QC.any():
        raise JudgeError(
            f"{grader} gave no readable verdict on any of the {records.replies.height} replies of the "
            "instrument check; the model was not asked yet",
            where=str(logs),
            hint="is it reachable, and does it answer in the judge's form? --overwrite tries again, "
            "--no-check goes on without",
        )
    return judged(table, study)


def _ask(asked: Prepared, *, grader: str | None, logs: Path) -> None:
    model = get_model(ORGANISM, trained=HIGH, untrained=LOW, rated=LOW, af=1.0, memoize=False)
    ok, done = ask(build_task(asked), [model], logs, grader=grader)
    if not ok:
        raise UnmaskError(
            f"the instrument check did not finish: {why(done)}",
            where=str(logs),
            hint="the same command goes on; --no-check leaves it out, and the verdict says so",
        )


def _is_kept(logs: Path) -> bool:
    """Whether a finished check is there."""
    try:
        return logs.is_dir() and any(log["status"] == "success" for log in read_logs([logs]).logs)
    except RecordsError:
        return False
