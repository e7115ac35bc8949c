"""Means and widths of residuals in one place: by kind of object and by data set; and what data sets are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.inputs import Context
from aeplugin.plots.plot import Cell, Plot, Section, Table, known
from aeplugin.plots.summaries.composition import Composition, compose, draw_composition
from aeplugin.plots.summaries.figures import FEWEST, draw_resolution, shown, uniform_rms
from aeplugin.plots.summaries.resolutions import Subject, by_dataset, by_kind

_CATEGORIES = {"kind": "kind of object", "dataset": "data set"}


def summary_plots(context: Context) -> Iterator[Plot | Table]:
    """Mean and width of each residual against kind of object and data set, with tables, and the data sets' composition.

    Against kinds only where several move, against data sets only where there are several.
    """
    subjects = {"kind": by_kind(context)}
    subjects["dataset"] = by_dataset(context) if len(context.pairs) > 1 else []
    composition = compose(context)
    for category, found in subjects.items():
        for subject in found:
            yield from _resolution(context, category, subject)
        if found:
            yield resolution_table(context, category, found)
    if composition.counts:
        yield from _composition(context, composition)


def _resolution(context: Context, category: str, subject: Subject) -> Iterator[Plot]:
    drawn = shown(subject)
    if len(drawn) < 2:
        return
    caption = _caption(context, subject.collection, subject.network)
    if category == "dataset":  # it is about all of them
        caption = replace(caption, network=subject.network)
    what = f"{subject.collection} {subject.variable}".strip()
    words = f"{'relative residual' if subject.is_relative else 'residual'} of {what}"
    left_out = [name for name in subject.categories if name not in drawn]
    text = (
        f"Mean (above) and width (below) of the {words} by {_CATEGORIES[category]}: RMS about the mean, interquartile "
        "range / 1.349, half-width about zero with 68 % of the objects"
    )
    if any(name in subject.fits for name in drawn):
        text += ", and sigma of a fitted peak where the fit is good"
    text += "; widths are those of the response over its mean." if subject.is_relative else "."
    if uniform_rms(subject) is not None:
        text += " A residual that fills its tolerance evenly has the RMS that is dashed."
    text += f" Kept exactly: {', '.join(subject.exact)}." if subject.exact else ""
    text += f" With less than {FEWEST} objects: {', '.join(left_out)}." if left_out else ""
    notes = [f"kept exactly: {', '.join(subject.exact)}"] if subject.exact else []
    yield Plot(
        name=f"summary_{subject.name}",
        section=Section.summaries,
        title=f"{words[:1].upper()}{words[1:]} by {_CATEGORIES[category]}",
        caption=text,
        draw=partial(draw_resolution, subject, notes, caption),
        histograms={found.name: found.histogram for found in drawn.values()},
        network=subject.network,
    )


def resolution_table(context: Context, category: str, subjects: Sequence[Subject]) -> Table:
    """All numbers of the pictures, with their errors."""
    rows: list[tuple[Cell, ...]] = []
    for subject in subjects:
        for name, found in subject.categories.items():
            numbers: list[Cell] = []
            widths = subject.widths(name)
            for estimate in (found.mean, *(widths.get(width) for width in ("rms", "iqr", "half", "fit"))):
                numbers += [None, None] if estimate is None else [known(estimate.value), known(estimate.error)]
            fit = subject.fits.get(name)
            rows.append(
                (
                    f"{subject.collection} {subject.variable}".strip(),
                    "relative" if subject.is_relative else "absolute",
                    "" if subject.is_relative else subject.column.unit,
                    name,
                    found.objects,
                    *numbers,
                    "" if fit is None else fit.shape.replace("_", " "),
                    None if fit is None else fit.chi2 / fit.ndf,
                )
            )
    words = _CATEGORIES[category]
    return Table(
        name=f"summary_by_{category}",
        section=Section.summaries,
        title=f"Mean and width of residuals by {words}",
        caption="Means and widths of residuals with their statistical errors: RMS about the mean, interquartile range "
        "/ 1.349, half-width about zero with 68 % of the objects, and sigma of a fitted peak where the fit is good. "
        "Widths of relative residuals are those of the response over its mean; fractions, not per cent. What is kept "
        "exactly is left out.",
        columns=(
            "variable", "residual", "unit", words, "objects", "mean", "\u00b1 mean", "RMS", "\u00b1 RMS", "IQR / 1.349",
            "\u00b1 IQR / 1.349", "68 %", "\u00b1 68 %", "fitted sigma", "\u00b1 fitted sigma", "fit", "chi2 / ndf",
        ),
        rows=rows,
        network=context.networks,
    )  # fmt: skip


def _composition(context: Context, found: Composition) -> Iterator[Plot | Table]:
    weighted = context.pair.weight is not None
    network = context.networks
    caption = Caption(context.look, "Objects", network, weighted)
    yield Plot(
        name="composition",
        section=Section.summaries,
        title="Composition of the data sets",
        caption="Share of each kind of object in each data set, in per cent"
        + (" of the sum of weights" if weighted else "")
        + "; at the left is the number of objects. Shares that have no room are in the table.",
        draw=partial(draw_composition, found, caption),
        histograms={"objects": found.histogram(weighted)},
        network=network,
    )
    kinds = found.kinds
    yield Table(
        name="composition_shares",
        section=Section.summaries,
        title="Composition of the data sets in numbers",
        caption="Events, objects, and the share of each kind of object in per cent"
        + (" of the sum of weights." if weighted else "."),
        columns=("data set", "events", "objects", *(f"{kind} [%]" for kind in kinds)),
        rows=[
            (name, found.events[name], found.objects(name), *(100 * found.share(name, kind) for kind in kinds))
            for name in found.counts
        ],
        network=network,
    )


def _caption(context: Context, collection: str, network: str) -> Caption:
    group = next((group for group in context.groups if group.name == collection), None)
    if group is None:
        return Caption(context.look, "Objects", f"{context.pair.name}, {network}", context.pair.weight is not None)
    return context.caption(group)
