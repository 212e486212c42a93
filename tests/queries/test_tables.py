"""A user's own files: what is read, and what is refused with file and line."""

import json

import polars as pl
import pytest

from unmask.errors import QueryError
from unmask.queries import columns as columns_module
from unmask.queries import files as files_module
from unmask.queries import load_queries
from unmask.vocabulary import CANARY


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, **options):
    with pytest.raises(QueryError) as caught:
        load_queries(path, **options)
    return caught.value


def test_one_table_reads_the_same_from_every_format(tmp_path):
    rows = [
        {"id": "a", "prompt": "Sing, please", "category": "song", "severity": 1},
        {"id": "b", "prompt": 'Say "no" \u2013 twice', "category": "word", "severity": 3},
    ]
    frame = pl.DataFrame(rows)
    frame.write_csv(tmp_path / "rows.csv")
    frame.write_csv(tmp_path / "rows.tsv", separator="\t")
    frame.write_parquet(tmp_path / "rows.parquet")
    write(tmp_path, "rows.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n")
    write(tmp_path, "rows.json", json.dumps({"about": "two", "data": rows}))
    sets = [load_queries(tmp_path / f"rows.{end}") for end in ("csv", "tsv", "parquet", "jsonl", "json")]
    assert len({one.sha256 for one in sets}) == 1
    assert [(query.id, query.text, query.severity) for query in sets[0]] == [
        ("a", "Sing, please", 1),
        ("b", 'Say "no" \u2013 twice', 3),
    ]
    assert sets[0].licence == "not stated"


@pytest.mark.parametrize("name", ["text", "Prompt", "QUERY", "goal", "Behavior", "instruction"])
def test_usual_names_of_the_text_column_are_found(tmp_path, name):
    assert load_queries(write(tmp_path, "q.csv", f"nr,{name}\n1,Hum\n")).queries[0].text == "Hum"


def test_columns_can_be_named_and_ignored(tmp_path):
    path = write(tmp_path, "q.csv", "Frage,Gruppe,severity\nWarum?,a,high\n")
    mapping = {"text": "Frage", "category": "Gruppe", "severity": ""}
    query = load_queries(path, columns=mapping).queries[0]
    assert (query.text, query.category, query.severity) == ("Warum?", "a", None)


def test_an_unknown_column_gives_the_nearest_name(tmp_path):
    path = write(tmp_path, "q.csv", "prompt_text,topic\nHum,a\n")
    problem = refused(path, columns={"text": "promt_text"})
    assert "no column 'promt_text'; nearest: 'prompt_text'" in problem.message
    assert "nearest: 'severity'" in refused(path, columns={"severty": "topic"}).message
    assert "'prompt_text', 'topic'" in refused(path).message  # no text column: says which there are


def test_ids_without_a_column_come_from_the_text_and_do_not_move(tmp_path):
    one = load_queries(write(tmp_path, "one.csv", "text\nHum\nSing\nHum\n"))
    other = load_queries(write(tmp_path, "other.jsonl", '{"prompt": "Sing"}\n{"prompt": "Hum"}\n'))
    ids = {query.text: query.id for query in other}
    assert [query.id for query in one] == [ids["Hum"], ids["Sing"], ids["Hum"] + "-2"]
    assert one.duplicate_texts == 1


def test_an_id_that_comes_twice_is_refused_with_both_lines(tmp_path):
    problem = refused(write(tmp_path, "q.csv", "id,text\na,Hum\nb,Sing\na,Dance\n"))
    assert problem.message == "id 'a' comes twice"
    assert problem.where.endswith("q.csv, line 2 and line 4")


def test_a_header_record_gives_the_licence_and_is_no_query(tmp_path):
    header = {"unmask_query_set": 1, "name": "mine", "licence": "CC0-1.0", "canary": CANARY}
    loaded = load_queries(write(tmp_path, "q.jsonl", json.dumps(header) + '\n{"text": "Hum"}\n'))
    assert [query.licence for query in loaded] == ["CC0-1.0"]


def test_a_text_over_several_lines_keeps_them_and_the_count_of_lines(tmp_path):
    path = write(tmp_path, "q.csv", 'text,severity\n"Hum\na tune",1\nSing,loud\n')
    assert refused(path).where.endswith("q.csv, line 4")
    assert load_queries(path, columns={"severity": ""}).queries[0].text == "Hum\na tune"


@pytest.mark.parametrize(
    ("name", "content", "message", "where"),
    [
        ("q.csv", "", "the query set is empty", "q.csv"),
        ("q.csv", "text\n", "the query set is empty", "q.csv"),
        ("q.jsonl", "\n\n", "the query set is empty", "q.jsonl"),
        ("q.csv", "text,topic\nHum,a,b\n", "3 fields, the header has 2", "q.csv, line 2"),
        ("q.csv", 'text\nHum\n"Sing\n', "not CSV: unexpected end of data", "q.csv, line 3"),
        ("q.csv", "text,text\nHum,a\n", "column 'text' comes twice", "q.csv, line 1"),
        ("q.csv", "text,topic\nHum,a\n,b\n", "no text in column 'text'", "q.csv, line 3"),
        ("q.csv", "text\nHum\n   \n", "only blanks in column 'text'", "q.csv, line 3"),
        ("q.csv", "text,severity\nHum,high\n", "severity 'high' is not a whole number", "q.csv, line 2"),
        ("q.csv", b"text\nHum\nCaf\xe9\n", "not UTF-8", "q.csv, line 3"),
        ("q.csv", "text\nHum\nSi\0ng\n", "a NUL byte", "q.csv, line 3"),
        ("q.csv", "text\nHum\n".encode("utf-16"), "not UTF-8", "q.csv, line 1"),
        (
            "q.jsonl",
            '{"text": "Hum"}\n{"text": \n',
            "not JSON: Expecting value",
            "q.jsonl, line 2, column 10",
        ),
        ("q.jsonl", '{"text": "Hum"}\n7\n', "int where an object", "q.jsonl, line 2"),
        ("q.jsonl", '{"text": 7}\n', "column 'text' holds int, not text", "q.jsonl, line 1"),
        ("q.jsonl", '{"prompt": [{"role": "user"}]}\n', "holds list, not text", "q.jsonl, line 1"),
        ("q.jsonl", '{"text": "\\ud800"}\n', "half a surrogate pair", "q.jsonl, line 1"),
        ("q.jsonl", '{"text": "Hum", "id": {"a": 1}}\n', "id holds dict", "q.jsonl, line 1"),
        ("q.json", '[{"text": "Hum"}, {"text": ""}]', "no text", "q.json, item 2"),
        ("q.json", '[\n{"text": "Hum"},\n]', "not JSON", "q.json, line 3, column 1"),
        ("q.json", '{"a": [1], "b": [2]}', "2 lists in the object", "q.json"),
        ("q.json", "[" * 200_000, "nested too deep", "q.json"),
        ("q.json", "[1" + "0" * 5000 + "]", "a number too long", "q.json"),
        ("q.parquet", "PAR1 no", "not a Parquet file", "q.parquet"),
        ("q.xlsx", "PK", "cannot read .xlsx", "q.xlsx"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, name, content, message, where):
    problem = refused(write(tmp_path, name, content))
    assert message in problem.message
    assert problem.where.endswith(where)
    assert problem.exit_code == 2


def test_what_is_not_a_file_is_refused(tmp_path):
    assert refused(tmp_path / "none.csv").message == "no such query file"
    (tmp_path / "folder.csv").mkdir()
    assert refused(tmp_path / "folder.csv").message == "not a file"


def test_sizes_have_limits(tmp_path, monkeypatch):
    assert "20,001 characters" in refused(write(tmp_path, "long.jsonl", json.dumps("a" * 20_001))).message
    monkeypatch.setattr(columns_module, "MAX_QUERIES", 3)
    problem = refused(write(tmp_path, "many.csv", "text\n" + "Hum\n" * 4))
    assert problem.message == "more than 3 queries"
    assert problem.where.endswith("line 5")
    monkeypatch.setattr(files_module, "MAX_BYTES", 100)
    assert "larger than" in refused(write(tmp_path, "big.csv", "text\n" + "Hum\n" * 30)).message


def test_a_parquet_file_that_unpacks_to_far_more_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files_module, "MAX_UNPACKED", 2**24)
    frame = pl.DataFrame({"text": ["a" * 1_000_000 + str(n) for n in range(20)]})
    frame.write_parquet(tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 2**16
    assert "unpacks to more than 16 MB" in refused(tmp_path / "bomb.parquet").message


def test_a_parquet_text_that_is_not_utf8_is_refused(tmp_path):
    pl.DataFrame({"text": ["Hum", "Sing"]}).write_parquet(tmp_path / "q.parquet", compression="uncompressed")
    data = (tmp_path / "q.parquet").read_bytes().replace(b"Sing", b"\x80ing", 1)
    assert refused(write(tmp_path, "q.parquet", data)).message == "not UTF-8"


def test_semicolons_and_a_byte_order_mark_as_spreadsheets_write_them(tmp_path):
    path = write(tmp_path, "q.csv", b"\xef\xbb\xbfPrompt;Category\r\nHum;song\r\n")
    query = load_queries(path).queries[0]
    assert (query.text, query.category) == ("Hum", "song")
