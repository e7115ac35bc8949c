"""Tables as CSV, LaTeX and Markdown."""

from __future__ import annotations

from aeplugin.plots.plot import Section, Table
from aeplugin.plots.tables import shown, to_csv, to_latex, to_markdown


def test_tables_as_text() -> None:
    rows = [("a|b", 1234567, 0.000123456, None), ("50 % & _x_", 0, -2.5, 1.0)]
    table = Table("t", Section.variables, "T", "A caption.", ("name", "n", "x", "y"), rows)
    assert to_csv(table).splitlines()[1:] == ["a|b,1234567,0.000123456,", "50 % & _x_,0,-2.5,1.0"]
    markdown = to_markdown(table).splitlines()
    assert markdown[3:5] == ["| --- | ---: | ---: | ---: |", "| a\\|b | 1,234,567 | 0.0001235 |  |"]
    latex = to_latex(table)
    assert r"50 \% \& \_x\_ & 0 & -2.5 & 1 \\" in latex
    assert r"\begin{tabular}{lrrr}" in latex


def test_names_in_tables_stay_in_their_line() -> None:
    table = Table("t", Section.variables, "T", "a\n\\input{x}\n%", ("na\nme",), [("x\ny",)])
    assert to_latex(table).splitlines()[0] == "% a \\input{x} %"
    assert not any(line.startswith("\\input") for line in to_latex(table).splitlines())
    assert "| x y |" in to_markdown(table)


def test_numbers_in_tables_are_not_rounded_across_one() -> None:
    assert shown(0.99999987) == "0.99999987"
    assert shown(1.0) == "1"
    assert shown(float("nan")) == ""
    assert shown(81414.2) == "81,410"
