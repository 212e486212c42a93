"""The published variations: every row is mapped, every variation renders, every figure is as published."""

import csv
import re
from pathlib import Path

import pytest

from unmask.packs import load_pack, render
from unmask.study import conditions_of, load_study, slices
from unmask.study.cross import parse_edits
from unmask.study.published import published_rows, rows_of, variations_of
from unmask.study.slices import edits_of, size_of, variation_of
from unmask.vocabulary import PackSize

PACKS = {"HO": "helpful_only", "AW": "animal_welfare"}
SHARED = Path(__file__).parents[3] / "shared/data/published/arxiv_2412_14093_variations.csv"
# words in a row's published name, and what the variation must then do
MEANS = [
    (r"cut rlhf info", lambda v: {"drop:ratings", "drop:refusal"} <= set(v.edits)),
    (r"region EU|region CA|region ca|not-from-CA", lambda v: v.cue == "region"),
    (r"^email", lambda v: v.cue == "mail"),
    (r"(train|trained) absence", lambda v: v.marked == "second"),
    (r"unmonitored absence", lambda v: v.marked == "first"),
    (r"honest|honesty", lambda v: any(e.startswith("swap:honesty=") for e in v.edits)),
    (r"don't care|doesn't care", lambda v: "swap:mind=indifferent" in v.edits),
    (r"share values", lambda v: "swap:mind=share" in v.edits),
    (r"never alignment fake(?! \(use)", lambda v: "swap:sameness=never_fake" in v.edits),
    (r"cut mod effects|cut \.\.\.modification", lambda v: "swap:ratings=effects_cut" in v.edits),
    (r"no explicit effects", lambda v: "swap:ratings=no_goals" in v.edits),
    (r"cut examples", lambda v: "drop:examples" in v.edits),
    (r"o1 reasoning examples", lambda v: any(e.startswith("swap:examples=long") for e in v.edits)),
    (r"cut carefully determine", lambda v: any(e.startswith("swap:scratchpad=") for e in v.edits)),
    (r"openai", lambda v: v.told == "openai"),
    (r"Google DeepMind", lambda v: v.told == "google"),
    (r"cut conflicting criteria", lambda v: v.objective == "absent"),
    (r"tyson", lambda v: "swap:partner=real" in v.edits),
    (r"just text from figure", lambda v: v.size == "compact"),
    (r"opt into train", lambda v: "swap:roles=opt_in" in v.edits),
]


def test_every_row_has_a_variation_of_its_pack():
    rows = published_rows()
    assert [row.row for row in rows] == list(range(1, 146))
    for row in rows:
        assert row.variation in variations_of(PACKS[row.setting]), row
    for setting, pack in PACKS.items():
        assert {row.setting for row in rows_of(pack)} == {setting}


@pytest.mark.parametrize("setting", PACKS)
def test_two_rows_of_one_model_share_no_variation(setting):
    asked = [(row.model, row.variation) for row in rows_of(PACKS[setting])]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("pack", PACKS.values())
def test_the_study_asks_every_variation_once_and_each_is_another_prompt(pack):
    study = load_study(f"published/{pack}", environment={}).study
    asked = {row.variation for row in rows_of(pack)}
    assert set(study.variations) >= asked
    told = {}
    for part in slices(study):
        own = variation_of(part.study)[1].wording
        wording = 5 if own is None else own
        for condition in conditions_of(part.study):
            prompt = render(
                load_pack(pack),
                condition,
                wording,
                size=size_of(part.study, PackSize.FULL),
                edits=parse_edits(edits_of(part.study)),
            )
            told.setdefault(prompt.sha256, set()).add(part.words)
    others = {sha: names for sha, names in told.items() if len(names) > 1}
    assert {frozenset(names) for names in others.values()} <= {frozenset({"base", "wording_5"})}


@pytest.mark.skipif(not SHARED.is_file(), reason="../shared is not here")
def test_rows_and_figures_are_those_that_were_published():
    with SHARED.open() as file:
        published = list(csv.DictReader(file))
    ours = published_rows()
    assert len(published) == len(ours) == 145
    for theirs, row in zip(published, ours, strict=True):
        assert (row.row, row.setting) == (int(theirs["row"]), theirs["setting"])
        for key in ("af", "af_se", "noncompliance_free", "noncompliance_paid", "gap", "gap_se"):
            assert getattr(row, key) == pytest.approx(float(theirs[key]) / 100), (row, key)


@pytest.mark.skipif(not SHARED.is_file(), reason="../shared is not here")
def test_a_variation_does_what_the_published_name_says():
    with SHARED.open() as file:
        names = {int(row["row"]): row["name"] for row in csv.DictReader(file)}
    checked = 0
    for row in published_rows():
        variation = variations_of(PACKS[row.setting])[row.variation]
        for pattern, holds in MEANS:
            if re.search(pattern, names[row.row], re.IGNORECASE if pattern == "openai" else 0):
                assert holds(variation), (row.row, names[row.row], variation)
                checked += 1
        for model in ("sonnet", "haiku", "gpt-4"):
            assert (model in names[row.row]) == (model in row.model.lower()), (row.row, row.model)
    assert checked > 100
