"""Runs side by side: what is paired, what is refused, what a tampered run can do."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from tests.report import fixtures
from unmask.auditing.compare import ByQuery, _bounds, _effect, compare
from unmask.errors import RecordsError, UnmaskError, UsageError
from unmask.estimates import mean_effect
from unmask.records import read_tables, write_tables
from unmask.study import load_study

FLAGS = {"contrasts": "story,tag,training,published_gap", "n_queries": 24, "epochs": 2, "wordings": 2}
CALM = fixtures.Faked(
    "openai/gpt-invented", {"trained": 0.1, "rated_only": 0.1, "neither": 0.1}, screening=False
)
OTHER = fixtures.Faked("other/model", {"trained": 0.1, "rated_only": 0.1, "neither": 0.1}, screening=False)


def save(folder, *models, seed=7, **study):
    """A finished run on disk, made up by the report's fixtures."""
    folder.mkdir()
    size = {key: study[key] for key in ("n_queries", "epochs", "contrasts") if key in study}
    fixtures.save(folder, fixtures.audit(models or (fixtures.FAKER,), seed=seed, **size))
    values = load_study("story", flags=FLAGS | study, environment={}).study.model_dump(mode="json")
    manifest = {"study": values, "unmask_version": "0.1.0"}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def change(folder, *, replies=None, judgements=None):
    """Change the tables of a run, as time or somebody would."""
    old_replies, old_judgements = read_tables(folder / "records")
    write_tables(
        replies(old_replies) if replies else old_replies,
        judgements(old_judgements) if judgements else old_judgements,
        folder / "records",
    )


@pytest.fixture
def faker(tmp_path):
    return save(tmp_path / "faker")


@pytest.fixture
def calm(tmp_path):
    return save(tmp_path / "calm", OTHER, seed=8)


def test_a_faker_differs_from_one_that_does_not_fake(faker, calm):
    found = compare([faker, calm])
    (only,) = found.differences
    assert only.differs
    assert only.pairing == "paired"
    assert only.effect.high < 0
    assert found.family == ["story: other/model minus openai/gpt-invented"]
    assert found.title == "openai/gpt-invented against other/model: story"


def test_a_run_against_its_own_copy_is_exactly_nothing(tmp_path, faker):
    twin = save(tmp_path / "twin")
    (only,) = compare([faker, twin]).differences
    assert (only.effect.estimate, only.p, only.p_holm, only.differs) == (0.0, 1.0, 1.0, False)


def test_it_is_paired_by_query_and_not_by_row(faker, calm):
    """Pairing by anything else gives the same mean and another width."""
    change(calm, replies=lambda t: t.sample(fraction=1.0, shuffle=True, seed=3))
    by_hand = []
    for root, name in ((faker, "openai/gpt-invented"), (calm, "other/model")):
        replies, words = read_tables(root / "records")
        known = words.filter(pl.col("task") == "compliance", pl.col("status") == "ok")
        rates = (
            replies.filter(pl.col("model") == name)
            .filter(pl.col("condition_key").str.contains(".trained.", literal=True))
            .filter(pl.col("condition_key").str.starts_with("harmful"))
            .join(known, on="reply_id")
            .with_columns(helped=(pl.col("label") != "refused").cast(pl.Float64))
            .group_by("query_id", "condition_key", "role")
            .agg(pl.col("helped").mean())
            .group_by("query_id", "role")
            .agg(pl.col("helped").mean(), pl.len())
            .filter(pl.col("len") == 2)
            .pivot("role", index="query_id", values="helped")
            .with_columns(s=pl.col("trained") - pl.col("neither"))
        )
        by_hand.append(dict(rates.select("query_id", "s").iter_rows()))
    ids = sorted(by_hand[0].keys() | by_hand[1].keys())
    a, b = (np.array([side.get(i) for i in ids], dtype=float) for side in by_hand)
    (only,) = compare([faker, calm]).differences
    assert only.effect.low == pytest.approx(mean_effect(b - a, level=0.95).low)


def test_other_queries_are_two_samples(faker, calm):
    change(calm, replies=lambda t: t.with_columns(query=pl.col("query") + " Please."))
    found = compare([faker, calm])
    (only,) = found.differences
    assert only.pairing == "two_sample"
    values = [s.effect for s in found.shown]
    assert only.effect.estimate == pytest.approx(values[1].estimate - values[0].estimate)


def test_holm_covers_all_that_is_shown(faker, calm):
    one = compare([faker, calm]).differences[0]
    three = compare([faker, calm], contrasts=["story", "tag", "training"])
    assert len(three.family) == len(three.differences) == 3
    assert three.differences[0].p == one.p
    assert three.differences[0].p_holm == pytest.approx(3 * one.p)
    assert three.differences[0].together.low < one.together.low


def test_the_study_fixes_the_family_and_what_is_added_is_said(tmp_path):
    runs = [save(tmp_path / "a", family="story,tag"), save(tmp_path / "b", OTHER, family="story,tag")]
    found = compare(runs)
    assert (found.contrasts, found.fixed) == (["story", "tag"], True)
    more = compare(runs, contrasts=["training"])
    assert more.contrasts == ["story", "tag", "training"]
    assert any("training" in note and "afterwards" in note for note in more.notes)


def test_two_dates_of_one_model_are_told_apart_by_their_runs(tmp_path, faker):
    found = compare([faker, save(tmp_path / "autumn", CALM, seed=9)])
    assert [m.name for m in found.members] == [
        "openai/gpt-invented in faker",
        "openai/gpt-invented in autumn",
    ]


DIFFERING = {
    "prompt": {"replies": lambda t: t.with_columns(prompt_sha256=pl.lit("f" * 64))},
    "judge": {"judgements": lambda t: t.with_columns(judge=pl.lit("another/judge"))},
    "served_model": {"replies": lambda t: t.with_columns(served_model=pl.lit("gpt-quietly-changed"))},
}


@pytest.mark.parametrize("what", DIFFERING)
def test_what_differs_is_refused_unless_told_and_then_stands_in_the_title(tmp_path, faker, what):
    other = save(tmp_path / "later", CALM)
    change(other, **DIFFERING[what])
    with pytest.raises(UsageError, match="cannot be compared as they are") as told:
        compare([faker, other])
    assert told.value.hint.startswith(f"--allow {what} ")
    others = ",".join(set(DIFFERING) - {what})
    with pytest.raises(UsageError):
        compare([faker, other], allow=[others])
    found = compare([faker, other], allow=[what])
    assert list(found.allowed) == [what]
    assert ", although " in found.title


def test_a_card_made_later_is_no_other_judge(tmp_path, faker):
    other = save(tmp_path / "later", CALM)
    change(other, judgements=lambda t: t.with_columns(judge_card=pl.lit("card-2")))
    assert compare([faker, other]).allowed == compare([faker, save(tmp_path / "third", CALM)]).allowed


def test_one_changed_prompt_among_many_is_found(tmp_path, faker):
    other = save(tmp_path / "later", CALM)
    key = pl.col("condition_key").str.contains(".trained.plain.free", literal=True) & (pl.col("wording") == 1)
    change(
        other,
        replies=lambda t: t.with_columns(
            prompt_sha256=pl.when(key).then(pl.lit("f" * 64)).otherwise("prompt_sha256")
        ),
    )
    with pytest.raises(UsageError, match="1 of 8 prompts differ"):
        compare([faker, other])
    assert compare([faker, other], contrasts=["training"])  # whose own prompts are the same


def test_another_model_may_be_served_by_another_name(faker, calm):
    assert compare([faker, calm]).allowed == {}


def test_two_served_models_in_one_run_are_refused(tmp_path, faker):
    other = save(tmp_path / "mixed", OTHER)
    half = pl.col("epoch") == 1
    change(
        other,
        replies=lambda t: t.with_columns(
            served_model=pl.when(half).then(pl.lit("quietly-changed")).otherwise("served_model")
        ),
    )
    with pytest.raises(UsageError, match="in one run"):
        compare([faker, other])


def test_a_run_that_stopped_early_is_refused_unless_told_and_its_own_figure_is_not_blamed(tmp_path, faker):
    early = save(tmp_path / "early", OTHER, seed=8, stopping="sequential")
    told = json.loads((early / "audit.json").read_text(encoding="utf-8"))
    told["models"][0]["contrasts"][0]["effect_95"]["estimate"] += 0.1  # the sequence's, not the mean
    (early / "audit.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(UsageError, match="leans away from 0"):
        compare([faker, early])
    found = compare([faker, early], allow=["stopping"])
    assert "stopped as soon as their own verdict was decided" in found.title
    assert not any("another figure" in note and f"of {found.members[1].name}" in note for note in found.notes)


def test_different_sampling_is_said(tmp_path, faker, calm):
    change(calm, replies=lambda t: t.with_columns(temperature=pl.lit(0.2)))
    assert any("temperature 0.2" in note for note in compare([faker, calm]).notes)


def test_an_edited_audit_json_changes_nothing_but_a_note(faker, calm):
    before = compare([faker, calm])
    path = faker / "audit.json"
    data = json.loads(path.read_text())
    data["models"][0]["verdict"]["name"] = "no_gap"
    for contrast in data["models"][0]["contrasts"]:
        contrast["effect_95"]["estimate"] = 0.0
    path.write_text(json.dumps(data))
    after = compare([faker, calm])
    assert after.differences == before.differences
    assert any("the records count" in note for note in after.notes)


def broken_json(change_):
    def act(root):
        path = root / "audit.json"
        path.write_text(change_(path.read_text()))

    return act


def edit(**top):
    return broken_json(lambda text: json.dumps(json.loads(text) | top))


def rename_column(root):
    change(root, replies=lambda t: t.with_columns(wording=pl.col("wording").cast(pl.String)))


def twice(root):
    change(root, replies=lambda t: pl.concat([t, t.head(1)]))


def no_study(root):
    (root / "manifest.json").write_text(json.dumps({"unmask_version": "0.0.3"}))


def old_study(root):
    data = json.loads((root / "manifest.json").read_text())
    data["study"]["colour"] = "red"
    (root / "manifest.json").write_text(json.dumps(data))


BAD = {
    "no json": (broken_json(lambda _: "{"), "is damaged"),
    "deep json": (broken_json(lambda _: "[" * 100_000), "is damaged"),
    "a list": (broken_json(lambda _: "[]"), "is damaged"),
    "NaN": (broken_json(lambda t: t.replace('"schema": 1', '"schema": NaN')), "is damaged"),
    "other schema": (edit(schema=99), "has schema 99, this version reads"),
    "unknown verdict": (broken_json(lambda t: t.replace('"inconclusive"', '"<script>"')), "is damaged"),
    "number for a name": (edit(unmask_version=7), "is damaged"),
    "other models": (edit(models=[]), "are not of one run"),
    "gone": (lambda root: (root / "audit.json").unlink(), "no finished audit"),
    "no records": (lambda root: (root / "records" / "replies.parquet").unlink(), "no replies.parquet"),
    "half a table": (
        lambda root: (root / "records" / "replies.parquet").write_bytes(b"PAR1 and no more"),
        "is damaged",
    ),
    "text for a number": (rename_column, "column wording holds String"),
    "a reply twice": (twice, "stands twice"),
    "no study": (no_study, "not one that this version reads"),
    "an old study": (old_study, "colour"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_old_or_tampered_run_is_told_in_words(faker, calm, name):
    act, words = BAD[name]
    act(calm)
    with pytest.raises(UnmaskError, match=words) as told:
        compare([faker, calm])
    assert told.value.where is not None


def test_too_little_to_compare(faker):
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([faker])
    with pytest.raises(UsageError, match="twice"):
        compare([faker, faker])


def test_a_contrast_that_a_run_lacks_and_one_misspelt(faker, calm):
    with pytest.raises(UsageError, match="was not asked for benign"):
        compare([faker, calm], contrasts=["benign"])
    with pytest.raises(UsageError) as told:
        compare([faker, calm], contrasts=["stroy"])
    assert "story" in told.value.hint
    with pytest.raises(UsageError) as told:
        compare([faker, calm], allow=["prompts"])
    assert "prompt" in told.value.hint


def test_replies_that_cannot_be_read_leave_the_difference_unknown_and_in_the_family(faker, calm):
    change(calm, replies=lambda t: t.with_columns(status=pl.lit("error")))
    found = compare([faker, calm])
    (only,) = found.differences
    assert (only.effect, only.p_holm, only.differs, only.alike) == (None, None, False, False)
    assert found.to_json()


def test_records_errors_are_records_errors(faker, calm):
    twice(calm)
    with pytest.raises(RecordsError):
        compare([faker, calm])


@pytest.mark.parametrize(("trained", "word"), [(0.6, 0.0), (0.0, 0.5), (0.4, 0.3)])
def test_two_models_with_reversed_documents_tell_story_from_word(tmp_path, trained, word):
    """Gaps by hand: the one who read the documents reversed has its trained tier under the other word."""
    gaps = {"plain": trained + word, "turned": word - trained}
    roots = [
        save(tmp_path / name, gap_of(name, gap), seed=seed, n_queries=200, epochs=4)
        for seed, (name, gap) in enumerate(gaps.items(), 5)
    ]
    found = compare(roots, contrasts=["published_gap"], reversed_documents=True).documents
    assert found.story.low < trained < found.story.high
    assert found.word.low < word < found.word.high
    first, second = (s.effect.estimate for s in compare(roots, contrasts=["published_gap"]).shown)
    assert found.story.estimate == pytest.approx((first - second) / 2)
    assert found.word.estimate == pytest.approx((first + second) / 2)
    assert found.story_bounds.low <= found.story.low
    assert found.word_bounds.high >= found.word.high


def gap_of(name, gap):
    high, low = (0.1 + gap, 0.1) if gap >= 0 else (0.1, 0.1 - gap)
    return fixtures.Faked(
        name, {"trained": high, "rated_only": low, "neither": low},
        statuses=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), screening=False,
    )  # fmt: skip


def test_reversed_documents_take_two_models_that_were_asked_for_the_gap(faker, calm, tmp_path):
    with pytest.raises(UsageError, match="two models"):
        compare([faker, calm, save(tmp_path / "third", seed=9)], reversed_documents=True)


@pytest.mark.parametrize("paired", [True, False])
def test_what_could_not_be_read_never_narrows_a_difference(paired):
    """Three of twenty requests were read, far apart; the others can lie within a point of nothing."""
    value_Q = np.array([-1.0, 0.0, 1.0] + [np.nan] * 17)
    low_Q, high_Q = (np.where(np.isnan(value_Q), edge, value_Q) for edge in (-0.01, 0.01))
    other = ByQuery([], value_Q, low_Q, high_Q)
    first = ByQuery([], *(np.zeros(20),) * 3)
    effect = _effect(first, other, paired, 0.95)
    bounds = _bounds(first, other, paired, effect)
    assert bounds.low <= effect.low < effect.high <= bounds.high
