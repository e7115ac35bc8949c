"""Mean and width of residuals in each of several categories: kinds of objects, collections, or data sets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import hist
import numpy as np

from aeplugin.plots.drawing import wording
from aeplugin.plots.filling import Key, Study, compute, fill_finite, key_in_kind, storage
from aeplugin.plots.inputs import Context
from aeplugin.plots.kinds_of_objects import Kinds, kind_label, kinds_of
from aeplugin.plots.summaries.fits import METHODS, Fit, fit_peak
from aeplugin.plots.summaries.spreads import Estimate, Spread
from aeplugin.recipe import Column
from aeplugin.residuals import bound, is_missing

_ENERGIES = ("pt", "e", "energy")
"""Variables with a relative resolution, whatever their tolerance."""
_TELLING = 400  # objects
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resolution:
    """Residuals of a variable in one category, in numbers.

    Attributes:
        name: of the category.
        objects: those with a finite residual and a value that is no sentinel.
        moved: whether any of them moved.
        tolerance: of this kind of residual, where the recipe says one.
        is_relative: whether residuals are relative ones.
        mean: mean residual.
        widths: RMS about the mean ("rms"), IQR / 1.349 ("iqr") and half-width about zero with 68 % ("half"); of
            relative residuals divided by the mean response.
        histogram: of the residuals.
    """

    name: str
    variable: str
    objects: int
    moved: bool
    tolerance: float | None
    is_relative: bool
    mean: Estimate
    widths: dict[str, Estimate]
    histogram: hist.Hist

    @cached_property
    def peak(self) -> Fit | None:
        """A good fit, of whatever shape."""
        return fit_peak(self.histogram, f"{self.name}, {self.variable}")

    def fit(self, shape: str) -> Fit | None:
        """A fit of this shape, if it is good."""
        if self.peak is not None and self.peak.shape == shape:
            return self.peak
        fit = METHODS[shape](self.histogram, f"{self.name}, {self.variable}")
        return fit if fit is not None and fit.good else None

    def width(self, fit: Fit) -> Estimate:
        """Sigma of a fit, divided as `widths`."""
        sigma, mean = (Estimate(fit.values[name], fit.errors[name]) for name in ("sigma", "mean"))
        return _over_response(sigma, mean) if self.is_relative else sigma


class Residuals:
    """Residuals that are being read.

    Args:
        key: which residual.
        edges: of the histogram, shape (bins + 1,).
    """

    def __init__(self, key: Key, column: Column, edges: np.ndarray, weighted: bool) -> None:
        self._key = key
        self._column = column
        self._spread = Spread()
        unit = "" if key[1] == "relative_residual" else column.unit
        title = wording.axis_title(f"{key[1].replace('_', ' ')} of {key[0]}", unit, 0)
        self._histogram = hist.Hist(hist.axis.Variable(edges, label=title), storage=storage(weighted))

    def add(self, before: np.ndarray, after: np.ndarray, weights: np.ndarray | None) -> None:
        """Add objects; arrays of shape (objects,)."""
        known = ~is_missing(before, self._column)
        values = compute(self._key, self._column, before, after)[known]
        weights = None if weights is None else weights[known]
        self._spread.update(values, weights)
        fill_finite(self._histogram, values, weights)

    def result(self, name: str) -> Resolution:
        """What was read of the category `name`; unlike this it takes no memory to speak of."""
        spread, column, key = self._spread, self._column, self._key
        is_relative = key[1] == "relative_residual"
        widths = {"rms": spread.rms, "iqr": spread.iqr, "half": spread.half_width}
        if is_relative:
            widths = {width: _over_response(estimate, spread.mean) for width, estimate in widths.items()}
        is_stated = key == key_in_kind(key[0], column)
        return Resolution(
            name=name,
            variable=key[0],
            objects=spread.sample.count,
            moved=(spread.sample.min, spread.sample.max) != (0, 0),
            tolerance=bound(column) if is_stated else None,
            is_relative=is_relative,
            mean=spread.mean,
            widths=widths,
            histogram=self._histogram,
        )


def _over_response(width: Estimate, mean: Estimate) -> Estimate:
    """A width of relative residuals divided by the mean response, which is 1 + their mean."""
    return width.over(Estimate(1 + mean.value, mean.error))


@dataclass
class Subject:
    """A variable whose residuals are compared between categories.

    Attributes:
        name: letters, digits and _.
        collection: what it is a variable of.
        categories: of those that moved.
        exact: categories that were kept exactly.
    """

    name: str
    collection: str
    variable: str
    label: str
    column: Column
    network: str
    categories: dict[str, Resolution]
    exact: list[str] = field(default_factory=list)

    @property
    def is_relative(self) -> bool:
        return next(iter(self.categories.values())).is_relative

    @cached_property
    def fits(self) -> dict[str, Fit]:
        """Good fits by category, all of the shape that fits the commonest; none where that has no peak.

        Of few objects a flat distribution could pass for a peak, so that they do not decide. One shape for all, since
        sigma means something else in each.
        """
        commonest = max(self.categories.values(), key=lambda found: found.objects)
        if commonest.objects < _TELLING or commonest.peak is None:
            return {}
        fits = {name: found.fit(commonest.peak.shape) for name, found in self.categories.items()}
        return {name: fit for name, fit in fits.items() if fit is not None}

    def widths(self, category: str) -> dict[str, Estimate]:
        """The widths in a category, with that of the fit ("fit") where there is one."""
        found, fit = self.categories[category], self.fits.get(category)
        return found.widths if fit is None else found.widths | {"fit": found.width(fit)}

    @property
    def unit(self) -> str:
        """As axes have it: per cent for what is relative."""
        return "%" if self.is_relative else self.column.unit


def by_kind(context: Context) -> list[Subject]:
    """Of the first data set, by kind of object; by collection where there are no kinds.

    Raises:
        InputError: see `Pair.blocks`.
    """
    kinds = kinds_of(context.pair, context.recipe)
    found: dict[str, dict[str, Residuals]] = {}
    columns: dict[str, Column] = {}
    for study, kind, variable, sides, weights in _members(context, kinds):
        residuals = found.setdefault(variable, {})
        if kind not in residuals:
            residuals[kind] = _residuals(study, variable)
            columns.setdefault(variable, study.group.columns[variable])
        residuals[kind].add(*sides, weights)
    exact = [] if kinds is None else [kind_label(name) for name in kinds.groups if name not in _studies(context)]
    subjects = []
    for variable, residuals in found.items():
        results = [each.result(kind) for kind, each in residuals.items()]
        ordered = {kind_label(one.name): one for one in sorted(results, key=lambda one: -one.objects)}
        name, column = f"{variable}_by_kind", columns[variable]
        subjects.append(_subject(name, "", variable, column, context.networks, ordered, exact))
    return [subject for subject in subjects if len(subject.categories) > 1]


def by_dataset(context: Context) -> list[Subject]:
    """Of each group and variable, by data set; a data set that lacks a column of a group is left out of it.

    Raises:
        InputError: see `Pair.blocks`.
    """
    subjects = []
    for study in context.studies:
        group = study.group
        found: dict[str, dict[str, Resolution]] = {variable: {} for variable in group.columns}
        for pair in context.pairs:
            if not all(column in pair.schema for column in group.files.values()):
                _log.warning("%s: left out of %s, it lacks columns of it", pair.name, group.name)
                continue
            residuals = {variable: _residuals(study, variable) for variable in group.columns}
            for block in pair.blocks({group.name: group.files}):
                before, after = block.before[group.name].columns, block.after[group.name].columns
                weights = block.object_weights(group.name)
                for variable, each in residuals.items():
                    each.add(before[variable], after[variable], weights)
            for variable, each in residuals.items():
                found[variable][pair.name] = each.result(pair.name)
        for variable, results in found.items():
            name, column = f"{group.name}_{variable}_by_dataset", group.columns[variable]
            subjects.append(_subject(name, group.name, variable, column, group.network, results, []))
    return [subject for subject in subjects if len(subject.categories) > 1]


Member = tuple[Study, str, str, tuple[np.ndarray, np.ndarray], np.ndarray | None]
"""The study of its group, kind, variable, original and reconstructed values, weights; arrays of shape (objects,)."""


def _members(context: Context, kinds: Kinds | None) -> Iterator[Member]:
    """What may move of the objects of the first data set, by kind or by collection."""
    studies = _studies(context)
    if kinds is None:
        names = [name for name in studies if name in context.recipe.collections]
        if len(names) < 2:
            return
        for block in context.pair.blocks({name: studies[name].group.files for name in names}):
            for name in names:
                before, after, weights = block.before[name], block.after[name], block.object_weights(name)
                for variable in studies[name].group.columns:
                    yield studies[name], name, variable, (before.columns[variable], after.columns[variable]), weights
        return
    moving = {name: files for name, files in kinds.groups.items() if name in studies}
    if not moving:
        return
    for block in context.pair.blocks(moving):
        for member in kinds.in_step(block):
            study = studies[member.group]
            for variable in kinds.columns:
                if variable in study.group.columns:
                    sides = member.before.columns[variable], member.after.columns[variable]
                    yield study, member.kind, variable, sides, member.weights


def _studies(context: Context) -> dict[str, Study]:
    return {study.group.name: study for study in context.studies}


def _residuals(study: Study, variable: str) -> Residuals:
    """Without content, in the bins of the group's own histogram."""
    group = study.group
    key = key_in_kind(variable, group.columns[variable])
    relative: Key = (variable, "relative_residual")
    if variable.lower() in _ENERGIES and relative in study.filled.residuals:
        key = relative
    edges = np.asarray(study.filled.residuals[key].axes[0].edges)
    return Residuals(key, group.columns[variable], edges, study.pair.weight is not None)


def _subject(
    name: str,
    collection: str,
    variable: str,
    column: Column,
    network: str,
    results: dict[str, Resolution],
    exact: list[str],
) -> Subject:
    moved = {category: found for category, found in results.items() if found.objects and found.moved}
    kinds = {found.is_relative for found in moved.values()}
    if len(kinds) > 1:
        _log.warning("%s: absolute residuals are left out, others are relative", name)
        moved = {category: found for category, found in moved.items() if found.is_relative}
    kept = [category for category, found in results.items() if found.objects and not found.moved]
    label = wording.variable_label(variable, column)
    return Subject(name, collection, variable, label, column, network, moved, [*kept, *exact])
