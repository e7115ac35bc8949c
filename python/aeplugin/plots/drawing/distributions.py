"""One variable's distribution in both files, with their ratio below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import hist
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from aeplugin.plots.drawing import panels, style, wording
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.recipe import Column
from aeplugin.statistics import Sample


def draw_input(
    original: hist.Hist,
    reconstructed: hist.Hist,
    samples: tuple[Sample, Sample],
    label: str,
    column: Column,
    log: tuple[bool, bool],
    caption: Caption,
) -> Figure:
    """Input and reconstructed distribution, and reconstructed / input; `log` says which axes are logarithmic.

    Both histograms hold the same objects, so their fluctuations are almost fully correlated: the ratio's points carry
    no error bars, and the band is the input's own statistical uncertainty, sqrt(N), for scale.
    """
    figure = style.new_figure(7.2, 6.4)
    main, ratio = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.subplots_adjust(left=0.14, right=0.96, top=0.95, bottom=0.12, hspace=0.06)
    span = Span.of([original, reconstructed], log[0])
    exponent = 0 if log[0] else wording.axis_exponent(float(np.abs(span.edges).max()), column.unit)
    ticks = angle_ticks(span) if column.periodic else None
    panels.set_x(main, span, exponent, ticks)
    entries = [_entries(sample, caption.noun, column) for sample in samples]
    before, after, error = draw_main(main, span, (original, reconstructed), entries, caption, log=log[1])
    main.tick_params(labelbottom=False)

    draw_ratio(ratio, span, before, after, error)
    ratio.set_xlabel(wording.axis_title(label, column.unit, exponent))
    panels.set_x(ratio, span, exponent, ticks)
    figure.align_ylabels()
    style.fit_text(ratio.xaxis.label, ratio.get_window_extent().width)
    return figure


def draw_main(
    ax: Axes,
    span: Span,
    histograms: tuple[hist.Hist, hist.Hist],
    entries: Sequence[str],
    caption: Caption,
    lines: Sequence[str] = (),
    *,
    log: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The panel with input (filled, with its statistical uncertainty) and reconstructed (dashed); its x axis is set.

    Args:
        entries: of either, for the legend.
        lines: what else the legend says.

    Returns:
        Contents of both with flow, and the uncertainties of the input, shape (bins + 2,) each.
    """
    before, after = (np.asarray(h.values(flow=True), float) for h in histograms)
    error: np.ndarray = np.sqrt(np.asarray(histograms[0].variances(flow=True), float))
    texts = style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network)
    filled = panels.draw(ax, span, before, histtype="fill", facecolor=style.SKY, alpha=0.45, edgecolor="none")
    panels.draw(ax, span, before, histtype="step", color=style.BLUE, linewidth=1.2, yerr=False)
    hatch: dict[str, Any] = {"facecolor": "none", "edgecolor": style.GREY, "hatch": "/////", "linewidth": 0}
    panels.band(ax, span, before - error, before + error, **hatch)
    line = panels.draw(
        ax, span, after, histtype="step", color=style.VERMILION, linewidth=1.6, linestyle="--", yerr=False
    )
    legend = ax.legend(
        [filled, line, Patch(**hatch), *[Patch(alpha=0)] * len(lines)],
        [f"Input ({entries[0]})", f"Reconstructed ({entries[1]})", "Input stat. uncertainty", *lines],
        loc="upper right",
        bbox_to_anchor=(1 - span.insets[1], 1),
    )
    move_below(ax, legend, texts)
    notes: list[Artist] = [*texts, legend, *panels.name_strips(ax, span)]
    contents = np.where(before > 0, before, after)
    panels.set_y(ax, caption.per_bin, span, contents, notes, np.maximum(before + error, after), log=log)
    return before, after, error


def write_lines(ax: Axes, span: Span, lines: Sequence[str], texts: Sequence[Artist]) -> Legend:
    """Lines of text at the upper right, below those `texts` at the left that they would run into."""
    legend = ax.legend(
        [Patch(alpha=0)] * len(lines),
        lines,
        loc="upper right",
        handlelength=0,
        handletextpad=0,
        bbox_to_anchor=(1 - span.insets[1], 1),
    )
    move_below(ax, legend, texts)
    return legend


def move_below(ax: Axes, legend: Legend, texts: Sequence[Artist]) -> None:
    """Move the legend at the upper right down, below those texts at the upper left that it would run into."""
    (left, bottom, _, top), *found = style.boxes(ax, [legend, *texts])
    in_the_way = [(y0, y1) for _, y0, x1, y1 in found if x1 > left - 0.02]
    anchor = legend.get_bbox_to_anchor().transformed(ax.transAxes.inverted())
    height, gap = top - bottom, anchor.y1 - top
    for place in (top, *sorted((y0 for y0, _ in in_the_way), reverse=True)):
        if not any(y0 < place and y1 > place - height for y0, y1 in in_the_way):
            legend.set_bbox_to_anchor((anchor.x1, place + min(gap, 0.01) if place != top else anchor.y1))
            return


def draw_ratio(ax: Axes, span: Span, before: np.ndarray, after: np.ndarray, uncertainty: np.ndarray) -> None:
    """after / before as points, and the relative `uncertainty` of before as a band; contents with flow."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values, error = after / before, uncertainty / np.abs(before)
    error[~np.isfinite(error)] = 0
    reach = _ratio_reach(values[np.isfinite(values)], error[before > 0])
    panels.band(ax, span, 1 - error, 1 + error, color="#CCCCCC", linewidth=0, zorder=1)
    ax.axhline(1, color=style.GREY, linewidth=0.9, zorder=2)
    for part, edges in span.parts():
        centers = np.sqrt(edges[:-1] * edges[1:]) if span.log else 0.5 * (edges[:-1] + edges[1:])
        here = values[part]
        inside = np.abs(here - 1) <= reach
        ax.plot(centers[inside], here[inside], "o", color=style.VERMILION, markersize=3.4, zorder=3)
        # Points beyond the axis show as arrows at its end, also where the input has no entry (infinite).
        for beyond, height, marker in ((here > 1 + reach, 0.94, "^"), (here < 1 - reach, 0.06, "v")):
            ax.plot(
                centers[beyond],
                np.full(beyond.sum(), height),
                marker,
                color=style.VERMILION,
                markersize=5.5,
                transform=ax.get_xaxis_transform(),
                zorder=3,
            )
    ax.set_ylim(1 - 1.15 * reach, 1 + 1.15 * reach)
    ax.yaxis.set_major_locator(FixedLocator([1 - reach, 1, 1 + reach]))
    ax.yaxis.set_minor_locator(FixedLocator([1 - reach / 2, 1 + reach / 2]) if reach else NullLocator())
    ax.yaxis.set_major_formatter(wording.plain_ticks())
    ax.set_ylabel("Reco. / input", loc="center")


def _ratio_reach(values: np.ndarray, errors: np.ndarray) -> float:
    """Half the ratio axis: a round number that shows nearly all points, and the band's common width."""
    wanted = max(
        float(np.quantile(np.abs(values - 1), 0.95)) if len(values) else 0,
        1.5 * float(np.median(errors)) if len(errors) else 0,
    )
    return next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if wanted <= step), 0.8)


def _entries(sample: Sample, objects: str, column: Column) -> str:
    entries = f"{wording.count(sample.count)} {objects}"
    what = "special values" if column.sentinels else "NaN or inf"
    return f"{entries}, {wording.count(sample.nonfinite)} {what}" if sample.nonfinite else entries


def angle_ticks(span: Span) -> list[tuple[float, str]]:
    """Ticks of a whole turn in quarters of it."""
    names = {-2: r"-\pi", -1: r"-\pi/2", 0: "0", 1: r"\pi/2", 2: r"\pi", 3: r"3\pi/2", 4: r"2\pi"}
    low, high = span.edges[0], span.edges[-1]
    return [
        (k * math.pi / 2, wording.upright(text))
        for k, text in names.items()
        if low - 0.01 <= k * math.pi / 2 <= high + 0.01
    ]
