"""Plots as pictures for a report, drawn one at a time into a folder: PNG with a palette, and PDF."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure as Drawing
from PIL import Image

from aeplugin.plots.drawing import style
from aeplugin.plots.plot import Plot
from aeplugin.recipe import PlotStyle
from aeplugin.report.contents import Picture

RESOLUTION = 160
"""Of the pictures, in dots per inch: sharp on a phone, where a plot of 7 inches is 2.5 inches wide, and on paper."""
COLOURS = 256
"""In a palette, as many as there can be; with all colours a file would be three times as large."""


def draw(plot: Plot, looks: PlotStyle, scale: str, target: Path, *, vectors: bool) -> Picture | None:
    """Draw a plot to `target` with the suffixes .png and, with `vectors`, .pdf; None where there is nothing to show."""
    with style.active(looks):
        figure = plot.draw()
        if figure is None:
            return None
        png = target.with_suffix(".png")
        width, height = _save_png(figure, png)
        pdf = target.with_suffix(".pdf") if vectors else None
        if pdf is not None:
            figure.savefig(pdf, metadata={"CreationDate": None})
    return Picture(scale, png, pdf, width, height)


def _save_png(figure: Drawing, path: Path) -> tuple[int, int]:
    """Write a figure with few colours; gives its size in pixels."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=RESOLUTION)
    with Image.open(buffer) as picture:
        # One step of k-means, since the median cut alone leaves steps in the ramps of colour bars.
        small = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, 1, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        return picture.size
