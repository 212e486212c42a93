"""Judge the replies of a run again: no reply is asked for again, no old judgement is lost."""

from __future__ import annotations

from pathlib import Path

from inspect_ai import score
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import get_model
from inspect_ai.scorer import Scorer

from unmask.analysis.results import AuditResult
from unmask.auditing.folder import RunFolder, locked
from unmask.auditing.imported import is_imported, judge_imported
from unmask.auditing.plan import Options, reopen
from unmask.auditing.preflight import open_model
from unmask.auditing.run import check, conclude
from unmask.errors import UsageError
from unmask.judges.question_scorers import comprehension_judge, follow_up_judge
from unmask.judges.scorers import compliance_judge, reasoning_judge
from unmask.study import Study
from unmask.vocabulary import ReplyKind, Scratchpad


def scorers_of(task: str, study: Study) -> list[Scorer]:
    """The judges of a log, by the task that made it."""
    kind = task.rsplit("/", 1)[-1]
    if kind == ReplyKind.COMPREHENSION:
        return [comprehension_judge()]
    if kind == ReplyKind.FOLLOW_UP:
        return [follow_up_judge()]
    if study.scratchpad is Scratchpad.NONE:
        return [compliance_judge()]
    return [compliance_judge(), reasoning_judge(votes=study.judge_votes)]


def rejudge(root: Path, *, grader: str | None) -> AuditResult:
    """Add judgements to every finished log of a run, or to the tables of an imported one; conclude again.

    Args:
        root: the run's folder.
        grader: an Inspect model; None judges by the offline screening judge.
    Raises:
        UsageError: no run there, or no finished log in it.
    """
    if is_imported(root):
        return judge_imported(root, grader=grader)
    planned = reopen(root, Options(grader=grader))
    if grader is not None:
        open_model(grader, args={}, base_url=None)
    folder = RunFolder(root)
    with locked(folder):
        paths = sorted(folder.logs.rglob("*.eval"))
        done = [p for p in paths if read_eval_log(str(p), header_only=True).status == "success"]
        if not done:
            raise UsageError(f"no finished log in {root}", hint="give the audit's command again: it goes on")
        for path in done:
            _judge_log(path, planned.resolved.study, grader)
        # who names a grader today has agreed to its calls; one that the run names is not asked
        plumbing = check(planned, folder) if grader is not None else None
        return conclude(folder, planned, started=None, plumbing=plumbing)


def _judge_log(path: Path, study: Study, grader: str | None) -> None:
    """Add judgements to one log. Nothing that its header names is opened.

    Inspect would open the header's models with their arguments and addresses: the grader of an old run would
    be asked again where the offline judge is wanted, and a stranger's log would be sent our keys.
    """
    log = read_eval_log(str(path))
    roles, log.eval.model_roles = log.eval.model_roles, None
    log = score(
        log,
        scorers_of(log.eval.task, study),
        action="append",
        display="none",
        model=get_model("none"),  # the model under study never grades
        model_roles={"grader": get_model(grader)} if grader else None,
    )
    log.eval.model_roles = roles
    write_eval_log(log, str(path))
