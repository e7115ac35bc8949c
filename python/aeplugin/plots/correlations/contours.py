"""Lines about the densest part of a two-dimensional histogram that holds some share of its objects."""

from __future__ import annotations

import hist
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke
from scipy.ndimage import gaussian_filter

SHARES = (0.68, 0.95)
"""Of the objects within the lines."""
LINES = ("-", (0, (1, 1)))
"""Styles of the lines, in the order of `SHARES`."""
_LEAST_WIDTH = 0.3
_FEWEST = 50
"""Objects below which there is no shape that a line could show."""


def smoothed(histogram: hist.Hist) -> np.ndarray:
    """The contents smoothed by a Gaussian kernel, shape as the histogram's bins.

    Its width follows Scott's rule for two dimensions, n^(-1/6) standard deviations (D. W. Scott, Multivariate Density
    Estimation, Wiley 1992), n being the effective number of entries; but not below 0.3, or lines would follow the
    fluctuations of a flat distribution. A standard deviation is at most IQR / 1.349, so that tails do not count.
    """
    contents = np.asarray(histogram.values(), float)
    entries = _entries(histogram)
    if contents.sum() <= 0 or entries <= 0:
        return contents
    width = max(entries ** (-1 / 6), _LEAST_WIDTH)
    widths = [width * _deviation(contents.sum(axis=1 - axis)) for axis in (0, 1)]
    return np.asarray(gaussian_filter(contents, widths, mode="constant"))


def level(density: np.ndarray, contents: np.ndarray, wanted: float) -> float | None:
    """The density above which the bins hold `wanted` of the contents; None where all of them hold less.

    Args:
        density: of each bin, of any scale.
        contents: of each bin, the same shape.
        wanted: in the units of `contents`.
    """
    order = np.argsort(-density, axis=None, kind="stable")
    sums = np.cumsum(contents.ravel()[order])
    enough = np.flatnonzero(sums >= wanted * (1 - 1e-12))
    if len(enough) == 0:
        return None
    heights = density.ravel()[order]
    last = heights[enough[0]]
    others = heights[heights < last * (1 - 1e-12)]
    return float(last + (others[0] if len(others) else 0)) / 2


def draw_contours(ax: Axes, histogram: hist.Hist) -> bool:
    """Draw lines that enclose each of `SHARES` of all objects, also those in the flow; whether there are any."""
    contents = np.asarray(histogram.values(), float)
    everything = np.asarray(histogram.values(flow=True), float).sum()
    if _entries(histogram) < _FEWEST:
        return False
    density = smoothed(histogram)
    found = {}
    for share, line in zip(SHARES, LINES, strict=True):
        height = level(density, contents, share * everything)
        if height is not None and height > 0:
            found[height] = line  # of two equal ones the outer
    if not found:
        return False
    heights = sorted(found)
    # A ring of nothing about the panel closes lines that leave it.
    x, y = (_padded(np.asarray(axis.centers)) for axis in histogram.axes)
    ax.contour(
        x,
        y,
        np.pad(density, 1).T,
        levels=heights,
        colors="black",
        linewidths=1.3,
        linestyles=[found[height] for height in heights],
    ).set_path_effects([Stroke(linewidth=2.8, foreground="white", alpha=0.75), Normal()])
    return True


def _entries(histogram: hist.Hist) -> float:
    """Effective number of entries in the bins."""
    squares = float(np.asarray(histogram.variances(), float).sum())
    return float(histogram.values().sum()) ** 2 / squares if squares > 0 else 0.0


def _deviation(contents: np.ndarray) -> float:
    """Width, in bins, of a distribution over bins: the lesser of standard deviation and IQR / 1.349."""
    weights = np.clip(contents, 0, None)
    if weights.sum() <= 0:
        return 0.0
    places = np.arange(len(weights))
    mean = np.average(places, weights=weights)
    deviation = float(np.sqrt(np.average((places - mean) ** 2, weights=weights)))
    sums = np.concatenate([[0], np.cumsum(weights)]) / weights.sum()
    low, high = np.interp([0.25, 0.75], sums, np.arange(len(sums)))
    return min(deviation, float(high - low) / 1.349)


def _padded(centers: np.ndarray) -> np.ndarray:
    step = centers[1] - centers[0]
    return np.concatenate([[centers[0] - step], centers, [centers[-1] + step]])
