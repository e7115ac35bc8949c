"""The residuals of a collection's variables against each other."""

from __future__ import annotations

import math
import re

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from aeplugin import residuals
from aeplugin.plots import style, wording
from aeplugin.plots.filling import Filled, Survey, key_in_kind
from aeplugin.plots.pairs import Group
from aeplugin.plots.style import Caption
from aeplugin.recipe import Column

_LEFT, _RIGHT, _TOP, _BOTTOM = 0.95, 1.05, 0.85, 0.85  # margins in inches


def draw_corner(filled: Filled, found: Survey, group: Group, labels: dict[str, str], caption: Caption) -> Figure:
    """Residuals in kind (relative for `rel`, else absolute): distributions on the diagonal, pairs below it.

    Above the diagonal stand the linear correlation coefficients of all objects with finite residuals, outliers
    included. The ranges are those of the residual plots (99.5 % of each variable); the header says which share of the
    objects the pairs' panels lack at most. Dashed lines are the tolerances.
    """
    names = list(group.columns)
    size = len(names)
    panel = min(2.0, max(1.25, 10 / size))
    width, height = size * panel + _LEFT + _RIGHT, size * panel + _TOP + _BOTTOM
    figure = style.new_figure(width, height)
    grid = figure.subplots(size, size, squeeze=False)
    figure.subplots_adjust(
        left=_LEFT / width,
        right=1 - _RIGHT / width,
        top=1 - _TOP / height,
        bottom=_BOTTOM / height,
        wspace=0.07,
        hspace=0.07,
    )
    small = 10.0 if size > 5 else 11.0
    fullest = max((h.values().max() for h in filled.pairs.values()), default=1)
    norm = LogNorm(0.8, max(fullest, 10))
    mesh = None
    for row, y in enumerate(names):
        for column, x in enumerate(names):
            ax = grid[row, column]
            if column > row:
                _write_coefficient(ax, found.correlation[row, column], size)
                continue
            if column == row:
                _draw_diagonal(ax, filled, x, group.columns[x])
            else:
                pair = filled.pairs[x, y]
                content = pair.values().T.astype(float)
                mesh = ax.pcolormesh(
                    pair.axes[0].edges,
                    pair.axes[1].edges,
                    np.where(content > 0, content, np.nan),
                    norm=norm,
                    cmap="cividis_r",
                    rasterized=True,
                )
                _mark_tolerance(ax, pair.axes[0].edges, group.columns[x], vertical=True)
                _mark_tolerance(ax, pair.axes[1].edges, group.columns[y], vertical=False)
                ax.set_ylim(pair.axes[1].edges[0], pair.axes[1].edges[-1])
            _dress(ax, filled, group, labels, (x, y), (column == 0 and row > 0, row == size - 1), small)
    _align(figure, grid)
    _head(figure, found, filled, caption, height, grid)
    if mesh is not None:
        bar = figure.add_axes((1 - 0.88 * _RIGHT / width, _BOTTOM / height, 0.16 / width, size * panel / height))
        figure.colorbar(mesh, cax=bar)
        bar.tick_params(labelsize=small, which="both", length=3, left=False)
        bar.set_ylabel(f"{caption.objects} / bin", fontsize=small + 1, labelpad=2)
    return figure


def short_label(label: str, column: Column) -> str:
    """A residual in kind as a symbol: ``$\\Delta p_T / p_T$`` or ``$\\Delta \\eta$``."""
    relative = column.tolerance.rel is not None
    symbol = re.fullmatch(r"\$([^$]+)\$", label)
    if symbol:
        return rf"$\mathrm{{\Delta}}{symbol[1]} / {symbol[1]}$" if relative else rf"$\mathrm{{\Delta}}{symbol[1]}$"
    return rf"$\mathrm{{\Delta}}${label} / {label}" if relative else rf"$\mathrm{{\Delta}}${label}"


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
    ax.set_ylim(0, 1.12 * max(contents.max(), 1))
    ax.yaxis.set_major_locator(NullLocator())
    ax.yaxis.set_minor_locator(NullLocator())


def _mark_tolerance(ax: Axes, edges: np.ndarray, column: Column, *, vertical: bool) -> None:
    bound = residuals.bound(column)
    if bound < edges[-1]:
        draw = ax.axvline if vertical else ax.axhline
        for side in (-bound, bound):
            draw(side, color=style.VERMILION, linewidth=0.9, linestyle=(0, (4, 2)))


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
    labels: dict[str, str],
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
            title = wording.axis_title(short_label(labels[name], column), unit, exponent)
            (ax.set_xlabel if axis is ax.xaxis else ax.set_ylabel)(title, fontsize=small + 2, loc="center")
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


def _head(figure: Figure, found: Survey, filled: Filled, caption: Caption, height: float, grid: np.ndarray) -> None:
    """Label at the upper left, what is shown at the upper right, both above the panels."""
    left, right = grid[0, 0].get_position().x0, grid[0, -1].get_position().x1
    top = 1 - 0.14 / height
    text = figure.text(left, top, caption.look.text, fontsize=15, fontweight="bold", fontstyle="italic", va="top")
    energy = figure.text(
        left,
        1 - 0.46 / height,
        rf"$\sqrt{{s}} = \mathrm{{{caption.look.energy:g}}}$ TeV, {caption.network}",
        fontsize=style.SMALL,
        va="top",
    )
    shown = [f"{wording.count(found.objects)} {caption.noun}"]
    outside = [float(1 - pair.values().sum() / found.objects) for pair in filled.pairs.values()]
    if max(outside) > 0:
        shown.append(f"outside their panel or not finite: up to {wording.percent(max(outside))}")
    lines = figure.text(right, top, "\n".join([*shown, "dashed: tolerance"]), fontsize=10, va="top", ha="right")
    room = (right - left) * figure.bbox.width
    for other in (text, energy):
        style.fit_text(other, room - lines.get_window_extent(figure.canvas.get_renderer()).width - 10)  # type: ignore[attr-defined]
