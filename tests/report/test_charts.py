import xml.etree.ElementTree as ET

import pytest

from unmask.report import charts
from unmask.report.charts import NARROW, WIDE, Row
from unmask.report.svg import clean

SVG = "{http://www.w3.org/2000/svg}"


def marks(svg, colour):
    return [e for e in ET.fromstring(svg).iter() if colour in (e.get("fill"), e.get("stroke"))]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_an_interval_is_drawn_where_it_belongs(size):
    colour = "#123456"
    svg = charts.rates([Row("a", "x", 50.0, 25.0, 75.0, colour=colour)], size)
    lines = [e for e in marks(svg, colour) if e.tag == f"{SVG}line"]
    start = [float(line.get("transform")[10:].split(",")[0]) for line in lines]
    length = [abs(float(line.get("x2"))) for line in lines]
    ends = {(round(min(s, s - n, s + n if n else s)), round(n)) for s, n in zip(start, length, strict=True)}
    assert {n for _, n in ends} == {round(size.plot / 2)}


def test_limits_beyond_the_axis_are_cut_at_its_end_and_told_in_words():
    svg = charts.contrasts([Row("a", "+90.0 (−140.0 to +140.0)", 90.0, -140.0, 140.0)], WIDE, delta=5)
    assert "−140.0 to +140.0" in svg
    assert ET.fromstring(svg).get("viewBox")


def test_statuses_fill_the_bar_and_an_empty_cell_draws_none():
    svg = charts.statuses([(Row("one"), {"ok": 1, "error": 3}), (Row("none"), {})], WIDE)
    colours = charts.STATUS_COLOURS
    assert len(marks(svg, colours["ok"])) == len(marks(svg, colours["error"])) == 1
    assert "none" in svg


def test_no_rows_still_draw_an_axis():
    assert "0 %" in charts.rates([], WIDE)


def test_a_note_stays_with_the_picture():
    assert "screening" in charts.rates([Row("a", "x", 5.0, 1.0, 9.0)], NARROW, note="by a screening judge")


def test_only_shapes_and_words_pass():
    dirty = (
        '<svg xmlns="http://www.w3.org/2000/svg" onload="x()" style="color:red">'
        '<script>x()</script><a href="javascript:x()"><text>in a link</text></a><style>*{}</style>'
        '<foreignObject><p/></foreignObject><image href="https://evil.invalid"/>'
        '<g><rect fill="url(#x)" width="1" onclick="x()"/></g>'
        '<text style="x" fill="#fff">&lt;b&gt;</text></svg>'
    )
    svg = clean(dirty)
    for bad in (
        "script",
        "href",
        "style",
        "onload",
        "onclick",
        "url(",
        "foreignObject",
        "image",
        "in a link",
    ):
        assert bad not in svg
    assert "&lt;b&gt;" in svg


@pytest.mark.parametrize("text", ["", "<p/>", "<svg>", "<html xmlns='x'/>"])
def test_what_is_not_svg_is_refused(text):
    with pytest.raises(ValueError, match="not SVG"):
        clean(text)
