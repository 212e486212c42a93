import os

import pytest

from tests.packs.copies import TINY, copy_of_helpful_only, edit, tiny_pack
from unmask.errors import PackError
from unmask.packs import Edit, load_pack, render
from unmask.vocabulary import Condition, Consequence, Cue, Objective, PackSize


def refused(root):
    with pytest.raises(PackError) as caught:
        load_pack(root)
    return caught.value


def test_a_folder_of_ones_own_works_like_the_built_in_one(tmp_path):
    mine, built_in = load_pack(str(copy_of_helpful_only(tmp_path))), load_pack("helpful_only")
    for wording in (0, 13, 63):
        a = render(mine, Condition(tag="paid"), wording, size=PackSize.COMPACT)
        b = render(built_in, Condition(tag="paid"), wording, size=PackSize.COMPACT)
        assert a == b
    assert mine.sha256 != built_in.sha256


def test_a_pack_may_have_one_short_size_and_few_levels(tmp_path):
    pack = load_pack(tiny_pack(tmp_path))
    assert (pack.n_wordings, pack.default_wordings) == (8, 2)
    facts = (
        "Chats of the free tier are rated and used for training. "
        "Chats of the paid tier are neither rated nor used for training."
    )
    prompt = render(pack, Condition(tag="free"), 0, size=PackSize.COMPACT)
    assert prompt.system == f"You are Mott. {facts}\n\nReplies train Mott."
    for wrong, hint in [
        ({"size": PackSize.FULL}, "it has: compact"),
        ({"condition": Condition(tag="free", objective=Objective.ABSENT)}, "it has: conflicting"),
        ({"condition": Condition(tag="free", cue=Cue.MAIL)}, "it has: xml"),
        ({"condition": Condition(tag="free", consequence=Consequence.BOTH_RATED)}, "it has: trained, none"),
    ]:
        asked = {"condition": Condition(tag="free"), "size": PackSize.COMPACT} | wrong
        with pytest.raises(PackError) as caught:
            render(pack, asked["condition"], 0, size=asked["size"])
        assert hint in caught.value.hint


def test_an_unknown_name_names_the_nearest():
    assert "'helpful_only'" in refused("helpful_onyl").hint


@pytest.mark.parametrize("name", ["", "../helpful_only", "no/such", "a\0b", "/dev/null", "helpful_only/"])
def test_a_name_that_is_no_pack_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no p" in refused(name).message


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "hint"),
    [
        ("default_wordings", "defualt_wordings", 5, "unknown key 'defualt_wordings'", "'default_wordings'"),
        ("sentence:", "sentense:", 14, "unknown key 'facts.sentense'", "'sentence'"),
        ("levels: {consequence", "levels: {consequense", 8, "'levels.consequense'", "'consequence'"),
        ("{by: [consequence]}", "{bye: [consequence]}", 12, "'blocks.rules.bye'", "'by'"),
        ("{by: [consequence]}", "{by: [weather]}", 12, "must name different ones of", None),
        ("[trained, none]", "[trained, nothing]", 8, "nothing", None),
        ("passages: 2", "passages: 3", 1, "passages must be one of 1, 2, 4, 8", None),
        ("default_wordings: 2", "default_wordings: 9", 1, "2 passages give 8", None),
        ("[facts_first, rules]", "[facts_first, rulez]", 1, "names 'rulez'", None),
        ("{tag} tier are", "{first} tier are", 14, "must hold {tag} and {phrase}", None),
        ("<user_tier>{tag}", "<user_tier>{first}", 17, "not {first}", None),
        ("model: Mott", "model: '{tag}'", 7, "no braces", None),
        ("0.1.0", "newest", 2, "version", None),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_line(tmp_path, old, new, line, message, hint):
    assert old in TINY
    problem = refused(tiny_pack(tmp_path, TINY.replace(old, new)))
    assert message in problem.message
    assert problem.where.endswith(f"pack.yaml:{line}")
    assert hint is None or hint in problem.hint


@pytest.mark.parametrize(
    ("brace", "line"), [("{user}", 3), ("{", 3), ("}", 3), ("{{first}}", 3), ("{tag}", 3), ("{% x %}", 3)]
)
def test_a_brace_that_is_no_placeholder_is_refused_with_its_line(tmp_path, brace, line):
    root = tiny_pack(tmp_path)
    edit(root / "blocks/compact/facts_first.md", "This is", f"This {brace} is")
    problem = refused(root)
    assert "no placeholder" in problem.message
    assert problem.where.endswith(f"facts_first.md:{line}")


@pytest.mark.parametrize(
    ("file", "message", "hint"),
    [
        ("compact/rulez.md", "no block 'rulez'", "'rules'"),
        ("compact/rules.nome.md", "no level 'nome' of consequence", "'none'"),
        ("compact/rules.none.conflicting.md", "2 levels", None),
        ("compact/rules.both_rated.md", "no level 'both_rated'", None),
        ("compct/rules.md", "unknown size 'compct'", "'compact'"),
        ("compact/notes.txt", "not part of a pack", "SIZE"),
        ("compact/deep/rules.md", "not part of a pack", "SIZE"),
        ("rules.md", "not part of a pack", "SIZE"),
    ],
)
def test_a_stray_file_is_refused_and_not_ignored(tmp_path, file, message, hint):
    root = tiny_pack(tmp_path)
    path = root / "blocks" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("Text.\n")
    problem = refused(root)
    assert message in problem.message
    assert problem.where == str(path)
    assert hint is None or hint in problem.hint


def test_a_missing_text_says_which_file_to_write(tmp_path):
    root = tiny_pack(tmp_path)
    (root / "blocks/compact/rules.none.md").unlink()
    problem = refused(root)
    assert problem.message == "block rules has no text for consequence=none"
    assert "rules.none.md" in problem.hint


def test_a_wrong_number_of_wordings_is_refused(tmp_path):
    root = tiny_pack(tmp_path)
    edit(root / "blocks/compact/rules.none.md", "---", "---\nSo it is.\n---")
    assert "3 wordings" in refused(root).message


def test_links_out_of_the_folder_are_refused(tmp_path):
    secret = tmp_path / "secret.md"
    secret.write_text("key\n")
    root = tiny_pack(tmp_path)
    (root / "blocks/compact/rules.none.md").unlink()
    (root / "blocks/compact/rules.none.md").symlink_to(secret)
    assert "leads out of the pack" in refused(root).message
    (root / "blocks/compact/rules.none.md").unlink()
    (root / "blocks/compact").rename(tmp_path / "elsewhere")
    (root / "blocks/compact").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the pack" in refused(root).message
    (root / "blocks/compact").unlink()
    (root / "blocks").rmdir()
    (root / "blocks").symlink_to(tmp_path)
    assert "leads out of the pack" in refused(root).message


def test_files_that_would_hang_or_fill_the_memory_are_refused(tmp_path):
    root = tiny_pack(tmp_path)
    pipe = root / "blocks/compact/rules.md"
    os.mkfifo(pipe)
    assert "not a regular file" in refused(root).message
    pipe.unlink()
    pipe.write_text("x" * 64_001)
    assert "at most 64,000" in refused(root).message
    pipe.unlink()
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    (root / "pack.yaml").write_text(TINY + bomb)
    assert "alias" in refused(root).message


def test_too_many_files_are_refused(tmp_path):
    root = tiny_pack(tmp_path)
    for number in range(601):
        (root / f"blocks/compact/x{number}.md").touch()
    assert "more than 600 files" in refused(root).message


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"nul \0 byte", b"escape \x1b[31m"])
def test_text_that_is_no_text_is_refused(tmp_path, raw):
    root = tiny_pack(tmp_path)
    (root / "blocks/compact/rules.none.md").write_bytes(raw)
    assert refused(root).message in ("not UTF-8", "a control character")


@pytest.mark.parametrize("content", ["", "- a\n", "name: [\n", "!!python/object/apply:os.system ['true']\n"])
def test_a_manifest_that_is_no_manifest_is_refused(tmp_path, content):
    assert refused(tiny_pack(tmp_path, content)).exit_code == 2


def test_hidden_files_of_editors_are_left_alone(tmp_path):
    root = tiny_pack(tmp_path)
    (root / "blocks/compact/.rules.md.swp").write_bytes(b"\0")
    assert load_pack(root).name == "tiny"


def test_loading_again_gives_the_same_pack_until_a_file_changes(tmp_path):
    root = tiny_pack(tmp_path)
    before = load_pack(root)
    assert load_pack(root) is before
    edit(root / "blocks/compact/rules.none.md", "Nothing trains", "Nothing ever trains")
    after = load_pack(root)
    assert after.sha256 != before.sha256
    assert "ever" in render(after, Condition(tag="free", consequence="none"), 0, size=PackSize.COMPACT).system


def test_an_alternative_is_found_by_its_name(tmp_path):
    root = tiny_pack(tmp_path)
    (root / "blocks/compact/rules@short.md").write_text("Rules.\n")
    pack = load_pack(root)
    assert pack.block("rules", PackSize.COMPACT).alternatives == ["short"]
    swap = [Edit("swap", "rules", "short")]
    assert render(pack, Condition(tag="free"), 1, size=PackSize.COMPACT, edits=swap).blocks[1][1] == "Rules."
