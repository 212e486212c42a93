"""Linear probes on activations whose truth is planted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from unmask.probes.linear import ProbeError, choose_layer, fit

N, L, D = 120, 5, 40


def planted(layer, *, strength=3.0, models=1, seed=0):
    """Noise, and the truth along one direction of one layer; each model has an offset of its own."""
    rng = np.random.default_rng(seed)
    acts = rng.normal(size=(N, L, D)).astype(np.float32)
    truth = np.arange(N) % 2 == 0
    model = np.arange(N) // 2 % models
    direction = np.random.default_rng(99).normal(size=D)
    acts[:, layer] += strength * truth[:, None] * direction / np.linalg.norm(direction)
    acts += 0.5 * rng.normal(size=(models, 1, D))[model]
    return acts, truth, np.arange(N) // 8 % 5, model, direction / np.linalg.norm(direction)


@pytest.mark.parametrize("models", [1, 3])
def test_the_layer_that_knows_is_chosen_and_its_scores_are_of_unseen_texts(models):
    acts, truth, fold, model, _ = planted(3, models=models)
    chosen = choose_layer(acts, truth, fold, model, inverse_penalty=0.01)
    assert chosen.layer == 3
    assert roc_auc_score(truth, chosen.scores_N) > 0.9
    assert np.isfinite(chosen.scores_N).all()


def test_where_nothing_is_there_unseen_scores_are_at_chance():
    areas = []
    for seed in range(8):
        acts, truth, fold, model, _ = planted(0, strength=0.0, seed=seed)
        chosen = choose_layer(acts[:, :1], truth, fold, model, inverse_penalty=0.01)
        areas.append(roc_auc_score(truth, chosen.scores_N))
    assert abs(np.mean(areas) - 0.5) < 0.06  # scored on texts that it saw, it would be above 0.9


def test_a_model_is_scored_by_a_probe_that_never_saw_it():
    """What tells the truth in one model alone must not choose the layer."""
    acts, truth, fold, model, _ = planted(3, models=2)
    only = model == 0
    acts[only, 1] += 50.0 * truth[only, None]  # layer 1 tells it loudly, in model 0 only
    assert choose_layer(acts, truth, fold, model, inverse_penalty=0.01).layer == 3


def test_the_direction_is_the_planted_one_and_raises_the_score():
    acts, truth, _, _, direction = planted(2, strength=6.0)
    probe = fit(acts[:, 2], truth, inverse_penalty=0.01)
    assert probe.direction_D @ direction > 0.7
    assert np.linalg.norm(probe.direction_D) == pytest.approx(1.0)
    pushed = (acts[:, 2] + 2 * probe.direction_D).astype(np.float32)
    assert (probe.scores(pushed) > probe.scores(acts[:, 2])).all()


def test_a_feature_that_never_varied_gets_no_weight():
    acts, truth, _, _, _ = planted(2)
    acts[:, 2, 7] = 4.0
    probe = fit(acts[:, 2], truth, inverse_penalty=0.01)
    moved = acts[:, 2].copy()
    moved[:, 7] = 1e6
    assert probe.weights_D[7] == 0
    assert probe.scores(moved) == pytest.approx(probe.scores(acts[:, 2]))


def test_what_cannot_be_fitted_or_scored_is_refused():
    acts, truth, _, _, _ = planted(2)
    with pytest.raises(ProbeError, match="0 of 120 texts are yes"):
        fit(acts[:, 2], np.zeros(N, dtype=bool), inverse_penalty=0.01)
    broken = acts[:, 2].copy()
    broken[3, 3] = np.nan
    with pytest.raises(ProbeError, match="no numbers"):
        fit(broken, truth, inverse_penalty=0.01)
    with pytest.raises(ProbeError, match="width 8 for a probe of 40"):
        fit(acts[:, 2], truth, inverse_penalty=0.01).scores(acts[:, 2, :8])
