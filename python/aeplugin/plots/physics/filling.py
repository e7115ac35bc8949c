"""Two passes over quantities of events, in step and in blocks: statistics and ranges, then histograms and cuts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import awkward as ak
import hist
import numpy as np
from matplotlib.ticker import MaxNLocator

from aeplugin.plots.binning import BINS, Bins, residual_bins, value_bins
from aeplugin.plots.drawing.wording import axis_title
from aeplugin.plots.event_view import EventView
from aeplugin.plots.filling import empty, fill_finite, storage
from aeplugin.plots.pairs import Pair
from aeplugin.plots.physics import peaks
from aeplugin.plots.physics.event_quantities import Quantity
from aeplugin.plots.physics.selection import Selection
from aeplugin.recipe import Column
from aeplugin.statistics import Sample

_PROFILE_BINS = 200
"""Of shifts, in the histogram of shifts against values: fine enough for quantiles in each bin of values."""


@dataclass
class Survey:
    """The first pass over a quantity: values on both sides, and their shifts."""

    before: Sample = field(default_factory=Sample)
    after: Sample = field(default_factory=Sample)
    shift: Sample = field(default_factory=Sample)
    moved: int = 0
    """Values that are not the same after, those included that only one side has."""

    @property
    def is_unmoved(self) -> bool:
        """Whether every value stays what it is."""
        return self.moved == 0


@dataclass
class Result:
    """All that two passes have found of a quantity.

    Attributes:
        survey: statistics.
        log: whether the axis of values is logarithmic.
        before, after: histograms of values.
        shift: histogram of shifts.
        profile: shifts (second axis) against the original value.
        peak_profile: original values with mean shifts, to find the peak in; for masses.
    """

    quantity: Quantity
    survey: Survey
    log: bool
    before: hist.Hist
    after: hist.Hist
    shift: hist.Hist
    profile: hist.Hist
    peak_profile: hist.Hist | None

    @property
    def peak(self) -> peaks.Peak | None:
        """Of the original, and how far it has moved."""
        return None if self.peak_profile is None else peaks.peak(self.peak_profile)


def survey(pair: Pair, view: EventView, known: Sequence[Quantity]) -> dict[str, Survey]:
    """The first pass: statistics of quantities and of their shifts.

    Raises:
        InputError, RecipeError: see `Pair.blocks`.
    """
    found = {quantity.name: Survey() for quantity in known}
    for block in _values(pair, view, known):
        for quantity in known:
            here, weights = found[quantity.name], block.weights(quantity)
            before, after = block.before[quantity.name], block.after[quantity.name]
            here.before.update(before, weights)
            here.after.update(after, weights)
            here.shift.update(shift(quantity, before, after), weights)
            here.moved += int(((before != after) & ~(np.isnan(before) & np.isnan(after))).sum())
    return found


def shift(quantity: Quantity, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """after - before, as a fraction of before where the quantity says so; NaN where either is missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((after - before) / before if quantity.relative else after - before)


@dataclass(frozen=True)
class _Values:
    """The quantities of a block's events by name, and the weights of the events and of their jets."""

    before: dict[str, np.ndarray]
    after: dict[str, np.ndarray]
    of_events: np.ndarray | None
    of_jets: np.ndarray | None

    def weights(self, quantity: Quantity) -> np.ndarray | None:
        return self.of_jets if quantity.per_jet else self.of_events


def _values(pair: Pair, view: EventView, known: Sequence[Quantity]) -> Iterator[_Values]:
    for block in pair.blocks(view.groups):
        events = view.events(block)
        before, after = ({quantity.name: quantity.compute(side) for quantity in known} for side in events)
        weights, jets = block.weights, events[0].objects.get("jets")
        of_jets = None if weights is None or jets is None else np.repeat(weights, ak.to_numpy(ak.num(jets)))
        yield _Values(before, after, weights, of_jets)


def fill(pair: Pair, view: EventView, chosen: Sequence[tuple[Quantity, Survey]], selection: Selection) -> list[Result]:
    """The second pass: histograms in the ranges that `survey` found, and the events that `selection` takes."""
    results = [_empty(quantity, found, pair.weight is not None) for quantity, found in chosen]
    needed = {result.quantity.name: result.quantity for result in results}
    needed |= {cut.quantity.name: cut.quantity for step in selection.alone for cut in step.cuts}
    for block in _values(pair, view, list(needed.values())):
        selection.update(block.before, block.after, block.of_events)
        for result in results:
            name = result.quantity.name
            _fill(result, block.before[name], block.after[name], block.weights(result.quantity))
    return results


def _empty(quantity: Quantity, found: Survey, weighted: bool) -> Result:
    values, shifts = _bins(quantity, found.before), _shift_bins(found.shift)
    title, moved = axis_title(quantity.name, quantity.unit, 0), shift_title(quantity)
    fine = np.linspace(shifts.edges[0], shifts.edges[-1], _PROFILE_BINS + 1)
    low, high = (found.before.quantile(q, positive=values.log) for q in (0.001, 0.99))
    return Result(
        quantity,
        found,
        values.log,
        before=empty(values, title, weighted),
        after=empty(values, title, weighted),
        shift=empty(shifts, moved, weighted),
        profile=hist.Hist(
            hist.axis.Variable(values.edges, label=title),
            hist.axis.Variable(fine, label=moved),
            storage=storage(weighted),
        ),
        peak_profile=peaks.profile(low, high, title, log=values.log, weighted=weighted)
        if quantity.mass and high > low
        else None,
    )


def _bins(quantity: Quantity, sample: Sample) -> Bins:
    if quantity.narrow and sample.max > sample.min:
        # The quartiles lie on both sides of a peak that holds most of the values.
        low, high = sample.quantile(0.25), sample.quantile(0.75)
        low, high = max(4 * low - 3 * high, sample.min), min(4 * high - 3 * low, sample.max)
        bins = int(min(max(2 * sample.count**0.4, 10), BINS))
        return Bins(np.asarray(MaxNLocator(bins, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)))
    transform = "log10" if quantity.relative else "linear"
    tolerance = "exact" if quantity.stored is None else quantity.stored.tolerance
    return value_bins(sample, Column.model_validate({"tolerance": tolerance, "transform": transform}))


def shift_title(quantity: Quantity) -> str:
    """Title of the axis of a saved histogram of shifts."""
    if quantity.relative:
        return f"({quantity.name} reconstructed - input) / input"
    return axis_title(f"{quantity.name} reconstructed - input", quantity.unit, 0)


def _shift_bins(sample: Sample) -> Bins:
    if sample.count and sample.integers:
        reach = max(abs(sample.min), abs(sample.max), 1)
        if reach <= 30:
            return Bins(np.arange(-reach - 0.5, reach + 1))
    return residual_bins(sample, None)


def _fill(result: Result, before: np.ndarray, after: np.ndarray, weights: np.ndarray | None) -> None:
    fill_finite(result.before, before, weights)
    fill_finite(result.after, after, weights)
    moved = shift(result.quantity, before, after)
    fill_finite(result.shift, moved, weights)
    both = np.isfinite(before) & np.isfinite(moved)
    weight = None if weights is None else weights[both]
    result.profile.fill(before[both], moved[both], weight=weight)
    if result.peak_profile is not None:
        both = np.flatnonzero(np.isfinite(before) & np.isfinite(after))
        if weights is not None:  # the running sums of a mean must not be 0 in between: the largest weights first
            both = both[np.argsort(-weights[both], kind="stable")]
            both = both[weights[both] != 0]
        weight = None if weights is None else weights[both]
        result.peak_profile.fill(before[both], weight=weight, sample=(after - before)[both])
