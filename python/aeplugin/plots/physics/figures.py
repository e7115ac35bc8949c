"""Pictures of quantities of events before and after, of their shifts, and of the events that a selection exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hist.intervals import clopper_pearson_interval, poisson_interval
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from aeplugin.plots.drawing import panels, style, wording
from aeplugin.plots.drawing.distributions import draw_main, draw_ratio, move_below, write_lines
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.physics.filling import Result
from aeplugin.plots.physics.selection import Step

_FEWEST = 5
"""Values in a bin of the original whose shifts are summed up by quantiles."""


def has_profile(result: Result) -> bool:
    """Whether shifts against the original are worth a panel: they are no whole numbers, and there are enough."""
    found = result.survey
    enough = (_effective(result) >= _FEWEST).sum() >= 3
    return bool(not found.is_unmoved and not found.before.integers and enough)


def draw_quantity(result: Result, caption: Caption) -> Figure:
    """Both distributions, their ratio, and the median and central 68 % of shifts against the original."""
    moves = has_profile(result)
    figure = style.new_figure(7.2, 7.6 if moves else 6.4)
    main, ratio, *others = figure.subplots(3 if moves else 2, 1, sharex=True, height_ratios=(3, 1, 1)[: 2 + moves])
    figure.subplots_adjust(left=0.14, right=0.96, top=0.95, bottom=0.1 if moves else 0.12, hspace=0.08)
    span = Span.of([result.before, result.after], result.log)
    exponent = 0 if span.log else wording.axis_exponent(float(np.abs(span.edges).max()), result.quantity.unit)
    panels.set_x(main, span, exponent)
    found = result.survey
    entries = [f"{wording.count(sample.count)} {caption.noun}" for sample in (found.before, found.after)]
    lines = _statistics(result, caption.noun)
    before, after, error = draw_main(main, span, (result.before, result.after), entries, caption, lines)
    main.tick_params(labelbottom=False)
    draw_ratio(ratio, span, before, after, error)
    panels.set_x(ratio, span, exponent)
    for ax in others:
        ratio.tick_params(labelbottom=False)
        _draw_profile(ax, span, result)
        panels.set_x(ax, span, exponent)
    lowest = figure.axes[-1]
    lowest.set_xlabel(wording.axis_title(result.quantity.title, result.quantity.unit, exponent))
    figure.align_ylabels()
    style.fit_text(lowest.xaxis.label, lowest.get_window_extent().width)
    return figure


def _statistics(result: Result, noun: str) -> list[str]:
    """The legend's lines on shifts, and on the peak."""
    found, unit = result.survey, result.quantity.unit
    if found.is_unmoved:
        return [f"No shift in any of the {noun}"]
    sample, kind = found.shift, "%" if result.quantity.relative else unit
    if sample.integers:
        return [f"Mean shift {wording.number(sample.mean)}", f"{_moved(result)} change"]
    lines = [
        f"Mean shift {wording.amount(sample.mean, kind)}",
        f"68 % of |shift| \u2264 {wording.amount(sample.abs_quantile(0.68), kind)}",
        f"95 % of |shift| \u2264 {wording.amount(sample.abs_quantile(0.95), kind)}",
    ]
    peak = result.peak
    if peak is not None:
        lines.append(f"Peak at {wording.amount(peak.position, unit)}")
        lines.append(f"moved by {wording.measured(peak.shift, peak.error, unit)}")
    return lines


def _common_reach(sizes: np.ndarray, contents: np.ndarray) -> tuple[float, float]:
    """An axis about zero for the sizes (or NaN) of bins that hold 95 % of the contents of such bins."""
    order = np.argsort(sizes)[: int(np.isfinite(sizes).sum())]
    if not len(order):
        return -1, 1
    sums = np.cumsum(contents[order])
    reach = 1.3 * float(sizes[order][np.searchsorted(sums, 0.95 * sums[-1])]) or 1.0
    return -reach, reach


def _moved(result: Result) -> str:
    """The share of the values that move, for shifts that are whole numbers."""
    contents = np.asarray(result.shift.values(flow=True), float)
    return wording.percent(1 - contents[len(contents) // 2] / contents.sum())


def _draw_profile(ax: Axes, span: Span, result: Result) -> None:
    """Median and central 68 % of the shifts in each bin of the original."""
    contents = np.maximum(np.asarray(result.profile.values(flow=True), float), 0)
    held = contents.sum(axis=1)
    contents[_effective(result) < _FEWEST] = 0
    edges = result.profile.axes[1].edges * (100 if result.quantity.relative else 1)
    low, middle, high = (_quantiles(contents, edges, q) for q in (0.16, 0.5, 0.84))
    ax.axhline(0, color=style.GREY, linewidth=0.9)
    panels.band(ax, span, low, high, facecolor=style.SKY, alpha=0.45, linewidth=0)
    for part, x in span.parts():
        ax.stairs(middle[part], x, baseline=None, color=style.BLUE, linewidth=1.6)
    ax.set_ylim(*_common_reach(np.fmax(np.abs(low), np.abs(high))[1:-1], held[1:-1]))
    unit = "%" if result.quantity.relative else result.quantity.unit
    exponent = wording.axis_exponent(ax.get_ylim()[1], "")
    ax.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    ax.yaxis.set_major_formatter(wording.plain_ticks(exponent))
    inside = " ".join(part for part in (wording.upright(f"10^{{{exponent}}}") if exponent else "", unit) if part)
    ax.set_ylabel(f"Shift [{inside}]" if inside else "Shift", loc="center")


def _effective(result: Result) -> np.ndarray:
    """How many values each bin of the original holds, with flow; of weighted ones as many as have their uncertainty."""
    sums = np.asarray(result.before.values(flow=True), float)
    squares = np.asarray(result.before.variances(flow=True), float)
    return np.asarray(np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0))


def _quantiles(contents: np.ndarray, edges: np.ndarray, q: float) -> np.ndarray:
    """The quantile along the second axis of contents with flow; shape (bins + 2,), NaN for what is empty.

    Flow counts at the end of the range that it lies beyond.
    """
    inside = contents[:, 1:-1].copy()
    inside[:, 0] += contents[:, 0]
    inside[:, -1] += contents[:, -1]
    sums = np.concatenate([np.zeros((len(inside), 1)), np.cumsum(inside, axis=1)], axis=1)
    return np.array([np.interp(q * row[-1], row, edges) if row[-1] > 0 else np.nan for row in sums])


def draw_shift(result: Result, caption: Caption) -> Figure:
    """The distribution of shifts, with mean and half-widths."""
    figure = style.new_figure(7.2, 5.6)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
    span = Span.of([result.shift])
    quantity, sample = result.quantity, result.survey.shift
    unit = "%" if quantity.relative else quantity.unit
    exponent = wording.axis_exponent(float(span.edges[-1]), unit)
    whole = [(x, wording.number(x)) for x in np.arange(np.ceil(span.edges[0]), span.edges[-1])]
    panels.set_x(ax, span, exponent, whole if sample.integers and len(whole) <= 15 else None)
    texts: list[Artist] = list(style.experiment_label(ax, caption.look, insets=span.insets, extra=caption.network))
    contents = np.asarray(result.shift.values(flow=True), float)
    panels.draw(ax, span, contents, histtype="fill", facecolor=style.SKY, alpha=0.45, edgecolor="none")
    panels.draw(ax, span, contents, histtype="step", color=style.BLUE, linewidth=1.3, yerr=False)
    effective = contents.sum() ** 2 / np.asarray(result.shift.variances(flow=True), float).sum()
    uncertainty = sample.deviation / np.sqrt(effective)
    scale = 100 if unit == "%" else 1
    mean = wording.measured(scale * sample.mean, scale * uncertainty, unit)
    lines = [f"{wording.count(sample.count)} {caption.noun}", f"Mean {mean}"]
    lines.append(f"Std. dev. {wording.amount(sample.deviation, unit)}")
    if sample.integers:
        lines.append(f"{_moved(result)} change")
    else:
        lines += [
            f"{share} % of |shift| \u2264 {wording.amount(sample.abs_quantile(share / 100), unit)}"
            for share in (68, 95)
        ]
    legend = write_lines(ax, span, lines, texts)
    texts += [legend, *panels.name_strips(ax, span)]
    long_tails = sample.integers or sample.abs_quantile(0.95) > 4 * sample.abs_quantile(0.68)
    panels.set_y(ax, caption.per_bin, span, contents, texts, log=long_tails)
    title = quantity.title[:1].lower() + quantity.title[1:]
    what = f"Relative shift of {title}" if quantity.relative else f"Shift of {title}"
    ax.set_xlabel(wording.axis_title(what, unit, exponent))
    style.fit_text(ax.xaxis.label, ax.get_window_extent().width)
    return figure


def draw_selection(steps: Sequence[Step], caption: Caption) -> Figure:
    """Events gained (to the right) and lost (to the left) by each step, in per mille of those that pass before."""
    figure = style.new_figure(8.6, 2.3 + 0.55 * len(steps))
    ax = figure.subplots()
    bottom, top = 0.75 / figure.get_figheight(), 1 - 0.3 / figure.get_figheight()
    figure.subplots_adjust(left=0.33, right=0.81, top=top, bottom=bottom)
    rows = -np.arange(len(steps), dtype=float)
    reach = 0.0
    for sign, what, colour, hatch in ((1, "gained", style.BLUE, ""), (-1, "lost", style.VERMILION, "////")):
        shares, low, high = exchanged(steps, what)
        ax.barh(
            rows, sign * shares, height=0.52, facecolor=colour, edgecolor="white", linewidth=0, hatch=hatch,
            label=f"{what.capitalize()} ({'pass only after' if sign > 0 else 'passed only before'})",
        )  # fmt: skip
        ends = np.array([shares - low, high - shares])[:: 1 if sign > 0 else -1]
        ax.errorbar(sign * shares, rows, xerr=ends, fmt="none", ecolor="black", elinewidth=1.2, capsize=3)
        reach = max(reach, float(np.nanmax(high, initial=0)))
    _set_shares(ax, reach or 1.0, steps)
    ax.plot([0, 0], [rows[-1] - 0.6, 0.6], color="black", linewidth=0.9)
    ax.set_ylim(rows[-1] - 0.6, 2.1)  # with room above the bars for label and legend
    ax.set_yticks(rows, [_name(step) for step in steps])
    ax.tick_params(axis="y", which="both", length=0, right=False)
    for row, step in zip(rows, steps, strict=True):
        tally = step.counts
        before, after, gained, lost = (
            wording.count(int(n)) for n in (tally.before, tally.after, tally.gained, tally.lost)
        )
        ax.text(
            1.02,
            row + 0.17,
            f"{before} \u2192 {after}",
            transform=ax.get_yaxis_transform(),
            fontsize=style.SMALL,
            va="center",
        )
        ax.text(
            1.02,
            row - 0.17,
            f"+{gained}  \u2212{lost}",
            transform=ax.get_yaxis_transform(),
            fontsize=style.SMALL,
            va="center",
            color=style.GREY,
        )
    heading: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "fontsize": style.SMALL, "va": "center"}
    ax.text(1.02, 0.85, "Before \u2192 after", **heading)
    ax.text(1.02, 0.51, "gained, lost", color=style.GREY, **heading)
    texts = style.experiment_label(ax, caption.look, extra=caption.network)
    legend = ax.legend(loc="upper right", handlelength=1.6)
    move_below(ax, legend, texts)
    for label in ax.get_yticklabels():
        style.fit_text(label, 0.31 * figure.bbox.width)
    ax.set_xlabel("Events / events that pass before [\u2030]")
    return figure


def _name(step: Step) -> str:
    return step.cuts[0].label if len(step.cuts) == 1 else f"All {len(step.cuts)} together"


def _set_shares(ax: Axes, reach: float, steps: Sequence[Step]) -> None:
    """X axis, symmetric about zero; logarithmic beyond the smallest share where they differ by orders of magnitude."""
    shares = np.concatenate([exchanged(steps, what)[0] for what in ("gained", "lost")])
    shares = shares[shares > 0]
    if len(shares) and shares.max() > 50 * shares.min():
        smallest = 10 ** np.floor(np.log10(shares.min()))
        ax.set_xscale("symlog", linthresh=smallest, linscale=0.5)
        ax.set_xlim(-3 * reach, 3 * reach)
        powers = [k for k in range(-12, 4) if smallest * 0.99 <= 10.0**k <= 3 * reach]
        ax.xaxis.set_major_locator(FixedLocator([0.0, *(s * 10.0**k for k in powers for s in (-1, 1))]))
    else:
        ax.set_xlim(-1.15 * reach, 1.15 * reach)
        ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], symmetric=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(abs(value))))


def exchanged(steps: Sequence[Step], what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events "gained" or "lost" per mille of those that pass before, and the ends of the 68 % interval of each share.

    Lost events are some of those that pass before: the interval is binomial (Clopper and Pearson). Gained events are
    others: it is Poisson's (Garwood). Where nothing passes before, all are NaN.
    """
    numbers = np.array([float(getattr(step.counts, what)) for step in steps])
    passed = np.array([float(step.counts.before) for step in steps])
    passed[passed == 0] = np.nan
    if what == "lost":
        low, high = clopper_pearson_interval(numbers, np.maximum(passed, numbers))
    else:
        low, high = poisson_interval(numbers) / passed
    return 1000 * numbers / passed, 1000 * low, 1000 * high
