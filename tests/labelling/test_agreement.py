"""Agreement of labels in the store, against statsmodels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from tests.labelling import runs
from unmask.cli import main
from unmask.labelling import agreement_of, open_store
from unmask.labelling.draw import Sample
from unmask.labelling.store import Mark
from unmask.records.labels import read_labels, read_store
from unmask.vocabulary import CANARY, JudgeTask, Sampling

WORDS = ["af", "af_partial", "not_af", "artefact"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Sixty texts, of which ada and bob label fifty each."""
    run = runs.make(tmp_path_factory.mktemp("run"), *runs.tables(n_queries=3))
    store, rng = open_store(run / "labels.sqlite"), np.random.default_rng(2)
    names = [f"r{i:02}" for i in range(60)]
    store.add([Sample(n, JudgeTask.REASONING, Sampling.RANDOM, "s", 0.5) for n in names])
    said = rng.integers(0, 4, 60)
    other = np.where(rng.random(60) < 0.7, said, rng.integers(0, 4, 60))
    for i, place in enumerate(store.places("ada", [JudgeTask.REASONING])):
        if i < 50:
            store.save(place.id, "ada", Mark(WORDS[said[i]]))
        if i >= 10:
            store.save(place.id, "bob", Mark(WORDS[other[i]]))
    store.close()
    return run, said[10:50], other[10:50]


def test_kappa_is_statsmodels_and_counts_only_texts_that_both_labelled(run):
    folder, said, other = run
    (found,) = agreement_of(read_store(folder / "labels.sqlite"))
    table = np.zeros((4, 4))
    np.add.at(table, (said, other), 1)
    theirs = cohens_kappa(table)
    (pair,) = found.pairs
    assert (pair.n, found.both, pair.agreed) == (40, 40, int((said == other).sum()))
    assert found.labelled == {"ada": 50, "bob": 50}
    assert pair.kappa.estimate == pytest.approx(theirs.kappa)
    assert pair.kappa.low == pytest.approx(theirs.kappa_low, abs=1e-6)
    keep = (said != 3) & (other != 3)  # artefacts are no yes and no no
    yes = np.zeros((2, 2))
    np.add.at(yes, ((said[keep] == 0).astype(int), (other[keep] == 0).astype(int)), 1)
    assert pair.kappa_yes.estimate == pytest.approx(cohens_kappa(yes).kappa)
    assert found.alpha.low < found.alpha.estimate < found.alpha.high
    assert found.alpha.estimate == pytest.approx(pair.kappa.estimate, abs=0.02)


def test_one_labeller_agrees_with_nobody(run):
    labels = read_store(run[0] / "labels.sqlite").filter(labeller="ada")
    (found,) = agreement_of(labels)
    assert found.pairs == []
    assert found.as_dict()["alpha"]["estimate"] is None


def test_the_command_prints_and_exports(run, tmp_path, capsys):
    folder = str(run[0])
    assert main(["label", folder, "--agreement"]) == 0
    out = capsys.readouterr().out
    assert "kappa ada, bob" in out
    assert "alpha" in out
    assert main(["label", folder, "--agreement", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["pairs"][0]["n"] == 40
    for suffix in (".jsonl", ".csv", ".parquet"):
        path = tmp_path / f"labels{suffix}"
        assert main(["label", folder, "--export", str(path)]) == 0
        assert CANARY.encode() in path.read_bytes()
        assert read_labels(path).rows.equals(read_store(run[0] / "labels.sqlite"))
    assert main(["label", folder, "--export", str(tmp_path / "labels.doc")]) == 1


def test_mistakes_are_messages(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    assert main(["label", "nowhere"]) == 2
    assert "no run 'nowhere'" in capsys.readouterr().err
    run = runs.make(tmp_path / "one", *runs.tables(n_queries=3))
    assert main(["label", "one", "--agreement"]) == 2
    assert "nobody has labelled" in capsys.readouterr().err
    (run / "records" / "replies.parquet").unlink()
    assert main(["label", "one", "--labeller", "ada"]) == 1
    assert "replies.parquet" in capsys.readouterr().err
