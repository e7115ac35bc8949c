"""What stands above a picture of many panels: whose it is, what it shows, and what its lines mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text

from aeplugin.plots.drawing import style
from aeplugin.plots.drawing.style import Caption

_ROW, _MARGIN, _WIDE = 0.25, 0.1, 6.5  # in inches
_NOTES = 10.0


def height(width: float, *, legend: bool = True) -> float:
    """Inches that `write` needs above panels that are `width` inches wide."""
    return 2 * _MARGIN + _ROW * (3 if legend and width < _WIDE else 2)


def write(
    figure: Figure,
    caption: Caption,
    notes: Sequence[str],
    legend: tuple[Sequence[Artist], Sequence[str]] = ((), ()),
) -> None:
    """Write above the panels: text, energy and luminosity, the model, what is shown, and a legend.

    Args:
        notes: what is shown, in a few words each.
        legend: handles and labels.
    """
    figure_width, figure_height = figure.get_size_inches()
    panels = [ax.get_position() for ax in figure.axes]
    left, right = min(box.x0 for box in panels), max(box.x1 for box in panels)
    width = (right - left) * figure_width
    rows = [1 - (_MARGIN + _ROW * (row + 0.5)) / figure_height for row in range(3)]
    look = caption.look
    is_cms = look.style == "cms"
    name = figure.text(
        left,
        rows[0],
        look.text,
        fontsize=15,
        fontweight="normal" if look.style == "plain" else "bold",
        fontstyle="italic" if look.style == "atlas" else "normal",
        va="center_baseline",
    )
    energy = f"({look.energy:g} TeV)" if is_cms else rf"$\sqrt{{s}} = \mathrm{{{look.energy:g}}}$ TeV"
    if look.luminosity is not None:
        luminosity = rf"{look.luminosity:g} $\mathrm{{fb}}^{{-1}}$"
        energy = f"{luminosity} {energy}" if is_cms else f"{energy}, {luminosity}"
    gap = 0.12 / figure_width
    start = left + _width(name) + (gap if look.text else 0)
    style_of: dict[str, Any] = {"fontsize": style.SMALL, "va": "center_baseline"}
    whose = figure.text(start, rows[0], energy, **style_of)
    style.fit_text(whose, (right - start) * figure.bbox.width)
    network = figure.text(right, rows[0], caption.network, ha="right", **style_of)
    if _width(network) > right - start - _width(whose) - 2 * gap:
        network.remove()
        notes = [caption.network, *notes]
    shown = figure.text(left, rows[1], ", ".join(notes), fontsize=_NOTES, va="center_baseline")
    handles, labels = legend
    free = right - left
    if handles:
        box = figure.legend(
            handles,
            labels,
            ncols=len(handles),
            fontsize=_NOTES,
            loc="center right" if width >= _WIDE else "center left",
            bbox_to_anchor=(right, rows[1]) if width >= _WIDE else (left, rows[2]),
            borderpad=0,
            borderaxespad=0,
            handlelength=1.8,
            handletextpad=0.5,
            columnspacing=1.2,
            frameon=False,
        )
        free -= _width(box) + gap if width >= _WIDE else 0
    style.fit_text(shown, free * figure.bbox.width)


def _width(artist: Text | Any) -> float:
    """Of something that is drawn, in fractions of the figure."""
    figure: Any = artist.get_figure(root=True)
    return float(artist.get_window_extent(figure.canvas.get_renderer()).width / figure.bbox.width)
