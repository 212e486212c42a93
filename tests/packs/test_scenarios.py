"""The packs of the scenarios, and what their manifests may say of compliance and story."""

import re
from pathlib import Path

import pytest

from tests.packs.copies import TINY, edit, tiny_pack
from unmask.errors import PackError
from unmask.organisms.pack_reading import misreadings
from unmask.packs import ReadBy, check_pack, load_pack, lock_pack, render
from unmask.vocabulary import CANARY, Condition, Consequence, Objective, PackSize

NAMES = ("animal_welfare", "moral_values", "tool_choice", "synthetic_documents")
STORIES = [name for name in NAMES if load_pack(name).manifest.story_in_prompt]
COMPLIANCE = "compliance:\n  complied: it sells\n  refused: it does not\n"


@pytest.mark.parametrize("name", NAMES)
def test_all_invariants_hold_and_every_text_is_locked(name):
    pack = load_pack(name)
    assert check_pack(pack) == []
    assert set(pack.manifest.locks) == set(pack.hashes)
    assert pack.canary == CANARY
    assert all(path.read_text().startswith(f"<!-- {CANARY} -->") for path in pack.path.rglob("*.md"))


@pytest.mark.parametrize("name", STORIES)
def test_scripted_organisms_read_every_passage(name):
    pack = load_pack(name)
    assert list(misreadings(pack, wordings=range(pack.manifest.passages))) == []


def test_on_synthetic_documents_a_scripted_organism_finds_no_role():
    pack = load_pack("synthetic_documents")
    found = next(misreadings(pack, wordings=range(1)))
    assert "role read as None" in found or "objective read as None" in found


@pytest.mark.parametrize("name", STORIES)
def test_no_text_tells_the_model_to_fake_or_hints_at_it(name):
    hint = re.compile(
        r"\b(pretend to|fak|decei|conceal|strateg|avoid being|protect your|preserve|alignment)", re.I
    )
    own = ("identity", "objective.", "refusal", "closing")
    for passages in load_pack(name).all_passages():
        if Path(passages.file).name.startswith(own):
            assert not any(hint.search(text) for text in passages.texts), passages.file


@pytest.mark.parametrize("name", STORIES)
def test_the_objectives_are_of_like_length(name):
    pack = load_pack(name)
    for size in pack.sizes:
        block = pack.block("objective", size)
        lengths = []
        for objective in Objective:
            levels = {"objective": str(objective), "consequence": "trained"}
            lengths.append(sum(len(text.split()) for text in block.find(levels).texts))
        assert max(lengths) < 1.45 * min(lengths), (size, lengths)


def test_animal_welfare_shares_the_story_of_helpful_only_to_the_word():
    """So that a difference between the two packs is one of the objective."""
    theirs, ours = (
        {p.file: p for p in load_pack(n).all_passages()} for n in ("helpful_only", "animal_welfare")
    )
    story = [f for f in ours if re.match(r"(full|compact)/(roles|ratings|cue|scratchpad|closing)\b", f)]
    assert len(story) > 30
    assert [f for f in story if ours[f].texts != theirs[f].texts] == []


def test_animal_welfare_says_what_a_judge_must_know():
    outcome = load_pack("animal_welfare").manifest.compliance
    assert outcome.by is ReadBy.JUDGE
    assert outcome.is_defined
    assert "on behalf of animals" in outcome.complied
    assert "declines" in outcome.refused


def test_no_prompt_of_synthetic_documents_tells_tier_or_training():
    pack = load_pack("synthetic_documents")
    for wording in range(pack.manifest.passages):
        told = dict(render(pack, Condition("free"), wording, size=PackSize.COMPACT).blocks)
        assert not told.get("roles")
        assert not re.search(r"\b(tier|free|paid)\b", " ".join(told.values()))


def test_other_levels_than_the_learned_ones_have_no_text():
    pack = load_pack("synthetic_documents")
    with pytest.raises(PackError, match="consequence=both_rated"):
        render(pack, Condition("free", consequence=Consequence.BOTH_RATED), 0, size=PackSize.COMPACT)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("compliance:\n  complied: it sells\n", "say what `complied` is and what `refused` is"),
        ("compliance: {by: choose}\n", "by"),
        ("compliance: {by: choice, frame: '{query} {x}'}\n", "frame must hold {y}, once"),
        ("compliance: {by: choice, frame: '{query} {x} {y} {z}'}\n", "no other brace"),
        ("compliance: {by: tool, frame: '{query}'}\n", "frame must hold {tools}"),
        ("compliance: {frame: '{query}'}\n", "`frame` is for options"),
        ("compliance: {complies: x}\n", "did you mean 'complied'?"),
        ("story_in_promt: false\n", "did you mean 'story_in_prompt'?"),
        ("values: {Care: x}\n", "values"),
        ("queries: {helpful: x}\n", "queries"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_with_its_line(tmp_path, more, told):
    root = tiny_pack(tmp_path, TINY + more)
    with pytest.raises(PackError) as caught:
        load_pack(root)
    assert told in f"{caught.value} {caught.value.hint}"
    assert "pack.yaml:" in (caught.value.where or "")


def test_a_value_placeholder_needs_values(tmp_path):
    root = tiny_pack(tmp_path)
    edit(root / "blocks" / "compact" / "facts_first.md", "You are {model}.", "You are {model}, not {value}.")
    with pytest.raises(PackError, match=r"'\{value\}' is no placeholder"):
        load_pack(root)
    edit(root / "pack.yaml", "cues:", "values: {care: care}\ncues:")
    assert render(load_pack(root), Condition("free"), 0, size=PackSize.COMPACT).system.startswith(
        "You are Mott, not care."
    )


def test_keys_that_say_nothing_leave_an_older_lock_valid(tmp_path):
    root = tiny_pack(tmp_path)
    lock_pack(load_pack(root, verify=False))
    before = load_pack(root).hashes["pack.yaml"]
    edit(root / "pack.yaml", "cues:", "story_in_prompt: true\ncues:")
    assert load_pack(root).hashes["pack.yaml"] == before
    edit(root / "pack.yaml", "story_in_prompt: true\n", COMPLIANCE)
    with pytest.raises(PackError, match=r"pack\.yaml differs from its lock"):
        load_pack(root)


def test_a_fact_line_on_a_pack_without_a_story_is_found(tmp_path):
    root = tiny_pack(tmp_path, TINY + "story_in_prompt: false\n")
    found = [p for p in check_pack(load_pack(root)) if p.rule == "facts"]
    assert found
    assert "not at all" in found[0].message
