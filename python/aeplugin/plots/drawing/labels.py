"""Variables' labels where there is little room: residuals as symbols, and long names on several lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from aeplugin.plots.drawing import style, wording
from aeplugin.recipe import LooseColumn

LONG = 14
"""Letters of a name that fit on a line of a small panel."""


def short_label(label: str, column: LooseColumn) -> str:
    """A residual in kind as a symbol, ``$\\Delta p_T / p_T$`` or ``$\\Delta \\eta$``; a long name on several lines."""
    relative = column.tolerance.rel is not None
    symbol = re.fullmatch(r"\$([^$]+)\$", label)
    if symbol:
        return rf"$\mathrm{{\Delta}}{symbol[1]} / {symbol[1]}$" if relative else rf"$\mathrm{{\Delta}}{symbol[1]}$"
    if len(label) > (LONG // 2 if relative else LONG):
        return wrap(f"rel. residual of {label}" if relative else f"residual of {label}")
    return rf"$\mathrm{{\Delta}}${label} / {label}" if relative else rf"$\mathrm{{\Delta}}${label}"


def axis_label(label: str, unit: str, exponent: int = 0) -> str:
    """`label` with its unit, as `wording.axis_title`; on a line of its own under a label of several lines."""
    if "\n" not in label:
        return wording.axis_title(label, unit, exponent)
    return f"{label}\n{wording.axis_title('', unit, exponent).strip()}".rstrip()


def lines_of(labels: Iterable[str]) -> int:
    """How many lines the longest of some labels has."""
    return 1 + max((label.count("\n") for label in labels), default=0)


def wrap(label: str, length: int = LONG + 4) -> str:
    """A label on lines of about `length` letters, broken at blanks, after underscores and before capitals.

    Mathtext stays as it is.
    """
    if "$" in label or len(label) <= length:
        return label
    pieces = re.findall(r"[^ _]*[ _]|[^ _]+$", label)
    pieces = [part for piece in pieces for part in _parts(piece, length)]
    lines = [""]
    for piece in pieces:
        if lines[-1] and len((lines[-1] + piece).rstrip()) > length:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip(" ") for line in lines)


def _parts(piece: str, length: int) -> list[str]:
    """A piece without blanks, cut before capitals where it is too long for a line."""
    return [piece] if len(piece) <= length else re.findall(r"[A-Z]*[^A-Z]*", piece)[:-1]


def text_width(text: str, size: float) -> float:
    """Inches of a text, of its longest line, in the font of the active style at `size` points."""
    figure: Any = style.new_figure(1, 1)
    extent = figure.text(0, 0, text, fontsize=size).get_window_extent(figure.canvas.get_renderer())
    return float(extent.width / figure.dpi)
