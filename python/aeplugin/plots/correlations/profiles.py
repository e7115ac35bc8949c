"""Profiles: the median of a residual, and the bands that hold 68 % and 95 % of it, along something else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import hist
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from aeplugin import residuals
from aeplugin.plots.binning import where_sums_reach
from aeplugin.plots.drawing import headings, panels, style, wording
from aeplugin.plots.drawing.distributions import angle_ticks
from aeplugin.plots.drawing.labels import axis_label, lines_of, short_label, wrap
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import Study

FEWEST = 20
"""Effective entries of a bin below which it is not drawn."""
_FEWEST_BINS = 3
_QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
_MEDIAN: dict[str, Any] = {"color": "#00395C", "linewidth": 1.6}
_BANDS: tuple[dict[str, Any], ...] = ({"color": "#CFE5F3"}, {"color": "#7FB8DB"})  # light blues, the outer lighter
_TOLERANCE: dict[str, Any] = {"color": style.VERMILION, "linewidth": 1.1, "linestyle": (0, (4, 2))}
_LEFT, _RIGHT, _BOTTOM, _BETWEEN, _APART = 1.0, 0.25, 0.7, 0.62, 0.25  # in inches
_OVERHANG, _OVERHANG_AT_MARGIN = 14, 22  # pixels that a tick's label may reach out of its panel


def profile(histogram: hist.Hist, quantiles: Sequence[float] = _QUANTILES) -> np.ndarray:
    """Quantiles of y in each bin of x, shape (quantiles, bins); NaN where there are fewer than `FEWEST` entries.

    Within a bin of y objects count as evenly spread. A quantile beyond the axis of y is at its end.
    """
    contents = np.asarray(histogram.values(flow=True), float)[1:-1]
    squares = np.asarray(histogram.variances(flow=True), float)[1:-1].sum(axis=1)
    totals = contents.sum(axis=1)
    edges = np.asarray(histogram.axes[1].edges)
    places = np.concatenate([edges[:1], edges, edges[-1:]])  # with bins of no width for the flow
    found = np.full((len(quantiles), len(contents)), np.nan)
    for i, (column, total) in enumerate(zip(contents, totals, strict=True)):
        if total <= 0 or total**2 < FEWEST * squares[i]:
            continue
        # Negative weights must not turn the sums round.
        sums = np.maximum.accumulate(np.concatenate([[0.0], np.cumsum(column)]))
        found[:, i] = where_sums_reach(sums, places, np.multiply(quantiles, total))
    return found


def is_drawn(histogram: hist.Hist) -> bool:
    """Whether enough bins of x have enough entries to show how y goes along x."""
    return int(np.isfinite(profile(histogram, (0.5,))).sum()) >= _FEWEST_BINS


def draw_by_input(study: Study, variable: str, histograms: Mapping[str, hist.Hist], caption: Caption) -> Figure:
    """The residual in kind of one variable along each input, in a panel each.

    Args:
        histograms: by input, of input (x) and residual (y).
    """
    group = study.group
    number = len(histograms)
    columns = number if number <= 3 else 2 if number == 4 else math.ceil(number / 2)
    rows = math.ceil(number / columns)
    figure, grid = _grid(rows, columns, (2.9, 2.35), _BETWEEN, _lines(study, [variable]))
    drawn = list(zip(grid.flat, histograms.items(), strict=False))
    for ax in grid.flat[number:]:
        ax.remove()
    for ax, (name, histogram) in drawn:
        column = group.columns[name]
        span = Span(_draw(ax, histogram), study.filled.log[name], under=False, over=False)
        exponent = 0 if span.log else wording.axis_exponent(float(np.abs(span.edges).max()), column.unit)
        panels.set_x(ax, span, exponent, angle_ticks(span) if column.periodic else None)
        ax.set_xlabel(axis_label(wrap(group.labels[name], 30), column.unit, exponent), fontsize=13)
    reach = max(_reach(histogram) for histogram in histograms.values())
    has_tolerance = [_set_y(ax, study, variable, reach, labelled=ax in grid[:, 0]) for ax, _ in drawn]
    _finish(figure, study, caption, any(has_tolerance), _OVERHANG)
    return figure


def draw_by_event(study: Study, histograms: Mapping[str, hist.Hist], caption: Caption) -> Figure:
    """Residuals in kind along the events of the file, one variable above the other.

    Args:
        histograms: by variable, of event number (x) and residual (y).
    """
    panel = 6.6, max(1.1, min(2.2, 6.5 / len(histograms)))
    figure, grid = _grid(len(histograms), 1, panel, 0.12, _lines(study, histograms))
    has_tolerance = []
    for ax, (variable, histogram) in zip(grid.flat, histograms.items(), strict=True):
        _draw(ax, histogram)
        span = Span(np.asarray(histogram.axes[0].edges), log=False, under=False, over=False)
        exponent = wording.axis_exponent(float(span.edges[-1]), "")
        panels.set_x(ax, span, exponent)
        is_last = ax is grid[-1, 0]
        ax.tick_params(labelbottom=is_last)
        if is_last:
            ax.set_xlabel(wording.axis_title("Event number", "", exponent), fontsize=13)
        has_tolerance.append(_set_y(ax, study, variable, _reach(histogram), labelled=True))
    _finish(figure, study, caption, any(has_tolerance), _OVERHANG_AT_MARGIN)
    return figure


def _grid(rows: int, columns: int, panel: tuple[float, float], between: float, lines: int) -> tuple[Figure, np.ndarray]:
    """A figure with panels of a size, `between` inches apart in height, whose y axes have titles of so many lines."""
    width, height = (columns * panel[0] + (columns - 1) * _APART, rows * panel[1] + (rows - 1) * between)
    top, left = headings.height(width), _LEFT + 0.17 * (lines - 1)
    whole = width + left + _RIGHT, height + top + _BOTTOM
    figure = style.new_figure(*whole)
    grid = figure.subplots(rows, columns, squeeze=False)
    style.set_margins(figure, left, _RIGHT, top, _BOTTOM, wspace=_APART / panel[0], hspace=between / panel[1])
    return figure, grid


def _title(study: Study, variable: str, exponent: int = 0) -> str:
    """Of the axis of a residual."""
    group = study.group
    column = group.columns[variable]
    unit = "%" if column.tolerance.rel is not None else column.unit
    return axis_label(short_label(group.labels[variable], column), unit, exponent)


def _lines(study: Study, variables: Iterable[str]) -> int:
    return lines_of(_title(study, variable, -3) for variable in variables)


def _draw(ax: Axes, histogram: hist.Hist) -> np.ndarray:
    """Draw bands and median; the edges of the bins from the first to the last one that is drawn."""
    edges = np.asarray(histogram.axes[0].edges)
    lowest, low, median, high, highest = profile(histogram)
    for (bottom, top), look in zip(((lowest, highest), (low, high)), _BANDS, strict=True):
        ax.stairs(top, edges, baseline=bottom, fill=True, linewidth=0, **look)
    ax.stairs(median, edges, baseline=None, **_MEDIAN)
    ax.axhline(0, color=style.GREY, linewidth=0.7, zorder=0.9)
    drawn = np.flatnonzero(np.isfinite(median))
    return edges[drawn[0] : drawn[-1] + 2]


def _reach(histogram: hist.Hist) -> float:
    """How far the bands reach from zero."""
    return float(np.nanmax(np.abs(profile(histogram)), initial=0))


def _set_y(ax: Axes, study: Study, variable: str, reach: float, *, labelled: bool) -> bool:
    """Y axis symmetric about zero, with the tolerance where it is of the size of the bands; whether it is shown."""
    group = study.group
    column = group.columns[variable]
    bound = residuals.bound(column)
    shown = bound < 8 * reach or reach == 0
    limit = 1.2 * max(reach, bound if shown else 0)
    ax.set_ylim(-limit, limit)
    if shown:
        for side in (-bound, bound):
            ax.axhline(side, **_TOLERANCE)
    unit = "%" if column.tolerance.rel is not None else column.unit
    exponent = wording.axis_exponent(limit, unit)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], symmetric=True))
    ax.yaxis.set_major_formatter(wording.plain_ticks(exponent))
    ax.tick_params(which="both", labelsize=11, labelleft=labelled)
    if labelled:
        title = _title(study, variable, exponent)
        ax.set_ylabel(title, fontsize=10.5 if "\n" in title else 13, loc="center")
    return shown


def _finish(figure: Figure, study: Study, caption: Caption, has_tolerance: bool, overhang: int) -> None:
    """Header, legend, and labels that fit."""
    for ax in figure.axes:
        _thin_out(ax, overhang)
        style.fit_text(ax.xaxis.label, ax.get_window_extent().width)
        style.fit_text(ax.yaxis.label, ax.get_window_extent().height, vertical=True)
    figure.align_ylabels()
    handles: list[Artist] = [Line2D([], [], **_MEDIAN), *(Patch(**look) for look in reversed(_BANDS))]
    labels = ["Median", "68 %", "95 %"]
    if has_tolerance:
        handles.append(Line2D([], [], **_TOLERANCE))
        labels.append("Tolerance")
    notes = [f"{wording.count(study.found.objects)} {caption.noun}"]
    headings.write(figure, caption, notes, (handles, labels))


def _thin_out(ax: Axes, overhang: int) -> None:
    """Drop labels of the x axis that reach far out of the panel; then every second one, until none touches the next."""
    if not ax.xaxis.get_tick_params()["labelbottom"]:
        return
    figure: Any = ax.get_figure(root=True)
    panel = ax.get_window_extent()
    ticks, texts = list(ax.get_xticks()), ax.get_xticklabels()
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in texts]
    labels = [
        text.get_text() if panel.x0 - overhang < box.x0 and box.x1 < panel.x1 + overhang else ""
        for text, box in zip(texts, boxes, strict=True)
    ]
    step = 1
    while not _have_room([box for box, label in zip(boxes[::step], labels[::step], strict=True) if label]):
        step *= 2
    shown = [label if i % step == 0 else "" for i, label in enumerate(labels)]
    ax.set_xticks(ticks, shown)


def _have_room(boxes: Sequence[Any]) -> bool:
    return all(left.x1 + 6 < right.x0 for left, right in pairwise(boxes))
