"""Residual, relative residual and response of one variable."""

from __future__ import annotations

import hist
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from aeplugin import residuals
from aeplugin.plots.drawing import panels, style, wording
from aeplugin.plots.drawing.distributions import write_lines
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import Judged, Key, key_in_kind
from aeplugin.recipe import Column


def draw_residual(
    histogram: hist.Hist,
    key: Key,
    judged: Judged,
    in_kind: Judged,
    label: str,
    column: Column,
    caption: Caption,
    *,
    log: bool = False,
) -> Figure:
    """Distribution of a residual with the tolerance where it speaks of this kind of residual.

    Args:
        histogram: of the residuals called `key`.
        judged: their statistics.
        in_kind: statistics of the residuals that the tolerance speaks of; the same for most.
        label: of the variable.
    """
    relative = key[1] == "relative_residual"
    unit = "%" if relative else column.unit
    title = f"Relative residual of {label}" if relative else f"Residual of {label}"
    return _draw(histogram, 0, title, unit, key, judged, in_kind, column, caption, log)


def draw_response(
    histogram: hist.Hist, key: Key, judged: Judged, label: str, column: Column, caption: Caption, *, log: bool = False
) -> Figure:
    """Distribution of the response, which is 1 + relative residual: `histogram` and `judged` are of the latter."""
    title = f"Response of {label} (reconstructed / original)"
    return _draw(histogram, 1, title, "", key, judged, judged, column, caption, log)


def statistics(key: Key, judged: Judged, in_kind: Judged, unit: str, center: float = 0) -> list[str]:
    """The legend's lines on the residual called `key`, or on the response where `center` is 1."""
    sample = judged.sample
    relative = key[1] == "relative_residual"
    deviation = "|response \u2212 1|" if center else "|residual|"
    tolerance = "tolerance" if judged is in_kind else "absolute tolerance" if relative else "relative tolerance"
    lines = [
        f"Mean {wording.amount(sample.mean, unit)}" if not center else f"Mean {1 + sample.mean:.6f}",
        f"RMS {wording.amount(sample.rms, unit)}" + (" about 1" if center else ""),
        f"68 % of {deviation} \u2264 {wording.amount(sample.abs_quantile(0.68), unit)}",
        f"95 % of {deviation} \u2264 {wording.amount(sample.abs_quantile(0.95), unit)}",
        f"Beyond {tolerance}: {wording.percent(in_kind.share_beyond)}",
    ]
    if relative and judged is not in_kind:
        if undefined := judged.broken + judged.special:
            lines.append(f"Undefined, as the original is 0: {wording.count(undefined)}")
        return lines
    if judged.broken:
        lines.append(f"Not finite: {wording.count(judged.broken)}")
    if judged.special:
        lines.append(f"Special values, kept exactly: {wording.count(judged.special)}")
    return lines


def _draw(
    histogram: hist.Hist,
    center: float,
    title: str,
    unit: str,
    key: Key,
    judged: Judged,
    in_kind: Judged,
    column: Column,
    caption: Caption,
    log: bool,
) -> Figure:
    figure = style.new_figure(7.2, 5.6)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.95, bottom=0.13)
    span = Span.of([histogram]).shifted(center)
    exponent = wording.axis_exponent(float(span.edges[-1]), unit) if not center else 0
    panels.set_x(ax, span, exponent)
    texts: list[Artist] = list(style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network))
    contents = np.asarray(histogram.values(flow=True), float)
    filled = panels.draw(ax, span, contents, histtype="fill", facecolor=style.SKY, alpha=0.45, edgecolor="none")
    panels.draw(ax, span, contents, histtype="step", color=style.BLUE, linewidth=1.3, yerr=False)

    handles: list[Artist] = [filled]
    labels = [f"{wording.count(judged.sample.count)} {caption.noun}"]
    bound = residuals.bound(column)
    stated = key == key_in_kind(key[0], column)
    shown = stated and bound <= span.edges[-1] - center
    if stated:
        size = wording.amount(bound, "%" if column.tolerance.rel is not None else column.unit)
        handles.append(Patch(facecolor=style.ORANGE, alpha=0.35) if shown else Patch(alpha=0))
        labels.append(f"Tolerance $\\pm${size}" + ("" if shown else ", off the axis"))

    # The legend goes below the label, the numbers to the other side: a peak in the middle has room between them.
    x, y = min(box[0] for box in style.boxes(ax, texts)), min(box[1] for box in style.boxes(ax, texts))
    legend = ax.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(x, y - 0.005),
        handlelength=1.4,
        borderpad=0.2,
        borderaxespad=0,
    )
    ax.add_artist(legend)
    texts.append(legend)
    numbers = write_lines(ax, span, statistics(key, judged, in_kind, unit, center), texts)
    texts += [numbers, *panels.name_strips(ax, span)]
    ends = center - bound, center + bound
    ceiling = panels.free_height(ax, span, *ends, texts) if shown else 1.0
    panels.set_y(ax, caption.per_bin, span, contents, texts, ceiling=ceiling - 0.05, log=log)
    if shown:
        ax.axvspan(*ends, ymax=ceiling, color=style.ORANGE, alpha=0.18, linewidth=0, zorder=0.5)
        for end in ends:
            ax.axvline(end, ymax=ceiling, color=style.ORANGE, linewidth=1.6, linestyle="--", zorder=2.5)
    ax.set_xlabel(wording.axis_title(title, unit, exponent))
    style.fit_text(ax.xaxis.label, ax.get_window_extent().width)
    return figure
