"""What each data set is made of: shares of the kinds of objects."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import hist
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from aeplugin.plots.drawing import headings, style, wording
from aeplugin.plots.drawing.labels import text_width, wrap
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import storage
from aeplugin.plots.inputs import Context
from aeplugin.plots.kinds_of_objects import Kinds, kind_label, kinds_of
from aeplugin.plots.pairs import Pair

_log = logging.getLogger(__name__)
OTHERS = "others"
_LEFT, _RIGHT, _WIDTH, _BOTTOM = 0.25, 0.75, 6.0, 0.65  # in inches


@dataclass
class Counts:
    """Objects of one kind in a data set: their number, and sums of weights and of their squares."""

    objects: int = 0
    weight: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True)
class Composition:
    """What data sets are made of.

    Attributes:
        events: by data set.
        counts: by data set and kind (as it is called in pictures).
    """

    events: dict[str, int]
    counts: dict[str, dict[str, Counts]]

    @property
    def kinds(self) -> list[str]:
        """All kinds, the commonest first."""
        totals: dict[str, int] = {}
        for counts in self.counts.values():
            for kind, found in counts.items():
                totals[kind] = totals.get(kind, 0) + found.objects
        return sorted((kind for kind in totals if totals[kind]), key=lambda kind: -totals[kind])

    def objects(self, dataset: str) -> int:
        return sum(found.objects for found in self.counts[dataset].values())

    def share(self, dataset: str, kind: str) -> float:
        """Of the data set's sum of weights; between 0 and 1 where no weight is negative."""
        whole = sum(found.weight for found in self.counts[dataset].values())
        return self.counts[dataset].get(kind, Counts()).weight / whole

    def histogram(self, weighted: bool) -> hist.Hist:
        """Contents by data set and kind."""
        axes = [
            hist.axis.StrCategory(list(self.counts), label="data set"),
            hist.axis.StrCategory(self.kinds, label="kind of object"),
        ]
        made = hist.Hist(*axes, storage=storage(weighted))
        found = [[counts.get(kind, Counts()) for kind in self.kinds] for counts in self.counts.values()]
        if weighted:
            made.view()["value"] = [[one.weight for one in row] for row in found]
            made.view()["variance"] = [[one.squares for one in row] for row in found]
        else:
            made.view()[...] = [[one.objects for one in row] for row in found]
        return made


def compose(context: Context) -> Composition:
    """Count the objects of all data sets by kind; those without kinds, or without objects, are left out.

    Raises:
        InputError: see `Pair.originals`.
    """
    found = Composition({}, {})
    for pair in context.pairs:
        kinds = kinds_of(pair, context.recipe)
        known = None if kinds is None else _counting(pair, kinds)
        if known is None:
            _log.info("composition: %s is left out, it has objects of one kind only", pair.name)
            continue
        events, counts = _count(pair, known)
        if sum(one.weight for one in counts.values()) <= 0:
            _log.warning("composition: %s is left out, it has no objects, or its weights do not sum up", pair.name)
            continue
        found.events[pair.name], found.counts[pair.name] = events, counts
    return found


def _counting(pair: Pair, kinds: Kinds) -> Kinds | None:
    """The kinds with no more columns than counting needs, of the groups that this data set has."""
    groups = {}
    for name, files in kinds.groups.items():
        telling = {variable: file for variable, file in files.items() if variable not in kinds.columns}
        columns = telling or dict(list(files.items())[:1])
        if all(file in pair.schema for file in columns.values()):
            groups[name] = columns
    return replace(kinds, groups=groups, columns={}) if groups else None


def _count(pair: Pair, kinds: Kinds) -> tuple[int, dict[str, Counts]]:
    """The number of events, and the objects by kind."""
    events = 0
    found: dict[str, Counts] = {}
    for block in pair.originals(kinds.groups):
        events += block.events
        weights = np.ones(block.events) if block.weights is None else block.weights
        for kind, objects in kinds.split(block.before).items():
            counts = found.setdefault(kind_label(kind), Counts())
            counts.objects += len(objects)
            counts.weight += float(weights @ objects.counts)
            counts.squares += float(weights**2 @ objects.counts)
    return events, found


def draw_composition(found: Composition, caption: Caption) -> Figure:
    """A bar of each data set with the shares of the kinds, written in per cent where they have room."""
    kinds = found.kinds
    drawn = kinds if len(kinds) <= len(style.CYCLE) else kinds[: len(style.CYCLE) - 1]
    datasets = list(found.counts)
    names = [f"{wrap(name, 30)}\n{wording.count(found.objects(name))}" for name in datasets]
    left, right = (
        max(text_width(name, 12) for name in names) + _LEFT,
        max(text_width(kind, 11) for kind in drawn) + 0.75,
    )
    lines = 1 + max(name.count("\n") for name in names)
    body = max((0.2 * lines + 0.22) * len(datasets), 0.24 * (len(drawn) + 1))
    top = headings.height(_WIDTH, legend=False)
    width, height = left + _WIDTH + right, top + body + _BOTTOM
    figure = style.new_figure(width, height)
    ax = figure.add_axes((left / width, _BOTTOM / height, _WIDTH / width, body / height))
    handles = []
    offsets = np.zeros(len(datasets))
    ax.set_xlim(0, 100)
    ax.set_ylim(len(datasets) - 0.5, -0.5)
    parts = [(kind, [found.share(name, kind) for name in datasets]) for kind in drawn]
    if drawn != kinds:
        parts.append((OTHERS, [1 - sum(found.share(name, kind) for kind in drawn) for name in datasets]))
    for i, (kind, shares) in enumerate(parts):
        colour = style.GREY if kind == OTHERS else style.CYCLE[i % len(style.CYCLE)]
        widths = 100 * np.array(shares)
        ax.barh(range(len(datasets)), widths, left=offsets, height=0.72, color=colour, edgecolor="white", linewidth=0.8)
        _write_shares(ax, offsets, widths, colour)
        offsets = offsets + widths
        handles.append(Patch(facecolor=colour, label=wrap(kind, 22)))
    ax.set_yticks(range(len(datasets)), names, fontsize=12)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", which="both", length=0)
    ax.set_xlabel(f"Share of the {'sum of weights' if caption.weighted else caption.noun} [%]", fontsize=13)
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=11, borderaxespad=0)
    headings.write(figure, caption, [f"{caption.objects} of each data set by kind, their number at the left"])
    return figure


def _write_shares(ax: Axes, offsets: np.ndarray, widths: np.ndarray, colour: str) -> None:
    """Shares in their parts of the bars, where these are wide enough."""
    red, green, blue = to_rgb(colour)
    is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    figure: Any = ax.get_figure(root=True)
    for row, (offset, share) in enumerate(zip(offsets, widths, strict=True)):
        text = ax.text(
            offset + share / 2,
            row,
            f"{share:.1f}" if share < 99.95 else f"{share:.0f}",
            ha="center",
            va="center",
            fontsize=11,
            color="white" if is_dark else "black",
        )
        room = share / 100 * ax.get_window_extent().width
        if text.get_window_extent(figure.canvas.get_renderer()).width > room - 6:
            text.remove()
