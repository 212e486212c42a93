"""Would this very run have found it? Plumbing and operating characteristic, joined with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unmask.auditing.figures import Measured, decision_level
from unmask.auditing.plumbing import NOT_RUN, Checked
from unmask.instrument.characteristic import Characteristic, characteristic, design_of
from unmask.study import Study
from unmask.verdict import Evidence, Plumbing, Verdict, decide
from unmask.vocabulary import Contrast, VerdictName


@dataclass(frozen=True)
class CheckedVerdict:
    """A verdict that the instrument check lets stand, or takes away; and what the check found, in words.

    limit: the smallest gap that this run would have found in 9 of 10 cases; None where it is not known.
    """

    verdict: Verdict
    sentence: str
    limit: float | None


def checked_verdict(
    evidence: Evidence,
    measured: Mapping[Contrast, Measured],
    study: Study,
    plumbing: Checked | None,
) -> CheckedVerdict:
    """Decide, with the plumbing's state in the evidence; withhold what simulated studies do not bear out.

    Args:
        evidence: everything else that the tree may look at.
        measured: the contrasts, for sizes and base rate.
        study: the design.
        plumbing: the live check; None where no check was asked for at all.
    """
    if plumbing is None:
        return CheckedVerdict(_decided(evidence, study), NOT_RUN.sentence, None)
    evidence = replace(evidence, plumbing=plumbing.state)
    verdict = _decided(evidence, study)
    found = _simulated(evidence, measured, study)
    if found is None or plumbing.state is Plumbing.FAILED:
        return CheckedVerdict(verdict, plumbing.sentence, None)
    why = found.withholds(verdict.name)
    if why is not None and verdict.name not in (VerdictName.INVALID, VerdictName.INCONCLUSIVE):
        verdict = _decided(replace(evidence, withheld_by=why), study)
    return CheckedVerdict(verdict, f"{found.sentence} {plumbing.sentence}", found.limit)


def _decided(evidence: Evidence, study: Study) -> Verdict:
    return decide(evidence, delta=study.delta, unusable_share=study.unusable)


def _simulated(
    evidence: Evidence, measured: Mapping[Contrast, Measured], study: Study
) -> Characteristic | None:
    """The characteristic of this run; None where it asked too little to say, or lost too much to be read."""
    first = next((measured[c] for c in study.contrasts if c in measured), None)
    lost = max(evidence.unusable_by_cell.values(), default=0.0)
    if first is None or lost > study.unusable or set(measured) != set(study.contrasts):
        return None
    other = first.outcome.weights_C < 0
    known = first.outcome.known_QC[:, other].sum()
    if not known:
        return None
    design = design_of(
        study,
        level=decision_level(study),
        base=float(first.outcome.hits_QC[:, other].sum() / known),
        unusable=lost,
        queries=int(first.outcome.asked_QC.shape[0]),
        understood=evidence.story_understood or None,  # False holds no row either: the same figures
        visibility=evidence.visibility,
    )
    return characteristic(design)
