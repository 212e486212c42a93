"""The page and table of before-after: hostile text does nothing, no figure is missing, no file is lost."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from tests.auditing.test_before_after import model
from tests.auditing.test_compare import save
from tests.report.hostile import ATTACKS
from tests.report.watched import SMALLEST_CONTRAST, watch
from unmask.auditing.before_after import SaidChange, before_after
from unmask.errors import UsageError
from unmask.report import numbers
from unmask.report.change import ChangeTable, lines, render, write_change
from unmask.report.visible import is_plain


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    roots = [
        save(folder / "one", model("one", 0.05, 0.05), n_queries=40),
        save(folder / "two", model("two", 0.9, 0.3), seed=9, n_queries=40),
    ]
    made = before_after(roots)
    share = made.cells[0].before
    return dataclasses.replace(
        made, said=[SaidChange("believed", "was it real?", "trained", "yes", share, None, None)]
    )


@pytest.fixture(scope="module")
def hostile(found):
    text = " ".join(ATTACKS)
    cells = [dataclasses.replace(c, condition=c.condition | {"tag": text}) for c in found.cells]
    said = [dataclasses.replace(s, about=text, choice=text) for s in found.said]
    return dataclasses.replace(
        found, before=text, after=text, sentence=text, reasons=[text], open=[text],
        allowed={"prompt": [text]}, cells=cells, said=said,
    )  # fmt: skip


def test_every_figure_stands_on_the_page_and_in_the_table(found):
    page = render(found)
    out = io.StringIO()
    Console(file=out, width=160).print(ChangeTable(found))
    for line in lines(found):
        assert numbers.points(line.interval.estimate) in page
        assert numbers.limits(line.interval) in page
        assert numbers.gap(line.interval) in out.getvalue()
    assert f"{found.ratio.low:.2f}" in page
    for cell in found.cells:
        assert numbers.limits(cell.change) in page
    assert found.canary in page


def test_hostile_text_is_text(hostile):
    page = render(hostile)
    assert "<script" not in page
    assert "<svg onload" not in page
    out = io.StringIO()
    Console(file=out, width=400).print(ChangeTable(hostile))
    assert is_plain(out.getvalue())


def test_only_its_own_page_is_replaced(found, tmp_path):
    path = tmp_path / "change.html"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="no page of unmask before-after"):
        write_change(found, path)
    assert path.read_text(encoding="utf-8") == "mine"
    write_change(found, path, overwrite=True)
    write_change(found, path)
    assert path.read_text(encoding="utf-8") == render(found)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1400])
def test_in_a_browser_it_fits_can_be_read_and_asks_nobody(browser, found, hostile, tmp_path, width, scheme):
    for name, made in (("plain", found), ("hostile", hostile)):
        (tmp_path / f"{name}.html").write_text(render(made), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        watched = watch(context, f"file://{tmp_path / name}.html")
        watched.quiet()
        page = watched.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SMALLEST_CONTRAST)["ratio"] >= 4.5
        context.close()
