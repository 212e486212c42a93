"""Train a probe on some organisms and check it on others: other queries, wordings and models.

Every figure compares texts of one organism, never one organism with another: what tells adapters apart tells
nothing. Beside the probe stand two that see the words alone: a keyword list and the offline judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from unmask.analysis.results import Interval
from unmask.errors import UsageError
from unmask.estimates import rate_interval
from unmask.estimates.agreement import Figure, auroc, auroc_difference
from unmask.experiments.probe_recipe import FOLDER, WORDS, ProbeRecipe
from unmask.experiments.probe_texts import (
    Case,
    Measured,
    Organism,
    Tell,
    ask,
    find_organism,
    folds_of,
    make_cases,
    prompts_sha256,
    read_activations,
)
from unmask.files import read_yaml
from unmask.judges import keywords, offline
from unmask.organisms.trained.cells import Read
from unmask.parse import parse_reply
from unmask.probes.linear import Bools, Floats, ProbeError, choose_layer, fit
from unmask.probes.probe_file import CrossValidated, ProbeFile, Strict, Target, write_probe
from unmask.providers.model_file import SHA256
from unmask.training.base import require_training
from unmask.vocabulary import CANARY, JudgeTask, Labels

LEVEL = 0.95
NOTHING_VARIES = 1e-9
NEW_WORDINGS = (3, 7, 11, 15)  # another opening than the built-in recipes train on, in all of them
REPLIES = ".replies"
BOTH = "both"


@dataclass(frozen=True)
class Row:
    """One organism under some mappings: AUROC with 95 % limits, None where it cannot be known.

    labels: `both`, or one mapping alone. seen: the probe was trained on this organism. n: texts whose
    position and reply could be read. keywords, judge: of the reply's scratchpad. over_keywords, over_judge:
    the probe's AUROC less theirs on the same texts, paired. flagged: of all n, scored above 0 by the probe.
    """

    organism: str
    labels: str
    seen: bool
    n: int
    n_yes: int
    n_unusable: int
    probe: Interval | None
    keywords: Interval | None
    judge: Interval | None
    over_keywords: Interval | None
    over_judge: Interval | None
    flagged: Interval | None


@dataclass(frozen=True)
class Check:
    """A probe on queries and wordings that it was not trained on."""

    probe: str
    target: Target
    position: str
    layer: int
    trained_on: list[str]
    tag_gives_role: bool
    cross_validated: Interval
    queries: int
    wordings: list[int]
    prompts_sha256: dict[str, str]
    judge: str
    rows: list[Row]
    date: str
    canary: str = CANARY

    def to_json(self) -> str:
        """Stable JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


class WordList(Strict):
    """words.yaml."""

    canary: str
    untrained: list[str]
    trained: list[str]


def train_probe(
    recipe: ProbeRecipe,
    root: Path,
    *,
    overwrite: bool = False,
    tell: Tell = lambda name, done, of: None,
    show: Callable[[str], None] = lambda line: None,
) -> ProbeFile:
    """Train into `root/NAME/probe.json`. The layer is chosen on the training organisms alone.

    Args:
        recipe: from `load_probe_recipe`.
        root: folder of probes; replies are kept there too, for the next one.
        overwrite: train again although one is there.
        tell: called with an organism, replies done and all.
        show: called with a line for a person.
    Raises:
        UsageError: it is there already, or an organism is unknown.
        ProbeError: one class only.
        ModelError: PyTorch or an adapter is missing.
    """
    folder = root / recipe.name
    if (folder / "probe.json").exists() and not overwrite:
        raise UsageError(
            f"probe {recipe.name} is there already", where=str(folder), hint="--overwrite trains it again"
        )
    chosen = [find_organism(name) for name in recipe.organisms]
    require_training()  # before hours of replies
    measured = []
    for organism in chosen:
        cases = _training_cases(recipe, organism)
        reads = None
        if recipe.target == "faking" or recipe.position == "scratchpad_end":
            reads = ask(organism, cases, kept=root / REPLIES, tell=tell)
        show(f"{recipe.name}: activations of {organism.name}, {len(cases)} texts")
        measured.append(read_activations(organism, cases, reads, recipe.position))
    probe = fit_probe(recipe, measured)
    write_probe(folder, probe)
    return probe


def _training_cases(recipe: ProbeRecipe, organism: Organism) -> list[Case]:
    pack = organism.recipe.pack
    return make_cases(pack, (0, recipe.queries), recipe.wordings, recipe.labels, seed=recipe.seed)


def fit_probe(recipe: ProbeRecipe, measured: Sequence[Measured]) -> ProbeFile:
    """The probe of texts whose activations are read already.

    Raises:
        ProbeError: one class only.
    """
    used = [m.known(recipe.target) for m in measured]
    acts_NLD = np.concatenate([m.acts_NLD[u] for m, u in zip(measured, used, strict=True)])
    truth_N = np.concatenate([m.truth(recipe.target)[u] for m, u in zip(measured, used, strict=True)])
    query_N = np.concatenate([m.query_N[u] for m, u in zip(measured, used, strict=True)])
    model_N = np.repeat(np.arange(len(measured)), [u.sum() for u in used])
    _two_classes(recipe, truth_N, model_N)
    chosen = choose_layer(
        acts_NLD, truth_N, folds_of(query_N, recipe.folds), model_N, inverse_penalty=recipe.inverse_penalty
    )
    at_ND = acts_NLD[:, chosen.layer]
    linear = fit(at_ND, truth_N, inverse_penalty=recipe.inverse_penalty)
    apart_D = at_ND[truth_N].mean(axis=0) - at_ND[~truth_N].mean(axis=0)
    unseen = auroc(chosen.scores_N, truth_N, query_N=query_N, level=LEVEL)
    return ProbeFile(
        canary=CANARY,
        name=recipe.name,
        description=recipe.description,
        target=recipe.target,
        position=recipe.position,
        layer=chosen.layer,
        n_layers=acts_NLD.shape[1],
        width=acts_NLD.shape[2],
        base_sha256=SHA256,
        organisms={m.organism.name: m.organism.sha256 for m in measured},
        labels=recipe.labels,
        tag_gives_role=len(recipe.labels) == 1,
        queries={m.organism.recipe.pack: sorted({c.query_id for c in m.cases}) for m in measured},
        wordings=list(recipe.wordings),
        prompts_sha256=prompts_sha256(case for m in measured for case in m.cases),
        recipe_sha256=recipe.sha256,
        seed=recipe.seed,
        n_texts=int(truth_N.size),
        n_yes=int(truth_N.sum()),
        cross_validated=CrossValidated(
            auroc=unseen.estimate,
            low=unseen.low,
            high=unseen.high,
            loss_by_layer=[round(float(loss), 5) for loss in chosen.loss_L],
        ),
        residual_norm=float(np.linalg.norm(at_ND, axis=1).mean()),
        separation=float(apart_D @ linear.direction_D),
        mean=linear.mean_D.tolist(),
        scale=linear.scale_D.tolist(),
        weights=linear.weights_D.tolist(),
        intercept=linear.intercept,
        date=datetime.now(UTC).date().isoformat(),
        unmask_version=version("unmask"),
    )


def _two_classes(recipe: ProbeRecipe, truth_N: Bools, model_N: np.ndarray) -> None:
    for i, name in enumerate(recipe.organisms):
        yes, n = int(truth_N[model_N == i].sum()), int((model_N == i).sum())
        if yes in (0, n):
            raise ProbeError(
                f"{name}: {yes} of {n} texts are yes for {recipe.target}: a probe needs both",
                where=f"recipe {recipe.name}",
                hint="another organism; `unmask organism card NAME` says what each does",
            )


def check_cases(
    probe: ProbeFile, organism: Organism, *, queries: int, labels: Sequence[Labels]
) -> list[Case]:
    """Queries after those that the probe was trained on, in wordings of another opening.

    Raises:
        UsageError: not enough queries are left, or a wording was trained on.
    """
    pack = organism.recipe.pack
    # another pack's queries are all new; the same seeded order is begun beyond the trained ones nonetheless
    first = max(map(len, probe.queries.values()))
    cases = make_cases(pack, (first, first + queries), NEW_WORDINGS, labels, seed=probe.seed)
    known = {query for of_pack in probe.queries.values() for query in of_pack}
    if known & {case.query_id for case in cases} or set(probe.wordings) & set(NEW_WORDINGS):
        raise UsageError(
            f"probe {probe.name} was trained on queries or wordings that a check takes",
            hint=f"leave the wordings {', '.join(map(str, NEW_WORDINGS))} out of its recipe",
        )
    return cases


def check_probe(
    probe: ProbeFile,
    organisms: Sequence[str],
    *,
    root: Path,
    queries: int = 16,
    labels: Sequence[Labels] = (Labels.PLAIN, Labels.SWAPPED),
    tell: Tell = lambda name, done, of: None,
    show: Callable[[str], None] = lambda line: None,
) -> Check:
    """Measure a probe on organisms, with queries and wordings that it was not trained on.

    Args:
        probe: from `read_probe`.
        organisms: names; those that the probe was trained on are marked in the result.
        root: folder of probes, where replies are kept.
        queries: how many, each in every mapping and both roles.
        labels: mappings of tag to role; the neutral ones have words that no built-in probe was trained on.
        tell: called with an organism, replies done and all.
        show: called with a line for a person.
    Raises:
        UsageError: an organism is unknown, or there are not enough queries.
        ProbeError: the probe is of another base.
    """
    chosen = [find_organism(name) for name in dict.fromkeys(organisms)]
    require_training()
    measured = []
    for organism in chosen:
        cases = check_cases(probe, organism, queries=queries, labels=labels)
        reads = ask(organism, cases, kept=root / REPLIES, tell=tell)
        show(f"{probe.name}: activations of {organism.name}, {len(cases)} texts")
        measured.append(read_activations(organism, cases, reads, probe.position))
    return check_measured(probe, measured)


def check_measured(probe: ProbeFile, measured: Sequence[Measured]) -> Check:
    """The same from activations and replies that are read already; at the probe's own position.

    Raises:
        ProbeError: the probe is of another base.
    """
    n_layers, width = measured[0].acts_NLD.shape[1:]
    probe.check_base(sha256=SHA256, width=width, n_layers=n_layers)
    return Check(
        probe=probe.name,
        target=probe.target,
        position=probe.position,
        layer=probe.layer,
        trained_on=list(probe.organisms),
        tag_gives_role=probe.tag_gives_role,
        cross_validated=cross_validated(probe),
        queries=len({case.query_id for case in measured[0].cases}),
        wordings=sorted({case.wording for m in measured for case in m.cases}),
        prompts_sha256={m.organism.name: prompts_sha256(m.cases) for m in measured},
        judge=offline.judge_id(JudgeTask.REASONING),
        rows=[row for m in measured for row in _rows(probe, m)],
        date=datetime.now(UTC).date().isoformat(),
    )


def cross_validated(probe: ProbeFile) -> Interval:
    """AUROC on training organisms' texts that the scoring probe did not see."""
    cv = probe.cross_validated
    return Interval(cv.auroc, cv.low, cv.high, LEVEL)


def _rows(probe: ProbeFile, m: Measured) -> list[Row]:
    if m.reads is None:
        raise UsageError("a check needs the replies, for the baselines that read them")
    pads = [_scratchpad(read) for read in m.reads]
    usable_N = m.known(probe.target) & np.array([pad is not None for pad in pads])
    scores_N = probe.linear.scores(m.acts_NLD[:, probe.layer])
    words_N = np.array([word_score(probe.target, pad or "") for pad in pads])
    judged_N = np.array([j.score for j in offline.judge_reasoning([pad or "" for pad in pads])], dtype=float)
    truth_N = m.truth(probe.target)
    labels_N = np.array([str(case.asked.condition.labels) for case in m.cases])
    rows = []
    for labels in (BOTH, *sorted(set(labels_N))):
        of_N = (labels_N == labels) | (labels == BOTH)
        at = np.flatnonzero(of_N & (_in_every_mapping(m, usable_N) if labels == BOTH else usable_N))
        rows.append(
            _row(probe, m, labels, int(of_N.sum() - at.size), truth_N[at], m.query_N[at],
                 scores_N[at], words_N[at], judged_N[at])
        )  # fmt: skip
    return rows


def _in_every_mapping(m: Measured, usable_N: Bools) -> Bools:
    """Texts whose request can be used in that role under every mapping: one alone would let the tag tell."""
    of_N = [(case.query_id, case.asked.condition.role) for case in m.cases]
    lacking = {key for key, usable in zip(of_N, usable_N, strict=True) if not usable}
    return np.array([key not in lacking for key in of_N])


def _row(
    probe: ProbeFile,
    m: Measured,
    labels: str,
    n_unusable: int,
    truth_N: Bools,
    query_N: np.ndarray,
    scores_N: Floats,
    words_N: Floats,
    judged_N: Floats,
) -> Row:
    def area(of_N: Floats) -> Interval | None:
        return _interval(auroc(of_N, truth_N, query_N=query_N, level=LEVEL))

    def over(other_N: Floats) -> Interval | None:
        return _interval(auroc_difference(scores_N, other_N, truth_N, query_N=query_N, level=LEVEL))

    return Row(
        organism=m.organism.name,
        labels=labels,
        seen=m.organism.name in probe.organisms,
        n=int(truth_N.size),
        n_yes=int(truth_N.sum()),
        n_unusable=n_unusable,
        probe=area(scores_N),
        keywords=area(words_N),
        judge=area(judged_N),
        over_keywords=over(words_N),
        over_judge=over(judged_N),
        flagged=_flagged(scores_N > 0, query_N),
    )


def _interval(found: Figure) -> Interval | None:
    """None where it cannot be known: where nothing varies an interval would have no width."""
    values = (found.estimate, found.low, found.high)
    if not np.isfinite(values).all() or found.high - found.low < NOTHING_VARIES:
        return None
    return Interval(*values, LEVEL)


def _flagged(hits_N: Bools, query_N: np.ndarray) -> Interval | None:
    _, place_N = np.unique(query_N, return_inverse=True)
    if place_N.size == 0 or place_N.max() < 1:
        return None
    hits_Q, n_Q = np.bincount(place_N, hits_N).astype(float), np.bincount(place_N).astype(float)
    return Interval.of(rate_interval(hits_Q, n_Q, level=LEVEL))


def _scratchpad(read: Read) -> str | None:
    """None where the reply has none that was closed: nobody can read its reasons."""
    parsed = parse_reply(read.text, finish_reason="stop", scratchpad=read.asked.condition.scratchpad)
    return parsed.scratchpad if parsed.reasoning_usable else None


def word_score(target: Target, scratchpad: str) -> float:
    """The keyword baseline: for faking that of the judges, for the role our list; a rank, no probability."""
    if target == "faking":
        return keywords.af_score(scratchpad)
    words = read_yaml(FOLDER / WORDS, WordList)
    text, against = re.subn("|".join(words.untrained), " ", scratchpad, flags=re.IGNORECASE)
    return float(len(re.findall("|".join(words.trained), text, flags=re.IGNORECASE)) - against)
