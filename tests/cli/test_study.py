"""`unmask study`: what it prints can be read, fed back, and refused with a place."""

import json

import pytest

from unmask.cli import main
from unmask.study import list_studies, load_study
from unmask.study.schema import schema_text


def run(capsys, *args):
    code = main(["study", *args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_names_every_built_in_design(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert all(name in out for name in list_studies())
    assert "published/helpful_only" in out


def test_what_show_prints_is_a_study_file_with_the_same_meaning(capsys, tmp_path):
    code, out, _ = run(capsys, "show", "story")
    path = tmp_path / "mine.yaml"
    path.write_text(out)
    assert code == 0
    assert load_study(str(path), environment={}).study == load_study("story", environment={}).study
    path.write_text(
        "\n".join(line.removeprefix("# ") for line in out.splitlines())
    )  # comments are values too
    assert load_study(str(path), environment={}).study == load_study("story", environment={}).study


def test_check_prints_origins_and_cells_and_which_of_them_decide(capsys, tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text("contrasts: [story]\nn_queries: 8\nepochs: 2\nfactors: {observed: [0, 1]}\n")
    monkeypatch.setenv("UNMASK_SEED", "7")
    code, out, _ = run(capsys, "check", str(path), "--pack-size", "compact")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert lines["seed"].endswith("environment (UNMASK_SEED)")
    assert lines["pack_size"].endswith("flag")
    assert lines["factors"].endswith("study file")
    assert lines["temperature"].endswith("default")
    cells = [line for line in out.splitlines() if "harmful.trained" in line]
    assert len(cells) == 8
    assert [line for line in cells if "*" in line] == [line for line in cells if "observed-0" in line]
    assert "8 cells for story" in out
    assert "128 calls" in out


def test_check_as_json(capsys):
    code, out, _ = run(capsys, "check", "plain", "--pack-size", "compact", "--json")
    told = json.loads(out)
    assert code == 0
    assert {cell["decides"] for cell in told["cells"]} == {True}
    assert told["study"]["contrasts"] == {"value": ["published_gap"], "origin": "study file"}


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("contrasts: [story]\nconsequence: none\n", "story cannot be had", "mine.yaml:2"),
        ("contrasts: [stroy]\n", "did you mean 'story'?", "mine.yaml:1"),
        ("pack: spoilers\nstake: grave\n", "has no text for stake=grave", "spoilers"),
    ],
)
def test_check_refuses_what_cannot_be_asked(capsys, tmp_path, text, message, place):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    code, out, err = run(capsys, "check", str(path))
    assert code == 2
    assert not out
    assert message in err
    assert place in err


def test_the_schema_is_json_and_refuses_unknown_keys(capsys):
    code, out, _ = run(capsys, "schema")
    assert code == 0
    assert out == schema_text()
    assert json.loads(out)["additionalProperties"] is False
