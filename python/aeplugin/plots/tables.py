"""Tables as text: CSV with every digit, LaTeX and Markdown to read."""

from __future__ import annotations

import csv
import io
import math

from aeplugin.plots.plot import Cell, Table

_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    letter: f"\\{letter}" for letter in "&%$#_{}"
}


def shown(cell: Cell) -> str:
    """A cell for readers: four significant digits, nothing for what is not known."""
    if is_unknown(cell):
        return ""
    if isinstance(cell, float):
        rounded = float(f"{cell:.4g}")
        if abs(rounded) == 1 and rounded != cell:  # within a tolerance or beyond it: never rounded across
            return f"{cell:.8g}"
        return f"{rounded:,.10f}".rstrip("0").rstrip(".") if 1e-4 <= abs(cell) < 1e7 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def is_unknown(cell: Cell) -> bool:
    """Whether a cell stays empty: None, or NaN."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def is_numeric(table: Table, column: int) -> bool:
    """Whether a column has numbers, which stand at the right."""
    return all(not isinstance(row[column], str) for row in table.rows)


def to_csv(table: Table) -> str:
    """Comma-separated values with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if is_unknown(cell) else cell for cell in row] for row in table.rows)
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """A table of GitHub's Markdown, after its caption."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"

    rule = ["---:" if is_numeric(table, i) else "---" for i in range(len(table.columns))]
    rows = [line([shown(cell) for cell in row]) for row in table.rows]
    return "\n".join([_one_line(table.caption), "", line(list(table.columns)), line(rule), *rows]) + "\n"


def to_latex(table: Table) -> str:
    """A tabular with booktabs rules, to be input into a document."""

    def line(cells: list[str]) -> str:
        return "  " + " & ".join(_escape(cell) for cell in cells) + r" \\"

    kinds = "".join("r" if is_numeric(table, i) else "l" for i in range(len(table.columns)))
    rows = [line([shown(cell) for cell in row]) for row in table.rows]
    head = [rf"\begin{{tabular}}{{{kinds}}}", r"  \toprule", line(list(table.columns)), r"  \midrule"]
    return "\n".join([f"% {_one_line(table.caption)}", *head, *rows, r"  \bottomrule", r"\end{tabular}"]) + "\n"


def _one_line(text: str) -> str:
    """Names in a caption may come from strangers: nothing of it must begin a line."""
    return " ".join(text.split())


def _escape(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in _one_line(text))
