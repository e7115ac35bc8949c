"""Pictures of a scan: size against error for all trials, and both against one field."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.log_axes import set_log_ticks
from aeplugin.plots.drawing.shortening import shorten
from aeplugin.plots.drawing.style import Caption, Look
from aeplugin.search.ranking import Trial, pareto_front, short_names, varying_fields, written

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_MARKER_SIZE = 7.0
_LEFT, _GAP, _PANEL, _HEIGHT, _BOTTOM, _SIDE = 0.85, 0.9, 3.5, 3.9, 0.75, 1.9  # in inches
_MOST_MARKS = len(_MARKERS)
"""Values of a field that have a mark of their own; more numbers are shades of a colour."""
_SHADES = "cividis"  # told apart with every kind of colour vision, and in grey
_LOG_FROM = 8.0
_LOG_FIELD_FROM = 50.0
"""Ratio of the largest to the smallest number from which on an axis is logarithmic; the second is of a field."""
_APART = 14.0
"""Pixels between marks that both have a number."""
_MOST_ON_A_LINE = 20
"""Trials that a line joins: more are those of a search by chance, which scatter."""


@dataclass(frozen=True)
class _Side:
    title: str
    value: Callable[[Trial], float]


_OBJECTS = _Side("Share of objects outside a tolerance", lambda trial: 1 - trial.within)
_VALUES = _Side("Share of values outside their tolerance", lambda trial: 1 - trial.values_within)
_RESOLUTION = _Side("Resolution / tolerance", lambda trial: trial.resolution)
_TELLING = 1e-2
"""Share of objects within all tolerances that some trial must reach for the first to say anything."""


def draw_pareto(trials: Sequence[Trial], look: Look) -> Figure:
    """Bits per object against what the network alone does to objects, for all trials, with the Pareto front.

    Colours and markers tell the values of the first field with several of them that has few, else of the first one.

    Args:
        trials: in the order of their ranking, whose numbers stand at the front.
    """
    width, height = _LEFT + 2 * _PANEL + _GAP + _SIDE, headings.height(2 * _PANEL + _GAP) + _HEIGHT + _BOTTOM
    figure = style.new_figure(width, height)
    marks = _marks(trials)
    share = _OBJECTS if any(trial.within > _TELLING for trial in trials) else _VALUES
    for i, side in enumerate((share, _RESOLUTION)):
        box = (_LEFT + i * (_PANEL + _GAP), _BOTTOM, _PANEL, _HEIGHT)
        ax = figure.add_axes(
            (box[0] / width, box[1] / height, box[2] / width, box[3] / height), label=f"{i}: {side.title}"
        )
        _draw_side(ax, trials, side, marks)
    _explain(figure, marks, 1 - (_SIDE - 0.15) / width, (_BOTTOM + _HEIGHT) / height)
    notes = [f"{len(trials)} trials", "line: Pareto front", "numbers: rank", "dashed: codec plain"]
    headings.write(figure, Caption(look, "", ""), notes)
    return figure


def draw_curve(trials: Sequence[Trial], field: str, look: Look) -> Figure:
    """Bits per object and the loss against the one field that varies, a number."""
    width, top = 6.6, headings.height(5.5, legend=False)
    height = top + 5.6
    figure = style.new_figure(width, height)
    upper, lower = figure.subplots(2, 1, sharex=True)
    style.set_margins(figure, 0.95, 0.2, top, 0.75, hspace=0.08)
    order = sorted(trials, key=lambda trial: float(trial.changes[field]))
    x = np.array([trial.changes[field] for trial in order], float)
    options: dict[str, Any] = {"markersize": _MARKER_SIZE, "linewidth": 1.3}
    options["linestyle"] = "-" if len(x) <= _MOST_ON_A_LINE else ""
    upper.plot(x, [trial.bits for trial in order], "o", color=style.BLUE, label="Codec autoencoder", **options)
    plain = [trial.plain_bits for trial in order]
    upper.plot(x, plain, "--", color=style.GREY, linewidth=1.3, label="Codec plain")
    upper.set_ylabel("Bits per object")
    upper.margins(y=0.18)
    upper.legend(loc="best")
    lower.plot(x, [trial.loss for trial in order], "s", color=style.VERMILION, **options)
    lower.set_ylabel("Validation loss")
    lower.set_xlabel(_as_label(field.split(".")[-1]))
    _scale(lower, "y", [trial.loss for trial in order])
    _scale(lower, "x", x.tolist(), _LOG_FIELD_FROM)
    if lower.get_xscale() == "linear" and (x == np.rint(x)).all():
        lower.xaxis.set_major_locator(MaxNLocator(9, integer=True, steps=[1, 2, 5, 10]))
        lower.xaxis.set_minor_locator(NullLocator())
    figure.align_ylabels()
    headings.write(figure, Caption(look, "", ""), [f"{len(trials)} trials", _as_label(shorten(field, 48))])
    return figure


@dataclass(frozen=True)
class _Marks:
    """How each trial looks.

    Attributes:
        title: of the field that looks tell.
        looks: of each trial, colour and marker.
        legend: value, colour and marker of each value that has a mark.
        shades: where values are shades of a colour.
    """

    title: str
    looks: list[tuple[Any, str]]
    legend: list[tuple[str, Any, str]]
    shades: Normalize | None


def _marks(trials: Sequence[Trial]) -> _Marks:
    fields = varying_fields(trials)
    if not fields:
        return _Marks("", [(style.BLUE, "o")] * len(trials), [], None)
    values: dict[str, list[Any]] = {field: [trial.changes.get(field) for trial in trials] for field in fields}
    few = [field for field in fields if len({written(value) for value in values[field]}) <= _MOST_MARKS]
    numeric = [field for field in fields if all(_is_number(value) for value in values[field])]
    field = (few or numeric or fields)[0]
    title = short_names(fields)[field]
    texts = [written(value) for value in values[field]]
    if field in few:
        different = dict(zip(texts, values[field], strict=True))
        order = sorted(different, key=lambda text: different[text]) if field in numeric else list(different)
        looks = {text: (style.CYCLE[i], _MARKERS[i]) for i, text in enumerate(order)}
        return _Marks(title, [looks[text] for text in texts], [(text, *looks[text]) for text in order], None)
    if field in numeric:
        low, high = min(values[field]), max(values[field])
        norm = Normalize(low, high)
        if low > 0 and high / low > 2 * _LOG_FROM:
            norm = LogNorm(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)))
        shades = colormaps[_SHADES]
        return _Marks(title, [(shades(norm(value)), "o") for value in values[field]], [], norm)
    return _Marks("", [(style.BLUE, "o")] * len(trials), [], None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _draw_side(ax: Axes, trials: Sequence[Trial], side: _Side, marks: _Marks) -> None:
    points = [(trial.bits, side.value(trial)) for trial in trials]
    front = pareto_front(points)
    plain = [trial.plain_bits for trial in trials if math.isfinite(trial.plain_bits)]
    is_one = bool(plain) and max(plain) < 1.01 * min(plain)  # with other tolerances there is another one per trial
    if is_one:
        ax.axvline(plain[0], color=style.GREY, linestyle="--", linewidth=1.0, zorder=1)
    ax.plot([points[i][0] for i in front], [points[i][1] for i in front], "-", color="#BBBBBB", linewidth=3, zorder=1)
    for (x, y), (colour, marker) in zip(points, marks.looks, strict=True):
        ax.plot(
            x,
            y,
            marker,
            color=colour,
            markersize=_MARKER_SIZE,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=3,
        )
    _scale(ax, "y", [y for _, y in points])
    _scale(ax, "x", [x for x, _ in points] + (plain[:1] if is_one else []))
    _write_ranks(ax, points, front)
    ax.set_xlabel("Bits per object")
    ax.set_ylabel(side.title)
    style.fit_text(ax.yaxis.label, ax.get_window_extent().height, vertical=True)


def _write_ranks(ax: Axes, points: Sequence[tuple[float, float]], front: Sequence[int]) -> None:
    """Numbers beside the marks of the front, but for marks on which the one before stands already."""
    last: tuple[float, float] | None = None
    for i in front:
        x, y = ax.transData.transform(points[i])
        if last is not None and math.hypot(x - last[0], y - last[1]) < _APART:
            continue
        last = (x, y)
        ax.annotate(
            str(i + 1), points[i], (-6, -6), textcoords="offset points", fontsize=style.TINY, ha="right", va="top"
        )


def _scale(ax: Axes, which: str, values: Sequence[float], log_from: float = _LOG_FROM) -> None:
    """An axis around some values with room for marks; logarithmic where these are far apart."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return
    low, high = min(finite), max(finite)
    axis = ax.xaxis if which == "x" else ax.yaxis
    if low > 0 and high / low > log_from:
        margin = (high / low) ** 0.08
        ax.set(**{f"{which}scale": "log", f"{which}lim": (low / margin, high * margin)})
        set_log_ticks(axis)
        return
    margin = 0.12 * (high - low) or 0.1 * abs(high) or 0.1
    ax.set(**{f"{which}lim": (low - margin, high + margin)})
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(wording.plain_ticks())


def _explain(figure: Figure, marks: _Marks, left: float, top: float) -> None:
    """A legend, or a bar of shades, at the right of the panels."""
    if marks.legend:
        handles = [
            Line2D([], [], color=colour, marker=marker, linestyle="", markersize=_MARKER_SIZE)
            for _, colour, marker in marks.legend
        ]
        figure.legend(
            handles,
            [_as_label(shorten(text, 20)) for text, _, _ in marks.legend],
            title=_as_label(shorten(marks.title, 24)),
            loc="upper left",
            bbox_to_anchor=(left, top),
            alignment="left",
            borderaxespad=0,
            borderpad=0,
            fontsize=style.SMALL,
            handlelength=1.2,
        )
    if marks.shades is not None:
        width, height = figure.get_size_inches()
        ax = figure.add_axes((left + 0.05 / width, _BOTTOM / height, 0.17 / width, _HEIGHT / height))
        figure.colorbar(ScalarMappable(marks.shades, _SHADES), cax=ax)
        ax.set_ylabel(_as_label(shorten(marks.title, 30)), fontsize=style.SMALL)
        ax.tick_params(labelsize=style.TINY)
        if isinstance(marks.shades, LogNorm):
            set_log_ticks(ax.yaxis)


def _as_label(text: str) -> str:
    """Text that is no mathtext."""
    return text.replace("$", r"\$")
