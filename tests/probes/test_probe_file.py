"""Probe files: whole, or refused with what is wrong; files come from anywhere."""

from __future__ import annotations

import json

import pytest

from unmask.probes.linear import ProbeError
from unmask.probes.probe_file import MAX_BYTES, MAX_WIDTH, ProbeFile, read_probe, write_probe
from unmask.vocabulary import CANARY

SHA = "ab" * 32


def values(**other):
    return {
        "canary": CANARY, "name": "role", "description": "", "target": "role", "position": "prompt_end",
        "layer": 2, "n_layers": 4, "width": 3, "base_sha256": SHA, "organisms": {"faker": SHA},
        "labels": ["plain", "swapped"], "tag_gives_role": False, "queries": {"spoilers": ["spoilers-001"]},
        "wordings": [0], "prompts_sha256": SHA, "recipe_sha256": SHA, "seed": 1, "n_texts": 8, "n_yes": 4,
        "cross_validated": {"auroc": 0.9, "low": 0.8, "high": 0.95, "loss_by_layer": [0.7] * 4},
        "residual_norm": 10.0, "separation": 2.0, "mean": [0.0, 1.0, 2.0], "scale": [1.0, 2.0, 3.0],
        "weights": [0.5, 0.0, -0.5], "intercept": 0.1, "date": "2026-01-01", "unmask_version": "0",
    } | other  # fmt: skip


def test_what_is_written_is_read_back(tmp_path):
    probe = ProbeFile.model_validate(values())
    path = write_probe(tmp_path / "role", probe)
    assert read_probe(path) == read_probe(path.parent) == probe
    assert CANARY in path.read_text(encoding="utf-8")
    assert probe.linear.scores(probe.linear.mean_D[None].astype("float32")) == pytest.approx([0.1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weights": [0.5, 0.0]}, "width 3, but"),
        ({"weights": [0.0, 0.0, 0.0]}, "all are 0"),
        ({"scale": [1.0, 0.0, 1.0]}, "above 0"),
        ({"layer": 4}, "layer 4 of 4"),
        ({"weights": [float("nan"), 0.0, 1.0]}, "weights.0"),
        ({"weights": [float("inf"), 0.0, 1.0]}, "weights.0"),
        ({"weights": [1e300, 0.0, 1.0]}, "weights.0"),
        ({"weights": [0.0] * (MAX_WIDTH + 1)}, "weights"),
        ({"name": "../../etc"}, "name"),
        ({"target": "verdict"}, "target"),
        ({"canary": "none"}, "canary"),
        ({"more": 1}, "more"),
        ({"base_sha256": "x"}, "base_sha256"),
        ({"queries": {}}, "queries"),
        ({"queries": {"spoilers": []}}, r"queries\.spoilers"),
    ],
)
def test_hostile_files_are_refused_by_the_value_that_is_wrong(tmp_path, change, says):
    path = tmp_path / "probe.json"
    path.write_text(json.dumps(values(**change)), encoding="utf-8")
    with pytest.raises(ProbeError, match=says):
        read_probe(path)


def test_files_that_are_cut_off_too_large_deep_or_missing(tmp_path):
    path = tmp_path / "probe.json"
    whole = json.dumps(values())
    for text in (whole[: len(whole) // 2], "", "[" * 100_000, "null"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ProbeError, match="is not a probe"):
            read_probe(path)
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(ProbeError, match="larger than"):
        read_probe(path)
    with pytest.raises(ProbeError, match="no probe at"):
        read_probe(tmp_path / "nowhere.json")


def test_another_base_or_width_is_refused():
    probe = ProbeFile.model_validate(values())
    probe.check_base(sha256=SHA, width=3, n_layers=4)
    for other in ({"sha256": "cd" * 32}, {"width": 576}, {"n_layers": 30}):
        with pytest.raises(ProbeError, match="another base"):
            probe.check_base(**({"sha256": SHA, "width": 3, "n_layers": 4} | other))
