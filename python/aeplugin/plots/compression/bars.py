"""Stacked bars: bits per object of each column, bytes of each file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import AutoMinorLocator, MaxNLocator, NullLocator

from aeplugin.plots.compression.stored_sizes import COUNTS, LATENTS, SPECIAL, Bar
from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.shortening import shorten
from aeplugin.plots.drawing.style import Caption, Look

MOST_COLUMNS = 7
"""Columns that have a colour of their own; the smaller ones are one part."""
_WIDTH, _LEFT, _RIGHT, _BAR, _LEGEND_ROW = 9.4, 2.5, 0.35, 0.62, 0.26  # in inches
_VISIBLE = 2e-3
"""Parts that are smaller everywhere, as a share of the longest bar, are not in the legend."""
_DARK = (style.BLUE, style.VERMILION, style.GREEN, "#8A7F00")


@dataclass(frozen=True)
class _Part:
    """A part of bars: its label, and facecolor and hatch."""

    label: str
    fill: dict[str, Any]


_OTHERS = {
    LATENTS: _Part(LATENTS, {"facecolor": "#FFFFFF", "hatch": "////"}),
    SPECIAL: _Part(SPECIAL, {"facecolor": "#FFFFFF", "hatch": "xxxx"}),
    COUNTS: _Part(COUNTS, {"facecolor": "#DDDDDD", "hatch": "...."}),
}
_FILE_PARTS = {
    name: _Part(name, fill)
    for name, fill in {
        "kept columns": {"facecolor": style.SKY},
        "coded columns": {"facecolor": style.BLUE},
        "latents": {"facecolor": style.VERMILION},
        "objects per event": {"facecolor": style.ORANGE},
        "special values": {"facecolor": "#CC79A7"},
        "checksums": {"facecolor": "#FFFFFF", "hatch": "...."},
        "model": {"facecolor": style.GREEN, "hatch": "////"},
        "metadata": {"facecolor": "#FFFFFF", "hatch": "xxxx"},
        "the rest": {"facecolor": "#BBBBBB"},
    }.items()
}


def draw_bits(bars: Sequence[Bar], labels: Mapping[str, str], objects: int, one: str, caption: Caption) -> Figure:
    """Bits per object, one bar for each file, the original at the top.

    Args:
        labels: of the variables, in the order of the recipe, which is that of the colours.
        one: what one object is called.
    """
    named, looks = _looks(bars, labels)
    rows = []
    for bar in bars:
        parts = {name: bar.columns.get(name, 0.0) for name in named}
        parts[_MANY] = sum(bits for name, bits in bar.columns.items() if name not in named)
        rows.append(parts | bar.others)
    ends = [f"{bar.total:.1f}" for bar in bars]
    notes = [f"{wording.count(objects)} {caption.noun}", "numbers are bits"]
    return _draw([bar.label for bar in bars], rows, looks, ends, f"Bits per {one}", caption, notes)


_MANY = ""
"""All columns without a colour of their own: no name of a variable."""


def _looks(bars: Sequence[Bar], labels: Mapping[str, str]) -> tuple[list[str], dict[str, _Part]]:
    """The columns with a colour of their own, and how each part looks, in their order."""
    largest = {name: max(bar.columns.get(name, 0.0) for bar in bars) for name in labels}
    named = list(labels)
    if len(named) > MOST_COLUMNS + 1:
        chosen = sorted(named, key=lambda name: -largest[name])[:MOST_COLUMNS]
        named = [name for name in labels if name in chosen]
    colours = [colour for colour in style.CYCLE if colour not in (style.GREY, "#000000")]
    looks = {
        name: _Part(labels[name], {"facecolor": colour}) for name, colour in zip(named, cycle(colours), strict=False)
    }
    others = f"{len(labels) - len(named)} other columns"
    return named, looks | {_MANY: _Part(others, {"facecolor": "#BBBBBB", "hatch": "\\\\\\\\"})} | _OTHERS


def draw_files(
    names: Sequence[str], kinds: Sequence[str], parts: Sequence[Mapping[str, int]], events: int, look: Look
) -> Figure:
    """Bytes of files by what they are for; the first is the one that ratios are of."""
    totals = [sum(each.values()) for each in parts]
    unit, scale = _unit(max(totals))
    ends = [f"{wording.number(total / scale)} {unit}" for total in totals]
    ends = [ends[0], *(f"{end} ({totals[0] / t:.2f}\u00d7)" for end, t in zip(ends[1:], totals[1:], strict=True))]
    rows = [{name: each.get(name, 0) / scale for name in _FILE_PARTS} for each in parts]
    labels = [f"{shorten(name)}\n{what}" for name, what in zip(names, kinds, strict=True)]
    notes = [f"{wording.count(events)} events", "in brackets: how many times smaller than the original"]
    return _draw(labels, rows, _FILE_PARTS, ends, f"Size [{unit}]", Caption(look, "Events", ""), notes)


def _unit(size: float) -> tuple[str, float]:
    power = min(max(int(math.log10(max(size, 1)) // 3), 0), 4)
    return ("bytes", "kB", "MB", "GB", "TB")[power], 1000.0**power


def _draw(
    labels: Sequence[str],
    rows: Sequence[Mapping[str, float]],
    looks: Mapping[str, _Part],
    ends: Sequence[str],
    title: str,
    caption: Caption,
    notes: Sequence[str],
) -> Figure:
    """Stacked horizontal bars, the first at the top.

    Args:
        rows: for each bar its parts, drawn in the order of `looks`.
        ends: what is written at the end of each bar.
    """
    longest = max(sum(row.values()) for row in rows)
    legend = [part for name, part in looks.items() if any(row.get(name, 0) > _VISIBLE * longest for row in rows)]
    columns = _legend_columns(legend)
    bottom = 0.72 + _LEGEND_ROW * math.ceil(len(legend) / columns) + 0.1
    top = headings.height(_WIDTH - _LEFT - _RIGHT)
    height = top + _BAR * len(rows) + 0.2 + bottom
    figure = style.new_figure(_WIDTH, height)
    ax = figure.subplots()
    style.set_margins(figure, _LEFT, _RIGHT, top, bottom)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, 1.05 * longest or 1)
    totals = [
        ax.text(sum(row.values()), y, f" {end}", va="center", fontsize=style.SMALL)
        for y, (row, end) in enumerate(zip(rows, ends, strict=True))
    ]
    _make_room(ax, totals)
    for y, row in enumerate(rows):
        left = 0.0
        for name, part in looks.items():
            if size := row.get(name, 0.0):
                ax.barh(y, size, left=left, height=0.66, edgecolor="black", linewidth=0.6, **part.fill)
                _write_inside(ax, left, y, size, part)
                left += size
    ax.set_yticks(range(len(rows)), labels, fontsize=style.SMALL)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", which="both", length=0)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_minor_locator(AutoMinorLocator(5))
    ax.xaxis.set_major_formatter(wording.plain_ticks())
    ax.tick_params(axis="x", which="both", top=False)
    ax.set_xlabel(title)
    for label in ax.get_yticklabels():
        style.fit_text(label, (_LEFT - 0.2) * figure.dpi)
    _draw_legend(figure, legend, columns)
    headings.write(figure, caption, notes)
    return figure


def _legend_columns(parts: Sequence[_Part]) -> int:
    longest = max(len(part.label) for part in parts)
    return min(max(int((_WIDTH - 0.3) / (0.65 + 0.085 * longest)), 1), 5, len(parts))


def _draw_legend(figure: Figure, parts: Sequence[_Part], columns: int) -> None:
    legend = figure.legend(
        [Patch(edgecolor="black", linewidth=0.6, **part.fill) for part in parts],
        [part.label for part in parts],
        loc="lower center",
        bbox_to_anchor=(0.5, 0.02 / figure.get_size_inches()[1]),
        ncols=columns,
        fontsize=style.SMALL,
        frameon=False,
        handlelength=1.6,
        columnspacing=1.6,
    )
    for text in legend.get_texts():
        style.fit_text(text, ((_WIDTH - 0.3) / columns - 0.6) * figure.dpi)


def _write_inside(ax: Axes, left: float, y: float, size: float, part: _Part) -> None:
    """The size of a part, where there is room for it."""
    figure: Any = ax.get_figure(root=True)
    room = size / ax.get_xlim()[1] * ax.get_window_extent().width
    is_hatched = "hatch" in part.fill
    text = ax.text(
        left + size / 2,
        y,
        f"{size:.2g}" if size < 9.95 else f"{size:.1f}" if size < 99.95 else f"{size:.0f}",
        ha="center",
        va="center",
        fontsize=style.TINY,
        color="white" if part.fill["facecolor"] in _DARK and not is_hatched else "black",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if is_hatched else None,
    )
    if text.get_window_extent(figure.canvas.get_renderer()).width > 0.8 * room:
        text.remove()


def _make_room(ax: Axes, texts: Sequence[Any]) -> None:
    """Widen the axis until what stands at the ends of bars lies inside."""
    for _ in range(3):
        over = max((box[2] for box in style.boxes(ax, texts)), default=0.0)
        if over <= 0.985:
            return
        ax.set_xlim(0, ax.get_xlim()[1] * over / 0.97)
