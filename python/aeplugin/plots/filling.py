"""Two passes over an original and a reconstructed file, in step and in blocks, so memory stays bounded.

The first pass (`survey`) finds exact statistics and the ranges, the second (`fill`) fills histograms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import hist
import numpy as np

from aeplugin import residuals
from aeplugin.errors import InputError
from aeplugin.plots.binning import Bins, residual_bins, value_bins
from aeplugin.plots.drawing import wording
from aeplugin.plots.pairs import Group, Pair
from aeplugin.readers import Objects
from aeplugin.recipe import Column, LooseColumn
from aeplugin.statistics import Correlation, Sample

Kind = Literal["residual", "relative_residual"]
Key = tuple[str, Kind]
CORNER_BINS = 40


ENERGY_UNITS = ("eV", "keV", "MeV", "GeV", "TeV")


def keys(group: Group) -> list[Key]:
    """The residuals to look at: one for each variable, and the relative one of energies and relative tolerances."""
    found: list[Key] = []
    for variable, column in group.columns.items():
        found.append((variable, "residual"))
        if column.tolerance.rel is not None or column.unit in ENERGY_UNITS:
            found.append((variable, "relative_residual"))
    return found


def key_in_kind(variable: str, column: Column) -> Key:
    """The residual that the variable's tolerance speaks of."""
    return (variable, "relative_residual" if column.tolerance.rel is not None else "residual")


def compute(key: Key, column: Column, original: np.ndarray, reconstructed: np.ndarray) -> np.ndarray:
    """The residuals called `key`, shape (objects,), in double precision; NaN where the original is a sentinel."""
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf: counted later as not finite
        if key[1] == "relative_residual":
            moved = residuals.relative_residual(original, reconstructed)
        else:
            moved = residuals.residual(original, reconstructed, column)
    return np.where(residuals.is_missing(original, column), np.nan, moved)


def ordinary(values: np.ndarray, column: LooseColumn) -> np.ndarray:
    """Values in double precision, NaN where they stand for something else; shape as given."""
    return np.where(residuals.is_missing(values, column), np.nan, values.astype(np.float64))


@dataclass
class Judged:
    """A residual's statistics, and what the tolerance says where it speaks of this kind of residual."""

    sample: Sample = field(default_factory=Sample)
    special: int = 0
    """Objects without a residual whose value was kept (NaN, infinite, a sentinel, zero under a relative tolerance)."""
    broken: int = 0
    """Objects without a finite residual whose value was not kept."""
    outside: int = 0
    """Finite residuals beyond the tolerance."""

    @property
    def objects(self) -> int:
        return self.sample.count + self.special + self.broken

    @property
    def share_beyond(self) -> float:
        """Share of all objects beyond the tolerance; one that is no longer finite counts as beyond."""
        return (self.outside + self.broken) / self.objects if self.objects else math.nan


@dataclass
class Survey:
    """What the first pass found. `originals` and `reconstructed` by variable, `judged` by residual."""

    objects: int
    originals: dict[str, Sample]
    reconstructed: dict[str, Sample]
    judged: dict[Key, Judged]
    correlation: np.ndarray
    """Coefficients of the residuals in kind, shape (variables, variables), over objects with finite ones."""
    complete: int = 0
    """Objects whose residuals in kind are all finite."""


class _Surveyor:
    """The first pass over one group: statistics of values and residuals."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._correlation = Correlation(len(group.columns))
        self._found = Survey(
            objects=0,
            originals={variable: Sample() for variable in group.columns},
            reconstructed={variable: Sample() for variable in group.columns},
            judged={key: Judged() for key in keys(group)},
            correlation=np.empty(0),
        )

    def update(self, before: Objects, after: Objects, weights: np.ndarray | None) -> None:
        """Add the same objects of both files."""
        found, columns = self._found, self._group.columns
        found.objects += len(before)
        for variable in columns:
            found.originals[variable].update(ordinary(before.columns[variable], columns[variable]), weights)
            found.reconstructed[variable].update(ordinary(after.columns[variable], columns[variable]), weights)
        for key, judged in found.judged.items():
            judge(judged, key, columns[key[0]], before.columns[key[0]], after.columns[key[0]], weights)
        rows, chosen = finite_rows(self._group, before, after)
        self._correlation.update(rows, None if weights is None else weights[chosen])

    def found(self) -> Survey:
        """What all objects so far gave."""
        self._found.correlation, self._found.complete = self._correlation.matrix(), self._correlation.count
        return self._found


def judge(
    judged: Judged,
    key: Key,
    column: Column,
    original: np.ndarray,
    reconstructed: np.ndarray,
    weights: np.ndarray | None = None,
) -> None:
    """Add objects to what is known of a residual; arrays of shape (objects,)."""
    values = compute(key, column, original, reconstructed)
    finite = np.isfinite(values)
    kept = (original == reconstructed) | (np.isnan(original) & np.isnan(reconstructed))
    judged.sample.update(values[finite], None if weights is None else weights[finite])
    judged.special += int((~finite & kept).sum())
    judged.broken += int((~finite & ~kept).sum())
    if key == key_in_kind(key[0], column):
        judged.outside += int((finite & ~residuals.within_tolerance(original, reconstructed, column)).sum())


def finite_rows(group: Group, before: Objects, after: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Residuals in kind of the objects where all are finite, shape (chosen, variables), and which objects these are."""
    rows = np.stack(
        [
            compute(key_in_kind(variable, column), column, before.columns[variable], after.columns[variable])
            for variable, column in group.columns.items()
        ],
        axis=1,
    )
    finite = np.isfinite(rows).all(axis=1)
    return rows[finite], finite


@dataclass
class Filled:
    """The histograms of the second pass; each one's content with flow sums to the finite values it was given."""

    originals: dict[str, hist.Hist]
    reconstructed: dict[str, hist.Hist]
    residuals: dict[Key, hist.Hist]
    pairs: dict[tuple[str, str], hist.Hist]
    """Residuals in kind of two variables against each other, for each pair in the recipe's order."""
    log: dict[str, bool]
    """Whether a variable's own axis is logarithmic."""


class _Filler:
    """The second pass over one group: histograms in the ranges that the first one found."""

    def __init__(self, group: Group, found: Survey, weighted: bool) -> None:
        self._group = group
        columns = group.columns
        bins = {variable: value_bins(found.originals[variable], column) for variable, column in columns.items()}
        tolerances = {key: _tolerance(columns[key[0]], key) for key in found.judged}
        ranges = {key: residual_bins(judged.sample, tolerances[key]) for key, judged in found.judged.items()}
        in_kind = {variable: ranges[key_in_kind(variable, column)].edges for variable, column in columns.items()}
        titles = {variable: wording.axis_title(variable, column.unit, 0) for variable, column in columns.items()}
        names = list(columns)
        pairs = [(x, y) for row, y in enumerate(names) for x in names[:row]]
        self.filled = Filled(
            originals={variable: empty(bins[variable], titles[variable], weighted) for variable in columns},
            reconstructed={variable: empty(bins[variable], titles[variable], weighted) for variable in columns},
            residuals={key: empty(ranges[key], _title(group, key), weighted, tolerances[key]) for key in ranges},
            pairs={
                pair: hist.Hist(
                    *(_coarse_axis(in_kind[name], found.objects, columns[name]) for name in pair),
                    storage=storage(weighted),
                )
                for pair in pairs
            },
            log={variable: binning.log for variable, binning in bins.items()},
        )

    def update(self, before: Objects, after: Objects, weights: np.ndarray | None) -> None:
        """Add the same objects of both files."""
        columns, filled = self._group.columns, self.filled
        for variable in columns:
            fill_finite(filled.originals[variable], ordinary(before.columns[variable], columns[variable]), weights)
            fill_finite(filled.reconstructed[variable], ordinary(after.columns[variable], columns[variable]), weights)
        for key, histogram in filled.residuals.items():
            values = compute(key, columns[key[0]], before.columns[key[0]], after.columns[key[0]])
            fill_finite(histogram, values, weights)
        rows, chosen = finite_rows(self._group, before, after)
        names, shares = list(columns), None if weights is None else weights[chosen]
        for (x, y), histogram in filled.pairs.items():
            histogram.fill(rows[:, names.index(x)], rows[:, names.index(y)], weight=shares)


def _tolerance(column: Column, key: Key) -> float | None:
    return residuals.bound(column) if key == key_in_kind(key[0], column) else None


def storage(weighted: bool) -> Any:
    """Of histograms: whole numbers, or sums of weights and of their squares."""
    return hist.storage.Weight() if weighted else hist.storage.Int64()


def empty(bins: Bins, title: str, weighted: bool = False, tolerance: float | None = None) -> hist.Hist:
    """A histogram without content.

    Args:
        title: of the axis, in plain text; it and the `tolerance` of residuals are for those who draw it again.
    """
    known = {} if tolerance is None else {"tolerance": tolerance}
    return hist.Hist(hist.axis.Variable(bins.edges, label=title, __dict__=known), storage=storage(weighted))


def _title(group: Group, key: Key) -> str:
    variable, kind = key
    unit = "" if kind == "relative_residual" else group.columns[variable].unit
    return wording.axis_title(f"{kind.replace('_', ' ')} of {variable}", unit, 0)


def fill_finite(histogram: hist.Hist, values: np.ndarray, weights: np.ndarray | None = None) -> None:
    """Fill with the finite of some `values`, shape (any,), and their weights."""
    finite = np.isfinite(values)
    histogram.fill(values[finite].astype(np.float64), weight=None if weights is None else weights[finite])


def _coarse_axis(edges: np.ndarray, objects: int, column: Column) -> hist.axis.Regular:
    """Wide bins with zero in the middle of one; the tolerance, where it is on the axis, is an edge of two."""
    bins = int(min(max(objects**0.33, 9), CORNER_BINS)) | 1
    reach, tolerance = float(edges[-1]), residuals.bound(column)
    if not 0.2 * reach < tolerance < reach:
        return hist.axis.Regular(bins, -reach, reach)
    width = tolerance / (max(round(bins * tolerance / (2 * reach) - 0.5), 1) + 0.5)
    half = (math.ceil(reach / width - 0.5) + 0.5) * width
    return hist.axis.Regular(round(2 * half / width), -half, half)


@dataclass(frozen=True)
class Study:
    """All that two passes over a group of columns of a data set have found."""

    pair: Pair
    group: Group
    found: Survey
    filled: Filled


def survey(pair: Pair, groups: Sequence[Group]) -> dict[str, Survey]:
    """The first pass alone: for each group what it holds, and how far it moved.

    Raises:
        InputError: see `Pair.blocks`; also weights that do not add up to something positive.
    """
    surveyors = {group.name: _Surveyor(group) for group in groups}
    _pass(pair, groups, surveyors)
    found = {name: surveyor.found() for name, surveyor in surveyors.items()}
    for name, each in found.items():
        samples = [sample for sample in each.originals.values() if sample.count]
        if pair.weight is not None and samples and not any(sample.weight > 0 for sample in samples):
            raise InputError(
                f"{pair.original}: the weights in {pair.weight!r} of all {name} add up to {samples[0].weight:g}; "
                "expected a positive sum"
            )
    return found


def study(pair: Pair, groups: Sequence[Group]) -> list[Study]:
    """Survey and fill groups of a data set; those without objects are left out.

    Raises:
        InputError: see `Pair.blocks`.
    """
    found = survey(pair, groups)
    filled = [group for group in groups if found[group.name].objects]
    fillers = {group.name: _Filler(group, found[group.name], pair.weight is not None) for group in filled}
    _pass(pair, filled, fillers)
    return [Study(pair, group, found[group.name], fillers[group.name].filled) for group in filled]


def _pass(pair: Pair, groups: Sequence[Group], workers: Mapping[str, _Surveyor | _Filler]) -> None:
    if not groups:
        return
    for block in pair.blocks({group.name: group.files for group in groups}):
        for name, worker in workers.items():
            worker.update(block.before[name], block.after[name], block.object_weights(name))
