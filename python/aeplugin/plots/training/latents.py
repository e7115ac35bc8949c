"""The latents of a network: how they are distributed, and what they know of the variables."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import hist
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from aeplugin._core import Autoencoder, CollectionModel, ModelColumn, Transform
from aeplugin.plots.binning import value_bins
from aeplugin.plots.drawing import headings, panels, style, wording
from aeplugin.plots.drawing.labels import wrap
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import empty, fill_finite
from aeplugin.plots.inputs import Context
from aeplugin.plots.networks import caption_of, files_of, missing_columns
from aeplugin.plots.plot import Plot, Section
from aeplugin.recipe import Column
from aeplugin.residuals import is_missing
from aeplugin.statistics import Correlation, Sample

_log = logging.getLogger(__name__)
MOST_LATENTS, MOST_VARIABLES = 12, 24
"""Latents and variables that are shown; more would be too small to read."""
_EXACT = Column.model_validate({"tolerance": "exact"})


@dataclass(frozen=True)
class Latents:
    """What the objects of a data set become in a network.

    Attributes:
        labels: of the variables shown, in mathtext, "log10" included where the network takes the logarithm.
        samples, histograms: of the latents shown.
        correlation: linear coefficients of the variables, as the network takes them, and the latents.
        objects, skipped: how many were encoded, and how many the network cannot represent.
        latents: how many the network has.
    """

    labels: list[str]
    samples: list[Sample]
    histograms: list[hist.Hist]
    correlation: np.ndarray
    objects: int
    skipped: int
    latents: int


def latent_plots(context: Context) -> Iterator[Plot]:
    """Distributions of the latents of each network, for the objects of the first original, and their correlations."""
    model = context.model
    if model is None:
        return
    found = [(collection, read_latents(collection, context)) for collection in model.collections]
    for collection, latents in found:
        if latents is not None:
            yield from _plots(collection, latents, context)


def read_latents(collection: CollectionModel, context: Context) -> Latents | None:
    """The latents of the objects of the first original, which is read twice; None, with a message, without objects."""
    name = f"latents_{collection.name}"
    if missing := missing_columns(collection, context.pair):
        _log.warning("%s: not drawn, the original has no column %r", name, missing[0])
        return None
    latents = len(collection.encoder[-1].biases)  # without the label that goes along
    shown = min(latents, MOST_LATENTS)
    variables = min(len(collection.columns), MOST_VARIABLES)
    samples = [Sample() for _ in range(shown)]
    correlation = Correlation(variables + shown)
    objects = skipped = 0
    for inputs, encoded, weights, unusable in _encoded(collection, context):
        objects, skipped = objects + len(encoded), skipped + unusable
        for sample, values in zip(samples, encoded.T[:shown], strict=True):
            sample.update(values, weights)
        correlation.update(np.concatenate([inputs[:, :variables], encoded[:, :shown]], axis=1), weights)
    if objects == 0:
        _log.warning("%s: not drawn, there is no object that the network can represent", name)
        return None
    weighted = context.pair.weight is not None
    histograms = [empty(value_bins(s, _EXACT), f"latent {k}", weighted) for k, s in enumerate(samples, 1)]
    for _, encoded, weights, _ in _encoded(collection, context):
        for histogram, values in zip(histograms, encoded.T[:shown], strict=True):
            fill_finite(histogram, values, weights)
    labels = _labels(collection, context)[:variables]
    return Latents(labels, samples, histograms, correlation.matrix(), objects, skipped, latents)


def _encoded(
    collection: CollectionModel, context: Context
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None, int]]:
    """Blocks of transformed inputs, shape (objects, columns), latents, shape (objects, latents), weights, shape
    (objects,), and the number of objects left out."""
    encode = Autoencoder(collection).encoder
    rules = _rules(collection, context)
    for block in context.pair.originals({collection.name: files_of(collection)}):
        objects = block.before[collection.name]
        inputs = np.stack([_taken(c, objects.columns[c.variable]) for c in collection.columns], axis=1)
        usable = np.isfinite(inputs).all(axis=1)
        for variable, rule in rules.items():
            usable &= ~is_missing(objects.columns[variable], rule)
        encoded = encode(objects.matrix()[usable])[:, : len(collection.encoder[-1].biases)]
        weights = block.object_weights(collection.name)
        yield inputs[usable], encoded, None if weights is None else weights[usable], int((~usable).sum())


def _taken(column: ModelColumn, values: np.ndarray) -> np.ndarray:
    """Values, or their logarithms where the network takes those; NaN or infinite where there is none."""
    values = values.astype(np.float64)
    if column.transform != Transform.log10:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log10(column.factor * values + column.offset))


def _rules(collection: CollectionModel, context: Context) -> dict[str, Column]:
    """For each variable of a network what the recipe says of it."""
    named = context.recipe.collections.get(collection.name)
    known = {} if named is None else named.columns
    return {column.variable: known.get(column.variable, _EXACT) for column in collection.columns}


def _labels(collection: CollectionModel, context: Context) -> list[str]:
    is_log = [column.transform == Transform.log10 for column in collection.columns]
    labels = [wording.variable_label(variable, rule) for variable, rule in _rules(collection, context).items()]
    return [rf"$\mathrm{{log_{{10}}}}$ {label}" if log else label for label, log in zip(labels, is_log, strict=True)]


def _plots(collection: CollectionModel, found: Latents, context: Context) -> Iterator[Plot]:
    caption = caption_of(collection, context)
    shown = len(found.samples)
    part = "" if shown == found.latents else f" The first {shown} of {found.latents} are shown."
    yield Plot(
        name=f"latents_{collection.name}",
        section=Section.training,
        title=f"Latents of the {caption.noun}",
        caption=f"What the network keeps of each of the {caption.noun}, before quantising.{part} A latent that hardly "
        "varies carries no information and could be saved; sharp edges or separate peaks are hard to predict.",
        draw=partial(draw_latents, found, caption),
        histograms={f"latent_{k}": histogram for k, histogram in enumerate(found.histograms, 1)},
        network=caption.network,
        width=2 if shown > 4 else 1,
    )
    if np.isfinite(found.correlation[~np.eye(len(found.correlation), dtype=bool)]).sum() == 0:
        _log.warning("latents_%s_correlation: not drawn, nothing varies", collection.name)
        return
    yield Plot(
        name=f"latents_{collection.name}_correlation",
        section=Section.training,
        title=f"Correlation of latents with the {caption.noun}' variables",
        caption="Linear correlation coefficients of the variables, as the network takes them, and the latents. Entries "
        "near 1 or -1 show which variable a latent stands for; latents that are correlated with each other share "
        f"information.{part}",
        draw=partial(draw_correlation, found, caption),
        network=caption.network,
    )


def draw_latents(found: Latents, caption: Caption) -> Figure:
    """A small panel for each latent."""
    size = len(found.samples)
    columns = size if size <= 3 else 2 if size == 4 else 3 if size <= 9 else 4
    rows = math.ceil(size / columns)
    panel_width, panel_height = (2.6, 2.3) if columns > 1 else (5.6, 3.6)
    left, right, bottom = 0.8, 0.2, 0.6
    inner = columns * panel_width - 0.2
    top = headings.height(inner)
    width, height = left + columns * panel_width + right, top + rows * panel_height + bottom
    figure = style.new_figure(width, height)
    grid = figure.subplots(rows, columns, squeeze=False)
    style.set_margins(figure, left, right, top, bottom, wspace=0.32, hspace=0.52)
    for number, ax in enumerate(grid.ravel()):
        if number >= size:
            ax.set_axis_off()
            continue
        _draw_latent(ax, found.histograms[number], found.samples[number], number + 1)
    for ax in grid[:, 0]:
        ax.set_ylabel(f"{caption.per_bin}{ax.get_ylabel()}", fontsize=style.SMALL)
        style.fit_text(ax.yaxis.label, ax.get_window_extent().height, vertical=True)
    for ax in grid[:, 1:].ravel():
        ax.set_ylabel(ax.get_ylabel().strip(), fontsize=style.TINY, labelpad=2)
    notes = [f"{wording.count(found.objects)} {caption.noun}"]
    if found.skipped:
        notes.append(f"{wording.count(found.skipped)} left out (not representable)")
    headings.write(figure, caption, notes)
    return figure


def _draw_latent(ax: Axes, histogram: hist.Hist, sample: Sample, number: int) -> None:
    span = Span.of([histogram])
    contents = np.asarray(histogram.values(flow=True), float)
    panels.draw(ax, span, contents, histtype="fill", facecolor=style.SKY, alpha=0.45, edgecolor="none")
    panels.draw(ax, span, contents, histtype="step", color=style.BLUE, linewidth=1.1, yerr=False)
    exponent = wording.axis_exponent(float(np.abs(span.edges).max()), "")
    panels.set_x(ax, span, exponent, few=True)
    text = ax.text(
        0.93 - span.insets[1],
        0.94,
        f"mean {wording.number(sample.mean, 2)}\nwidth {wording.number(sample.deviation, 2)}",
        transform=ax.transAxes,
        fontsize=style.TINY,
        ha="right",
        va="top",
    )
    panels.set_y(ax, "", span, contents, [text])
    ax.tick_params(which="both", labelsize=style.TINY)
    ax.set_xlabel(wording.axis_title(f"Latent {number}", "", exponent), fontsize=style.SMALL)


def draw_correlation(found: Latents, caption: Caption) -> Figure:
    """The matrix of coefficients, variables first, with a line between variables and latents."""
    variables, size = len(found.labels), len(found.correlation)
    names = [*map(wrap, found.labels), *(f"latent {k}" for k in range(1, size - variables + 1))]
    cell = min(0.8, max(0.34, 9 / size))
    edge = 1.35
    inner = size * cell
    top = headings.height(inner)
    width, height = max(edge + inner + 1.1, 5.6), edge + inner + top
    figure = style.new_figure(width, height)
    ax = figure.add_axes((edge / width, edge / height, inner / width, inner / height))
    norm = Normalize(-1, 1)
    mesh = ax.imshow(np.ma.masked_invalid(found.correlation), cmap=_softened(), norm=norm)
    small = style.SMALL if size <= 10 else style.TINY
    for (row, column), value in np.ndenumerate(found.correlation):
        text = f"{value:.2f}".replace("-0.00", "0.00") if math.isfinite(value) else "\u2013"
        written = ax.text(
            column, row, text.replace("-", "\u2212"), ha="center", va="center", fontsize=min(small, 22 * cell)
        )
        style.fit_text(written, 0.9 * cell * figure.dpi, smallest=4)
    for draw in (ax.axhline, ax.axvline):
        draw(variables - 0.5, color="black", linewidth=1.2)
    ax.set_xticks(range(size), names, rotation=90, fontsize=small)
    ax.set_yticks(range(size), names, fontsize=small)
    ax.tick_params(which="both", length=0, pad=5)
    ax.minorticks_off()
    bar = figure.add_axes(((edge + inner + 0.12) / width, edge / height, 0.16 / width, inner / height))
    figure.colorbar(mesh, cax=bar)
    bar.tick_params(labelsize=style.TINY, length=3, which="both", left=False)
    bar.yaxis.set_major_formatter(wording.plain_ticks())
    bar.set_ylabel("Correlation coefficient", fontsize=style.SMALL, labelpad=2)
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        upright = label.get_rotation() == 90
        style.fit_text(label, 0.88 * edge * figure.dpi, vertical=upright)
        style.fit_text(label, 0.95 * cell * figure.dpi, vertical=not upright, smallest=4)
    headings.write(figure, caption, [f"{wording.count(found.objects)} {caption.noun}"])
    return figure


def _softened() -> mpl.colors.Colormap:
    """Violet (-1) over white to orange (+1), light enough for black digits."""
    colours = mpl.colormaps["PuOr_r"](np.linspace(0.18, 0.82, 255))
    return mpl.colors.ListedColormap(colours)
