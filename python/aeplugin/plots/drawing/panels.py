"""A panel with a histogram whose under- and overflow stand apart at its ends, and room for its texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import hist
import mplhep
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator

from aeplugin.plots.drawing.style import GREY, TINY, boxes
from aeplugin.plots.drawing.wording import axis_exponent, axis_title, number, plain_ticks, upright

_STRIP, _GAP = 0.055, 0.01  # of the range's width


@dataclass(frozen=True)
class Span:
    """The x range of a panel: the bins, and a strip beyond an end where values lie beyond it."""

    edges: np.ndarray
    log: bool
    under: bool
    over: bool

    @staticmethod
    def of(histograms: list[hist.Hist], log: bool = False) -> Span:
        """The span of histograms with the same axis."""
        contents = [histogram.values(flow=True) for histogram in histograms]
        under, over = (any(values[end] > 0 for values in contents) for end in (0, -1))
        return Span(np.asarray(histograms[0].axes[0].edges), log, under, over)

    def shifted(self, offset: float) -> Span:
        """The same span with every edge moved."""
        return Span(self.edges + offset, self.log, self.under, self.over)

    def _at(self, fraction: float) -> float:
        low, high = self.edges[0], self.edges[-1]
        if self.log:
            return float(low * (high / low) ** fraction)
        return float(low + (high - low) * fraction)

    @property
    def strips(self) -> list[tuple[int, float, float]]:
        """(index in contents with flow, left, right) of each strip."""
        found = []
        if self.under:
            found.append((0, self._at(-_GAP - _STRIP), self._at(-_GAP)))
        if self.over:
            found.append((-1, self._at(1 + _GAP), self._at(1 + _GAP + _STRIP)))
        return found

    @property
    def limits(self) -> tuple[float, float]:
        """What the x axis shows."""
        margin = _STRIP + _GAP
        return self._at(-margin if self.under else 0), self._at(1 + margin if self.over else 1)

    @property
    def insets(self) -> tuple[float, float]:
        """Widths of the strips at the left and right, in fractions of the axes."""
        total = 1 + (_STRIP + _GAP) * (self.under + self.over)
        return tuple((_STRIP + _GAP) * there / total for there in (self.under, self.over))  # type: ignore[return-value]

    def parts(self) -> list[tuple[slice, np.ndarray]]:
        """Runs of adjoining bins: a slice of the contents with flow, and the edges to draw them at."""
        runs = [(slice(1, -1), self.edges)]
        for index, left, right in self.strips:
            runs.append((slice(0, 1) if index == 0 else slice(-1, None), np.array([left, right])))
        return runs


def draw(ax: Axes, span: Span, contents: np.ndarray, **options: Any) -> Artist:
    """Draw contents with flow, shape (bins + 2,), by mplhep; the artist of the main part is returned for the legend."""
    first: Artist | None = None
    for part, edges in span.parts():
        made = mplhep.histplot(contents[part], edges, ax=ax, flow="none", **options)
        artist = made[0].errorbar if getattr(made[0], "stairs", None) is None else made[0].stairs
        first = first if first is not None else artist
    assert first is not None
    return first


def band(ax: Axes, span: Span, low: np.ndarray, high: np.ndarray, **options: Any) -> None:
    """Fill between contents with flow, shape (bins + 2,) each."""
    for part, edges in span.parts():
        ax.stairs(high[part], edges, baseline=low[part], fill=True, **options)


def set_x(
    ax: Axes, span: Span, exponent: int = 0, ticks: list[tuple[float, str]] | None = None, *, few: bool = False
) -> None:
    """X axis with ticks inside the bins' range only, and shaded strips for the flow; `few` labels for small panels."""
    low, high = span.edges[0], span.edges[-1]
    if span.log:
        ax.set_xscale("log")
        labelled, labels, others = _log_ticks(low, high, few)
        ax.xaxis.set_major_locator(FixedLocator(labelled))
        ax.xaxis.set_major_formatter(FixedFormatter(labels))
        ax.xaxis.set_minor_locator(FixedLocator(others))
        ax.xaxis.set_minor_formatter(NullFormatter())
    elif ticks is not None:
        ax.xaxis.set_major_locator(FixedLocator([value for value, _ in ticks]))
        ax.xaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        slack = 1e-9 * (high - low)
        major = MaxNLocator(4 if few else 7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        step = major[1] - major[0]
        minor = np.arange(math.floor(low / step), math.ceil(high / step) + 1, 0.2) * step
        ax.xaxis.set_major_locator(FixedLocator([x for x in major if low - slack <= x <= high + slack]))
        ax.xaxis.set_major_formatter(plain_ticks(exponent))
        ax.xaxis.set_minor_locator(FixedLocator([x for x in minor if low - slack <= x <= high + slack]))
    ax.set_xlim(*span.limits)
    for index, left, right in span.strips:
        ax.axvspan(
            span.limits[0] if index == 0 else left,
            right if index == 0 else span.limits[1],
            color="#EEEEEE",
            zorder=0,
            linewidth=0,
        )


def name_strips(ax: Axes, span: Span) -> list[Artist]:
    """Write at the top of each strip what it holds."""
    middle = {0: 0.5 * span.insets[0], -1: 1 - 0.5 * span.insets[1]}
    return [
        ax.text(
            middle[index],
            0.975,
            "Underflow" if index == 0 else "Overflow",
            rotation=90,
            fontsize=TINY,
            color=GREY,
            ha="center",
            va="top",
            transform=ax.transAxes,
        )
        for index, _, _ in span.strips
    ]


def set_y(
    ax: Axes,
    title: str,
    span: Span,
    contents: np.ndarray,
    texts: list[Artist],
    tops: np.ndarray | None = None,
    ceiling: float = 0.95,
    *,
    log: bool = False,
) -> None:
    """Y axis, called `title`, on which contents with flow (or what is drawn up to `tops`) stay below every text.

    Only the bins below a text limit the axis there, so a peak may rise between two; all stay below `ceiling` (axes
    fraction).
    """
    heights = contents if tops is None else tops
    filled = contents[contents > 0]
    top = float(heights.max())
    log = log and len(filled) > 0
    if log:
        ax.set_yscale("log")
    bottom = 0.0
    if log:  # from a power of ten on, and far enough that the axis has several labels
        bottom = 10.0 ** min(math.floor(math.log10(0.7 * float(filled.min()))), math.floor(math.log10(top)) - 1)

    def scale(value: float) -> float:
        return math.log10(max(value, bottom)) if log else value

    left, right = span.limits
    size = (scale(top) - scale(bottom)) / ceiling or 1.0
    for x0, y0, x1, _ in boxes(ax, texts):
        highest = max((_highest(span, heights, part, edges, x0, x1, left, right) for part, edges in span.parts()))
        room = max(y0 - 0.03, 0.05)
        size = max(size, (scale(highest) - scale(bottom)) / room) if highest > 0 else size
    ax.set_ylim(bottom, 10 ** (scale(bottom) + size) if log else bottom + size)
    if log:
        ax.yaxis.set_major_locator(LogLocator(numticks=9))
        ax.yaxis.set_minor_locator(LogLocator(subs=[2, 3, 4, 5, 6, 7, 8, 9], numticks=99))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_ylabel(title)
    else:
        exponent = axis_exponent(size, "")
        ax.yaxis.set_major_formatter(plain_ticks(exponent))
        ax.set_ylabel(axis_title(title, "", exponent))


def free_height(ax: Axes, span: Span, low: float, high: float, texts: list[Artist]) -> float:
    """How high, in fractions of the axes, something from x = `low` to `high` may rise without crossing a text."""
    place = np.log if span.log else np.asarray
    left, right = (place(limit) for limit in span.limits)
    x0, x1 = ((place(x) - left) / (right - left) for x in (low, high))
    return min((box[1] - 0.02 for box in boxes(ax, texts) if box[0] < x1 + 0.01 and box[2] > x0 - 0.01), default=1.0)


def _highest(
    span: Span, heights: np.ndarray, part: slice, edges: np.ndarray, x0: float, x1: float, left: float, right: float
) -> float:
    """The largest content among the bins of one part below the axes fractions x0 to x1."""
    place = np.log if span.log else np.asarray
    fractions = (place(edges) - place(left)) / (place(right) - place(left))
    below = (fractions[1:] > x0 - 0.015) & (fractions[:-1] < x1 + 0.015)
    return float(heights[part][below].max(initial=0))


def _log_ticks(low: float, high: float, few: bool) -> tuple[list[float], list[str], list[float]]:
    """Major ticks with labels, and minor ticks: decades, with 2 and 5 (or 3) between where there are few decades."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    slack = 1e-9
    every = [factor * 10.0**power for power in range(first, last + 1) for factor in range(1, 10)]
    minor = [x for x in every if low * (1 - slack) <= x <= high * (1 + slack)]
    decades = math.log10(high / low)
    room = 0.5 if few else 1  # of labels
    factors = (1,) if decades >= 3.5 * room else (1, 2, 5) if decades < 2.3 * room else (1, 3)
    step = max(1, math.ceil(decades / (8 * room)))
    major = [x for x in minor if round(x / 10.0 ** math.floor(math.log10(x * (1 + slack)))) in factors]
    if step > 1:
        major = major[::step]
    return major, [_power(x) for x in major], minor


def _power(value: float) -> str:
    exponent = math.floor(math.log10(value * (1 + 1e-9)))
    if -2 <= exponent <= 2:
        return number(value)
    factor = round(value / 10.0**exponent)
    return upright(f"10^{{{exponent}}}" if factor == 1 else rf"{factor}{{\times}}10^{{{exponent}}}")
