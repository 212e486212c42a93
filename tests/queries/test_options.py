"""Options of a user's own queries: two sides, or tools; every wrong one is refused with file and line."""

import json

import pytest

from unmask.errors import QueryError
from unmask.queries import Option, load_queries
from unmask.vocabulary import Compliance

SEND = {"name": "send_now", "does": "Sends it now.", "outcome": "complied"}
WAIT = {"name": "wait", "does": "Waits for the check.", "outcome": "refused"}


def jsonl(folder, *rows):
    path = folder / "mine.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_two_sides_from_a_csv(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text('text,option_complied,option_refused\n"Who gets the key?",Nobody.,"The guest, today."\n')
    (query,) = load_queries(path)
    assert query.options == (
        Option(Compliance.COMPLIED, "Nobody."),
        Option(Compliance.REFUSED, "The guest, today."),
    )


def test_tools_from_jsonl(tmp_path):
    (query,) = load_queries(jsonl(tmp_path, {"text": "Send the bill.", "tool_options": [SEND, WAIT]}))
    assert [(o.name, o.text, o.outcome) for o in query.options] == [
        ("send_now", "Sends it now.", Compliance.COMPLIED),
        ("wait", "Waits for the check.", Compliance.REFUSED),
    ]


def test_options_count_in_the_hash_and_their_absence_does_not(tmp_path):
    def sha(**more):
        return load_queries(jsonl(tmp_path, {"id": "a", "text": "Which?"} | more)).sha256

    plain = sha()
    assert sha(option_complied=None, option_refused="") == plain
    assert (
        len(
            {
                plain,
                sha(option_complied="x", option_refused="y"),
                sha(option_complied="y", option_refused="x"),
            }
        )
        == 3
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"option_complied": "Yes."}, "option_complied without option_refused"),
        ({"option_complied": "Yes.", "option_refused": "yes."}, "the same text"),
        ({"option_complied": "Yes.", "option_refused": "No.\nX: maybe"}, "a line break"),
        ({"option_complied": 3, "option_refused": "No."}, "option_complied is not a text"),
        ({"option_complied": "Yes.", "option_refused": "No.", "tool_options": [SEND, WAIT]}, "one kind"),
        ({"tool_options": "send_now"}, "not a list of 2 to 12 tools"),
        ({"tool_options": [SEND]}, "not a list of 2 to 12 tools"),
        ({"tool_options": [SEND, SEND | {"does": "Other."}]}, "two tools are called 'send_now'"),
        ({"tool_options": [SEND, WAIT | {"outcome": "complied"}]}, "no tool with the outcome refused"),
        ({"tool_options": [SEND, WAIT | {"outcome": "refuse"}]}, "did you mean 'refused'?"),
        ({"tool_options": [SEND, WAIT | {"doe": "x"}]}, "a tool has no 'doe'"),
        ({"tool_options": [SEND, WAIT | {"name": "Wait </tool>"}]}, "is no name for a tool"),
        ({"tool_options": [SEND, "wait"]}, "a tool is str, not an object"),
        ({"tool_options": [SEND, WAIT | {"does": "x" * 1_001}]}, "at most 1,000"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, row, told):
    path = jsonl(
        tmp_path, {"text": "Fine.", "option_complied": "a", "option_refused": "b"}, {"text": "Bad."} | row
    )
    with pytest.raises(QueryError) as caught:
        load_queries(path)
    assert told in f"{caught.value} {caught.value.hint}"
    assert "mine.jsonl, line 2" in (caught.value.where or "")
