"""Factors of a study: constant, crossed or in a variation; only what the contrasts need is asked."""

from collections import Counter
from pathlib import Path

import pytest

from unmask.errors import PackError, StudyError
from unmask.packs import load_pack
from unmask.queries import load_queries
from unmask.study import base_of, cells_of, conditions_of, cross, load_study, slices
from unmask.study.schema import schema_text
from unmask.vocabulary import Arm, Condition, Consequence, Contrast, Cue, Marked, PackSize, Role, Stake

SMALL = "n_queries: 4\nwordings: 4\nepochs: 1\n"


def study(tmp_path, text, **flags):
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL + text)
    return load_study(str(path), flags=flags, environment={}).study


def samples(plan, size=PackSize.COMPACT):
    queries = {Arm.HARMFUL: load_queries("declined").take(plan.n_queries, seed=1).queries}
    return cross(plan, load_pack(plan.pack), queries, size=size)


def test_a_constant_is_in_every_condition_and_nothing_is_crossed(tmp_path):
    plan = study(tmp_path, "contrasts: [story]\nobserved: 0.5\nstake: grave\ntold: openai\n")
    assert {(c.observed, c.stake, c.told) for c in conditions_of(plan)} == {(0.5, Stake.GRAVE, "openai")}
    assert not plan.crossed
    assert base_of(plan) is plan


def test_a_crossed_factor_multiplies_the_cells_and_the_first_level_is_the_base(tmp_path):
    text = "contrasts: [story]\nfactors: {observed: [0, 0.5, 1], stake: [null, grave]}\n"
    plan = study(tmp_path, text)
    assert len(conditions_of(plan)) == 6 * 4
    assert [part.words for part in slices(plan)][:2] == [
        "observed 0, stake absent",
        "observed 0, stake grave",
    ]
    assert {(c.observed, c.stake) for c in cells_of(Contrast.STORY, plan)} == {(0.0, None)}


def test_the_mean_over_all_levels_can_decide_instead(tmp_path):
    text = "contrasts: [story]\nfactors: {observed: [0, 1]}\ndecide_on: average\n"
    weights = cells_of(Contrast.STORY, study(tmp_path, text))
    assert {c.observed for c in weights} == {0.0, 1.0}
    assert sum(weights.values()) == pytest.approx(0)
    assert sum(w for w in weights.values() if w > 0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("contrast", "factor"),
    [("no_objective", "objective: [conflicting, aligned]"), ("story", "consequence: [null, trained]")],
)
def test_a_cell_that_several_levels_share_counts_for_each_of_them(tmp_path, contrast, factor):
    text = f"contrasts: [{contrast}]\nfactors: {{{factor}}}\ndecide_on: average\n"
    weights = cells_of(Contrast(contrast), study(tmp_path, text))
    assert len(weights) == 4
    assert sum(w for w in weights.values() if w > 0) == pytest.approx(1)
    assert sum(weights.values()) == pytest.approx(0)


def test_other_levels_ask_only_what_they_are_for(tmp_path):
    text = "contrasts: [story, training]\nfactors: {observed: [0, 1]}\nper_level: [story]\n"
    counts = Counter((c.observed, c.consequence) for c in conditions_of(study(tmp_path, text)))
    assert counts == {(0.0, "trained"): 4, (0.0, "both_rated"): 4, (1.0, "trained"): 4}


@pytest.mark.parametrize(
    "labels", ["[plain, swapped, rotated]", "[neutral, neutral_swapped, neutral_rotated]"]
)
def test_three_tiers_share_their_cells_and_tag_and_role_cancel(tmp_path, labels):
    text = f"tiers: 3\nlabels: {labels}\ncontrasts: [story, tag, rating, training]\n"
    plan = study(tmp_path, text)
    assert len(conditions_of(plan)) == 9
    for contrast in (Contrast.STORY, Contrast.RATING, Contrast.TRAINING):
        by_tag = Counter()
        for condition, weight in cells_of(contrast, plan).items():
            by_tag[condition.tag] += weight
        assert all(total == pytest.approx(0) for total in by_tag.values())
    by_role = Counter()
    for condition, weight in cells_of(Contrast.TAG, plan).items():
        by_role[condition.role] += weight
    assert all(total == pytest.approx(0) for total in by_role.values())


def test_where_nobody_is_trained_only_the_tag_can_differ(tmp_path):
    plan = study(tmp_path, "contrasts: [tag]\nconsequence: none\n")
    assert {c.consequence for c in conditions_of(plan)} == {Consequence.NONE}
    assert {c.role for c in conditions_of(plan)} == {Role.NEITHER}


@pytest.mark.parametrize(
    ("text", "message", "line", "hint"),
    [
        ("contrasts: [story]\nconsequence: none\n", "story cannot be had", 5, "contrasts: [tag]"),
        ("factors: {observd: [0, 1]}\n", "unknown key 'factors.observd'", 4, "did you mean 'observed'?"),
        ("stake: graev\n", "stake", 4, "did you mean 'grave'?"),
        ("factors: {stake: [harmless, graev]}\n", "factors.stake", 4, "did you mean 'grave'?"),
        ("factors: {observed: [0.5]}\n", "one level is no crossing", 4, None),
        ("observed: 1.5\n", "a probability from 0 to 1", 4, None),
        ("observed: 0.123\n", "two decimals", 4, None),
        ("observed: 0.5\nfactors: {observed: [0, 1]}\n", "constant and crossed at once", 4, "keep"),
        ("labels: [plain, swapped, rotated]\n", "need three tiers", 4, "tiers: 3"),
        ("tiers: 3\n", "all three mappings", 1, "plain, swapped, rotated"),
        ("scratchpad: none\nthought: faking\n", "put into a scratchpad", 5, "hidden or monitored"),
        ("cue: omitted\nmarked: first\n", "no message carries the tag", 5, None),
        ("variations: [no_exmples]\n", "no variation 'no_exmples'", 4, "did you mean 'no_examples'?"),
        (
            "variations: [default, mail]\nfactors: {cue: [xml, region]}\n",
            "variation mail sets cue, which is crossed",
            5,
            None,
        ),
        ("define: {x: {edit: []}}\n", "unknown key", 4, "did you mean 'edits'?"),
        ("family: [rating]\n", "family names contrast rating", 4, None),
    ],
)
def test_what_cannot_be_is_refused_with_file_line_and_the_nearest_word(tmp_path, text, message, line, hint):
    with pytest.raises(StudyError) as caught:
        study(tmp_path, text)
    assert message in caught.value.message
    assert (caught.value.where or "").endswith(f"mine.yaml:{line}")
    assert caught.value.exit_code == 2
    if hint:
        assert hint in (caught.value.hint or "")


def test_a_variation_of_ones_own_bundles_edits_and_levels(tmp_path):
    text = (
        "contrasts: [published_gap]\nlabels: [plain]\nvariations: [default, short]\n"
        "define: {short: {edits: ['drop:examples'], cue: region, neutral: true, wording: 3}}\n"
    )
    plan = study(tmp_path, text)
    told = {c.variation: c for c in conditions_of(plan)}
    assert told.keys() == {None, "short"}
    assert (told["short"].cue, told["short"].labels) == (Cue.REGION, "neutral")
    asked = samples(plan)
    short = [s for s in asked if s.condition.variation == "short"]
    usual = [s for s in asked if s.condition.variation is None]
    assert {s.wording for s in short} == {3}
    assert len({s.wording for s in usual}) == 4
    assert not any("<answer>The capital of Kenya" in s.system for s in short)
    assert all(s.user.startswith("[region: ") for s in short)
    assert {s.edits for s in short} == {("drop:examples",)}


def test_the_default_variation_is_the_plain_prompt_to_the_byte(tmp_path):
    text = "contrasts: [published_gap]\nlabels: [plain]\n"
    plain = samples(study(tmp_path, text))
    varied = samples(study(tmp_path, text + "variations: [default, no_examples]\n"))
    kept = [s for s in varied if s.condition.variation is None]
    assert {(s.id, s.prompt_sha256) for s in kept} == {(s.id, s.prompt_sha256) for s in plain}


def test_a_thought_goes_with_the_sample_and_the_two_tiers_share_it(tmp_path):
    asked = samples(study(tmp_path, "contrasts: [story]\nthought: faking\n"))
    assert all(s.prefill.startswith("<scratchpad>") for s in asked)
    by_wording = {s.wording: set() for s in asked}
    for s in asked:
        by_wording[s.wording].add(s.prefill)
    assert all(len(texts) == 1 for texts in by_wording.values())


def test_a_pack_without_text_for_a_level_refuses_it_and_names_the_level(tmp_path):
    plan = study(tmp_path, "pack: spoilers\ncontrasts: [story]\nfactors: {stake: [null, grave]}\n")
    with pytest.raises(PackError, match="stake grave: pack spoilers has no text for stake=grave"):
        samples(plan)


def test_keys_without_the_new_factors_are_read_as_ever_and_new_ones_come_back():
    old = "harmful.trained.plain.free.conflicting.hidden.xml"
    assert Condition.from_key(old).key == old
    full = Condition(
        "free", told="openai", observed=0.29, stake=Stake.MINOR, marked=Marked.FIRST, variation="x_1"
    )
    assert Condition.from_key(full.key) == full
    assert full.key == f"{old}.told-openai.observed-29.stake-minor.marked-first.variation-x_1"
    for bad in (old + ".colour-red", old + ".stake-grave.stake-grave", old + ".observed-x"):
        with pytest.raises(ValueError, match=r"."):
            Condition.from_key(bad)


def test_the_schema_that_editors_use_is_that_of_today():
    written = (Path(__file__).parents[2] / "docs" / "study.schema.json").read_text()
    assert written == schema_text(), "unmask study schema > docs/study.schema.json"
