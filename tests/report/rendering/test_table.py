"""Which columns of a table align at the right, and what a table is called."""

from alexnet_study.report.rendering.page import _with_interval, numbered
from alexnet_study.report.rendering.section import Section
from alexnet_study.report.rendering.table import Table, table


def made(**columns: list[str]) -> Table:
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return table("some", "Some table: of words, and numbers.", rows, rows)


def test_columns_of_numbers_alone_are_numeric() -> None:
    own = made(
        word=["a", "b"],
        estimate=["48.92 [48.10, 49.74]", "–"],
        signed=["−1.03", "+5.92 [+4.15, +7.70] (n = 3)"],
        count=["2,258,954", "10"],
        p=["< 0.0001", "0.05"],
        mixed=["1 of 2: good", "3"],
        bare=["–", "–"],
    )
    assert own.numeric == [False, True, True, True, True, False, False]


def test_a_title_is_the_captions_beginning() -> None:
    assert made(a=["1"]).title == "Some table"


def test_tables_are_numbered_through_the_report() -> None:
    one, two = made(a=["1"]), table("other", "Other.", [{"a": 1}], [{"a": 1}])
    sections = [Section(name="x", title="X", items=(one,)), Section(name="y", title="Y", items=(two,))]
    assert numbered(sections) == {("Table", "some"): "Table 1", ("Table", "other"): "Table 2"}


def test_an_interval_stands_under_its_estimate_and_cells_are_escaped() -> None:
    assert _with_interval("48.92 [48.10, 49.74]") == "48.92 <span>[48.10, 49.74]</span>"
    assert _with_interval("<b> [1]") == "&lt;b&gt; <span>[1]</span>"
    assert _with_interval("a <b> c") == "a &lt;b&gt; c"
