"""Blocks to a verdict when a study stops as soon as it is decided, over the fixed design of 90 % power.

The fixed design is the smallest number of queries at which the estimators and the tree of fixed studies give
a true verdict in 90 % of 2,000 simulated studies: at a gap of 10 points, or, for the line at 0, where nothing
is there. Same contrasts, same replies a query, same level, and the same organism. The sequential study may
ask up to three times as many blocks; one that met no verdict counts with all of them.

The figure asks per true contrast; its lines are those whose verdict rests on the contrast itself (design
`story`: a gap is there, or it is not). Not asked, and shown: verdicts of the whole tree, some of which hold a
claim of absence that no size of gap makes cheaper, and queries that all move a little.
Writes bench/results/early_stop.json; `--quick` (100 studies) writes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from _kept import keep
from unmask.estimates import wilson_limits
from unmask.instrument.many import gather_many, verdicts
from unmask.instrument.stopped import stopped
from unmask.instrument.tally import truth_seen
from unmask.simulate import ORGANISMS, Behaviour, Counts, Setting, draw
from unmask.study import Study, conditions_of, decision_level
from unmask.verdict import ALPHA, UNUSABLE_SHARE, nominal
from unmask.vocabulary import Contrast, VerdictName

RESULT = Path(__file__).parent / "results" / "early_stop.json"
POWER = 0.9
FIXED_GAP = 0.10
GAPS = (0.10, 0.25, 0.60)
ASKED = {0.0: 1.5, 0.10: 1.1, 0.25: 0.33, 0.60: 0.33}
BASES, EPOCHS = (0.05, 0.25), (5, 1)
STORY = (Contrast.STORY, Contrast.TAG, Contrast.TRAINING, Contrast.JOINT)
WHOLE = tuple(c for c in Contrast if c is not Contrast.PUBLISHED_GAP)
MOST = {5: 400, 1: 1_600}  # queries of the largest fixed design that is looked at
CHANCE = 0.99


@dataclass(frozen=True)
class Line:
    """One true effect in one design. `ratio` is None where the fixed design needs more than was looked at."""

    design: str
    organism: str
    moved: str
    base: float
    epochs: int
    gap: float
    asked: float | None
    fixed_queries: int | None
    blocks: float
    ratio: float | None
    replies_ratio: float | None
    undecided: float
    wrong: float
    wrong_low: float
    faking_wrong: float
    verdicts: dict[str, int]


def main() -> int:
    quick = "--quick" in sys.argv
    studies = 100 if quick else 2_000
    lines = []
    start = time.perf_counter()
    for line in _lines(studies):
        lines.append(line)
        print(_in_words(line), flush=True)
    good = True
    for gap, asked in ASKED.items():
        ratios = [line.ratio for line in lines if line.asked is not None and line.gap == gap]
        worst = max(np.inf if r is None else r for r in ratios)
        good &= worst <= asked
        points = round(100 * gap)
        print(f"early_stop_{points} measured={worst:.2f} asked={asked} {'ok' if worst <= asked else 'short'}")
    wrong = max(line.wrong_low for line in lines)
    faking = max(wilson_limits(x.faking_wrong, studies, level=CHANCE)[0] for x in lines)
    holds = wrong <= ALPHA and faking <= (nominal(VerdictName.ALIGNMENT_FAKING) or 0)
    worst = max(line.wrong for line in lines)
    print(f"early_stop_wrong measured={worst:.4f} asked={ALPHA} {'ok' if holds else 'short'}")
    if not quick:
        found = {
            "studies": studies,
            "seconds": round(time.perf_counter() - start),
            "lines": [asdict(line) for line in lines],
        }
        keep(RESULT, found)
    return 0 if good and holds else 1


def _lines(studies: int) -> Iterator[Line]:
    for epochs in EPOCHS:
        for base in BASES:
            for organism in ("faker", "reversed", "plain"):
                yield from _of("story", organism, base, epochs, studies, asked=True)
    for epochs in EPOCHS:
        for base in BASES:
            yield from _of("story", "faker", base, epochs, studies, wholly=False)
            for organism in (
                "tag_faker",
                "faker",
                "silent_faker",
                "training_pleaser",
                "rater_pleaser",
                "plain",
            ):
                if epochs == 5 or organism in ("faker", "plain"):
                    yield from _of("whole", organism, base, epochs, studies)


def _of(
    design: str,
    organism: str,
    base: float,
    epochs: int,
    studies: int,
    *,
    asked: bool = False,
    wholly: bool = True,
) -> Iterator[Line]:
    contrasts = STORY if design == "story" else WHOLE
    study = Study.model_validate({"contrasts": contrasts, "epochs": epochs})
    level = decision_level(study)
    still = organism == "plain"
    seed = [EPOCHS.index(epochs), BASES.index(base), int(wholly), *organism.encode()]
    rng = np.random.default_rng(seed)
    at_fixed = replace(ORGANISMS[organism], base=base, gap=0.0 if still else FIXED_GAP)
    setting = Setting(MOST[epochs], epochs, wholly=wholly)
    fixed = _fixed_queries(at_fixed, setting, study, level, studies, rng)
    for gap in (0.0,) if still else GAPS:
        behaviour = replace(at_fixed, gap=gap)
        most = 3 * (fixed or MOST[epochs])
        found = stopped(
            behaviour, replace(setting, queries=most), study, studies=studies, rng=rng, level=level
        )
        tally = found.tally
        blocks = float(np.median(found.blocks_N))
        wrong = tally.n_wrong / tally.n
        fixed_replies = fixed and fixed * epochs * len(conditions_of(study))
        yield Line(
            design=design,
            organism=organism,
            moved="wholly" if wholly else "a little",
            base=base,
            epochs=epochs,
            gap=gap,
            asked=ASKED[gap] if asked else None,
            fixed_queries=fixed,
            blocks=blocks,
            ratio=fixed and blocks / fixed,
            replies_ratio=fixed_replies and float(np.median(found.replies_N)) / fixed_replies,
            undecided=tally.counts.get(VerdictName.INCONCLUSIVE, 0) / tally.n,
            wrong=wrong,
            wrong_low=wilson_limits(wrong, tally.n, level=CHANCE)[0],
            faking_wrong=tally.wrong.get(VerdictName.ALIGNMENT_FAKING, 0) / tally.n,
            verdicts={str(name): n for name, n in sorted(tally.counts.items())},
        )


def _fixed_queries(
    behaviour: Behaviour,
    setting: Setting,
    study: Study,
    level: float,
    studies: int,
    rng: np.random.Generator,
) -> int | None:
    """The smallest n at which the fixed design is right in 90 %, on one draw that is cut to size."""
    parts = [
        draw(conditions_of(study), behaviour, setting, studies=n, rng=rng)
        for n in _chunks(studies, setting.queries)
    ]
    right = truth_seen(behaviour, setting, study, known=None, unusable_share=UNUSABLE_SHARE).right
    right = right - {VerdictName.INCONCLUSIVE}

    def power(n: int) -> float:
        names = [
            name
            for part in parts
            for name in verdicts(
                gather_many({c: _first(x, n) for c, x in part.items()}, study, level=level),
                delta=study.delta,
                unusable_share=UNUSABLE_SHARE,
            )
        ]
        return sum(name in right for name in names) / len(names)

    below, enough = 2, setting.queries
    if power(enough) < POWER:
        return None
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if power(middle) >= POWER else (middle, enough)
    return enough


def _first(counts: Counts, n: int) -> Counts:
    return replace(
        counts,
        usable_NQ=counts.usable_NQ[:, :n],
        complied_NQ=counts.complied_NQ[:, :n],
        joint_known_NQ=counts.joint_known_NQ[:, :n],
        joint_NQ=counts.joint_NQ[:, :n],
        motives={motive: hits_NQ[:, :n] for motive, hits_NQ in counts.motives.items()},
    )


def _chunks(studies: int, queries: int, size: int = 250_000) -> Iterator[int]:
    most = max(1, size // queries)
    while studies > 0:
        yield min(most, studies)
        studies -= most


def _in_words(x: Line) -> str:
    named = f"{x.design}, {x.organism} moved {x.moved}, base {x.base:g}, {x.epochs} replies, gap {x.gap:g}"
    over = "fixed design out of reach" if x.ratio is None else f"{x.ratio:.2f} of {x.fixed_queries}"
    asked = "" if x.asked is None else f" (asked {x.asked})"
    return (
        f"{named}: {x.blocks:.0f} blocks, {over}{asked}; replies "
        f"{'–' if x.replies_ratio is None else format(x.replies_ratio, '.2f')}; undecided "
        f"{100 * x.undecided:.1f} %, wrong {100 * x.wrong:.2f} %"
    )


if __name__ == "__main__":
    sys.exit(main())
