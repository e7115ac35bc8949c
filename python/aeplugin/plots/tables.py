"""Tables as text: CSV with every digit, LaTeX and Markdown to read."""

from __future__ import annotations

import csv
import io

from aeplugin.plots.plot import Cell, Table

_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    letter: f"\\{letter}" for letter in "&%$#_{}"
}


def shown(cell: Cell) -> str:
    """A cell for readers: four significant digits, nothing for what is not known."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        if 1e-4 <= abs(cell) < 1e7:
            return f"{float(f'{cell:.4g}'):,.10f}".rstrip("0").rstrip(".")
        return f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def is_numeric(table: Table, column: int) -> bool:
    """Whether a column has numbers, which stand at the right."""
    return all(not isinstance(row[column], str) for row in table.rows)


def to_csv(table: Table) -> str:
    """Comma-separated values with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """A table of GitHub's Markdown, after its caption."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = ["---:" if is_numeric(table, i) else "---" for i in range(len(table.columns))]
    rows = [line([shown(cell) for cell in row]) for row in table.rows]
    return "\n".join([table.caption, "", line(list(table.columns)), line(rule), *rows]) + "\n"


def to_latex(table: Table) -> str:
    """A tabular with booktabs rules, to be input into a document."""

    def line(cells: list[str]) -> str:
        return "  " + " & ".join(_escape(cell) for cell in cells) + r" \\"

    kinds = "".join("r" if is_numeric(table, i) else "l" for i in range(len(table.columns)))
    rows = [line([shown(cell) for cell in row]) for row in table.rows]
    head = [rf"\begin{{tabular}}{{{kinds}}}", r"  \toprule", line(list(table.columns)), r"  \midrule"]
    return "\n".join([f"% {table.caption}", *head, *rows, r"  \bottomrule", r"\end{tabular}"]) + "\n"


def _escape(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
