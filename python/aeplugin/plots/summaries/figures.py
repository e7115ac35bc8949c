"""Mean and widths of residuals against categories, as points with errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.labels import text_width, wrap
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.summaries.resolutions import Resolution, Subject
from aeplugin.plots.summaries.spreads import Estimate

FEWEST = 10
"""Objects of a category below which it is in the table only."""
_LOOKS: dict[str, tuple[str, str, str]] = {
    "rms": ("RMS", style.BLUE, "o"),
    "iqr": ("IQR / 1.349", style.VERMILION, "s"),
    "half": ("68 % of |residual|", style.GREEN, "^"),
    "fit": ("Fitted \u03c3", "black", "D"),
}
_UNIFORM: dict[str, Any] = {"color": style.GREY, "linewidth": 1.2, "linestyle": (0, (4, 2))}
_LEFT, _RIGHT, _PANELS, _PER_CATEGORY, _NARROWEST = 1.05, 0.25, (1.7, 2.8), 0.95, 6.0  # in inches
_GAP, _APART = 0.12, 0.13
_NAMES = 12.0  # points


def shown(subject: Subject) -> dict[str, Resolution]:
    """The categories with enough objects to be drawn."""
    return {name: found for name, found in subject.categories.items() if found.objects >= FEWEST}


def uniform_rms(subject: Subject) -> float | None:
    """RMS of a residual that fills its tolerance evenly; where that is of the size of the widths, and one for all."""
    categories = shown(subject)
    tolerances = {found.tolerance for found in categories.values()}
    tolerance = tolerances.pop() if len(tolerances) == 1 else None
    widest = max(found.widths["rms"].value for found in categories.values())
    return None if tolerance is None or tolerance / math.sqrt(3) > 4 * widest else tolerance / math.sqrt(3)


def draw_resolution(subject: Subject, notes: Sequence[str], caption: Caption) -> Figure:
    """Means above, widths below; a dashed line is the RMS of a residual that fills its tolerance evenly."""
    categories = shown(subject)
    width = max(_NARROWEST, _PER_CATEGORY * len(categories))
    names = [wrap(name, 11) for name in categories]
    lines = 1 + max(name.count("\n") for name in names)
    room = width / len(names)
    is_level = lines <= 3 and max(text_width(name, _NAMES) for name in names) < 0.95 * room
    bottom, left = 0.15 + 0.2 * lines, _LEFT
    if not is_level:
        names = [wrap(name, 30) for name in categories]
        longest = max(text_width(name, _NAMES) for name in names)
        bottom = 0.35 + 0.5 * longest + 0.17 * max(name.count("\n") for name in names)
        left = max(_LEFT, 0.87 * longest - 0.5 * room + 0.1)
    top = headings.height(width, legend=False)
    height = sum(_PANELS) + _GAP + top + bottom
    figure = style.new_figure(width + left + _RIGHT, height)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=_PANELS)
    style.set_margins(figure, left, _RIGHT, top, bottom, hspace=2 * _GAP / sum(_PANELS))
    unit = subject.unit
    _draw_means(upper, categories, subject)
    _draw_widths(lower, categories, subject, _APART * len(categories) / width)
    lower.set_xlim(-0.5, len(categories) - 0.5)
    lower.xaxis.set_minor_locator(NullLocator())
    lower.set_xticks(range(len(categories)), names, fontsize=_NAMES)
    for ax in (upper, lower):
        ax.tick_params(axis="x", which="both", length=0)
    if not is_level:
        lower.tick_params(axis="x", labelrotation=30)
        for text in lower.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    figure.align_ylabels()
    kind = "relative residual" if unit == "%" else "residual"
    headings.write(figure, caption, [f"{kind} of {subject.label} of the {caption.noun}", *notes])
    return figure


def _draw_means(ax: Axes, categories: dict[str, Resolution], subject: Subject) -> None:
    means = [found.mean for found in categories.values()]
    reach = max(abs(mean.value) + (mean.error if math.isfinite(mean.error) else 0) for mean in means)
    reach = 1.25 * reach or 1.0
    exponent = wording.axis_exponent(reach, subject.unit)
    ax.axhline(0, color=style.GREY, linewidth=0.9)
    _points(ax, np.arange(len(means)), means, color=style.BLUE, marker="o")
    ax.set_ylim(-reach, reach)
    _set_y(ax, wording.axis_title("Mean", subject.unit, exponent), exponent, 5)


def _draw_widths(ax: Axes, categories: dict[str, Resolution], subject: Subject, apart: float) -> None:
    """Points of a category stand `apart`, in units of the x axis."""
    drawn = {
        name: [subject.widths(category).get(name, Estimate(math.nan, math.nan)) for category in categories]
        for name in _LOOKS
    }
    drawn = {name: widths for name, widths in drawn.items() if any(math.isfinite(width.value) for width in widths)}
    handles: list[Any] = []
    labels = []
    highest = 0.0
    for i, (name, widths) in enumerate(drawn.items()):
        label, colour, marker = _LOOKS[name]
        x = np.arange(len(widths)) + apart * (i - (len(drawn) - 1) / 2)
        hollow = "white" if name == "fit" else colour
        handles.append(_points(ax, x, widths, color=colour, marker=marker, markerfacecolor=hollow))
        labels.append(label)
        highest = max(highest, *(w.value + (w.error if math.isfinite(w.error) else 0) for w in widths if w.value > 0))
    uniform = uniform_rms(subject)
    if uniform is not None:
        ax.axhline(uniform, zorder=1, **_UNIFORM)
        handles.append(Line2D([], [], **_UNIFORM))
        labels.append("Tolerance / $\\sqrt{3}$")
        highest = max(highest, uniform)
    limit = 1.5 * highest  # the legend has the upper third
    exponent = wording.axis_exponent(highest, subject.unit)
    ax.set_ylim(0, limit)
    title = "\u03c3 / mean response" if subject.is_relative else "Width"
    _set_y(ax, wording.axis_title(title, subject.unit, exponent), exponent, 7)
    ax.legend(
        handles,
        labels,
        loc="upper left",
        ncols=len(labels) if len(labels) <= 4 else 3,
        fontsize=10.5,
        columnspacing=1.4,
        handletextpad=0.5,
    )


def _points(ax: Axes, x: np.ndarray, estimates: Sequence[Estimate], **look: Any) -> Any:
    """Points with errors, those that are known."""
    values = np.array([estimate.value for estimate in estimates])
    errors = np.nan_to_num([estimate.error for estimate in estimates])
    known = np.isfinite(values)
    return ax.errorbar(x[known], values[known], errors[known], linestyle="none", markersize=6, capsize=2, **look)


def _set_y(ax: Axes, title: str, exponent: int, ticks: int) -> None:
    ax.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(wording.plain_ticks(exponent))
    ax.tick_params(axis="y", which="both", labelsize=11.5)
    ax.set_ylabel(title, fontsize=13)
    style.fit_text(ax.yaxis.label, ax.get_window_extent().height, vertical=True)
