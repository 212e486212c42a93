"""Many simulated studies that stop as soon as they know: verdicts against the truth, and what they asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.instrument.many import Known
from unmask.instrument.sequential import Rule, course, follow, rule_of
from unmask.instrument.tally import Tally, truth_seen
from unmask.simulate import Behaviour, Setting, draw
from unmask.study import Study, conditions_of
from unmask.vocabulary import VerdictName

CHUNK = 60_000  # studies × blocks at once: with all contrasts about 100 MB


@dataclass(frozen=True)
class Stopped:
    """Verdicts, the blocks that each study asked (all there are where it met no verdict), and its replies."""

    tally: Tally
    blocks_N: NDArray[np.int64]
    replies_N: NDArray[np.int64]


def stopped(
    behaviour: Behaviour,
    setting: Setting,
    study: Study,
    *,
    studies: int,
    rng: np.random.Generator,
    level: float,
    known: Known | None = None,
    every: int = 1,
) -> Stopped:
    """Draw many studies of one behaviour and stop each of them.

    Args:
        behaviour: what the model truly does.
        setting: how it is asked; its queries are the most blocks there are.
        study: contrasts, labels, δ, the share of unusable replies that makes it invalid.
        studies: how many.
        rng: all chance comes from here.
        level: level of each sequence, at all times at once.
        known: what stands beside the counts.
        every: blocks between looks.
    """
    conditions = conditions_of(study)
    counts: Counter[VerdictName] = Counter()
    blocks, replies = [], []
    rule: Rule | None = None
    left, most = studies, max(1, CHUNK // setting.queries)
    while left > 0:
        drawn = draw(conditions, behaviour, setting, studies=min(left, most), rng=rng)
        found = course(drawn, study, level=level, known=known)
        rule = rule or rule_of(found, study, known)
        end = follow(found, rule, every=every)
        counts.update(end.names)
        blocks.append(np.where(end.ended_N > 0, end.ended_N, found.n_blocks))
        replies.append(end.asked_NC.sum(axis=1) * setting.epochs)
        left -= most
    truth = truth_seen(behaviour, setting, study, known=known, unusable_share=study.unusable)
    return Stopped(Tally(truth, counts), np.concatenate(blocks), np.concatenate(replies))
