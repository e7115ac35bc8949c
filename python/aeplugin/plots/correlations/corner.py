"""The residuals of a collection's variables against each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import hist
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from aeplugin import residuals
from aeplugin.plots.correlations.contours import LINES, SHARES, draw_contours
from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.labels import axis_label, lines_of, short_label
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import Filled, Study, key_in_kind
from aeplugin.plots.pairs import Group
from aeplugin.recipe import Column

_LEFT, _RIGHT, _BOTTOM, _LINE = 0.95, 1.05, 0.85, 0.14  # margins and further lines of labels, in inches
_TOLERANCE: dict[str, Any] = {"color": style.VERMILION, "linewidth": 0.9, "linestyle": (0, (4, 2))}


def draw_corner(study: Study, names: Sequence[str], caption: Caption) -> Figure:
    """Residuals in kind (relative for `rel`, else absolute): distributions on the diagonal, pairs below it.

    Lines in the pairs' panels enclose 68 % and 95 % of the objects. Above the diagonal stand the linear correlation
    coefficients of all objects with finite residuals, outliers included. The ranges are those of the residual plots
    (99.5 % of each variable); the header says which share of the objects the pairs' panels lack at most.

    Args:
        names: the variables to draw, in the recipe's order.
    """
    filled, group = study.filled, study.group
    size = len(names)
    panel = min(2.0, max(1.25, 10 / size))
    top = headings.height(size * panel)
    lines = lines_of(axis_label(short_label(group.labels[name], group.columns[name]), "%") for name in names)
    left, bottom = _LEFT + _LINE * (lines - 1), _BOTTOM + _LINE * (lines - 1)
    width, height = size * panel + left + _RIGHT, size * panel + top + bottom
    figure = style.new_figure(width, height)
    grid = figure.subplots(size, size, squeeze=False)
    style.set_margins(figure, left, _RIGHT, top, bottom, wspace=0.07, hspace=0.07)
    small = 10.0 if size > 5 else 11.0
    pairs = {(x, y): filled.pairs[x, y] for row, y in enumerate(names) for x in names[:row]}
    norm = _colour_range(pairs.values())
    order = list(group.columns)
    has_lines = False
    mesh = None
    for row, y in enumerate(names):
        for column, x in enumerate(names):
            ax = grid[row, column]
            if column > row:
                _write_coefficient(ax, study.found.correlation[order.index(x), order.index(y)], size)
                continue
            if column == row:
                _draw_diagonal(ax, filled, x, group.columns[x])
            else:
                pair = pairs[x, y]
                content = pair.values().T.astype(float)
                mesh = ax.pcolormesh(
                    pair.axes[0].edges,
                    pair.axes[1].edges,
                    np.where(content > 0, content, np.nan),
                    norm=norm,
                    cmap="cividis_r",
                    rasterized=True,
                )
                has_lines |= draw_contours(ax, pair)
                _mark_tolerance(ax, pair.axes[0].edges, group.columns[x], vertical=True)
                _mark_tolerance(ax, pair.axes[1].edges, group.columns[y], vertical=False)
                ax.set_ylim(pair.axes[1].edges[0], pair.axes[1].edges[-1])
            _dress(ax, filled, group, (x, y), (column == 0 and row > 0, row == size - 1), small)
    _align(figure, grid)
    headings.write(figure, caption, _notes(study, names, caption), _legend(has_lines))
    if mesh is not None:
        bar = figure.add_axes((1 - 0.88 * _RIGHT / width, bottom / height, 0.16 / width, size * panel / height))
        figure.colorbar(mesh, cax=bar)
        bar.tick_params(labelsize=small, which="both", length=3, left=False)
        bar.set_ylabel(caption.per_bin, fontsize=small + 1, labelpad=2)
    return figure


def _colour_range(pairs: Iterable[hist.Hist]) -> LogNorm:
    """From the emptiest to the fullest bin of all panels, at least a decade: of weights of any size."""
    filled = np.concatenate([contents[contents > 0] for contents in (np.asarray(pair.values()) for pair in pairs)])
    low, high = (filled.min(), filled.max()) if len(filled) else (1.0, 1.0)
    return LogNorm(0.8 * low, max(10 * low, high))


def _round_down(value: float) -> float:
    """The largest of 1, 2, 2.5 and 5 times a power of ten that is not above `value`."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(factor for factor in (1, 2, 2.5, 5) if factor * power <= value * (1 + 1e-9)) * power


def _draw_diagonal(ax: Axes, filled: Filled, variable: str, column: Column) -> None:
    histogram = filled.residuals[key_in_kind(variable, column)]
    edges, contents = histogram.axes[0].edges, histogram.values()
    ax.stairs(contents, edges, fill=True, color=style.SKY, alpha=0.45)
    ax.stairs(contents, edges, color=style.BLUE, linewidth=1.1)
    _mark_tolerance(ax, edges, column, vertical=True)
    ax.set_ylim(0, 1.12 * (contents.max() or 1))
    ax.yaxis.set_major_locator(NullLocator())
    ax.yaxis.set_minor_locator(NullLocator())


def _mark_tolerance(ax: Axes, edges: np.ndarray, column: Column, *, vertical: bool) -> None:
    bound = residuals.bound(column)
    if bound < edges[-1]:
        draw = ax.axvline if vertical else ax.axhline
        for side in (-bound, bound):
            draw(side, **_TOLERANCE)


def _write_coefficient(ax: Axes, coefficient: float, size: int) -> None:
    """A cell of the upper triangle: the number, on a colour from violet (-1) over white to orange (+1)."""
    defined = np.isfinite(coefficient)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.minorticks_off()
    for spine in ax.spines.values():
        spine.set_color("#BBBBBB")
        spine.set_linewidth(0.6)
    colour = mpl.colormaps["PuOr_r"](0.5 + 0.32 * coefficient) if defined else "white"
    ax.set_facecolor(colour)
    text = f"{coefficient:.2f}".replace("-0.00", "0.00") if defined else "\u2013"
    ax.text(
        0.5,
        0.5,
        text.replace("-", "\u2212"),
        ha="center",
        va="center",
        transform=ax.transAxes,
        fontsize=15 if size <= 5 else 12,
    )


def _dress(
    ax: Axes,
    filled: Filled,
    group: Group,
    pair: tuple[str, str],
    outer: tuple[bool, bool],
    small: float,
) -> None:
    """Ticks on every panel, labels at the outer ones (left, bottom) only; at most three, away from the corners."""
    left, bottom = outer
    ax.tick_params(which="both", length=3, labelsize=small, labelleft=left, labelbottom=bottom, pad=3)
    ax.tick_params(which="minor", length=1.5)
    for name, axis, shown in ((pair[0], ax.xaxis, bottom), (pair[1], ax.yaxis, left)):
        if axis is ax.yaxis and pair[0] == pair[1]:
            continue
        column = group.columns[name]
        reach = float(filled.residuals[key_in_kind(name, column)].axes[0].edges[-1])
        unit = "%" if column.tolerance.rel is not None else column.unit
        exponent = wording.axis_exponent(reach, unit)
        tick = _round_down(0.75 * reach)
        axis.set_major_locator(FixedLocator([-tick, 0, tick]))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(wording.plain_ticks(exponent))
        if shown:
            title = axis_label(short_label(group.labels[name], column), unit, exponent)
            (ax.set_xlabel if axis is ax.xaxis else ax.set_ylabel)(
                title, fontsize=small if "\n" in title else small + 2, loc="center"
            )
        if axis is ax.xaxis:
            ax.set_xlim(-reach, reach)


def _align(figure: Figure, grid: np.ndarray) -> None:
    """Labels of outer panels on one line, and short enough for their panel."""
    for ax in grid[-1, :]:
        style.fit_text(ax.xaxis.label, 0.97 * ax.get_window_extent().width)
    for ax in grid[1:, 0]:
        style.fit_text(ax.yaxis.label, 0.97 * ax.get_window_extent().height, vertical=True)
    figure.align_xlabels(list(grid[-1, :]))
    figure.align_ylabels(list(grid[1:, 0]))


def _legend(has_lines: bool) -> tuple[list[Line2D], list[str]]:
    """Handles and labels of the lines in the panels."""
    handles, labels = [Line2D([], [], **_TOLERANCE)], ["Tolerance"]
    if has_lines:
        handles += [Line2D([], [], color="black", linewidth=1.3, linestyle=line) for line in LINES]
        labels += [f"{share:.0%} inside".replace("%", " %") for share in SHARES]
    return handles, labels


def _notes(study: Study, names: Sequence[str], caption: Caption) -> list[str]:
    """How many objects there are, what the panels lack of them, and which variables are shown."""
    objects = study.found.objects
    notes = [f"{wording.count(objects)} {caption.noun}"]
    if missing := objects - study.found.complete:
        notes.append(f"{wording.count(missing)} without a finite residual")
    inside = [_share_inside(study.filled.pairs[x, y]) for row, y in enumerate(names) for x in names[:row]]
    if min(inside) < 1:
        notes.append(f"up to {wording.percent(1 - min(inside))} outside of a panel")
    if len(names) < len(study.group.columns):
        notes.append(f"{len(names)} of {len(study.group.columns)} variables")
    return notes


def _share_inside(pair: hist.Hist) -> float:
    """Share of the contents that is not in the flow."""
    everything = float(np.asarray(pair.values(flow=True), float).sum())
    return float(np.asarray(pair.values(), float).sum()) / everything if everything > 0 else 1.0
