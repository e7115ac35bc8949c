"""Pictures of variables by kind of object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import hist
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from aeplugin.plots.drawing import panels, style, wording
from aeplugin.plots.drawing.distributions import angle_ticks, draw_ratio, move_below
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.kinds_of_objects import kind_label

Histograms = Mapping[str, hist.Hist]
"""By the names of kinds, the commonest first."""
_MARKERS = "osD^vPX<>"
_MOST_MARKERS = 9
"""On a line: they tell lines apart where there is no colour."""


@dataclass(frozen=True)
class Axis:
    """What an axis of values is of: label in mathtext, unit, and whether it is logarithmic or a turn in radians."""

    label: str
    unit: str
    log: bool
    periodic: bool

    def exponent(self, span: Span) -> int:
        """The power of ten to take out of tick labels."""
        return 0 if self.log else wording.axis_exponent(float(np.abs(span.edges).max()), self.unit)

    def apply(self, ax: Axes, span: Span) -> None:
        """Ticks of the x axis."""
        panels.set_x(ax, span, self.exponent(span), angle_ticks(span) if self.periodic else None)

    def write(self, ax: Axes, span: Span) -> None:
        """Ticks and title of the x axis."""
        self.apply(ax, span)
        ax.set_xlabel(wording.axis_title(self.label, self.unit, self.exponent(span)))
        style.fit_text(ax.xaxis.label, ax.get_window_extent().width)


@dataclass(frozen=True)
class Line:
    """How a kind is drawn: the same in every picture of the kinds called `names`."""

    colour: str
    marker: str
    number: int
    lines: int

    @staticmethod
    def of(names: Sequence[str]) -> dict[str, Line]:
        """For each kind its line."""
        return {
            name: Line(style.CYCLE[i % len(style.CYCLE)], _MARKERS[i % len(_MARKERS)], i, len(names))
            for i, name in enumerate(names)
        }

    @property
    def handle(self) -> Line2D:
        """For a legend."""
        return Line2D([], [], color=self.colour, marker=self.marker, markersize=4.5, linewidth=1.4)

    def mark(self, ax: Axes, span: Span, contents: np.ndarray) -> None:
        """Some markers on contents with flow, at other bins than those of other lines where there are many."""
        edges = span.edges
        centers = np.sqrt(edges[:-1] * edges[1:]) if span.log else 0.5 * (edges[:-1] + edges[1:])
        step = max(len(centers) // _MOST_MARKERS, 1)
        places = np.arange(self.number * step // self.lines, len(centers), step)
        places = places[contents[1:-1][places] > 0]
        ax.plot(centers[places], contents[1:-1][places], self.marker, color=self.colour, markersize=4.5, zorder=3)


def draw_stacked(before: Histograms, after: Histograms, axis: Axis, caption: Caption) -> Figure:
    """Kinds of the input on top of each other, the rarest at the bottom, and the sum of the reconstructed."""
    figure = style.new_figure(7.2, 6.4)
    main, ratio = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.12, hspace=0.06)
    span = Span.of([*before.values(), *after.values()], axis.log)
    texts = style.experiment_label(main, caption.look, insets=span.insets, extra=caption.network)
    lines = Line.of(list(before))
    floor = np.zeros(len(span.edges) + 1)
    handles: dict[str, Artist] = {}
    for name in reversed(list(before)):
        top = floor + _contents(before[name])
        panels.band(main, span, floor, top, facecolor=lines[name].colour, linewidth=0)
        panels.draw(main, span, top, histtype="step", color="white", linewidth=0.5, yerr=False)
        handles[name] = Patch(facecolor=lines[name].colour)
        floor = top
    total: np.ndarray = np.sum([_contents(h) for h in after.values()], axis=0)
    line = panels.draw(main, span, total, histtype="step", color="black", linewidth=1.5, linestyle="--", yerr=False)
    axis.apply(main, span)
    legend = _legend(main, span, {"Reconstructed, all": line} | {kind_label(n): handles[n] for n in before})
    move_below(main, legend, texts)
    notes: list[Artist] = [*texts, legend, *panels.name_strips(main, span)]
    panels.set_y(main, caption.per_bin, span, _lowest(before), notes, np.maximum(floor, total), log=True)
    main.tick_params(labelbottom=False)
    error = np.sqrt(np.sum([np.asarray(h.variances(flow=True), float) for h in before.values()], axis=0))
    draw_ratio(ratio, span, floor, total, error)
    axis.write(ratio, span)
    figure.align_ylabels()
    return figure


def draw_overlaid(before: Histograms, after: Histograms, names: Sequence[str], axis: Axis, caption: Caption) -> Figure:
    """Each kind scaled to unit area: the input as a pale line, the reconstructed as a dashed one.

    Args:
        before, after: of the kinds to draw.
        names: all kinds.
    """
    figure = style.new_figure(7.2, 5.6)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
    span = Span.of([*before.values(), *after.values()], axis.log)
    texts = style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network)
    lines = Line.of(names)
    scaled = {name: (_unit_area(before[name]), _unit_area(after[name])) for name in before}
    handles: dict[str, Artist] = {}
    for name, (first, second) in scaled.items():
        line = lines[name]
        panels.draw(ax, span, first, histtype="step", color=line.colour, linewidth=3.2, alpha=0.4, yerr=False)
        panels.draw(ax, span, second, histtype="step", color=line.colour, linewidth=1.2, linestyle="--", yerr=False)
        line.mark(ax, span, second)
        handles[kind_label(name)] = line.handle
    axis.write(ax, span)
    before_and_after = {
        "Input": Line2D([], [], color=style.GREY, linewidth=3.2, alpha=0.5),
        "Reconstructed": Line2D([], [], color=style.GREY, linewidth=1.2, linestyle="--"),
    }
    legend = _legend(ax, span, before_and_after | handles)
    move_below(ax, legend, texts)
    _finish(ax, span, [pair[i] for pair in scaled.values() for i in (0, 1)], [*texts, legend])
    return figure


def draw_residuals(
    moved: Histograms, names: Sequence[str], axis: Axis, tolerance: float | None, caption: Caption
) -> Figure:
    """Residuals of kinds, scaled to unit area, with the band of the tolerance where there is one for all.

    Args:
        moved: of the kinds that move.
        names: all kinds.
    """
    figure = style.new_figure(7.2, 5.6)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
    span = Span.of(list(moved.values()))
    texts: list[Artist] = list(style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network))
    lines = Line.of(names)
    scaled = {name: _unit_area(histogram) for name, histogram in moved.items()}
    handles: dict[str, Artist] = {}
    for name, contents in scaled.items():
        panels.draw(ax, span, contents, histtype="step", color=lines[name].colour, linewidth=1.4, yerr=False)
        lines[name].mark(ax, span, contents)
        handles[kind_label(name)] = lines[name].handle
    axis = Axis(f"{'Relative residual' if axis.unit == '%' else 'Residual'} of {axis.label}", axis.unit, False, False)
    axis.write(ax, span)
    shown = tolerance is not None and tolerance <= span.edges[-1]
    if tolerance is not None:
        text = f"Tolerance $\\pm${wording.amount(tolerance, axis.unit)}" + ("" if shown else ", off the axis")
        handles[text] = Patch(facecolor=style.ORANGE, alpha=0.35) if shown else Patch(alpha=0)
    legend = _legend(ax, span, handles)
    move_below(ax, legend, texts)
    texts.append(legend)
    ceiling = 1.0
    if tolerance is not None and shown:
        ceiling = panels.free_height(ax, span, -tolerance, tolerance, texts)
        ax.axvspan(-tolerance, tolerance, ymax=ceiling, color=style.ORANGE, alpha=0.18, linewidth=0, zorder=0.5)
        for end in (-tolerance, tolerance):
            ax.axvline(end, ymax=ceiling, color=style.ORANGE, linewidth=1.6, linestyle="--", zorder=2.5)
    _finish(ax, span, list(scaled.values()), texts, ceiling - 0.05)
    return figure


def draw_multiplicity(numbers: Histograms, caption: Caption) -> Figure:
    """How many events have how many objects of each kind."""
    figure = style.new_figure(7.2, 5.6)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
    span = Span.of(list(numbers.values()))
    texts = style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network)
    handles: dict[str, Artist] = {}
    for name, line in Line.of(list(numbers)).items():
        contents = _contents(numbers[name])
        panels.draw(ax, span, contents, histtype="step", color=line.colour, linewidth=1.5, yerr=False)
        line.mark(ax, span, contents)
        handles[kind_label(name)] = line.handle
    Axis("Objects of the kind in an event", "", False, False).write(ax, span)
    legend = _legend(ax, span, handles)
    move_below(ax, legend, texts)
    notes: list[Artist] = [*texts, legend, *panels.name_strips(ax, span)]
    every = [_contents(histogram) for histogram in numbers.values()]
    title = "Weighted events / number" if caption.weighted else "Events / number"
    panels.set_y(ax, title, span, np.concatenate(every), notes, np.max(every, axis=0), log=True)
    return figure


def _finish(ax: Axes, span: Span, every: Sequence[np.ndarray], texts: Sequence[Artist], ceiling: float = 0.95) -> None:
    """Strips and y axis of distributions that are scaled to unit area."""
    notes = [*texts, *panels.name_strips(ax, span)]
    tops = np.max(every, axis=0)
    panels.set_y(ax, "Share / bin", span, tops, notes, ceiling=ceiling)


def _legend(ax: Axes, span: Span, entries: Mapping[str, Artist]) -> Legend:
    """Entries in two columns at the upper right."""
    return ax.legend(
        list(entries.values()),
        list(entries),
        loc="upper right",
        bbox_to_anchor=(1 - span.insets[1], 1),
        ncols=2 if len(entries) > 4 else 1,
        columnspacing=1.2,
        handlelength=1.8,
    )


def _contents(histogram: hist.Hist) -> np.ndarray:
    return np.asarray(histogram.values(flow=True), float)


def _unit_area(histogram: hist.Hist) -> np.ndarray:
    """Contents with flow that sum to 1; all 0 where the histogram is empty."""
    contents = _contents(histogram)
    total = contents.sum()
    return contents / total if total > 0 else contents


def _lowest(before: Histograms) -> np.ndarray:
    """What a logarithmic axis has to reach down to: contents of the kind at the bottom of the stack, and of all."""
    return np.concatenate([_contents(histogram) for histogram in before.values()])
