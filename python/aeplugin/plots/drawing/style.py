"""How plots look: the styles of mplhep, colours and labels.

The styles are those of the collaborations, the label is the recipe's own text: these are nobody's plots but the user's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.style
import mplhep
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from aeplugin.errors import InputError
from aeplugin.recipe import PlotStyle

# Okabe and Ito's palette: told apart with every kind of colour vision, and in grey.
BLUE, SKY, VERMILION, ORANGE, GREEN, GREY = "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#707070"
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A7F00", "#707070", "#000000")
"""For what has no colour of its own, such as kinds and data sets, in this order."""
SMALL, TINY = 11.5, 9.5
"""Font sizes in points of legends and of side notes."""

_OURS = {
    "font.family": "sans-serif",
    "font.size": 14,
    "font.sans-serif": ["TeX Gyre Heros", "DejaVu Sans"],  # both come with the dependencies: no search, no complaints
    "pdf.fonttype": 3,  # as 42, matplotlib embeds OpenType fonts under the wrong name, which preflight checks refuse
    "hatch.linewidth": 0.7,
    "legend.borderpad": 0.4,
    "legend.frameon": False,
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


_STYLES: dict[PlotStyle, dict[str, Any]] = {"atlas": mplhep.style.ATLAS, "cms": mplhep.style.CMS, "plain": {}}


@dataclass(frozen=True)
class Look:
    """How all plots look, and whose they are; see the recipe's `plots`. Energy in TeV, luminosity in 1/fb."""

    style: PlotStyle
    text: str
    energy: float
    luminosity: float | None = None


@dataclass(frozen=True)
class Caption:
    """What is written on every plot of a group of columns.

    Attributes:
        objects: their name: "Jets".
        network: what the plot calls the model.
        weighted: whether histograms are filled with weights.
    """

    look: Look
    objects: str
    network: str
    weighted: bool = False

    @property
    def noun(self) -> str:
        """The objects within a sentence: ``jets``."""
        return self.objects[:1].lower() + self.objects[1:]

    @property
    def per_bin(self) -> str:
        """Title of the axis with a histogram's contents."""
        return f"Weighted {self.noun} / bin" if self.weighted else f"{self.objects} / bin"


def settings(style: PlotStyle) -> list[dict[str, Any]]:
    """What a style sets, for `matplotlib.style.use`."""
    return [_STYLES[style], _OURS]


@contextmanager
def active(style: PlotStyle) -> Iterator[None]:
    """The settings of a style, for all that is drawn within; the user's own come back at the end."""
    with mpl.rc_context(), _quiet("fontTools", "matplotlib.mathtext"):
        mpl.rcdefaults()  # the same picture whatever the user has set
        matplotlib.style.use(settings(style))
        try:
            yield
        except ValueError as error:
            if "Parse" not in str(error):  # mathtext tells of what it cannot parse in no other way
                raise
            first = str(error).strip().splitlines()[0]
            raise InputError(f"a name, unit or label is no valid mathtext: {first}; write \\$ for a dollar") from None


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


def set_margins(figure: Figure, left: float, right: float, top: float, bottom: float, **between: float) -> None:
    """Leave so many inches at the sides of the panels; `between` them are fractions of a panel, as wspace, hspace."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height, **between
    )


def experiment_label(ax: Axes, look: Look, *, insets: tuple[float, float] = (0, 0), extra: str = "") -> list[Text]:
    """Who shows this: text, energy and luminosity, and an `extra` line.

    Long ones shrink until they fit between the `insets` at the left and right (fractions of the axes).

    In the style of CMS the former stand above the axes, else all at the upper left inside.

    Returns:
        The texts inside the axes.
    """
    figure: Any = ax.get_figure(root=True)
    width = ax.get_window_extent().width
    # mplhep draws the whole figure for each line that it appends; nothing but the text matters for that.
    for other in figure.axes:
        other.set_visible(False)
    made = _label_above(ax, look, extra) if look.style == "cms" else _label_inside(ax, look, extra)
    for other in figure.axes:
        other.set_visible(True)
    texts = [label for label in made if label is not None and label.get_text()]
    for label in texts:
        x, y = label.get_position()
        label.set_position((x + insets[0], y + 0.005))
        fit_text(label, (0.97 - insets[1] - boxes(ax, [label])[0][0]) * width)
    return texts


def _label_inside(ax: Axes, look: Look, extra: str) -> list[Text | None]:
    size = mpl.rcParams["font.size"]
    is_plain = look.style == "plain"
    made = mplhep.atlas.label(
        # The place of the experiment's name, which a plot of everybody's data has not.
        exp=look.text or " ",
        llabel="",
        supp=extra or None,
        com=f"{look.energy:g}",
        lumi=None if look.luminosity is None else f"{look.luminosity:g}",
        loc=4,
        ax=ax,
        fontweight=("normal" if is_plain else "bold",) + ("normal",) * 3,
        fontstyle=("normal" if is_plain else "italic", "normal", "normal", "normal"),
        fontsize=(1.15 * size, size, 0.95 * size, SMALL),
    )
    return list(made)


def _label_above(ax: Axes, look: Look, extra: str) -> list[Text | None]:
    size = mpl.rcParams["font.size"]
    energy = f"{look.energy:g} TeV"
    mplhep.cms.label(
        exp=look.text or " ",
        llabel="",
        rlabel=energy if look.luminosity is None else rf"{look.luminosity:g} $\mathrm{{fb}}^{{-1}}$ ({energy})",
        loc=0,
        ax=ax,
        fontsize=(1.15 * size, size, size, SMALL),
    )
    return [ax.text(0.04, 0.955, extra, transform=ax.transAxes, fontsize=SMALL, va="top")]


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
