"""What a topic gives: plots that can be drawn, with the histograms they are drawn from, and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import hist
from matplotlib.figure import Figure


class Section(Enum):
    """The chapters of a report, in their order; each has a module of plots."""

    variables = "Variables and their residuals"
    correlations = "Correlations"
    kinds = "Kinds of objects"
    summaries = "Resolution in one place"
    physics = "Physics"
    compression = "Bits and speed"
    training = "Training and latents"
    anomaly = "Anomaly scores"
    outliers = "Outliers"


@dataclass(frozen=True)
class Plot:
    """A picture: how to draw it, and what it is drawn from.

    Attributes:
        name: letters, digits and _: the {variable} of the pattern of file names, such as "Jet_pt_residual".
        title: a few words of plain text, for a heading.
        caption: sentences of plain text: what is shown, and what to look for.
        draw: makes the figure, in the style that is active then; None where there is nothing to show.
        histograms: by a short name ("input", "reconstructed"); saved as ``<name of the plot>/<short name>``.
        network: the {network} of the file name.
        width: in a report, 1 for a plot that stands beside another one, 2 for one that needs the page's width.
    """

    name: str
    section: Section
    title: str
    caption: str
    draw: Callable[[], Figure | None]
    histograms: Mapping[str, hist.Hist] = field(default_factory=dict)
    network: str = ""
    width: int = 1


Cell = str | int | float | None


def known(number: float) -> float | None:
    """A number for a cell of a table; None where it is NaN or infinite."""
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Table:
    """A table beside the plots.

    Attributes:
        name, section, title, caption, network: as of a `Plot`.
        columns: headings.
        rows: numbers as they are, text as plain text, None for what is not known.
    """

    name: str
    section: Section
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    network: str = ""
