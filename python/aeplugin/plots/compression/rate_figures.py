"""Compressors as points with numbers: size against error, speed against size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from aeplugin.plots.drawing import headings, style
from aeplugin.plots.drawing.log_axes import set_log_ticks
from aeplugin.plots.drawing.style import Caption, Look

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_OURS = "aeplugin"
_MARKER_SIZE = 6.0
_LEFT, _RIGHT, _BOTTOM, _GAP, _PANEL, _HEIGHT, _NAMES = 0.75, 0.15, 0.75, 0.25, 3.3, 4.3, 3.2  # in inches


DIRECTIONS = ("compress", "decompress")


@dataclass(frozen=True)
class Point:
    """What one compressor takes and does at some tolerances.

    Attributes:
        which: the name of the tolerances, or of the file.
        bits: per object.
        rms: of the residuals of all variables in units of the loosest tolerance; None if unknown.
        largest: of the same residuals; None if unknown.
        speeds: MB of float32 per second on one thread, by direction.
    """

    which: str
    bits: float
    rms: float | None
    largest: float | None
    speeds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """One compressor at all its tolerances, the loosest first."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class _Mark:
    color: str
    marker: str


def draw_errors(series: Sequence[Series], one: str, notes: Sequence[str], look: Look) -> Figure:
    """Bits per object against RMS and largest residual, in units of the loosest tolerance."""
    figure, panels = _new()
    marks = _marks([each.name for each in series])
    sides: tuple[tuple[str, Callable[[Point], float | None]], ...] = (
        ("RMS residual / loosest tolerance", lambda point: point.rms),
        ("Largest residual / loosest tolerance", lambda point: point.largest),
    )
    for ax, (title, error_of) in zip(panels, sides, strict=True):
        errors = [error for each in series for point in each.points if (error := error_of(point))]
        _set_axis(ax, "x", [*errors, 1.0])
        _set_axis(ax, "y", [point.bits for each in series for point in each.points])
        ax.axvline(1, color=style.GREY, linestyle="--", linewidth=1.0, zorder=1)
        numbers = []
        for number, (each, mark) in enumerate(zip(series, marks, strict=True), 1):
            moved = [(error, point.bits) for point in each.points if (error := error_of(point))]
            ax.plot([x for x, _ in moved], [y for _, y in moved], color=mark.color, linewidth=0.9, alpha=0.6)
            for x, y in moved:
                _draw_mark(ax, x, y, mark)
            numbers += [(x, y, str(number), mark.color) for x, y in moved]
            for point in each.points:
                if error_of(point) == 0:
                    ax.axhline(point.bits, color=mark.color, linestyle=":", linewidth=1.2)
                    numbers.append((ax.get_xlim()[0], point.bits, str(number), mark.color))
        ax.set_xlabel(title)
        style.fit_text(ax.xaxis.label, ax.get_window_extent().width)
        _write_numbers(ax, numbers)
    panels[0].set_ylabel(f"Bits per {one}")
    lossless = (all(point.rms == 0 for point in each.points) for each in series)
    names = (each.name for each in series)
    _write_names(figure, list(zip(range(1, len(series) + 1), names, marks, lossless, strict=True)))
    headings.write(figure, Caption(look, "", ""), notes)
    return figure


def draw_speeds(series: Sequence[Series], notes: Sequence[str], look: Look) -> Figure:
    """Bits per object against speed, compressing at the left and decompressing at the right.

    Of each compressor its first point, where there are speeds; numbers and marks are those of `draw_errors`.
    """
    figure, panels = _new()
    marks = _marks([each.name for each in series])
    every = enumerate(zip((each.points[0] for each in series), marks, strict=True), 1)
    known = [(number, point, mark) for number, (point, mark) in every if point.speeds]
    for ax, direction in zip(panels, DIRECTIONS, strict=True):
        here = [(number, point, mark) for number, point, mark in known if direction in point.speeds]
        _set_axis(ax, "x", [point.speeds[direction] for _, point, _ in here] or [1.0])
        _set_axis(ax, "y", [point.bits for _, point, _ in known])
        for _, point, mark in here:
            _draw_mark(ax, point.speeds[direction], point.bits, mark)
        _write_numbers(ax, [(p.speeds[direction], p.bits, str(number), mark.color) for number, p, mark in here])
        ax.set_xlabel(f"Speed to {direction} [MB/s]")
    panels[0].set_ylabel("Bits per object")
    _write_names(figure, [(number, series[number - 1].name, mark, False) for number, _, mark in known])
    headings.write(figure, Caption(look, "", ""), notes)
    return figure


def _new() -> tuple[Figure, tuple[Axes, Axes]]:
    """Two panels side by side that share their y axis, and room at the right for names."""
    inner = 2 * _PANEL + _GAP
    width, height = _LEFT + inner + _NAMES + _RIGHT, headings.height(inner) + _HEIGHT + _BOTTOM
    figure = style.new_figure(width, height)
    panels = tuple(
        figure.add_axes(((_LEFT + k * (_PANEL + _GAP)) / width, _BOTTOM / height, _PANEL / width, _HEIGHT / height))
        for k in range(2)
    )
    panels[1].tick_params(labelleft=False)
    return figure, (panels[0], panels[1])


def _marks(names: Sequence[str]) -> list[_Mark]:
    """A colour for each family, which is the first word of a name, and a marker for each of its members."""
    colours = [colour for colour in style.CYCLE if colour not in (style.VERMILION, "#000000")]
    families: dict[str, int] = {}
    counts: dict[str, int] = {}
    marks = []
    for name in names:
        family = name.split()[0].rstrip(",")
        number = counts[family] = counts.get(family, -1) + 1
        if family == _OURS:
            colour = style.VERMILION
        elif family.endswith(":"):
            colour = "#000000"
        else:
            colour = colours[families.setdefault(family, len(families)) % len(colours)]
        marks.append(_Mark(colour, _MARKERS[number % len(_MARKERS)]))
    return marks


def _set_axis(ax: Axes, which: str, values: Sequence[float]) -> None:
    """A logarithmic axis around some values, with room for numbers beside them."""
    low, high = min(values), max(values)
    margin = max((high / low) ** 0.12, 1.25)
    axis = ax.xaxis if which == "x" else ax.yaxis
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low / margin, high * margin)})
    set_log_ticks(axis)
    if which == "y" and not ax.yaxis.get_tick_params()["labelleft"]:
        ax.tick_params(labelleft=False)


def _draw_mark(ax: Axes, x: float, y: float, mark: _Mark) -> None:
    ax.plot(
        x,
        y,
        mark.marker,
        color=mark.color,
        markersize=_MARKER_SIZE,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=3,
    )


def _write_numbers(ax: Axes, marks: Sequence[tuple[float, float, str, str]]) -> None:
    """Write numbers beside marks (x, y, text, colour), each where it covers nothing, with a line where that is far."""
    figure: Any = ax.get_figure(root=True)
    renderer = figure.canvas.get_renderer()
    frame = ax.get_window_extent(renderer)
    places = [ax.transData.transform((x, y)) for x, y, _, _ in marks]
    half = _MARKER_SIZE * figure.dpi / 72 / 2
    taken: list[_Box] = [(x - half, y - half, x + half, y + half) for x, y in places]
    taken += [(frame.x0, y - 1, frame.x1, y + 1) for x, y in places if x <= frame.x0 + 1]  # lines of what is lossless
    for (px, py), (x, y, text, colour) in zip(places, marks, strict=True):
        label = ax.annotate(
            text,
            (x, y),
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=style.TINY,
            color=colour,
            path_effects=[withStroke(linewidth=1.8, foreground="white")],
        )
        box = label.get_window_extent(renderer)
        width, height = box.width / 2 + 1, box.height / 2
        tried = ((px + dx, py + dy) for dx, dy in _offsets())
        found = ((cx - width, cy - height, cx + width, cy + height) for cx, cy in tried)
        chosen = next((box for box in found if _is_free(box, taken, frame)), None)
        if chosen is None:
            label.remove()
            continue
        taken.append(chosen)
        center = (chosen[0] + chosen[2]) / 2 - px, (chosen[1] + chosen[3]) / 2 - py
        offset = center[0] * 72 / figure.dpi, center[1] * 72 / figure.dpi  # in points: a file has its own resolution
        label.set_position(offset)
        if math.hypot(*offset) > 11:
            line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 5, "shrinkB": 2}
            ax.annotate("", (x, y), offset, xycoords="data", textcoords="offset points", arrowprops=line)


def _offsets() -> Iterator[tuple[float, float]]:
    """Places around a mark in pixels, the nearest first."""
    for reach in (12, 17, 23, 30, 38, 48, 60):
        for step in range(12):
            angle = math.radians(30 * step + 15 * (reach % 2))
            yield reach * math.cos(angle), reach * math.sin(angle)


_Box = tuple[float, float, float, float]


def _is_free(box: _Box, taken: Sequence[_Box], frame: Any) -> bool:
    """Whether a box (left, bottom, right, top) lies inside of the frame and touches no other."""
    left, bottom, right, top = box
    if left < frame.x0 + 2 or right > frame.x1 - 2 or bottom < frame.y0 + 2 or top > frame.y1 - 2:
        return False
    return all(right < x0 or left > x1 or top < y0 or bottom > y1 for x0, y0, x1, y1 in taken)


def _write_names(figure: Figure, names: Sequence[tuple[int, str, _Mark, bool]]) -> None:
    """Write names with their numbers at the right of the panels.

    Args:
        names: number, name, mark, and whether it is a line instead of a mark.
    """
    width, height = figure.get_size_inches()
    handles = [
        Line2D([], [], color=mark.color, linestyle=":", linewidth=1.2)
        if is_line
        else Line2D([], [], color=mark.color, marker=mark.marker, linestyle="", markersize=_MARKER_SIZE)
        for _, _, mark, is_line in names
    ]
    legend = figure.legend(
        handles,
        [f"{number}  {name}".replace("$", r"\$") for number, name, _, _ in names],
        loc="upper left",
        bbox_to_anchor=(1 - (_NAMES + _RIGHT - 0.1) / width, (_BOTTOM + _HEIGHT) / height),
        borderaxespad=0,
        borderpad=0,
        fontsize=style.TINY,
        handlelength=1.4,
        labelspacing=0.45,
        frameon=False,
    )
    for text in legend.get_texts():
        style.fit_text(text, (_NAMES - 0.55) * figure.dpi)
