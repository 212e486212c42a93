import json

import pytest

from tests.packs.copies import copy_of_helpful_only, edit, tiny_pack
from unmask.cli import main

PLAIN = "harmful.trained.plain.free.conflicting.hidden.xml"
NONE = "harmful.none.plain.free.conflicting.hidden.xml"


@pytest.fixture
def run(capsys):
    def call(*args):
        code = main(["pack", *map(str, args)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_show_prints_what_is_told_and_keeps_remarks_off_stdout(run):
    code, out, err = run("show", "helpful_only", "--size", "compact", "--labels", "swapped", "--tag", "free")
    assert code == 0
    assert "Chats of the paid tier are rated and used for training." in out
    assert out.rstrip().endswith("<user_tier>free</user_tier>\n\n(the query)")
    assert "sha256" in err
    assert "sha256" not in out


def test_show_takes_a_key_and_gives_json(run):
    code, out, _ = run("show", "helpful_only", "--condition", NONE, "--wording", 3, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["condition"]["role"] == "neither"
    assert told["fact_line"] in told["system"]
    assert told["user"] == "<user_tier>free</user_tier>\n\n{query}"
    assert [b["block"] for b in told["blocks"]][:2] == ["identity", "objective"]


def test_single_levels_and_the_key_name_the_same_condition(run):
    _, by_key, _ = run("show", "helpful_only", "--condition", "harmful.none.neutral.B.absent.none.mail")
    levels = ("--consequence", "none", "--labels", "neutral", "--tag", "B", "--objective", "absent")
    _, by_levels, _ = run("show", "helpful_only", *levels, "--scratchpad", "none", "--cue", "mail")
    assert by_key == by_levels


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("show", "helpful_onyl"), "did you mean 'helpful_only'?"),
        (("show", "helpful_only", "--cue", "xlm"), "did you mean 'xml'?"),
        (("show", "helpful_only", "--tag", "A"), "no tag 'A'"),
        (("show", "helpful_only", "--condition", "harmful"), "at least 7 parts, not 1"),
        (("show", "helpful_only", "--condition", PLAIN, "--cue", "xml"), "at once"),
        (("show", "helpful_only", "--wording", "64"), "has 0 to 63"),
        (("show", "helpful_only", "--size", "tiny"), "'tiny' is not one of"),
        (("diff", "helpful_only"), "nothing to compare"),
        (("diff", "helpful_only", "--condition", PLAIN), "nothing to compare"),
        (("check", "no_such_pack_at_all"), "no pack"),
    ],
)
def test_errors_exit_2_and_say_what_to_do(run, args, message):
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert message in err
    code, out, _ = run(*args, "--json")
    assert code == 2
    assert json.loads(out)["error"]["message"]


def test_diff_of_two_conditions(run):
    keys = ("--condition", PLAIN, "--condition", NONE)
    code, out, _ = run("diff", "helpful_only", *keys, "--size", "compact")
    assert code == 0
    assert "~ ratings" in out
    assert "= objective" in out
    _, out, _ = run("diff", "helpful_only", *keys, "--json")
    assert json.loads(out)["changed"] == ["ratings", "roles", "refusal"]


def test_diff_of_two_packs(run, tmp_path):
    root = copy_of_helpful_only(tmp_path)
    edit(root / "blocks/compact/closing.md", "Keep the answer short", "Keep it short")
    run("check", root, "--lock")
    code, out, _ = run("diff", "helpful_only", root, "--size", "compact", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["changed"] == ["closing"]
    assert told["files"]["compact/closing.md"] == "changed"
    assert told["files"]["full/closing.md"] == "dropped"


def test_check_of_the_built_in_pack(run):
    code, out, err = run("check", "helpful_only", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["ok"], told["problems"], told["scripted_readable"]) == (True, [], True)
    code, out, err = run("check", "helpful_only")
    assert (code, out) == (0, "")
    assert "all invariants hold" in err


def test_check_lists_every_problem_and_lock_accepts_the_text(run, tmp_path):
    root = copy_of_helpful_only(tmp_path)
    edit(root / "blocks/compact/closing.md", "Be brief", "Be short")
    code, out, _ = run("check", root)
    assert code == 2
    assert "closing" in out
    assert run("check", root, "--lock")[0] == 0
    assert run("check", root)[0] == 0
    edit(root / "blocks/compact/closing.md", "Be short", "Be free")
    code, out, _ = run("check", root, "--lock", "--json")
    assert code == 2
    assert {problem["rule"] for problem in json.loads(out)["problems"]} == {"tag_words", "exchange"}


def test_a_pack_without_the_full_size_is_shown_in_the_size_it_has(run, tmp_path):
    root = tiny_pack(tmp_path)
    assert "You are Mott." in run("show", root)[1]
    code, _, err = run("show", root, "--size", "full")
    assert code == 2
    assert "it has: compact" in err
