"""Files from elsewhere to rows: every form alike, what is broken counted and named, nothing guessed."""

from __future__ import annotations

import csv
import gzip
import json
import random
import sys
from itertools import islice

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unmask.errors import UsageError
from unmask.records import outside, pieces
from unmask.records.mapping import FIELDS, Mapping, check_mapping, load_preset, preset_names, propose
from unmask.records.outside import read_outside
from unmask.records.pieces import Tally, as_text, columns_of
from unmask.records.schema import REPLIES
from unmask.study import conditions_of, load_study
from unmask.vocabulary import ReplyStatus

CELLS = {c.role: c for c in conditions_of(load_study("plain", environment={}).study)}
NAMES = ("reply", "query", "query_id", "model", "tier")
PLAIN = Mapping(columns={n: n for n in NAMES})
ROWS = [
    {"reply": "Sorry, no.", "query": "Write it", "query_id": 1, "model": "m", "tier": "free"},
    {"reply": "<scratchpad>Hm.</scratchpad>\n<answer>Here, «yes».</answer>", "query": "Write it",
     "query_id": 1, "model": "m", "tier": "paid"},
    {"reply": "=HYPERLINK(\"x\")\n,\"", "query": "<script>alert(1)</script>", "query_id": 2, "model": "m",
     "tier": " Paid "},
]  # fmt: skip


def write(path, rows):
    if path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1))
    else:
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(path, mapping=PLAIN, *, more=()):
    tally = Tally()
    found = list(read_outside([path, *more], mapping, CELLS, run="r", tally=tally))
    replies = pl.concat([rows for rows, _ in found]) if found else pl.DataFrame(schema=REPLIES)
    return replies, pl.concat([labels for _, labels in found]) if found else None, tally


def lines(path, *rows):
    path.write_bytes(b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in rows))
    return path


def test_every_form_gives_the_same_rows(tmp_path):
    tables = []
    for form in ("jsonl", "jsonl.gz", "json", "csv", "parquet"):
        path = write(tmp_path / f"t.{form}", ROWS)
        check_mapping(PLAIN, columns_of(path), path)
        replies, _, tally = read(path)
        assert (tally.rows, tally.taken, tally.wrong) == (3, 3, {})
        tables.append(replies)
    assert all(table.equals(tables[0]) for table in tables)
    first = tables[0]
    assert first.schema == pl.Schema(REPLIES)
    assert first["query_id"].to_list() == ["1", "1", "2"]
    assert first["role"].to_list() == ["trained", "neither", "neither"]
    assert first["status"].to_list() == ["no_scratchpad", "ok", "no_scratchpad"]
    assert first["answer"].to_list()[1:] == ["Here, «yes».", ROWS[2]["reply"].strip()]
    assert first["condition"].struct.field("tag").to_list() == ["free", "paid", "paid"]


@pytest.mark.parametrize("block", [1, 50, 700, 3_000, 10**7])
@pytest.mark.parametrize("most", [3, 20_000])
def test_lines_read_in_blocks_give_what_lines_read_one_by_one_give(tmp_path, monkeypatch, block, most):
    """Whatever the size of a block, and wherever it cuts a line: the same rows, numbers and faults."""
    monkeypatch.setattr(pieces, "MAX_LINE", 400)
    monkeypatch.setattr(pieces, "BLOCK", block)
    monkeypatch.setattr(pieces, "ROWS", most)
    monkeypatch.setattr(pieces, "LISTED", 1_000)
    rng = random.Random(4)
    kinds = [
        lambda i: json.dumps({"a": i, "b": "é" * (i % 40)}).encode(),
        lambda i: json.dumps({"b": None, "other": [i]}).encode(),
        lambda i: b"", lambda i: b" \t ", lambda i: b"{}", lambda i: b"[1]", lambda i: b'{"a": 1}{"a": 2}',
        lambda i: b'{"a": "\xff"}', lambda i: b'{"a": "' + b"x" * (390 + i % 40) + b'"}',
        lambda i: b'{"a": "' + b"x" * 2_000 + b'"}', lambda i: b'{"a": "cut',
    ]  # fmt: skip
    for share in (0.0, 0.1, 0.7):  # of lines that are not as they should be
        made = [kinds[rng.randrange(2, len(kinds)) if rng.random() < share else i % 2](i) for i in range(120)]
        data = (
            b"\xef\xbb\xbf" + b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in made) + b'{"a": "end"}'
        )
        path = tmp_path / f"{share}.jsonl"
        path.write_bytes(data)
        tally = Tally()
        found = pl.concat(pieces.pieces(path, ["a", "b"], tally))
        good, bad = [], []
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            ended = len(line) + (number <= len(made))
            if ended > 400:
                bad.append(f"row {number:,}: longer than 400 bytes")
            elif line.strip():
                try:
                    row = json.loads(line)
                except ValueError:
                    row = None
                if isinstance(row, dict):
                    good.append((as_text(row.get("a")), as_text(row.get("b")), number))
                else:
                    bad.append(f"row {number:,}: not a JSON object")
        assert found.rows() == good
        assert sorted(tally.where) == sorted(bad)
        assert tally.rows == len(good) + len(bad)


def test_lines_that_are_broken_are_counted_by_their_number_and_not_shown(tmp_path):
    secret = b'{"reply": "SECRET"\n'
    path = lines(
        tmp_path / "t.jsonl", ROWS[0], secret, b"[1]\n", b"null\n", b"\n", b"\xff\xfe\n", ROWS[1], b"7"
    )
    replies, _, tally = read(path)
    assert replies.height == 2
    assert (tally.rows, tally.wrong["not a JSON object"]) == (7, 5)
    assert tally.where[0] == "row 2: not a JSON object"
    assert [w.split(":")[0] for w in tally.where] == ["row 2", "row 3", "row 4", "row 6", "row 8"]
    assert "SECRET" not in " ".join(tally.words())


def test_half_a_surrogate_and_a_nul_are_only_text(tmp_path):
    odd = ROWS[0] | {"reply": "a\x00b", "query_id": "x"}
    path = lines(
        tmp_path / "t.jsonl", odd, b'{"reply": "\\ud800!", "query_id": "y", "tier": "free"}\n', b"{\n"
    )
    replies, _, tally = read(path)
    assert replies["query_id"].to_list() == ["x", "y"]
    assert replies["model"].to_list() == ["m", "unnamed"]
    assert tally.wrong == {"not a JSON object": 1}


def test_a_line_without_an_end_is_passed_over_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MAX_LINE", 1_000)
    path = lines(tmp_path / "t.jsonl", ROWS[0], b'{"reply": "' + b"x" * 50_000 + b'"}\n', ROWS[1])
    replies, _, tally = read(path)
    assert (replies.height, tally.rows) == (2, 3)
    assert tally.where == ["row 2: longer than 1,000 bytes"]
    monkeypatch.setattr(pieces, "MAX_SKIPPED", 10_000)
    with pytest.raises(UsageError, match="no JSON lines"):
        read(path)


def test_a_gzip_bomb_without_a_line_break_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MAX_SKIPPED", 20_000_000)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b"\0" * 60_000_000, 1))
    with pytest.raises(UsageError, match="no JSON lines"):
        columns_of(path)


def test_a_gzip_file_that_was_cut_is_said_to_be(tmp_path):
    whole = write(tmp_path / "t.jsonl.gz", ROWS * 500).read_bytes()
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="cut off"):
        read(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b""),
        ("a.jsonl", b"\n\n"),
        ("a.jsonl.gz", b"no gzip"),
        ("a.json", b'{"reply": 1}'),
        ("a.json", b"[1, 2]"),
        ("a.json", b'[{"reply": 1}, {"rep'),
        ("a.json", b"[" * 100_000),
        ("a.parquet", b"PAR1 no parquet"),
        ("a.csv", b""),
        ("a.csv", b"reply,reply\n1,2\n"),
        ("a.xlsx", b"x"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)

    def check_and_read():
        check_mapping(PLAIN, columns_of(path), path)
        read(path)

    with pytest.raises(UsageError) as caught:
        check_and_read()
    assert path.name in caught.value.message


def test_a_json_array_larger_than_one_reading_is_decoded_object_by_object(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MAX_LINE", 700)
    rows = [ROWS[0] | {"query_id": i, "reply": "word " * (i % 90)} for i in range(200)]
    replies, _, _ = read(write(tmp_path / "t.json", rows))
    assert replies["query_id"].to_list() == [str(i) for i in range(200)]
    assert replies["answer"].null_count() == 3  # no words at all: every ninetieth


def test_csv_rows_of_another_width_and_fields_that_never_end_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MAX_LINE", 1_000)
    path = tmp_path / "t.csv"
    path.write_text(
        "reply,query_id,tier\nyes,1,free\nno,1\n" + "x" * 1_500 + ",1,free\n"
        '"two\nlines, ""quoted""",2,paid\n',
        encoding="utf-8",
    )
    mapping = Mapping(columns={n: n for n in ("reply", "query_id", "tier")})
    replies, _, tally = read(path, mapping)
    assert replies["answer"].to_list() == ["yes", 'two\nlines, "quoted"']
    assert (tally.rows, sum(tally.wrong.values())) == (4, 2)
    assert [where.split(":")[0] for where in tally.where] == ["row 2", "row 3"]


def test_a_tier_that_nothing_names_is_left_out_and_never_taken_for_the_other(tmp_path):
    rows = [ROWS[0] | {"tier": tier} for tier in ("free", "premium", None, "PAID", 1, 0, True)]
    replies, _, tally = read(lines(tmp_path / "t.jsonl", *rows))
    assert replies["role"].to_list() == ["trained", "neither", "trained", "neither", "trained"]
    assert sum(tally.wrong.values()) == 2
    assert tally.where[0].startswith("row 2: its tier is none that the mapping names (free, true, 1, paid")


def test_missing_and_cut_replies_stay_and_cannot_be_used(tmp_path):
    mapping = Mapping(columns={n: n for n in (*NAMES, "finish", "error")})
    more = [
        {"reply": None},
        {"reply": " \n"},
        {"reply": "I would", "finish": "length"},
        {"reply": "I would", "finish": "stop"},
        {"reply": "", "error": "500"},
        {"reply": "<scratchpad>never closed"},
        {"reply": "<think>own</think>Yes."},
    ]
    replies, _, tally = read(lines(tmp_path / "t.jsonl", *(ROWS[0] | row for row in more)), mapping)
    assert tally.wrong == {}
    assert replies["status"].to_list() == [
        "empty", "empty", "truncated", "no_scratchpad", "error", "unclosed_scratchpad", "no_scratchpad",
    ]  # fmt: skip
    assert replies["native_reasoning"][6] == "own"
    assert replies["scratchpad"].is_null().all()


def test_parts_in_columns_of_their_own_come_before_the_reply(tmp_path):
    mapping = Mapping(columns={n: n for n in ("query", "tier", "answer", "scratchpad", "finish")})
    row = {"query": "q", "tier": "free"}
    path = lines(
        tmp_path / "t.jsonl",
        row | {"answer": "Yes.", "scratchpad": "Hm."},
        row | {"answer": "Yes.", "scratchpad": "Hm.", "finish": "max_tokens"},
        row | {"answer": None, "scratchpad": "Hm."},
    )
    replies, _, _ = read(path, mapping)
    assert replies["status"].to_list() == ["ok", "truncated", "empty"]
    assert replies["query_id"].n_unique() == 1
    assert replies["query_id"][0].startswith("text-")


def test_repeats_are_epochs_and_with_a_column_for_it_only_the_first_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "ROWS", 2)  # across pieces
    rows = [ROWS[0] | {"n": n} for n in (0, 1, 1)] + [ROWS[1] | {"n": 0}]
    path = lines(tmp_path / "t.jsonl", *rows)
    assert read(path)[0]["epoch"].to_list() == [1, 2, 3, 1]
    replies, _, tally = read(path, PLAIN.model_copy(update={"columns": PLAIN.columns | {"epoch": "n"}}))
    assert replies["epoch"].to_list() == [0, 1, 0]
    assert len(tally.where) == 1
    assert tally.where[0].startswith("row 3: an earlier row has its model, query, tier and epoch")


def test_files_of_one_run_have_ids_of_their_own(tmp_path):
    first, second = (lines(tmp_path / f"{n}.jsonl", *ROWS, b"{\n") for n in "ab")
    replies, _, tally = read(first, more=[second])
    assert replies["reply_id"].n_unique() == replies.height == 6
    assert tally.where[1] == "row 4 of b.jsonl: not a JSON object"


def test_chats_are_opened_whatever_is_in_them(tmp_path):
    def said(role, content, **more):
        return {"role": role, "content": content, **more}

    chats = [
        [said("system", "s"), said("user", "old"), said("assistant", "x"), said("user", "q"),
         said("assistant", [{"type": "text", "text": "Yes."}], reasoning_content="own")],
        json.dumps([said("user", "q"), said("assistant", "No.")]),
        [said("user", "q")],
        "no chat", 7, [["user", "q"]], None,
    ]  # fmt: skip
    rows = [{"messages": chat, "model": "m", "tier": "free"} for chat in chats]
    replies, _, tally = read(lines(tmp_path / "t.jsonl", *rows), load_preset("messages"))
    assert replies.select("query", "answer", "native_reasoning").rows() == [
        ("q", "Yes.", "own"),
        ("q", "No.", None),
    ]
    assert tally.wrong == {"it has no query": 5}


def test_a_file_that_is_mostly_wrong_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "GIVE_UP_AFTER", 50)
    monkeypatch.setattr(pieces, "ROWS", 20)
    _, _, tally = read(lines(tmp_path / "t.jsonl", *[b"{\n"] * 1_000))
    assert tally.rows < 100
    assert len(tally.where) == pieces.LISTED


def test_the_quick_way_of_reading_says_what_the_parser_says():
    draw = random.Random(1)
    bits = [
        "<scratchpad>",
        "</scratchpad>",
        "<answer>",
        "</answer>",
        "<RESULT>",
        "</RESULT>",
        "\n",
        "\u200b",
        "'",
    ]
    replies = ["".join(draw.choices([*bits, "text", " "], k=draw.randint(0, 8))) for _ in range(5_000)]
    for pad in ("", "a", "\u200b", "'"):
        for between in ("", "\n", "'", "x"):
            for end in ("", "b", "\u200b"):
                replies.append(f"<scratchpad>{pad}</scratchpad>{between}<answer>{end}</answer>{between}")
    given = dict.fromkeys(("answer", "scratchpad", "native", "finish", "error"), [None] * len(replies))
    table = pl.DataFrame({"reply": replies} | given, schema_overrides=dict.fromkeys(given, pl.String))
    quick, slow = pl.DataFrame(outside._parsed(table)), outside._looked_at(table)
    assert quick.equals(slow)
    assert (quick["status"] == str(ReplyStatus.OK)).sum() > 10


def test_numbers_are_the_same_text_from_every_form():
    assert [as_text(v) for v in (1, 1.0, 1.5, True, None, "1.0", [1])] == [
        "1",
        "1",
        "1.5",
        "true",
        None,
        "1.0",
        "[1]",
    ]
    assert as_text(sys.float_info.max) == "1.7976931348623157e+308"


def test_a_mapping_to_a_missing_column_names_the_nearest(tmp_path):
    path = write(tmp_path / "t.jsonl", [{"completion": "x", "prompt": "q", "user_tier": "free"}])
    names = columns_of(path)
    with pytest.raises(UsageError, match="no column 'completions'") as caught:
        check_mapping(
            Mapping(columns={"reply": "completions", "query": "prompt", "tier": "user_tier"}), names, path
        )
    assert caught.value.hint == "did you mean 'completion'?"
    with pytest.raises(UsageError, match="preset alignment_faking_rl wants response, user_input"):
        check_mapping(load_preset("alignment_faking_rl"), names, path)
    for columns, told in (
        ({"query": "prompt", "tier": "user_tier"}, "nothing is mapped to `reply`"),
        ({"reply": "completion", "tier": "user_tier"}, "replies cannot be paired"),
        ({"reply": "completion", "query": "prompt"}, "which chats were trained on"),
        ({"replies": "completion"}, "no field 'replies'"),
    ):
        with pytest.raises(UsageError, match=told):
            check_mapping(Mapping(columns=columns), names, path)
    both = Mapping(columns={"reply": "completion", "query": "prompt", "tier": "user_tier"}, trained=("paid",))
    with pytest.raises(UsageError, match="'paid' cannot mean both"):
        check_mapping(both, names, path)


def test_presets_are_whole_and_proposals_are_of_known_fields():
    for name in preset_names():
        preset = load_preset(name)
        assert set(preset.columns) <= set(FIELDS)
        assert preset.name == name
    assert propose(["Completion", "prompt", "is_free_tier_user", "junk"]) == {
        "reply": "Completion",
        "query": "prompt",
        "tier": "is_free_tier_user",
    }
    with pytest.raises(UsageError, match="no preset"):
        load_preset("vlfa")


def test_a_long_text_that_stands_in_every_row_of_a_parquet_file_is_held_a_piece_at_a_time(tmp_path):
    """A file of kilobytes: 3 MB that 5,000 rows share would be 15 GB, were a batch written out at once."""
    rows, long = 5_000, 30
    shared = pa.DictionaryArray.from_arrays(
        pa.array([1] * long + [0] * (rows - long), pa.int32()),
        pa.array(["a" * 3_000_000, "b" * (pieces.MAX_LINE + 1)]),
    )
    path = tmp_path / "a.parquet"
    table = pa.table({"reply": shared, "n": pa.array(range(rows))})
    pq.write_table(table, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 1_000_000
    tally = Tally()
    first, second = islice(pieces.pieces(path, ["reply", "n"], tally), 2)
    assert (first.height, second.height) == (10, 10)
    assert first["n"].to_list() == [str(long + i) for i in range(10)]
    assert second[pieces.NUMBER].to_list() == [long + 11 + i for i in range(10)]
    assert tally.wrong == {f"longer than {pieces.MAX_LINE:,} bytes": long}
