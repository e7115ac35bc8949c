"""Quantities of events before and after: distributions, shifts, peaks, and the effect on a selection."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import awkward as ak
import hist
import numpy as np

from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.event_view import EventView, find
from aeplugin.plots.inputs import Context
from aeplugin.plots.pairs import Pair
from aeplugin.plots.physics.event_quantities import Quantity, quantities
from aeplugin.plots.physics.figures import draw_quantity, draw_selection, draw_shift, has_profile
from aeplugin.plots.physics.filling import Result, Survey, fill, survey
from aeplugin.plots.physics.selection import Cut, Selection, median_cut, parse_cuts, selection_table
from aeplugin.plots.plot import Cell, Plot, Section, Table, known

_log = logging.getLogger(__name__)
_FEWEST_PAIRS = 10
"""Events with a pair of leptons or photons that a picture of its mass needs."""
_CUT_BY_DEFAULT = ("HT", "MET", "leading_jet_pt")


def physics_plots(context: Context) -> Iterator[Plot | Table]:
    """Plots of quantities of events, of their shifts, and of the events that a selection gains and loses."""
    pair, recipe = context.pair, context.recipe
    view = find(pair.schema, recipe)
    known = [] if view is None else quantities(view, _threshold(pair, view))
    cuts = parse_cuts(recipe.plots.cuts, known)
    if view is None or not known:
        _log.info("physics: nothing drawn, no column of %s is called as those of jets or leptons are", pair.original)
        return
    surveys = survey(pair, view, known)
    selection = Selection.of(cuts or _default_cuts(surveys, known))
    results = fill(pair, view, _worth_drawing(known, surveys), selection)
    caption = Caption(context.look, "Events", f"{pair.name}, {context.networks}", pair.weight is not None)
    for result in results:
        yield from _plots(result, view, caption, context.networks)
    if results:
        yield physics_table(results, context.networks)
    if selection.alone:
        yield _selection_plot(selection, bool(cuts), caption, context.networks)
        yield selection_table(selection, caption.weighted, context.networks)


def _threshold(pair: Pair, view: EventView) -> float:
    """A pt near the median of the jets in the file's first events, rounded to two digits; NaN without jets."""
    if "jets" not in view.roles or view.single:
        return math.nan
    block = next(pair.originals(view.groups), None)
    pt = np.empty(0) if block is None else ak.to_numpy(ak.flatten(view.events(block)[0].objects["jets"].pt))
    return float(f"{np.median(pt):.1e}") if len(pt) else math.nan


def _default_cuts(surveys: Mapping[str, Survey], known: Sequence[Quantity]) -> list[Cut]:
    medians = {q.name: surveys[q.name].before.quantile(0.5) for q in known}
    return [median_cut(q, medians[q.name]) for q in known if q.name in _CUT_BY_DEFAULT and medians[q.name] > 0]


def _worth_drawing(known: Sequence[Quantity], surveys: Mapping[str, Survey]) -> list[tuple[Quantity, Survey]]:
    chosen = []
    for quantity in known:
        count = surveys[quantity.name].before.count
        least = _FEWEST_PAIRS if quantity.mass and not quantity.per_jet else 1
        if quantity.drawn and count < least:
            _log.info("physics_%s: not drawn, %d events have one", quantity.name, count)
        elif quantity.drawn:
            chosen.append((quantity, surveys[quantity.name]))
    return chosen


def _plots(result: Result, view: EventView, caption: Caption, network: str) -> Iterator[Plot]:
    quantity, found = result.quantity, result.survey
    if quantity.per_jet:
        caption = Caption(caption.look, "Jets", caption.network, caption.weighted)
    histograms = {"input": result.before, "reconstructed": result.after, "shift_profile": result.profile}
    yield Plot(
        name=f"physics_{quantity.name}",
        section=Section.physics,
        title=f"{quantity.words[:1].upper()}{quantity.words[1:]}",
        caption=_what_to_see(result, view),
        draw=partial(draw_quantity, result, caption),
        histograms=histograms | ({"peak": result.peak_profile} if result.peak_profile is not None else {}),
        network=network,
    )
    if found.is_unmoved or not found.shift.count:
        _log.info("physics_%s_shift: not drawn, nothing moves", quantity.name)
        return
    of_what = "divided by before" if quantity.relative else f"in {quantity.unit}" if quantity.unit else "in numbers"
    yield Plot(
        name=f"physics_{quantity.name}_shift",
        section=Section.physics,
        title=f"Shift of the {quantity.words}",
        caption=f"After - before, {of_what}, of the {quantity.words}, {caption.noun[:-1]} by {caption.noun[:-1]}. A "
        "mean that differs from zero by more than its statistical uncertainty is a bias.",
        draw=partial(draw_shift, result, caption),
        histograms={"shift": result.shift},
        network=network,
    )


def _what_to_see(result: Result, view: EventView) -> str:
    quantity, found = result.quantity, result.survey
    text = (
        f"{quantity.words[:1].upper()}{quantity.words[1:]}, before (filled) and after (dashed), and the ratio below; "
    )
    text += "the band of the ratio is the statistical uncertainty of the input, for scale. "
    if found.is_unmoved:
        return text + "No value moves: what it is computed from is kept exactly, or moves too little to matter."
    if has_profile(result):
        text += "The lowest panel has the shift, after - before, against the original: its median and central 68 %. "
    if result.peak is not None:
        text += "The shift of the peak is the mean shift of the half of the values that lie closest together. "
    if quantity.mass and "jet" not in quantity.name:
        text += "It is made of pt, eta and phi: leptons and photons count as massless. "
    elif quantity.mass and "E" in next(iter(view.objects.values())):
        text += (
            "Masses are differences of E and momentum, which move independently: what is a per cent of either is much "
            "of a small mass. Where masses matter, compress the mass instead of E, or E more finely."
        )
        if quantity.per_jet:
            text += " Where E^2 - p^2 is negative the mass is -sqrt(p^2 - E^2)."
    return text.strip()


def physics_table(results: Sequence[Result], network: str) -> Table:
    """The numbers of all plots of quantities."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        found, peak = result.survey, result.peak
        moved = found.shift
        rows.append(
            (
                result.quantity.name,
                result.quantity.unit,
                found.before.count,
                found.after.count,
                known(found.before.mean),
                known(found.after.mean),
                "relative" if result.quantity.relative else "absolute",
                known(moved.mean),
                known(moved.deviation),
                known(moved.abs_quantile(0.68)),
                known(moved.abs_quantile(0.95)),
                None if peak is None else peak.position,
                None if peak is None else peak.shift,
                None if peak is None else known(peak.error),
            )
        )
    return Table(
        name="physics",
        section=Section.physics,
        title="Quantities of events in numbers",
        caption="Quantities before and after, and their shifts: relative ones are fractions of the original, absolute "
        "ones have the quantity's unit. 68 % and 95 % are half-widths about zero. The peak is the half-sample mode of "
        "the original; its shift, in the quantity's unit, is the mean one of the half of the values that lie closest "
        "together.",
        columns=(
            "quantity", "unit", "values before", "values after", "mean before", "mean after", "shift", "mean shift",
            "std. dev.", "68 %", "95 %", "peak", "peak shift", "error",
        ),
        rows=rows,
        network=network,
    )  # fmt: skip


def _selection_plot(selection: Selection, from_recipe: bool, caption: Caption, network: str) -> Plot:
    cuts = "the recipe's cuts" if from_recipe else "cuts at medians of the original, near which there are most events"
    steps = [*selection.alone, *selection.flow[-1:]]
    names = hist.axis.StrCategory([step.cuts[-1].text for step in selection.alone] + ["all"][: len(selection.flow)])
    histograms = {}
    for what in ("before", "after", "gained", "lost"):
        histograms[what] = hist.Hist(names, storage=hist.storage.Int64())
        histograms[what].view()[...] = [getattr(step.counts, what) for step in steps]
    return Plot(
        name="physics_selection",
        section=Section.physics,
        title="Events that change side of a cut",
        caption=f"Events gained (that pass only after) and lost (that passed only before) by {cuts}, in per mille of "
        "those that pass before, with 68 % intervals. A value moves to the middle of its step of the grid, so a cut on "
        "a stored value gains or loses what lies between it and the edge of that step; sums of many values average it "
        "out.",
        draw=partial(draw_selection, steps, caption),
        histograms=histograms,
        network=network,
        width=2,
    )
