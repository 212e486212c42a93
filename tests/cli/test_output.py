"""What the verbs print of files from anywhere does nothing to a terminal."""

import csv
import json

import pytest

from unmask.cli import main
from unmask.cli._output import shown

ACTS = "\x1b]0;taken over\x07\x1b[2J\u009b31m\u202e"


@pytest.fixture
def steering(tmp_path):
    path = tmp_path / "steering.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["reply", "prompt", "tier", f"name{ACTS}"], ["a", "b", "free", "c"]])
    return str(path)


def test_columns_of_a_file_are_shown_and_do_nothing(steering, capsys):
    assert main(["import", steering, "--columns"]) == 0
    out = capsys.readouterr().out
    assert "name⟦ESC⟧]0;taken over⟦BEL⟧" in out
    assert not any(c in out for c in ACTS if not c.isprintable())


def test_an_error_that_names_them_does_nothing(steering, capsys):
    assert main(["import", steering, "--map", "reply=x", "--json"]) == 2
    told = capsys.readouterr()
    assert "⟦ESC⟧" in told.err
    assert not any(c in told.err + told.out for c in ACTS if not c.isprintable())


def test_json_on_stdout_is_ascii_and_says_the_same(steering, capsys):
    assert main(["import", steering, "--columns", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out)["columns"][-1] == f"name{ACTS}"


@pytest.mark.parametrize("text", ["plain\n\ttext – δ", "zero\u200dwidth joiner", "a\u00a0b"])
def test_ordinary_text_is_printed_as_it_is(text):
    assert shown(text) == text
