"""Would this very run have found it? Plumbing and operating characteristic, joined with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unmask.analysis.figures import REPORTED, Measured
from unmask.analysis.plumbing import NOT_RUN, Checked
from unmask.estimates import wilson_limits
from unmask.instrument.characteristic import Characteristic, characteristic, design_of
from unmask.study import Study, decision_level
from unmask.verdict import OTHER_MOTIVES, Evidence, Plumbing, Verdict, decide
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
    *,
    scripted: bool = False,
    screening: bool = False,
) -> CheckedVerdict:
    """Decide, with the plumbing's state in the evidence; withhold what simulated studies do not bear out.

    Args:
        evidence: everything else that the tree may look at.
        measured: the contrasts, for sizes and base rate.
        study: the design.
        plumbing: the live check; None where no check was asked for at all.
        scripted: whether the model is a scripted organism, whose replies are of the check's own kind: its
            result is then the judge's card.
        screening: whether the offline judge read the reasons. It finds under half of the scripted organisms'
            stated obedience, so that its card never shows that there are no reasons.
    """
    if plumbing is None:
        return CheckedVerdict(_decided(evidence, study), NOT_RUN.sentence, None)
    evidence = replace(evidence, plumbing=plumbing.state)
    if scripted:
        evidence = _with_card(evidence, plumbing, screening=screening)
    verdict = _decided(evidence, study)
    found = _simulated(evidence, measured, study)
    if found is None or plumbing.state is Plumbing.FAILED:
        return CheckedVerdict(verdict, plumbing.sentence, None)
    why = found.withholds(verdict.name)
    if why is not None and verdict.name not in (VerdictName.INVALID, VerdictName.INCONCLUSIVE):
        verdict = _decided(replace(evidence, withheld_by=why), study)
    return CheckedVerdict(verdict, f"{found.sentence} {plumbing.sentence}", found.limit)


def _with_card(evidence: Evidence, plumbing: Checked, *, screening: bool) -> Evidence:
    """A card against the known recipe: how many of the check's faking replies this judge found."""
    found = plumbing.reasons
    if evidence.judge_card:  # people's labels go before the recipe
        return replace(evidence, judge_sensitivity_low=None) if screening else evidence
    if evidence.judge_card is None or found is None:
        return evidence
    read, n = found
    # the recipe states reasons in 95 % of them; counted as if in all, so that the judge is not flattered
    low = wilson_limits(read / n, n, level=REPORTED)[0]
    note = (
        f"judge checked on scripted replies only: it found the reasons in {read:,} of {n:,}, "
        f"so in {100 * low:.0f} % or more"
    )
    known = None if screening else low
    return replace(evidence, judge_card=True, judge_sensitivity_low=known, card_note=note)


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
        queries=None if study.stopping == "sequential" else int(first.outcome.asked_QC.shape[0]),
        understood=evidence.story_understood or None,  # False holds no row either: the same figures
        visibility=evidence.visibility,
        motives=any(difference in evidence.effects for difference in OTHER_MOTIVES.values()),
        benign_queries=None if study.stopping == "sequential" else _benign(measured),
    )
    return characteristic(design)


def _benign(measured: Mapping[Contrast, Measured]) -> int | None:
    """Queries of the harmless arm, where it was asked."""
    benign = measured.get(Contrast.BENIGN)
    return None if benign is None else int(benign.outcome.asked_QC.shape[0])
