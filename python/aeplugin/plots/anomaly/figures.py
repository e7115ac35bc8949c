"""Pictures of anomaly scores: distributions of data sets over each other, and ROC curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import hist
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from aeplugin.plots.drawing import panels, style, wording
from aeplugin.plots.drawing.distributions import move_below
from aeplugin.plots.drawing.log_axes import set_log_ticks
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.roc import FEWEST, Roc

_DASHES = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 1)), (0, (8, 3)))
_COLOURS = style.CYCLE[:7]
"""Of data sets, in their order; grey and black are for references and sums."""
_LOWEST = 1e-4
"""The smallest background efficiency that is drawn."""


@dataclass(frozen=True)
class Curve:
    """A ROC curve, against the data set `background` by `score`; a reference needs no network.

    Attributes:
        label: what the legend calls it; default by background, and of a reference by score.
    """

    background: str
    score: str
    roc: Roc
    is_reference: bool = False
    label: str = ""


def draw_scores(samples: Sequence[tuple[str, hist.Hist, bool]], caption: Caption) -> Figure:
    """Normalised distributions over each other: labels, histograms with one axis, and which are signals."""
    figure = style.new_figure(7.2, 5.8)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
    span = Span.of([histogram for _, histogram, _ in samples], log=True)
    panels.set_x(ax, span)
    texts: list[Artist] = list(style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network))
    shapes = []
    handles = []
    for (_, histogram, is_signal), colour, dashes in zip(samples, cycle(_COLOURS), cycle(_DASHES), strict=False):
        contents = np.asarray(histogram.values(flow=True), float)
        shapes.append(contents / contents.sum())
        dashes, width = ("-", 2.2) if is_signal else (dashes, 1.4)
        panels.draw(ax, span, shapes[-1], histtype="step", color=colour, linestyle=dashes, linewidth=width, yerr=False)
        handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=width))
    legend = ax.legend(
        handles,
        [f"{label}, signal" if is_signal else label for label, _, is_signal in samples],
        loc="upper right",
        bbox_to_anchor=(1 - span.insets[1], 1),
        title="Data set (events)",
        fontsize=style.SMALL if len(samples) <= 6 else style.TINY,
        handlelength=2.6,
    )
    move_below(ax, legend, texts)
    texts += [legend, *panels.name_strips(ax, span)]
    highest = np.max(shapes, axis=0)
    panels.set_y(ax, "Share of events / bin", span, highest, texts, log=True)
    ax.set_xlabel("Reconstruction error of the event (standardised units)")
    style.fit_text(ax.xaxis.label, ax.get_window_extent().width)
    return figure


def draw_rocs(
    curves: Sequence[Curve],
    caption: Caption,
    signal: str,
    short: Mapping[str, str],
    legend: str = "Background: AUC of the network",
) -> Figure:
    """Signal efficiencies against the logarithm of background efficiencies; the first curve carries its uncertainty.

    Args:
        short: what data sets are called, by their names.
        legend: its title.
    """
    figure = style.new_figure(7.2, 6.4)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.96, top=0.93, bottom=0.12)
    low = min(_start(curve.roc) for curve in curves)
    every = np.geomspace(low, 1, 300)
    chance = ax.plot(every, every, ":", color="black", linewidth=1.0)
    handles: list[Artist] = []
    labels = []
    colours, dashes = cycle(_COLOURS), cycle(_DASHES)  # as in `draw_scores`: the signal comes last there
    greys = cycle(("--", "-.", ":"))
    for number, curve in enumerate(curves):
        is_main = number == 0
        if is_main:
            look: dict[str, Any] = {"color": "black", "linestyle": "-", "linewidth": 2.0, "zorder": 4}
        elif curve.is_reference:
            look = {"color": style.GREY, "linestyle": next(greys), "linewidth": 1.2, "zorder": 2}
        else:
            look = {"color": next(colours), "linestyle": next(dashes), "linewidth": 1.4, "zorder": 3}
        grid = np.geomspace(_start(curve.roc), 1, 400)
        ax.plot(grid, [curve.roc.signal_at(share) for share in grid], drawstyle="steps-post", **look)
        if is_main:
            _draw_band(ax, curve.roc)
        handles.append(Line2D([], [], **look))
        labels.append(_label(curve, short))
    ax.set_xscale("log")
    ax.set_xlim(low, 1)
    set_log_ticks(ax.xaxis)
    ax.set_xlabel("Background efficiency")
    ax.set_ylabel(f"Signal efficiency ({short[signal]})")
    style.fit_text(ax.yaxis.label, ax.get_window_extent().height, vertical=True)
    texts = style.experiment_label(ax, caption.look, extra=caption.network)
    box = ax.legend(
        [*handles, *chance],
        [*labels, "chance: 0.5"],
        loc="upper right",
        handlelength=2.4,
        title=legend,
        fontsize=style.SMALL if len(curves) <= 6 else style.TINY,
    )
    move_below(ax, box, texts)
    floor = min(corners[1] for corners in style.boxes(ax, [*texts, box])) - 0.03
    ax.set_ylim(0, 1 / max(floor, 0.3))  # the curves end below the texts
    ax.yaxis.set_major_locator(FixedLocator([0, 0.2, 0.4, 0.6, 0.8, 1]))
    ax.yaxis.set_minor_locator(FixedLocator(list(np.arange(0.05, 1, 0.05))))
    ax.yaxis.set_major_formatter(wording.plain_ticks())
    ax.axhline(1, color=style.GREY, linewidth=0.7)
    return figure


def _start(curve: Roc) -> float:
    """The smallest background efficiency that a curve tells something about."""
    return min(max(_LOWEST, FEWEST / curve.background_events), 0.1)


def _draw_band(ax: Axes, curve: Roc) -> None:
    grid = np.geomspace(_start(curve), 1, 60)[:-1]
    found = [(share, each) for share in grid if (each := curve.efficiency(share)) is not None]
    if found:
        ax.fill_between(
            [share for share, _ in found],
            [max(each.value - each.uncertainty, 0) for _, each in found],
            [min(each.value + each.uncertainty, 1) for _, each in found],
            color=style.GREY,
            alpha=0.4,
            linewidth=0,
        )


def _label(curve: Curve, short: Mapping[str, str]) -> str:
    """What a curve is against and by, and its area with as many digits as it deserves."""
    uncertainty = curve.roc.auc_uncertainty
    digits = 2 if not uncertainty else min(max(-math.floor(math.log10(uncertainty)), 2), 4)
    area = f"{curve.roc.auc:.{digits}f}"
    if uncertainty is not None:
        area += f" \u00b1 {uncertainty:.{digits}f}"
    what = short.get(curve.background, curve.background) + (f", by {curve.score}" if curve.is_reference else "")
    return f"{curve.label or what}: {area}".replace("$", r"\$")
