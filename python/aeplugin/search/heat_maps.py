"""Heat maps of a study: samples trained on against samples tested on, a number in each cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.labels import text_width, wrap
from aeplugin.plots.drawing.log_axes import set_log_ticks
from aeplugin.plots.drawing.style import Caption, Look

_SHADES = "cividis"  # told apart with every kind of colour vision, and in grey
_CELL_WIDTH, _CELL_HEIGHT, _BAR, _RIGHT = 0.95, 0.62, 0.17, 1.05  # in inches
_FONT = 13.0
_LOG_FROM = 8.0


def draw_heat_map(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    groups: Sequence[int],
    title: str,
    notes: Sequence[str],
    look: Look,
    *,
    is_share: bool = False,
) -> Figure:
    """A number for each row and column, as a colour and as text.

    Args:
        values: shape (rows, columns); NaN where there is none, which is drawn as a dash.
        rows, columns: names of samples trained on and tested on; those of columns may have two lines.
        groups: columns before which there is a gap.
        title: of the colours.
        is_share: numbers are shares of 1, written in per cent.
    """
    names = [wrap(name) for name in rows]
    left = max(text_width(name, _FONT) for name in names) + 0.65
    upright = max(text_width(name, _FONT) for name in columns) > _CELL_WIDTH - 0.08
    bottom = (max(text_width(name, _FONT) for name in columns) if upright else 0.45) + 0.6
    inner_width = max(len(columns) * _CELL_WIDTH, 3.6)
    inner_height = max(len(rows) * _CELL_HEIGHT, 1.9)
    top = headings.height(inner_width, legend=False)
    width, height = left + inner_width + _RIGHT, bottom + inner_height + top
    figure = style.new_figure(width, height)
    ax = figure.add_axes((left / width, bottom / height, inner_width / width, inner_height / height))
    norm = _norm(values, is_share)
    edges = [np.arange(number + 1) - 0.5 for number in (len(columns), len(rows))]
    masked = np.ma.masked_invalid(values)
    mesh = ax.pcolormesh(*edges, masked, norm=norm, cmap=_SHADES, edgecolors="white", linewidth=0.8)
    for group in groups:
        ax.axvline(group - 0.5, color="white", linewidth=6)
    _write_numbers(ax, values, norm, is_share)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), names, fontsize=_FONT)
    ax.set_xticks(range(len(columns)), columns, fontsize=_FONT, rotation=90 if upright else 0)
    ax.minorticks_off()
    ax.tick_params(which="both", length=0, pad=5)
    ax.set_xlabel("Tested on")
    ax.set_ylabel("Trained on")
    headings.write(figure, Caption(look, "", ""), notes)
    bar = figure.add_axes(
        ((left + inner_width + 0.12) / width, bottom / height, _BAR / width, inner_height / height), label="bar"
    )
    figure.colorbar(mesh, cax=bar)
    if isinstance(norm, LogNorm):
        set_log_ticks(bar.yaxis)
    else:
        bar.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        bar.yaxis.set_major_formatter(wording.plain_ticks(-2 if is_share else 0))
    bar.minorticks_off()
    bar.tick_params(labelsize=11, which="both", length=3, left=False)
    bar.set_ylabel(wording.axis_title(title, "%", -2) if is_share else title, fontsize=12.5, labelpad=3)
    style.fit_text(bar.yaxis.label, inner_height / height * figure.bbox.height, vertical=True)
    return figure


def _norm(values: np.ndarray, is_share: bool) -> Normalize:
    finite = values[np.isfinite(values)]
    if len(finite) == 0 or (is_share and finite.max() > 0.5):
        return Normalize(0, 1)
    low, high = float(finite.min()), float(finite.max())
    if not is_share and low > 0 and high / low > _LOG_FROM:
        return LogNorm(low, high)
    return Normalize(0, high or 1)


def _write_numbers(ax: Axes, values: np.ndarray, norm: Normalize, is_share: bool) -> None:
    """The numbers of all cells; white on dark ones."""
    shades = colormaps[_SHADES]
    for (i, j), value in np.ndenumerate(values):
        colour: tuple[Any, ...] = shades(norm(value)) if math.isfinite(value) else (1, 1, 1, 1)
        is_dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.5
        ax.text(j, i, _number(value, is_share), ha="center", va="center", color="white" if is_dark else "black")


def _number(value: float, is_share: bool) -> str:
    if not math.isfinite(value):
        return "\u2013"
    if is_share and value < 0.1:
        return f"{100 * value:.2g}"
    number = 100 * value if is_share else value
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:.0f}"
