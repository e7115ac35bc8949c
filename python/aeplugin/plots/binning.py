"""Ranges and bins of plots: round numbers, from robust quantiles, so that a few outliers do not squeeze the picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aeplugin.recipe import Column
from aeplugin.statistics import Sample

BINS = 60
CELLS_THAT_SHOW = 20
"""Bins of at most so many cells of the grid are made to fit it."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Bins:
    """Edges of a histogram, shape (bins + 1,), and whether its axis is logarithmic."""

    edges: np.ndarray
    log: bool = False


def value_bins(sample: Sample, column: Column) -> Bins:
    """Bins for the values of a variable.

    The range holds the central 99.8 % of the original (all of it where that is hardly wider); what lies outside is
    flow. A periodic variable gets its whole turn, a variable of few whole numbers one bin for each; one that is never
    negative and has a relative tolerance, or the transform log10, a logarithmic axis.

    Reconstructed values lie on a grid in steps of twice the tolerance. Narrow bins that do not fit that grid hold now
    one, now two of its points, which shows as spikes; so such bins are whole numbers of the grid's cells, from edge to
    edge, and no object crosses an edge.
    """
    if sample.count == 0:
        return Bins(np.array([0.0, 1.0]))
    target = _target(sample.count)
    if column.periodic:
        low = 0.0 if sample.min >= 0 and sample.max > 1.01 * math.pi else -math.pi
        return Bins(_turn(low, 2 * math.ceil(target / 2), 2 * (column.tolerance.abs or 0)))
    relative = column.tolerance.rel
    if (column.transform == "log10" or (relative is not None and sample.min >= 0)) and sample.max > 0:
        low, high = sample.quantile(0.001, positive=True), sample.quantile(0.999, positive=True)
        low, high = _round_log(low, math.floor), _round_log(high, math.ceil)
        if high >= 3 * low:  # less would leave a logarithmic axis without ticks
            edges: np.ndarray = np.linspace(math.log(low), math.log(high), target + 1)
            if relative is not None:
                edges = _on_grid(edges, 2 * math.log1p(relative))
            return Bins(np.exp(edges), log=True)
    low, high = sample.quantile(0.001), sample.quantile(0.999)
    if sample.max - sample.min <= 1.3 * (high - low):
        low, high = sample.min, sample.max
    if sample.integers and high - low <= 100 and max(abs(low), abs(high)) < 2**52:
        return Bins(np.arange(math.floor(low) - 0.5, math.ceil(high) + 1))
    if high <= low:
        margin = 0.1 * abs(low) or 1.0
        low, high = low - margin, high + margin
    step = _round_step((high - low) / target)
    first, last = math.floor(low / step * (1 + 1e-12)), math.floor(high / step) + 1
    edges = np.arange(first, last + 1) * step
    return Bins(edges if column.tolerance.abs is None else _on_grid(edges, 2 * column.tolerance.abs))


def _turn(low: float, bins: int, cell: float) -> np.ndarray:
    """Edges of equal bins around the circle from `low` on; whole cells of the grid where a number near `bins` fits."""
    high = low + 2 * math.pi
    if cell > 0:
        cells = round(high / cell) - round(low / cell) + 1
        fitting = [number for number in range(max(bins // 2, 1), 2 * bins + 1) if cells % number == 0]
        if fitting and cells / bins <= CELLS_THAT_SHOW:
            number = min(fitting, key=lambda n: abs(math.log(n / bins)))
            return np.asarray((round(low / cell) - 0.5 + cells / number * np.arange(number + 1)) * cell)
    # A float32 pi is larger than pi: a hair more room keeps it out of the overflow.
    return np.linspace(low, high, bins + 1)


def _on_grid(edges: np.ndarray, cell: float) -> np.ndarray:
    """Equal bins, as `edges` say, made of whole cells of a grid with points at multiples of `cell`.

    Only where bins are of few cells: beyond, what crosses an edge is a small part of a bin.
    """
    cells = max(round((edges[1] - edges[0]) / cell), 1)
    if cells > CELLS_THAT_SHOW:
        return edges
    width = cells * cell
    first = (math.floor(edges[0] / cell + 0.5) - 0.5) * cell
    return np.asarray(first + width * np.arange(math.ceil((edges[-1] - first) / width - 1e-9) + 1))


def residual_bins(sample: Sample, tolerance: float | None) -> Bins:
    """Bins, symmetric about zero, that hold 99.5 % of the residuals and, where it is of that size, the tolerance.

    Zero, the commonest residual of an exact method, lies in the middle of a bin, and +-tolerance are edges of bins.
    """
    target = _target(sample.count) // 2
    reach = 1.1 * sample.abs_quantile(0.995) if sample.count else 0.0
    if tolerance is not None and tolerance > reach / 10 and (tolerance < 8 * reach or reach == 0):
        reach = max(reach, 1.4 * tolerance)
        inside = max(round(target * tolerance / reach - 0.5), 1)
        width = tolerance / (inside + 0.5)
        half = math.ceil(reach / width - 0.5)
        return Bins((np.arange(-half, half + 2) - 0.5) * width)
    if reach == 0:
        reach = max(sample.max, -sample.min, 0) if sample.count else 0
        reach = reach or 1.0
    width = _round_step(reach / target)
    half = math.ceil(reach / width - 0.5)
    return Bins((np.arange(-half, half + 2) - 0.5) * width)


def where_sums_reach(sums: np.ndarray, places: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where running sums over bins reach what is `wanted`, between the bins' edges; shape as `wanted`.

    Args:
        sums: never falling, from 0, at each of the `places`; where they stand still, the first place counts.
    """
    rising = np.concatenate([[True], np.diff(sums) > 0])
    rising[:-1] |= rising[1:]
    return np.asarray(np.interp(wanted, sums[rising], places[rising]))


def _target(count: int) -> int:
    """How many bins so many objects fill decently."""
    return int(min(max(2 * count**0.4, 10), BINS))


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor for factor in _STEPS if factor * power >= step * (1 - 1e-9)) * power


def _round_log(value: float, rounding: Callable[[float], int]) -> float:
    """`value` with one significant digit, rounded down or up."""
    power = 10.0 ** math.floor(math.log10(value))
    return rounding(round(value / power, 6)) * power
