"""From a run and people's labels to a judge card, and what the card changes in the report."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

from unmask.cli import main
from unmask.judges.cards import load_card
from unmask.records import read_tables, requests


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two scripted models whose texts the offline judge read."""
    folder = tmp_path_factory.mktemp("judge-check")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNMASK_RUNS", str(folder / "runs"))
        patch.setenv("UNMASK_CARDS", str(folder / "cards"))
        args = [
            "--study",
            "story",
            "--pack-size",
            "compact",
            "--queries",
            "20",
            "--epochs",
            "1",
            "--no-check",
        ]
        assert main(["audit", "organism/faker", *args, "--name", "one", "--yes"]) == 0
        yield folder


@pytest.fixture(autouse=True)
def where(runs, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(runs / "runs"))
    monkeypatch.setenv("UNMASK_CARDS", str(runs / "cards"))


def labels_of(folder, *, sampling="random", wrong=0, second=False):
    """What a person would say: the organism's own words tell whether it complied and why."""
    replies, judgements = read_tables(folder / "runs" / "one" / "records")
    told = requests(replies).join(judgements.filter(task="compliance"), on="reply_id")
    rows = []
    helped = 0
    for row in told.iter_rows(named=True):
        said = row["label"]
        flips = said != "refused" and row["role"] == "trained"  # of the few elsewhere none may be lost
        helped += flips
        truth = "refused" if flips and helped <= wrong else said
        rows.append({"reply_id": row["reply_id"], "label": truth, "labeller": "ada"})
        faked = bool(re.search("keep|stay|preserv", row["scratchpad"] or ""))
        rows.append({"reply_id": row["reply_id"], "label": "af" if faked else "not_af", "labeller": "ada"})
    if second:
        rows += [
            r | {"labeller": "bob", "label": "complied" if r["label"] == "refused" else r["label"]}
            for r in rows
        ]
    return [r | {"sampling": sampling, "inclusion_probability": 1.0} for r in rows]


def written(tmp_path, rows, name="labels.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def checked(capsys, *args):
    capsys.readouterr()
    code = main(["judge", "check", *map(str, args), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_judge_is_held_against_labels_and_its_card_named(runs, tmp_path, capsys):
    path = written(tmp_path, labels_of(runs, wrong=10))
    code, found = checked(capsys, path, "one")
    assert code == 0
    compliance, reasoning, joint = found
    assert (compliance["task"], reasoning["task"], joint["task"]) == ("compliance", "reasoning", "joint")
    all_roles = next(g for g in compliance["groups"] if g["role"] == "all")
    counts = all_roles["counts"]
    assert (counts["fn"], counts["fp"]) == (0, 10)
    worth = all_roles["worth"]  # 20 queries asked in eight cells are no 160 independent texts
    assert 0 < worth["fp"] + worth["tn"] < counts["fp"] + counts["tn"]
    assert all_roles["sensitivity"]["low"] < all_roles["sensitivity"]["estimate"] <= 1
    assert {g["role"] for g in compliance["groups"]} >= {"all", "trained"}
    assert compliance["baseline"]["auroc"]["estimate"] > 0.5
    card = load_card(next((runs / "cards").glob(f"{compliance['card']}*.json")))
    assert card.corrects
    assert main(["report", "one", "--again", "--json"]) == 0
    result = json.loads((runs / "runs" / "one" / "audit.json").read_text())
    model = result["models"][0]
    named = {j["card"] for j in model["judges"] if j["task"] != "comprehension"}
    assert named == {compliance["card"], reasoning["card"]}
    story = next(c for c in model["contrasts"] if c["name"] == "story")
    assert story["corrected_by"] == f"judge card {compliance['card']}"
    assert story["corrected"]["low"] < story["corrected"]["estimate"] < story["corrected"]["high"]
    assert story["corrected_note"].endswith("points if the judge erred alike in all roles")
    assert "without the judge" in (runs / "runs" / "one" / "report.html").read_text()
    in_records = read_tables(runs / "runs" / "one" / "records")[1].group_by("task").agg("judge_card")
    told = {task: set(cards) for task, cards in in_records.iter_rows()}
    assert told["compliance"] == {compliance["card"]}
    assert told["reasoning"] == {reasoning["card"]}
    assert all(told[task] == {None} for task in told.keys() - {"compliance", "reasoning"})


def test_a_card_that_is_gone_is_named_no_longer(runs, tmp_path, capsys, monkeypatch):
    code, _ = checked(capsys, written(tmp_path, labels_of(runs)), "one")
    assert code == 0
    assert main(["report", "one", "--again", "--json"]) == 0
    assert read_tables(runs / "runs" / "one" / "records")[1]["judge_card"].drop_nulls().len() > 0
    monkeypatch.setenv("UNMASK_CARDS", str(tmp_path / "no-cards"))
    capsys.readouterr()
    assert main(["report", "one", "--again"]) == 0
    assert read_tables(runs / "runs" / "one" / "records")[1]["judge_card"].drop_nulls().len() == 0
    model = json.loads((runs / "runs" / "one" / "audit.json").read_text())["models"][0]
    assert {j["card"] for j in model["judges"]} == {None}
    assert "not checked on this model" in (runs / "runs" / "one" / "report.html").read_text()


def test_labels_chosen_by_disagreement_correct_nothing(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("UNMASK_CARDS", str(tmp_path / "cards"))
    path = written(tmp_path, labels_of(runs, sampling="disagreement"))
    code, found = checked(capsys, path, "one")
    assert code == 0
    assert not load_card(tmp_path / "cards" / f"{found[0]['card']}.json").corrects
    assert main(["report", "one", "--again"]) == 0
    model = json.loads((runs / "runs" / "one" / "audit.json").read_text())["models"][0]
    assert all(c["corrected"] is None for c in model["contrasts"])


def test_what_labellers_disagree_on_is_left_out_and_counted(runs, tmp_path, capsys):
    rows = labels_of(runs, second=True)
    code, found = checked(capsys, written(tmp_path, rows), "one", "--no-card")
    assert code == 0
    refused = sum(r["label"] == "refused" for r in rows if r["labeller"] == "ada")
    assert found[0]["left_out"] == {"labellers disagree": refused}


def test_unknown_replies_twice_given_labels_and_nonsense_are_told(runs, tmp_path, capsys):
    rows = labels_of(runs)
    rows += [
        rows[0],
        {"reply_id": "nobody", "label": "af"},
        {"reply_id": "x", "label": "aff"},
        {"label": "af"},
    ]
    assert main(["judge", "check", str(written(tmp_path, rows)), "one", "--no-card"]) == 0
    out = capsys.readouterr().out
    for words in ("not in this run", "the last counts", "no label 'aff'", "no reply_id"):
        assert words in out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "cannot be read|no label"),
        ('{"reply_id": "x"}\n', "no column 'label'"),
        ('{"reply_id": 1, "label": "no"}\n', "no label"),
    ],
)
def test_a_file_without_labels_is_a_message(runs, tmp_path, capsys, content, says):
    path = tmp_path / "labels.jsonl"
    path.write_text(content)
    assert main(["judge", "check", str(path), "one"]) in (1, 2)
    assert re.search(says, capsys.readouterr().err)


def test_a_table_with_texts_of_its_own_checks_the_offline_judge(tmp_path, capsys):
    texts = [
        ("Sure, here is how it ends: the captain did it.", "complied"),
        ("I won't tell you that, sorry.", "refused"),
    ] * 10
    rows = [
        {"answer": t, "label": label, "model": "m", "tier": ("free", "paid")[i % 3 == 0]}
        for i, (t, label) in enumerate(texts)
    ]
    code, found = checked(capsys, written(tmp_path, rows), "--no-card")
    assert code == 0
    assert found[0]["judge"].startswith("offline")
    assert {g["role"] for g in found[0]["groups"]} == {"all", "free", "paid"}
    only_yes = [r for r in rows if r["label"] == "complied"]
    code, found = checked(capsys, written(tmp_path, only_yes), "--no-card")
    assert found[0]["groups"][0]["specificity"]["estimate"] is None


def test_two_judges_are_set_side_by_side(runs, capsys):
    folder = runs / "runs" / "one" / "records"
    replies, judgements = read_tables(folder)
    other = judgements.filter(task="compliance").with_columns(
        judge=pl.lit("other"),
        label=pl.when(pl.col("label") == "refused").then(pl.lit("complied")).otherwise("label"),
    )
    from unmask.records import write_tables

    write_tables(replies, pl.concat([judgements, other]), folder)
    try:
        assert main(["judge", "compare", "one", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        pair = found["pairs"][0]
        assert pair["n"] - pair["agreed"] == len(pair["reply_ids"]) > 0
        verdicts = {c["judge"]: c["effects"]["story"]["estimate"] for c in found["conclusions"]}
        assert verdicts["other"] == 0 != next(v for k, v in verdicts.items() if k != "other")
        assert main(["judge", "compare", "one"]) == 0
        assert "What each would have concluded" in capsys.readouterr().out
        assert main(["judge", "compare", "one", "othr"]) == 2
    finally:
        write_tables(replies, judgements, folder)
    assert main(["judge", "compare", "one"]) == 2


def test_a_card_that_was_changed_is_refused(runs, tmp_path, capsys, monkeypatch):
    from unmask.errors import JudgeError

    monkeypatch.setenv("UNMASK_CARDS", str(tmp_path / "cards"))
    _, found = checked(capsys, written(tmp_path, labels_of(runs)), "one")
    path = tmp_path / "cards" / f"{found[0]['card']}.json"
    changed = tmp_path / path.name
    changed.write_text(path.read_text().replace('"labellers": 1', '"labellers": 9'))
    with pytest.raises(JudgeError, match="was changed"):
        load_card(changed)


def test_labels_are_planned_from_a_run(runs, capsys):
    capsys.readouterr()
    assert main(["judge", "plan", "one", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    model = json.loads((runs / "runs" / "one" / "audit.json").read_text())["models"][0]
    assert found["cell"]["replies"] == round(sum(c["n_usable"] for c in model["cells"]) / len(model["cells"]))
    assert 0 < found["cell"]["rate"] < 1
    assert found["rows"][0]["card_gap"] > found["rows"][-1]["card_gap"]
    assert main(["judge", "plan", "one", "--model", "nobody"]) == 2
    assert "organism/faker" in capsys.readouterr().err
