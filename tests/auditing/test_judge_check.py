"""A judge against labels: known errors come back, nothing is tuned on its report, lost is never wrong."""

import json

import numpy as np
import polars as pl
import pytest

from unmask.auditing.judge_check import check_judge
from unmask.errors import JudgeError, UnmaskError, UsageError
from unmask.judges.cards import ALL
from unmask.report.judge_words import check_lines, check_markdown
from unmask.report.visible import is_plain
from unmask.vocabulary import JudgeTask, Sampling

RECORDED = "recorded"


def texts(n=400, *, seed=1, sensitivity=(0.9, 0.9), specificity=0.95, scored=True):
    """Rows with what a judge of known errors said; the second tier may have another sensitivity."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        tier = i % 2
        truth = rng.random() < 0.5
        right = rng.random() < (sensitivity[tier] if truth else specificity)
        said = truth == right
        score = float(np.clip(rng.normal(0.75 if said else 0.25, 0.1), 0, 1))
        rows.append(
            {
                "id": f"t{i}",
                "text": f"Text {i}.",
                "label": "complied" if truth else "refused",
                "judged": "complied" if said else "refused",
                "score": score if scored else None,
                "model": "m",
                "tier": ("free", "paid")[tier],
                "sampling": "random",
            }
        )
    return rows


def written(tmp_path, rows, name="labels.jsonl"):
    path = tmp_path / name
    if path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    elif path.suffix == ".csv":
        pl.DataFrame(rows).write_csv(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def checked(tmp_path, rows, *, judge=RECORDED, **more):
    return check_judge(written(tmp_path, rows), judge=judge, **more)[0]


def group(check, role=ALL):
    return next(g for g in check.groups if g.role == role)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_known_errors_come_back_by_role_from_every_form_of_file(tmp_path, suffix):
    path = written(tmp_path, texts(1000), f"labels.{suffix}")
    check = check_judge(path, judge=RECORDED)[0]
    whole = group(check)
    assert whole.sensitivity.low < 0.9 < whole.sensitivity.high
    assert whole.specificity.low < 0.95 < whole.specificity.high
    assert {g.role for g in check.groups} == {ALL, "free", "paid"}
    assert check.card.corrects
    assert check.card.confusion("m", "free").sensitivity == pytest.approx(
        group(check, "free").sensitivity.estimate
    )
    assert check.differing["m: sensitivity"].p > 0.01
    assert check.calibration is not None


def test_a_judge_that_errs_otherwise_where_the_model_is_trained_on_is_found(tmp_path):
    found = checked(tmp_path, texts(600, sensitivity=(0.95, 0.6))).differing["m: sensitivity"]
    assert found.p < 0.001
    assert 0.2 < found.difference.low < 0.35 < found.difference.high


def test_a_threshold_is_worth_what_it_does_on_texts_that_did_not_choose_it(tmp_path):
    """Scores that say nothing: chosen and measured on the same texts they would look better than chance."""
    rng = np.random.default_rng(2)
    rows = [
        {
            "id": i,
            "text": f"T {i}",
            "label": ("complied", "refused")[rng.random() < 0.5],
            "score": rng.random(),
        }
        for i in range(60)
    ]
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        given = [row | {"id": f"{seed}-{row['id']}", "score": rng.random()} for row in rows]
        t = checked(tmp_path, given).threshold
        gains.append(t.sensitivity.estimate + t.specificity.estimate - 1)
    assert abs(np.mean(gains)) < 0.1


def test_texts_drawn_with_unequal_chances_count_by_them(tmp_path):
    """Texts that the judge calls yes are drawn ten times as often: unweighted it would seem to miss few."""
    rng = np.random.default_rng(4)
    rows = []
    for row in texts(6000, sensitivity=(0.6, 0.6)):
        chance = 0.5 if row["judged"] == "complied" else 0.05
        if rng.random() < chance:
            rows.append(row | {"inclusion_probability": chance})
    check = checked(tmp_path, rows)
    whole = group(check)
    assert check.weighted
    assert whole.sensitivity.low < 0.6 < whole.sensitivity.high
    assert whole.counts.tp / (whole.counts.tp + whole.counts.fn) > 0.85
    assert whole.worth.tp + whole.worth.fn < 0.7 * (whole.counts.tp + whole.counts.fn)
    assert check.card.confusion("m").sensitivity == pytest.approx(whole.sensitivity.estimate)


@pytest.mark.parametrize(
    "change",
    [
        {"sampling": "disagreement"},
        {"sampling": None},
        {"sampling": "all"},
    ],
)
def test_what_is_not_said_to_be_random_corrects_nothing(tmp_path, change):
    check = checked(tmp_path, [row | change for row in texts(40)])
    assert check.card.sampling is Sampling.DISAGREEMENT
    assert not check.card.corrects
    assert "serves thresholds" in check_lines(check)[-1]


def test_chances_for_some_texts_only_are_no_known_design(tmp_path):
    rows = texts(40)
    rows[0]["inclusion_probability"] = 0.5
    assert not checked(tmp_path, rows).card.corrects


def test_without_a_true_yes_sensitivity_is_unknown_and_not_0(tmp_path):
    check = checked(tmp_path, [row for row in texts(60) if row["label"] == "refused"])
    assert np.isnan(group(check).sensitivity.estimate)
    assert check.threshold is None
    assert check.as_dict()["groups"][0]["sensitivity"]["estimate"] is None
    assert any("unknown, not 0" in line for line in check_lines(check))


def test_a_text_without_a_verdict_is_neither_right_nor_wrong(tmp_path):
    rows = texts(100)
    before = group(checked(tmp_path, rows))
    lost = [{**row, "id": f"lost-{i}", "judged": None, "score": None} for i, row in enumerate(rows[:20])]
    after = group(checked(tmp_path, rows + lost))
    assert (after.sensitivity, after.specificity) == (before.sensitivity, before.specificity)
    assert after.lost == {"skipped": 20}
    assert after.lost_yes == sum(row["label"] == "complied" for row in rows[:20])


def test_two_people_agree_or_the_text_is_left_out(tmp_path):
    rows = [row | {"labeller": "ada"} for row in texts(60)]
    other = {"complied": "refused", "refused": "complied"}
    second = [row | {"labeller": "bob"} for row in rows]
    for row in second[:6]:
        row["label"] = other[row["label"]]
    check = checked(tmp_path, rows + second)
    assert check.left_out == {"labellers disagree": 6}
    assert group(check).n == 54
    assert check.agreement is not None
    assert (check.agreement.labellers, check.agreement.texts, check.agreement.agreed) == (2, 60, 54)
    assert 0.7 < check.agreement.alpha.estimate < 0.9
    again = [row | {"label": other[row["label"]]} for row in rows[:5]]
    twice = checked(tmp_path, rows + again)
    assert any("5 labels were given again" in line for line in twice.problems)
    assert group(twice).counts != group(checked(tmp_path, rows)).counts  # the last counts


def test_yes_and_no_need_the_task_said(tmp_path):
    rows = [row | {"label": int(row["label"] == "complied")} for row in texts(40)]
    with pytest.raises(UsageError, match="no labelled text"):
        checked(tmp_path, rows)
    by_number = checked(tmp_path, rows, task=JudgeTask.COMPLIANCE)
    assert group(by_number).counts == group(checked(tmp_path, texts(40))).counts


def test_a_table_without_a_judges_words_is_told(tmp_path):
    rows = [{k: v for k, v in row.items() if k not in ("judged", "score")} for row in texts(10)]
    with pytest.raises(UsageError, match="no column 'judged' or 'score'"):
        checked(tmp_path, rows)


@pytest.mark.parametrize(
    "content", ["", "\n", "{", '{"text": "x"}\n', '{"label": "complied"}\n', '{"label": 7, "text": "x"}\n']
)
def test_a_file_that_holds_no_labels_is_told(tmp_path, content):
    path = tmp_path / "labels.jsonl"
    path.write_text(content)
    with pytest.raises(UnmaskError, match=r"labels\.jsonl"):
        check_judge(path)


def test_bad_rows_are_named_and_the_rest_is_used(tmp_path):
    rows = [
        *texts(40),
        {"label": "maybe", "text": "x"},
        {"label": "refused"},
        {"label": "refused", "text": "x", "score": "high"},
    ]
    check = checked(tmp_path, [{k: str(v) if k == "score" else v for k, v in row.items()} for row in rows])
    assert group(check).n == 40
    assert [line.split(":")[0] for line in check.problems] == ["row 41", "row 42", "row 43"]


def test_names_from_a_file_do_not_act_on_terminal_or_page(tmp_path):
    rows = [row | {"model": "\x1b[31mm|<b>`x`", "tier": "\u202efree"} for row in texts(20)]
    check = checked(tmp_path, rows)
    assert is_plain("\n".join(check_lines(check)))
    page = check_markdown([check])
    assert is_plain(page)
    assert "<b>" not in page
    assert "\\|\\<b\\>" in page


def test_a_judge_that_cannot_be_asked_gets_no_card(tmp_path):
    rows = [{k: v for k, v in row.items() if k not in ("judged", "score")} for row in texts(4)]
    with pytest.raises(JudgeError, match="gave no verdict on any of 4 texts: 4 failed"):
        checked(tmp_path, rows, judge="mockllm/model")


def test_what_is_lost_is_counted_over_all_roles(tmp_path):
    rows = texts(100)
    for row in rows[:2]:  # one of each tier
        row["judged"] = row["score"] = None
    assert any("2 skipped" in line for line in check_lines(checked(tmp_path, rows)))
