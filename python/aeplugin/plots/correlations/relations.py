"""A third pass over a group: correlations of its values, and its residuals against its inputs and the event number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import hist
import numpy as np

from aeplugin import residuals
from aeplugin.plots.drawing import wording
from aeplugin.plots.filling import Study, compute, key_in_kind, storage
from aeplugin.plots.pairs import Group
from aeplugin.residuals import is_missing
from aeplugin.statistics import Correlation

INPUTS = 8
"""Inputs at most that a residual is drawn against."""
_RESIDUAL_BINS, _INPUT_BINS, _EVENT_BINS = 201, 20, 50
_OBJECTS_PER_BIN = 50
_SLICE = 100_000  # objects at a time


@dataclass
class Relations:
    """What the pass found.

    Attributes:
        original, reconstructed: correlations of the values, over objects where they are known in both files.
        incomplete: objects where a value is unknown: not finite in either file, or a sentinel.
        by_input: residual in kind (y) against the original's value (x), by residual and input.
        by_event: residual in kind (y) against the number of the event (x).
    """

    original: Correlation
    reconstructed: Correlation
    by_input: dict[tuple[str, str], hist.Hist]
    by_event: dict[str, hist.Hist]
    incomplete: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    """Objects where a variable is unknown, by variable."""


def relate(study: Study, inputs: Sequence[str]) -> Relations:
    """Read the files of a group once more.

    Args:
        inputs: the variables to draw residuals against.

    Raises:
        InputError: see `Pair.blocks`.
    """
    pair, group = study.pair, study.group
    found = _empty(study, inputs)
    for block in pair.blocks({group.name: group.files}):
        before, after = block.before[group.name], block.after[group.name]
        event = block.start + np.repeat(np.arange(block.events), before.counts)
        weights = block.object_weights(group.name)
        for part in _slices(len(before)):
            _add(
                found,
                group,
                {variable: values[part] for variable, values in before.columns.items()},
                {variable: values[part] for variable, values in after.columns.items()},
                event[part],
                None if weights is None else weights[part],
            )
    return found


def _empty(study: Study, inputs: Sequence[str]) -> Relations:
    group, pair = study.group, study.pair
    size = len(group.columns)
    kept = storage(pair.weight is not None)
    return Relations(
        original=Correlation(size),
        reconstructed=Correlation(size),
        by_input={
            (variable, name): hist.Hist(_input_axis(study, name), _residual_axis(study, variable), storage=kept)
            for variable in group.columns
            for name in inputs
        },
        by_event={
            variable: hist.Hist(_event_axis(study), _residual_axis(study, variable), storage=kept)
            for variable in group.columns
        },
        unknown=dict.fromkeys(group.columns, 0),
    )


def _add(
    found: Relations,
    group: Group,
    before: dict[str, np.ndarray],
    after: dict[str, np.ndarray],
    event: np.ndarray,
    weights: np.ndarray | None,
) -> None:
    """Add some objects; arrays of shape (objects,)."""
    known, moved = {}, {}
    for variable, column in group.columns.items():
        original, reconstructed = before[variable], after[variable]
        moved[variable] = compute(key_in_kind(variable, column), column, original, reconstructed)
        known[variable] = ~is_missing(original, column) & np.isfinite(reconstructed)
        found.unknown[variable] += int((~known[variable]).sum())
    is_known = np.stack(list(known.values()), axis=1)
    found.incomplete += int((~is_known.all(axis=1)).sum())
    rows = [np.stack([side[v].astype(np.float64) for v in group.columns], axis=1) for side in (before, after)]
    for i, (variable, column) in enumerate(group.columns.items()):
        if column.periodic:  # an angle that crosses +-pi has not moved far
            rows[1][:, i] = rows[0][:, i] + residuals.residual(before[variable], after[variable], column)
    for correlation, values in zip((found.original, found.reconstructed), rows, strict=True):
        correlation.update(np.where(is_known, values, np.nan), weights)
    for variable, values in moved.items():
        chosen = known[variable] & np.isfinite(values)
        _fill(found.by_event[variable], event, values, chosen, weights)
        for (residual, name), histogram in found.by_input.items():
            if residual == variable:
                _fill(histogram, before[name], values, chosen & known[name], weights)


def _fill(histogram: hist.Hist, x: np.ndarray, y: np.ndarray, chosen: np.ndarray, weights: np.ndarray | None) -> None:
    histogram.fill(x[chosen].astype(np.float64), y[chosen], weight=None if weights is None else weights[chosen])


def _slices(objects: int) -> Iterator[slice]:
    for start in range(0, objects, _SLICE):
        yield slice(start, start + _SLICE)


def _input_axis(study: Study, variable: str) -> hist.axis.Variable:
    """Bins of the variable's own plot, so many taken together that most have entries."""
    axis = study.filled.originals[variable].axes[0]
    edges = np.asarray(axis.edges)
    bins = min(max(study.found.objects // _OBJECTS_PER_BIN, 3), _INPUT_BINS)
    step = math.ceil((len(edges) - 1) / bins)
    return hist.axis.Variable(np.append(edges[:-1:step], edges[-1]), label=axis.label)


def _residual_axis(study: Study, variable: str) -> hist.axis.Regular:
    """Narrow bins that hold all residuals, or twice what 99.5 % reach where some are far out."""
    column = study.group.columns[variable]
    key = key_in_kind(variable, column)
    sample = study.found.judged[key].sample
    reach = 0.0
    if sample.count:
        reach = min(max(abs(sample.min), abs(sample.max)), 2 * sample.abs_quantile(0.995)) * (1 + 1e-6)
    reach = reach or residuals.bound(column)
    unit = "" if key[1] == "relative_residual" else column.unit
    title = wording.axis_title(f"{key[1].replace('_', ' ')} of {variable}", unit, 0)
    return hist.axis.Regular(_RESIDUAL_BINS, -reach, reach, label=title)


def _event_axis(study: Study) -> hist.axis.Variable:
    """Runs of events of equal length, with some objects in each."""
    events = study.pair.events
    bins = min(max(study.found.objects // _OBJECTS_PER_BIN, 3), _EVENT_BINS, events)
    edges = np.arange(bins + 1) * math.ceil(events / bins)
    edges = np.append(edges[edges < events], events)
    return hist.axis.Variable(edges.astype(np.float64), label="event")
