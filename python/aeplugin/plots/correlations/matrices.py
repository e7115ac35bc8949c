"""Matrices of correlation coefficients as heat maps with numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import hist
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.labels import lines_of, text_width, wrap
from aeplugin.plots.drawing.style import Caption

DECIMALS_UP_TO, NUMBERS_UP_TO = 12, 36
"""How many variables may have numbers with decimals, and numbers (in per cent) at all."""
_LINE_LENGTHS = (24, 32, 40)
"""Of labels, in letters."""
_SMALLEST = 6.0
"""Font size of labels, in points."""
_COLOURS = "PuOr_r"  # violet (-) over white to orange (+): told apart with every kind of colour vision
_RIGHT, _BAR, _LONGEST = 1.0, 0.17, 2.2  # in inches: what is right of the matrix, the colour bar, labels at most


def draw_matrix(
    matrix: np.ndarray,
    labels: Sequence[str],
    title: str,
    notes: Sequence[str],
    caption: Caption,
    *,
    difference: bool = False,
) -> Figure:
    """A heat map of coefficients with a number in each cell, as long as there is room for numbers.

    Args:
        matrix: shape (variables, variables); NaN where a coefficient is undefined, which is drawn as a dash.
        labels: of the variables.
        title: of the colour bar.
        notes: what is shown, for the header.
        difference: the colours' range is the matrix's own, instead of -1 to 1.
    """
    size = len(matrix)
    reach, exponent, decimals = _scale(matrix, size, difference)
    cell = min(0.85, max(0.31, 6.0 / size))
    side = max(size * cell, 3.4)
    names, font = _fitted(labels, side / size)
    margin = min(max(text_width(name, font) for name in names), _LONGEST) + 0.25
    top = headings.height(side, legend=False)
    width, height = margin + side + _RIGHT, margin + side + top
    figure = style.new_figure(width, height)
    ax = figure.add_axes((margin / width, margin / height, side / width, side / height))
    norm = Normalize(-reach, reach)
    edges = np.arange(size + 1) - 0.5
    mesh = ax.pcolormesh(edges, edges, matrix, norm=norm, cmap=_COLOURS, edgecolors="white", linewidth=0.6)
    if size <= NUMBERS_UP_TO:
        _write_numbers(ax, matrix, norm, decimals, exponent, 0.8 * side / size)
    _name_axes(ax, names, font, margin - 0.2)
    headings.write(figure, caption, notes)
    bar = figure.add_axes(((margin + side + 0.12) / width, margin / height, _BAR / width, side / height))
    figure.colorbar(mesh, cax=bar)
    bar.yaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
    bar.yaxis.set_major_formatter(wording.plain_ticks(exponent))
    bar.minorticks_off()
    bar.tick_params(labelsize=11, which="both", length=3, left=False)
    unit = "%" if exponent == -2 and not difference else ""
    bar.set_ylabel(wording.axis_title(title, unit, exponent), fontsize=12.5, labelpad=3)
    style.fit_text(bar.yaxis.label, side / height * figure.bbox.height, vertical=True)
    return figure


def as_histogram(matrix: np.ndarray, variables: Sequence[str]) -> hist.Hist:
    """A matrix to be saved with the histograms; coefficients that are undefined become 0."""
    axes = [hist.axis.StrCategory(list(variables), label=f"variable ({side})") for side in ("column", "row")]
    made = hist.Hist(*axes, storage=hist.storage.Double())
    made.view()[...] = np.nan_to_num(matrix)
    return made


def _scale(matrix: np.ndarray, size: int, difference: bool) -> tuple[float, int, int]:
    """Half the range of colours, the power of ten that numbers leave out, and their decimals."""
    dense = size > DECIMALS_UP_TO
    if not difference:
        return 1.0, (-2 if dense else 0), (0 if dense else 2)
    largest = float(np.nanmax(np.abs(matrix), initial=0))
    # Below the rounding of double precision there is nothing to see.
    if largest < 1e-12:
        return 1.0, 0, 0
    exponent = math.floor(math.log10(largest)) - dense
    return largest, exponent, 0 if dense else 1


def _write_numbers(ax: Axes, matrix: np.ndarray, norm: Normalize, decimals: int, exponent: int, room: float) -> None:
    """The numbers of all cells in one size, that of the longest in `room` inches; white on dark cells."""
    written = [[_number(value, decimals, exponent) for value in row] for row in matrix]
    longest = max((text for row in written for text in row), key=len)
    size = min(13.0, 72 * room / (0.56 * len(longest)))
    colours = mpl.colormaps[_COLOURS]
    for i, row in enumerate(written):
        for j, text in enumerate(row):
            red, green, blue, _ = colours(norm(matrix[i, j])) if math.isfinite(matrix[i, j]) else (1, 1, 1, 1)
            is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.45
            ax.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if is_dark else "black")


def _number(value: float, decimals: int, exponent: int) -> str:
    if not math.isfinite(value):
        return "\u2013"
    text = f"{value / 10.0**exponent:.{decimals}f}"
    return f"{0:.{decimals}f}" if float(text) == 0 else text.replace("-", "\u2212")


def _name_axes(ax: Axes, names: Sequence[str], font: float, room: float) -> None:
    """The first variable at the upper left; names at the left and, upright where they are long, below."""
    size = len(names)
    ax.set_xlim(-0.5, size - 0.5)
    ax.set_ylim(size - 0.5, -0.5)
    ax.minorticks_off()
    ax.tick_params(which="both", length=0, pad=5)
    ax.set_yticks(range(size), names, fontsize=font)
    ax.set_xticks(range(size), names, fontsize=font)
    figure: Any = ax.get_figure(root=True)
    cell = ax.get_window_extent().width / size
    widest = max(_extent(text).width for text in ax.get_xticklabels())
    if widest > 0.95 * cell:
        ax.tick_params(axis="x", labelrotation=90)
    for text in ax.get_yticklabels():
        style.fit_text(text, room * figure.dpi, smallest=4)
    for text in ax.get_xticklabels():
        style.fit_text(text, room * figure.dpi, vertical=True, smallest=4)


def _fitted(labels: Sequence[str], cell: float) -> tuple[list[str], float]:
    """Labels, long ones on several lines, and the largest font with which they fit beside cells of so many inches."""
    for font in np.arange(13, _SMALLEST - 0.5, -0.5):
        for length in _LINE_LENGTHS:
            names = [wrap(label, length) for label in labels]
            is_low = lines_of(names) * 1.2 * font / 72 <= cell
            if is_low and max(text_width(name, font) for name in names) <= _LONGEST:
                return names, float(font)
    return [wrap(label, _LINE_LENGTHS[-1]) for label in labels], _SMALLEST


def _extent(text: Text) -> Any:
    figure: Any = text.get_figure(root=True)
    return text.get_window_extent(figure.canvas.get_renderer())
