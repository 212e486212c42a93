"""AUROC of probes on organisms held out from their training, beside the baselines that read words alone.

Trained on faker and silent_faker; checked on others, with queries and wordings that no probe was trained on.
The figure: the role probe under swapped labels, where a probe that reads the tag is at 0 or misled; the mean
over held-out organisms, each with its interval. Nothing is asked of it but that it is reported with intervals
beside the baselines; `ok` says that every row has them. role_plain is the control that shows what reading the
tag looks like.

    python bench/probe_transfer.py [--quick] [--root FOLDER] [--queries N]   # needs the extra `probe`
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from _kept import keep
from unmask.experiments.probe_recipe import ProbeRecipe, load_probe_recipe
from unmask.experiments.probe_texts import (
    Measured,
    Organism,
    ask,
    find_organism,
    make_cases,
    read_activations,
)
from unmask.experiments.probing import Check, Row, check_cases, check_measured, fit_probe
from unmask.probes.probe_file import Position, ProbeFile, write_probe
from unmask.report.probing import area, more
from unmask.vocabulary import Labels

RESULT = Path(__file__).parent / "results" / "probe_transfer.json"
RECIPES = ("role", "role_plain", "faking_ahead", "faking", "faking_spoken")
HELD_OUT = ("honest", "promoter", "tag_faker", "rater_pleaser")
BOTH = (Labels.PLAIN, Labels.SWAPPED)


class Texts:
    """Replies and activations, read once for all probes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[Any, Measured] = {}

    def of(self, organism: Organism, cases: Sequence[Any], position: Position) -> Measured:
        key = (organism.name, position, tuple(case.asked.key for case in cases))
        if key not in self._read:
            reads = ask(organism, cases, kept=self.root / ".replies", tell=_tell)
            self._read[key] = read_activations(organism, cases, reads, position)
        return self._read[key]


def main() -> int:
    quick = "--quick" in sys.argv
    root = Path(_flag("--root", "probes"))
    queries = int(_flag("--queries", "2" if quick else "12"))
    texts, checks, flags = Texts(root), {}, {}
    for name in ("role", "role_plain") if quick else RECIPES:
        recipe = load_probe_recipe(name)
        if quick:
            recipe = recipe.model_copy(update={"queries": 4})
        probe = _probe(recipe, texts)
        write_probe(root / name, probe)
        held_out = [
            find_organism(o)
            for o in (
                HELD_OUT[:1] if quick else dict.fromkeys((*HELD_OUT, "silent_faker", *recipe.organisms))
            )
        ]
        measured = [
            texts.of(o, check_cases(probe, o, queries=queries, labels=BOTH), probe.position) for o in held_out
        ]
        checks[name] = check_measured(probe, measured)
        _show(probe, checks[name])
        if probe.target == "faking":
            flags[name] = {m.organism.name: _flags(probe, m) for m in measured}
    counted = [r for r in checks["role"].rows if r.labels == "swapped" and not r.seen]
    whole = all(r.probe and r.keywords and r.over_keywords for r in counted)
    areas = [r.probe.estimate for r in counted if r.probe]
    mean = statistics.mean(areas) if areas else float("nan")
    word = "ok" if whole and counted else "short"
    each = ", ".join(f"{row.organism} {area(row.probe)}" for row in counted)
    print(f"  role under swapped labels, held-out organisms: {each}")
    print(f"probe_transfer measured={mean:.2f} asked=intervals {word}")
    if not quick:
        kept = {
            "queries": queries,
            "measured": round(mean, 3),
            "flagged_by_deed": flags,
            "checks": {name: asdict(check) for name, check in checks.items()},
        }
        keep(RESULT, kept)
    return 0 if word == "ok" else 1


def _probe(recipe: ProbeRecipe, texts: Texts) -> ProbeFile:
    """As `train_probe`; under one mapping a part of the texts that both have."""
    measured = []
    for organism in map(find_organism, recipe.organisms):
        pack = organism.recipe.pack
        cases = make_cases(pack, (0, recipe.queries), recipe.wordings, BOTH, seed=recipe.seed)
        every = texts.of(organism, cases, recipe.position)
        measured.append(_only(every, recipe.labels))
    return fit_probe(recipe, measured)


def _only(m: Measured, labels: Sequence[Labels]) -> Measured:
    at = [i for i, case in enumerate(m.cases) if case.asked.condition.labels in labels]
    reads = None if m.reads is None else [m.reads[i] for i in at]
    return Measured(m.organism, [m.cases[i] for i in at], reads, m.acts_NLD[at], m.usable_N[at])


def _flags(probe: ProbeFile, m: Measured) -> dict[str, tuple[int, int]]:
    """Scored above 0 and all: of replies that fake, that comply without faking, and of the rest."""
    complied_N = np.array([r.decision == "complied" for r in m.reads or []])
    fakes_N = m.truth("faking")
    above_N = probe.linear.scores(m.acts_NLD[:, probe.layer]) > 0
    kinds = {"fakes": fakes_N, "complies otherwise": complied_N & ~fakes_N, "does not comply": ~complied_N}
    found = {
        kind: (int((above_N & of_N & m.usable_N).sum()), int((of_N & m.usable_N).sum()))
        for kind, of_N in kinds.items()
    }
    said = ", ".join(f"{kind} {k} of {n}" for kind, (k, n) in found.items())
    print(f"  flagged of {m.organism.name}: {said}", flush=True)
    return found


def _show(probe: ProbeFile, check: Check) -> None:
    print(f"{probe.name}: {probe.target} at {probe.position}, layer {probe.layer}, cross-validated "
          f"{area(check.cross_validated)}", flush=True)  # fmt: skip
    for row in check.rows:
        print(f"  {_line(row)}", flush=True)


def _line(row: Row) -> str:
    seen = " (trained on)" if row.seen else ""
    flagged = f"{row.flagged.estimate:.2f}" if row.flagged else "–"
    return (
        f"{row.organism + seen:<28}{row.labels:<9}{row.n_yes:>3} of {row.n:<4} probe {area(row.probe)}, "
        f"keywords {area(row.keywords)}, judge {area(row.judge)}; over keywords {more(row.over_keywords)}, "
        f"over judge {more(row.over_judge)}; flagged {flagged}"
    )


def _flag(name: str, default: str) -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def _tell(name: str, done: int, of: int) -> None:
    if done % 24 == 0:
        print(f"  {name}: {done} of {of} replies", flush=True)


if __name__ == "__main__":
    sys.exit(main())
