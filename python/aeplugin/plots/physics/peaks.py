"""Where a distribution peaks, and how far what lies around the peak has moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np

BINS = 2000
"""Of the histograms that peaks are looked for in: fine against any peak, and not too many to merge."""
HALVINGS = 4
FEWEST = 20
"""Objects that the interval around a peak must hold."""


@dataclass(frozen=True)
class Peak:
    """A peak of the original, and the shift of the objects around it.

    Attributes:
        position: half-sample mode of the original.
        low, high: the shortest interval that holds half of the original.
        shift: mean of reconstructed - original of the objects whose original lies in the interval.
        error: statistical uncertainty of the shift.
    """

    position: float
    low: float
    high: float
    shift: float
    error: float


def profile(low: float, high: float, title: str, *, log: bool = False, weighted: bool = False) -> hist.Hist:
    """An empty histogram for `peak`: of originals, with the mean shift in each bin.

    A distribution peaks elsewhere when it is drawn on a logarithmic axis: `log` makes bins of equal ratios.
    """
    storage = hist.storage.WeightedMean() if weighted else hist.storage.Mean()
    edges = np.geomspace(low, high, BINS + 1) if log else np.linspace(low, high, BINS + 1)
    return hist.Hist(hist.axis.Variable(edges, label=title), storage=storage)


def peak(filled: hist.Hist) -> Peak | None:
    """The peak of a `profile` that was filled with originals, their shifts as samples; None where there are too few.

    The mode is that of Bickel and Fruehwirth (Comput. Stat. Data Anal. 50 (2006) 3500), on bins: the shortest interval
    with half of the content, again and again, at most `HALVINGS` times.
    """
    view = filled.view()
    contents = np.maximum(view["sum_of_weights"] if "sum_of_weights" in view.dtype.names else view["count"], 0)
    first, last = shortest_half(contents, 0, len(contents))
    whole = filled[first:last].sum()
    error, objects = _uncertainty(whole)
    if objects < FEWEST:
        return None
    least = FEWEST / objects * contents[first:last].sum()
    start, stop = first, last
    for _ in range(HALVINGS - 1):
        narrower = shortest_half(contents, start, stop)
        if contents[slice(*narrower)].sum() < least:
            break
        start, stop = narrower
    centers, edges = filled.axes[0].centers, filled.axes[0].edges
    position = float(np.average(centers[start:stop], weights=contents[start:stop]))
    return Peak(position, float(edges[first]), float(edges[last]), float(whole.value), error)


def shortest_half(contents: np.ndarray, start: int, stop: int) -> tuple[int, int]:
    """The fewest neighbours with half of the content of the bins from `start` to before `stop`; the fullest if several.

    Args:
        contents: not negative, shape (bins,).
    """
    sums = np.concatenate([[0.0], np.cumsum(contents[start:stop])])
    needed = sums[-1] / 2
    firsts = np.flatnonzero(sums[:-1] + needed <= sums[-1] * (1 + 1e-12))
    ends = np.minimum(np.searchsorted(sums, (sums[firsts] + needed) * (1 - 1e-12)), len(sums) - 1)
    best = np.lexsort((-(sums[ends] - sums[firsts]), ends - firsts))[0]
    return start + int(firsts[best]), start + max(int(ends[best]), int(firsts[best]) + 1)


def _uncertainty(mean: Any) -> tuple[float, float]:
    """Statistical uncertainty of the accumulator of a mean, and the effective number of objects in it."""
    if hasattr(mean, "count"):
        objects = float(mean.count)
    else:
        squares = mean.sum_of_weights_squared
        objects = float(mean.sum_of_weights**2 / squares) if squares else 0.0
    return (math.sqrt(max(mean.variance, 0) / objects) if objects >= 2 else math.nan), objects
