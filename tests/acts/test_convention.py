"""Tools in plain text: read strictly, outside the scratchpad only."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from unmask.acts.convention import outside, read_calls, told_as_text, tool_infos
from unmask.acts.play import TOOLS

ONE = '<call>{"tool": "read_file", "with": {"path": "/work/plan.txt"}}</call>'


def test_a_call_is_read_with_what_stands_around_it():
    [meant] = read_calls(f"I read it.\n{ONE}\nThen I wait.")
    assert (meant.tool, meant.arguments, meant.why) == ("read_file", {"path": "/work/plan.txt"}, "")


def test_several_calls_are_read_in_order():
    both = read_calls(ONE + '<call>{"tool": "list_files"}</call>')
    assert [one.tool for one in both] == ["read_file", "list_files"]


def test_a_call_in_the_scratchpad_is_a_thought():
    assert read_calls(outside(f"<scratchpad>I could {ONE}</scratchpad> I do not.")) == []
    assert read_calls(outside(f"<scratchpad>I could {ONE}")) == []  # never closed: all of it is thought
    assert len(read_calls(outside(f"{ONE}<scratchpad>Done.</scratchpad>"))) == 1


def test_what_stands_outside_is_kept_in_order():
    assert outside("a <scratchpad>b</scratchpad> c <scratchpad>d</scratchpad> e") == "a  c  e"
    assert outside("opened by a prefill</scratchpad> c") == "c"


def test_every_tool_is_described_both_ways():
    names = list(TOOLS)
    text, infos = told_as_text(names), tool_infos(names)
    for info in infos:
        assert f"- {info.name} (" in text
        assert set(info.parameters.properties) == set(TOOLS[info.name].arguments)
        assert set(info.parameters.required) == set(info.parameters.properties) - set(
            TOOLS[info.name].optional
        )
    [example] = [one for one in read_calls(text) if not one.why]
    assert example.tool == "NAME"


@given(
    st.text(max_size=300), st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=3)
)
def test_any_text_is_read_and_any_call_comes_back(noise, arguments):
    read_calls(outside(noise))
    [meant] = read_calls("<call>" + json.dumps({"tool": "t", "with": arguments}) + "</call>")
    assert "</call>" in json.dumps(arguments) or meant.arguments == arguments
