import json

import polars as pl
import pytest

from tests.report import fixtures
from tests.report.hostile import attack
from unmask.cli import main
from unmask.errors import RecordsError, UnmaskError, UsageError
from unmask.report import write_report
from unmask.report.visible import is_plain


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_RUNS", str(tmp_path))
    folder = tmp_path / "invented"
    folder.mkdir()
    return fixtures.save(folder, fixtures.audit(n_queries=4, epochs=1))


def test_the_page_and_its_json_stand_beside_the_records(run):
    page = write_report(run)
    before = page.read_bytes()
    data = json.loads((run / "report.json").read_text())
    assert data["verdicts"][0]["verdict"] == "inconclusive"
    assert data["result"]["methods"]
    assert len(data["shown"]["reply_ids"]) == data["shown"]["of"] == 32
    assert write_report(run).read_bytes() == before


def test_a_run_that_was_not_finished_says_so(run):
    (run / "audit.json").unlink()
    with pytest.raises(UsageError, match="no finished audit"):
        write_report(run)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"models": 3, "told": []}', '{"models": [], "told": []}'])
def test_a_damaged_result_says_so(run, text):
    (run / "audit.json").write_text(text)
    with pytest.raises(UnmaskError, match=r"audit\.json is damaged"):
        write_report(run)


def test_damaged_records_say_so_and_the_old_report_stays(run):
    old = write_report(run).read_bytes()
    path = run / "records" / "replies.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RecordsError, match="damaged"):
        write_report(run)
    assert (run / "report.html").read_bytes() == old


def test_report_prints_the_place_on_stdout(run, capsys):
    assert main(["report", "invented"]) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert main(["report", str(run), "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["report_schema"] == 1
    assert out.err.splitlines()[-1] == f"report: {run / 'report.html'}"


def test_report_of_no_run_names_the_nearest(run, capsys):
    assert main(["report", "invetned", "--json"]) == 2
    assert "invented" in json.loads(capsys.readouterr().out)["error"]["hint"]


def test_show_prints_what_was_told_and_written(run, capsys):
    replies = pl.read_parquet(run / "records" / "replies.parquet").filter(pl.col("answer").is_not_null())
    row = replies.row(0, named=True)
    assert main(["show", "invented", row["reply_id"]]) == 0
    text = capsys.readouterr().out
    for part in (
        row["answer"].strip(),
        row["query"],
        row["prompt_sha256"],
        "Orrinfield",
        "a screening judge",
    ):
        assert part in text
    assert main(["show", "invented", row["reply_id"][:12], "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["reply"]["reply_id"] == row["reply_id"]
    assert data["told"]["system"]
    assert {j["task"] for j in data["judgements"]} == {"compliance", "reasoning"}


@pytest.mark.parametrize(
    ("ask", "says"), [("r", "32 replies begin with"), ("zzzz", "no reply 'zzzz' among 32")]
)
def test_show_of_no_one_reply_is_a_usage_error(run, capsys, ask, says):
    assert main(["show", "invented", ask]) == 2
    assert says in capsys.readouterr().err


def test_a_misspelt_id_leads_to_the_nearest(run, capsys):
    known = pl.read_parquet(run / "records" / "replies.parquet")["reply_id"][3]
    assert main(["show", "invented", known[:-1] + "zz"]) == 2
    assert known in capsys.readouterr().err


def test_show_keeps_attacks_from_the_terminal(run, capsys):
    fixtures.save(run, attack(fixtures.audit(n_queries=8, epochs=1)))
    for reply_id in pl.read_parquet(run / "records" / "replies.parquet")["reply_id"]:
        for option in ([], ["--json"]):
            assert main(["show", str(run), reply_id, *option]) == 0
            out = capsys.readouterr()
            assert is_plain(out.out)
            assert is_plain(out.err)
