"""How plots look: the ATLAS style of mplhep, colours, texts and files.

The style is that of ATLAS, the label is the recipe's own text: these are not plots of the ATLAS collaboration.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style
import mplhep
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from aeplugin.errors import RecipeError
from aeplugin.recipe import Column

# Okabe and Ito's palette: told apart with every kind of colour vision, and in grey.
BLUE, SKY, VERMILION, ORANGE, GREEN, GREY = "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#707070"
SMALL, TINY = 11.5, 9.5
"""Font sizes in points of legends and of side notes."""

_OURS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["TeX Gyre Heros", "DejaVu Sans"],  # both come with the dependencies: no search, no complaints
    "pdf.fonttype": 42,
    "hatch.linewidth": 0.7,
    "legend.borderpad": 0.4,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "xtick.labelsize": 13,
    "ytick.labelsize": 13,
    "axes.labelsize": 15,
    "axes.labelpad": 6,
    "ytick.major.size": 6,
    "ytick.minor.size": 3,
    "xtick.major.size": 6,
    "xtick.minor.size": 3,
    "lines.linewidth": 1.5,
    "axes.autolimit_mode": "data",
}


@contextmanager
def style() -> Iterator[None]:
    """The style of all plots; the user's own settings come back at the end."""
    with mpl.rc_context(), _quiet("fontTools", "matplotlib.mathtext"):
        mpl.rcdefaults()  # the same picture whatever the user has set
        matplotlib.style.use([mplhep.style.ATLAS, _OURS])
        yield


@contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    """Keep libraries from warning, through logging, of what is fine: the root sign's lookup, dates of fonts."""
    levels = {name: logging.getLogger(name).level for name in loggers}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def new_figure(width: float, height: float) -> Figure:
    """A figure of a size in inches that pyplot knows nothing of."""
    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, paths: list[Path]) -> None:
    """Write `figure` to each path; a file appears only when it is complete."""
    for path in paths:
        part = path.with_name(f".{path.name}.part")
        kind = path.suffix.lstrip(".")
        # Without a date two runs on the same data give the same bytes.
        metadata = {"CreationDate": None} if kind == "pdf" else None
        try:
            figure.savefig(part, format=kind, dpi=200, metadata=metadata)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def experiment_label(ax: Axes, text: str, energy: float, *, inset: float = 0, extra: str = "") -> list[Text]:
    """The recipe's text with the energy (TeV) and an `extra` line below, upper left; moved right by `inset` (axes)."""
    size = mpl.rcParams["font.size"]
    # mplhep draws the whole figure for each line that it appends; nothing but the text matters for that.
    figure: Any = ax.get_figure(root=True)
    for other in figure.axes:
        other.set_visible(False)
    made = mplhep.atlas.label(
        # The place of the experiment's name, which a plot of everybody's data has not.
        exp=text or " ",
        llabel="",
        supp=extra or None,
        com=f"{energy:g}",
        loc=4,
        ax=ax,
        fontweight=("bold",) + ("normal",) * 3,
        fontstyle=("italic", "normal", "normal", "normal"),
        fontsize=(1.15 * size, size, 0.95 * size, SMALL),
    )
    for other in figure.axes:
        other.set_visible(True)
    texts = [label for label in made if label is not None and label.get_text()]
    for label in texts:
        x, y = label.get_position()
        label.set_position((x + inset, y + 0.005))
    return texts


def number(value: float, digits: int = 3) -> str:
    """A number as mathtext with so many significant digits: ``$1.2\\times10^{-5}$``."""
    if not math.isfinite(value):
        return "undefined"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        if mantissa in ("1", "-1"):
            return upright(f"{mantissa[:-1]}10^{{{int(exponent)}}}")
        return upright(rf"{mantissa}{{\times}}10^{{{int(exponent)}}}")
    return upright(f"{float(f'{value:.{digits}g}'):g}")


def upright(text: str) -> str:
    """Upright digits (this style's default in mathtext is italic) and real minus signs; plain text where it can be."""
    if "{" not in text and "\\" not in text:
        return text.replace("-", "\u2212")
    return rf"$\mathrm{{{text}}}$"


def percent(share: float) -> str:
    """A share of 1 in per cent; never rounded to 0 % or 100 % unless it is."""
    if share == 0 or share == 1:
        return f"{100 * share:g} %"
    if share < 1e-4:
        return "< 0.01 %"
    if share > 0.9999:
        return "> 99.99 %"
    return f"{100 * share:.3g} %" if share < 0.99 else f"{100 * share:.2f} %"


def amount(value: float, unit: str) -> str:
    """A number with its unit; a relative one (unit ``%``) is given as a fraction of 1."""
    return f"{number(100 * value if unit == '%' else value)} {unit}".strip()


def count(objects: int) -> str:
    """A count with thin spaces between groups of three digits."""
    return f"{objects:,}".replace(",", "\u2009")


def axis_exponent(reach: float, unit: str) -> int:
    """The power of ten to take out of tick labels up to `reach`, so that these stay short."""
    if unit == "%":
        return -2 if reach > 1e-5 else math.floor(math.log10(reach) / 3) * 3
    if reach <= 0 or 0.02 <= reach < 1e5:
        return 0
    return math.floor(math.log10(reach) / 3) * 3


def axis_title(text: str, unit: str, exponent: int) -> str:
    """``text [unit]`` with the power of ten that the tick labels leave out."""
    if unit == "%":
        unit, exponent = ("%", 0) if exponent == -2 else ("", exponent)
    inside = " ".join(part for part in (upright(f"10^{{{exponent}}}") if exponent else "", unit) if part)
    return f"{text} [{inside}]" if inside else text


def plain_ticks(exponent: int = 0) -> FuncFormatter:
    """Tick labels without offset or exponent, in units of 10**exponent."""
    return FuncFormatter(lambda value, _: upright(f"{round(value / 10.0**exponent, 9):g}"))


def variable_label(variable: str, column: Column) -> str:
    """The recipe's label of a variable, else its name.

    Raises:
        RecipeError: the label is no valid mathtext.
    """
    label = column.label or variable
    try:
        MathTextParser("path").parse(label)
    except ValueError as error:
        reason = str(error).strip().splitlines()[-1]
        raise RecipeError(f"label {label!r} of variable {variable!r}: not valid mathtext ({reason})") from None
    return label if column.label else label.replace("$", r"\$")


def plural(collection: str) -> str:
    """What the objects of a collection are called: ``Jets``."""
    name = collection[:1].upper() + collection[1:]
    return name if name.endswith("s") else name + "s"


def fit_text(text: Text, room: float, *, vertical: bool = False, smallest: float = 6) -> None:
    """Shrink the font of `text` until it is at most `room` pixels long."""
    figure: Any = text.get_figure(root=True)
    renderer = figure.canvas.get_renderer()
    size = float(text.get_fontsize())
    while size > smallest:
        box = text.get_window_extent(renderer)
        if (box.height if vertical else box.width) <= room:
            return
        size -= 0.5
        text.set_fontsize(size)


def boxes(ax: Axes, artists: Sequence[Artist]) -> list[tuple[float, float, float, float]]:
    """Where artists lie, as (left, bottom, right, top) in fractions of the axes."""
    figure: Any = ax.get_figure(root=True)
    renderer = figure.canvas.get_renderer()
    inverse = ax.transAxes.inverted()
    found = []
    for artist in artists:
        extent = artist.get_window_extent(renderer).transformed(inverse)
        found.append((float(extent.x0), float(extent.y0), float(extent.x1), float(extent.y1)))
    return found
