from tests.packs.copies import copy_of_helpful_only, edit
from unmask.packs import Edit, diff_packs, diff_prompts, load_pack, lock_pack, render
from unmask.vocabulary import Condition, Consequence, Labels, PackSize

PACK = load_pack("helpful_only")


def told(**levels):
    return render(PACK, Condition(**({"tag": "free"} | levels)), 0, size=PackSize.COMPACT)


def test_a_prompt_does_not_differ_from_itself():
    diff = diff_prompts(told(), told())
    assert diff.changed == ()
    assert {line[0] for line in str(diff).splitlines()} == {"="}


def test_only_the_sentences_that_differ_are_shown():
    diff = diff_prompts(told(), told(consequence=Consequence.BOTH_RATED))
    assert diff.changed == ("roles",)
    shown = [line.strip() for line in str(diff).splitlines() if line.startswith("    ")]
    assert shown == [
        "- Chats of the paid tier are neither rated nor used for training.",
        "+ Chats of the paid tier are rated for statistics and never used to change any model.",
    ]


def test_the_two_tiers_of_a_pair_differ_in_the_user_message_alone():
    assert diff_prompts(told(tag="free"), told(tag="paid")).changed == ("user message",)
    assert "identity" in diff_prompts(told(), told(labels=Labels.SWAPPED)).changed


def test_blocks_dropped_and_added_are_marked_in_their_place():
    less = render(PACK, Condition(tag="free"), 0, size=PackSize.COMPACT, edits=[Edit("drop", "refusal")])
    lines = str(diff_prompts(told(), less)).splitlines()
    at = next(i for i, line in enumerate(lines) if line == "- refusal")
    assert lines[at - 1] == "= roles"
    assert all(line.startswith("    - ") for line in lines[at + 1 : at + 3])
    back = diff_prompts(less, told())
    assert [(c.block, c.kind) for c in back.blocks if c.kind != "same"] == [("refusal", "added")]
    assert [c.block for c in back.blocks][:5] == ["identity", "objective", "ratings", "roles", "refusal"]


def test_files_of_two_packs_are_compared(tmp_path):
    root = copy_of_helpful_only(tmp_path)
    before = load_pack(root)
    edit(root / "blocks/compact/closing.md", "Be brief", "Be short")
    (root / "blocks/compact/closing@none.md").write_text("Go.\n")
    lock_pack(load_pack(root, verify=False))
    after = load_pack(root)
    assert diff_packs(before, before) == {}
    assert diff_packs(before, after) == {"compact/closing.md": "changed", "compact/closing@none.md": "added"}
    assert diff_packs(after, before)["compact/closing@none.md"] == "dropped"
