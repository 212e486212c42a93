"""How often corrected intervals hold the truth, where the judge errs otherwise in each role.

The whole grid: bench/corrected_coverage.py. Here: what it does not vary (four cells of two mappings, the
joint outcome by two judges whose errors go together, cards as a random draw gives them, few labels of queries
that move wholly), and what goes wrong without the parts that are there for it.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from unmask.errors import EstimateError
from unmask.estimates import Confusion, contrast_effect, corrected_contrast, corrected_rate, labelled_contrast
from unmask.estimates.correction import Replies

LEVEL = 0.95
STUDIES = 400
BEYOND_CHANCE = 3 * (0.95 * 0.05 / STUDIES) ** 0.5  # 3.3 points
FOUR = np.array([0.5, -0.5, 0.5, -0.5])  # trained less rated, in both mappings of tag to role
ROLES = [0, 1, 0, 1]


@dataclass(frozen=True)
class World:
    """Shares of replies: that comply, that also fake where they comply; and two judges' hits by role."""

    complied: tuple[float, float] = (0.6, 0.35)
    faked: tuple[float, float] = (0.8, 0.5)
    sensitivity: tuple[float, float] = (0.75, 0.95)
    specificity: tuple[float, float] = (0.97, 0.85)
    both_err: float = 0.6  # share of replies on which the second judge errs because the first did

    def joint(self, role):
        return self.complied[role] * self.faked[role]

    def reply(self, rng, role, easy):
        """Truth and words of the joint outcome, for replies whose query's luck is `easy` (uniform)."""
        y = easy < self.complied[role]
        af = y & (rng.random(easy.shape) < self.faked[role])
        wrong = self._wrong(rng, y, role)
        again = np.where(rng.random(easy.shape) < self.both_err, wrong, self._wrong(rng, af, role))
        return y & af, (y ^ wrong) & (af ^ again)

    def _wrong(self, rng, truth, role):
        return rng.random(truth.shape) >= np.where(truth, self.sensitivity[role], self.specificity[role])


def card(world, rng, role, n):
    """Labels of `n` independent replies drawn at random, as they come: few are a yes."""
    truth, said = world.reply(rng, role, rng.random(n))
    return Confusion(*(int(c.sum()) for c in (truth & said, truth & ~said, ~truth & said, ~truth & ~said)))


def study(world, rng, n, epochs):
    """Shape (query, cell, epoch): truth and words of four cells; queries move wholly, alike in all cells."""
    easy = np.repeat(rng.random((n, 1)), epochs, axis=1)
    cells = [world.reply(rng, role, easy) for role in ROLES]
    return tuple(np.stack([cell[i] for cell in cells], axis=1) for i in (0, 1))


def covered(world, n, epochs, labels, *, seed=0):
    """How often corrected and raw intervals of the joint gap hold the truth; share that was correctable."""
    rng = np.random.default_rng(seed)
    gap = world.joint(0) - world.joint(1)
    hits, done = np.zeros(2), 0
    for _ in range(STUDIES):
        _, said = study(world, rng, n, epochs)
        cards = [card(world, rng, role, labels) for role in (0, 1)]
        try:
            found = corrected_contrast(said.mean(axis=2), FOUR, ROLES, cards, level=LEVEL, rng=rng)
        except EstimateError:
            continue
        done += 1
        raw = contrast_effect(said.mean(axis=2), FOUR, level=LEVEL)
        hits += [e.low <= gap <= e.high for e in (found, raw)]
    return *(hits / done), done / STUDIES


@pytest.mark.parametrize(("n", "epochs", "labels"), [(60, 1, 100), (60, 5, 300), (200, 2, 300)])
def test_the_joint_outcome_by_its_own_card(n, epochs, labels):
    corrected, raw, share = covered(World(), n, epochs, labels)
    assert share > 0.95
    assert corrected >= 0.95 - BEYOND_CHANCE
    assert raw < 0.8


def test_the_cards_own_error_is_carried_through():
    rng = np.random.default_rng(1)
    world = World()
    missed = 0
    gap = world.joint(0) - world.joint(1)
    for _ in range(STUDIES):
        _, said = study(world, rng, 200, 5)
        cards = [card(world, rng, role, 100) for role in (0, 1)]
        certain = [Confusion(*(1e6 * n for n in (c.tp, c.fn, c.fp, c.tn))) for c in cards]
        found = corrected_contrast(said.mean(axis=2), FOUR, ROLES, certain, level=LEVEL, rng=rng)
        missed += not found.low <= gap <= found.high
    assert missed / STUDIES > 0.1  # a card taken for the truth is wrong about its own certainty


def test_cards_of_compliance_and_reasons_multiplied_are_no_card_of_the_joint_outcome():
    world, rng = World(), np.random.default_rng(2)
    apart = [world.sensitivity[r] ** 2 for r in (0, 1)]
    joint = [card(world, rng, r, 200_000).sensitivity for r in (0, 1)]
    assert joint[0] > apart[0] + 0.05  # errors that go together leave more right


def labelled(world, rng, n, epochs, share, *, by_role=(1.0, 1.0)):
    truth, said = study(world, rng, n, epochs)
    query, cell, _ = np.meshgrid(*(np.arange(k) for k in truth.shape), indexing="ij")
    chance = share * np.asarray(by_role)[np.asarray(ROLES)[cell]]
    asked = rng.random(truth.shape) < chance
    made = Replies(said.astype(float), np.where(asked, truth, np.nan), cell, query, chance)
    return Replies(*(np.asarray(getattr(made, f)).ravel() for f in Replies.__dataclass_fields__))


@pytest.mark.parametrize(
    ("n", "epochs", "share", "by_role"),
    [(20, 5, 0.4, (1, 1)), (60, 5, 0.15, (1, 1)), (60, 2, 0.3, (1.0, 0.4)), (200, 1, 0.15, (1, 1))],
)
def test_labels_of_part_of_the_run(n, epochs, share, by_role):
    rng, world = np.random.default_rng(3), World()
    gap = world.joint(0) - world.joint(1)
    hits = 0
    for _ in range(STUDIES):
        made = labelled(world, rng, n, epochs, share, by_role=by_role)
        found = labelled_contrast(made, FOUR, level=LEVEL)
        hits += found.low <= gap <= found.high
    assert hits / STUDIES >= 0.95 - BEYOND_CHANCE


def test_labels_taken_for_independent_ones_cover_too_little():
    rng, world = np.random.default_rng(4), World(complied=(0.2, 0.02), faked=(1.0, 1.0))
    hits = np.zeros(2)
    for _ in range(STUDIES):
        made = labelled(world, rng, 20, 5, 0.4)
        alone = replace(made, query_N=np.arange(made.query_N.size))
        for i, replies in enumerate((made, alone)):
            found = labelled_contrast(replies, FOUR, level=LEVEL)
            hits[i] += found.low <= 0.18 <= found.high
    clustered, independent = hits / STUDIES
    assert clustered >= 0.95 - BEYOND_CHANCE
    assert independent < 0.93 - BEYOND_CHANCE / 3


def test_the_labelled_estimate_is_unbiased_whatever_the_judge_says():
    rng, world = np.random.default_rng(5), World(sensitivity=(0.5, 0.9), specificity=(0.9, 0.5))
    found = [
        labelled_contrast(labelled(world, rng, 60, 2, 0.3), FOUR, level=LEVEL).estimate
        for _ in range(STUDIES)
    ]
    error = np.std(found) / STUDIES**0.5
    assert abs(np.mean(found) - (world.joint(0) - world.joint(1))) < 3.5 * error


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.6])
def test_one_rate_by_a_card(rate):
    rng, world = np.random.default_rng(6), World(complied=(rate, rate), faked=(1.0, 1.0), both_err=1.0)
    hits = 0
    for _ in range(STUDIES):
        _, said = study(world, rng, 100, 2)
        c = card(world, rng, 0, 400)
        counts = said[:, 0].sum(axis=1).astype(float)
        found = corrected_rate(counts, np.full(100, 2.0), c, level=LEVEL, rng=rng)
        hits += found.low <= rate <= found.high
    assert hits / STUDIES >= 0.95 - BEYOND_CHANCE
