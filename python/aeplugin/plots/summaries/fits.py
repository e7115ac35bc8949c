"""Fits of peaks to histograms: a Gaussian to the core, or a double-sided Crystal Ball function to everything.

The likelihood of the histogram's bins is maximised for the shape's integrals over them, normalised to the range that is
fitted (iminuit's `BinnedNLL`; weighted contents by Bohm and Zech's scaled Poisson distribution, NIM A 748 (2014) 1).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import hist
import numpy as np
from iminuit import Minuit
from iminuit.cost import BinnedNLL
from iminuit.warnings import IMinuitWarning
from scipy.special import chdtrc

from aeplugin.plots.binning import where_sums_reach
from aeplugin.plots.summaries import shapes

_log = logging.getLogger(__name__)

GOOD_PROBABILITY, GOOD_RATIO = 0.01, 1.5
"""Probability of a larger chi2 from which on a fit is good; and chi2/ndf up to which it is, whatever the probability:
of many entries no simple shape describes every bin."""
_FEWEST_ENTRIES, _FEWEST_BINS = 20, 5
_WINDOW = 2.0  # standard deviations to each side of the mean, for the core
_ITERATIONS = 20
_ALPHAS, _EXPONENTS = (0.2, 8.0), (1.05, 100.0)  # within which tails are looked for
_EXPECTED = 5.0  # entries that bins of the chi2 should have

Shape = Callable[..., np.ndarray]
_SHAPES: dict[str, Shape] = {"gauss": shapes.gauss, "crystal_ball": shapes.crystal_ball}


@dataclass(frozen=True)
class Fit:
    """A fitted shape.

    Attributes:
        shape: "gauss" or "crystal_ball".
        values, errors: parameters and their standard deviations, in the units of the axis: mean, sigma, and of the
            Crystal Ball function alpha_low, n_low, alpha_high, n_high.
        chi2, ndf: Pearson's chi2 in bins with at least five expected entries each, and its degrees of freedom.
        valid: whether the minimum was found, with an accurate covariance, a mean and sigma at no limit, and a core.
        window: the range of the fit.
        entries: contents within the window.
    """

    shape: str
    values: dict[str, float]
    errors: dict[str, float]
    chi2: float
    ndf: int
    valid: bool
    window: tuple[float, float]
    entries: float

    @property
    def good(self) -> bool:
        """Whether the fit is valid, describes the contents, and these show a peak with a width."""
        mean, sigma = self.values["mean"], self.values["sigma"]
        is_seen = self.window[0] < mean - sigma and mean + sigma < self.window[1]
        if not self.valid or self.ndf <= 0 or not is_seen or self.errors["sigma"] > sigma / 4:
            return False
        return self.chi2 <= GOOD_RATIO * self.ndf or float(chdtrc(self.ndf, self.chi2)) >= GOOD_PROBABILITY

    def expected(self, edges: np.ndarray) -> np.ndarray:
        """Contents that bins with these edges should have, shape (bins,); to draw the fit."""
        cdf = _SHAPES[self.shape]
        low, high = cdf(np.array(self.window), *self.values.values())
        return np.asarray(self.entries * np.diff(cdf(edges, *self.values.values())) / (high - low))


def fit_gaussian_core(histogram: hist.Hist, what: str) -> Fit | None:
    """A Gaussian in a window of two of its own standard deviations about its mean, found by iteration.

    Args:
        histogram: of one axis, with counts or weights.
        what: name of the histogram, for messages.

    Returns:
        None, with a message, where there are too few entries, or too few bins in the core.
    """
    peak = _Peak.of(histogram, what)
    if peak is None:
        return None
    mean, sigma = peak.center, peak.width
    seen: list[tuple[int, int]] = []
    fit: Fit | None = None
    for _ in range(_ITERATIONS):
        window = peak.window(mean - _WINDOW * sigma, mean + _WINDOW * sigma)
        if window in seen:  # the same again, or one of a few in turn
            break
        seen.append(window)
        if window[1] - window[0] < _FEWEST_BINS:
            _log.info("%s: no Gaussian fitted, its core has but %d bins", what, window[1] - window[0])
            return None
        fit = _fit("gauss", peak, window, {"mean": mean, "sigma": sigma})
        if fit is None:
            _log.info("%s: no Gaussian fitted, its core has too few entries", what)
            return None
        mean, sigma = fit.values["mean"], fit.values["sigma"]
    return fit


def fit_crystal_ball(histogram: hist.Hist, what: str) -> Fit | None:
    """A double-sided Crystal Ball function over the whole range.

    Args, Returns: as of `fit_gaussian_core`.
    """
    peak = _Peak.of(histogram, what)
    if peak is None:
        return None
    start = {"mean": peak.center, "sigma": peak.width}
    tails = {"alpha_low": 1.5, "n_low": 5.0, "alpha_high": 1.5, "n_high": 5.0}
    return _fit("crystal_ball", peak, (0, len(peak.contents)), start | tails)


METHODS: dict[str, Callable[[hist.Hist, str], Fit | None]] = {
    "crystal_ball": fit_crystal_ball,
    "gauss": fit_gaussian_core,
}
"""By shape; what tells more comes first."""


def fit_peak(histogram: hist.Hist, what: str) -> Fit | None:
    """The Crystal Ball function where that is a good fit, else the Gaussian core where that is; None with a message."""
    for method in METHODS.values():
        fit = method(histogram, what)
        if fit is not None and fit.good:
            return fit
    _log.info("%s: neither a Crystal Ball function nor a Gaussian core is a good fit", what)
    return None


@dataclass(frozen=True)
class _Peak:
    """What is fitted: contents and variances of bins, and where the peak is, robustly."""

    contents: np.ndarray
    variances: np.ndarray
    edges: np.ndarray
    center: float
    width: float
    is_weighted: bool

    @staticmethod
    def of(histogram: hist.Hist, what: str) -> _Peak | None:
        contents = np.asarray(histogram.values(), float)
        variances = np.asarray(histogram.variances(), float)
        edges = np.asarray(histogram.axes[0].edges, float)
        sums = np.concatenate([[0.0], np.maximum.accumulate(np.cumsum(contents))])
        total = sums[-1]
        if total <= 0 or total**2 < _FEWEST_ENTRIES * variances.sum():
            _log.info("%s: not fitted, there are too few entries", what)
            return None
        if np.count_nonzero(contents) < _FEWEST_BINS:
            _log.info("%s: not fitted, all entries lie in %d bins", what, np.count_nonzero(contents))
            return None
        low, center, high = where_sums_reach(sums, edges, np.array([0.16, 0.5, 0.84]) * total)
        is_weighted = histogram.storage_type is hist.storage.Weight
        width = max(float(high - low) / 2, float(np.diff(edges).min()) / 2)
        return _Peak(contents, variances, edges, float(center), width, is_weighted)

    def window(self, low: float, high: float) -> tuple[int, int]:
        """First and last (exclusive) of the bins whose centers lie from `low` to `high`."""
        centers = 0.5 * (self.edges[:-1] + self.edges[1:])
        first, last = np.searchsorted(centers, [low, high])
        return int(first), int(last)


def _fit(shape: str, peak: _Peak, window: tuple[int, int], start: Mapping[str, float]) -> Fit | None:
    """Fit in some bins. None where these have too few entries."""
    chosen = slice(*window)
    contents, variances = peak.contents[chosen], peak.variances[chosen]
    if contents.sum() <= 0 or contents.sum() ** 2 < _FEWEST_ENTRIES * variances.sum():
        return None
    # In units of the peak's width about its center, which keeps the minimiser's numbers near 1.
    edges = (peak.edges[window[0] : window[1] + 1] - peak.center) / peak.width
    cdf = _SHAPES[shape]

    def within(x: np.ndarray, *parameters: float) -> np.ndarray:
        values = cdf(x, *parameters)
        whole = values[-1] - values[0]
        return np.asarray((values - values[0]) / whole if whole > 0 else np.zeros_like(values))

    data = np.stack([contents, variances], axis=-1) if peak.is_weighted else contents
    minuit = Minuit(
        BinnedNLL(data, edges, within, name=list(start)),
        **{
            **start,
            "mean": (start["mean"] - peak.center) / peak.width,
            "sigma": start["sigma"] / peak.width,
        },
    )
    minuit.limits["mean"] = (edges[0], edges[-1])
    minuit.limits["sigma"] = (1e-3, edges[-1] - edges[0])
    for name in start:
        if name.startswith("alpha"):
            minuit.limits[name] = _ALPHAS
        elif name.startswith("n_"):
            minuit.limits[name] = _EXPONENTS
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", IMinuitWarning)  # `valid` says it
        minuit.migrad()
        minuit.hesse()
    values, errors = minuit.values.to_dict(), minuit.errors.to_dict()
    expected = contents.sum() * np.diff(within(edges, *values.values()))
    chi2, bins = _pearson(contents, variances, expected)
    limits = {name: minuit.limits[name] for name in ("mean", "sigma")}
    inside = all(
        low + 1e-3 * (high - low) < values[n] < high - 1e-3 * (high - low) for n, (low, high) in limits.items()
    )
    inside &= all(values[name] > 1.01 * _ALPHAS[0] for name in start if name.startswith("alpha"))
    values |= {"mean": peak.center + peak.width * values["mean"], "sigma": peak.width * values["sigma"]}
    errors |= {name: peak.width * errors[name] for name in ("mean", "sigma")}
    return Fit(
        shape=shape,
        values=values,
        errors=errors,
        chi2=chi2,
        ndf=bins - 1 - len(start),
        valid=bool(minuit.valid and minuit.accurate and inside and all(map(math.isfinite, errors.values()))),
        window=(float(peak.edges[window[0]]), float(peak.edges[window[1]])),
        entries=float(contents.sum()),
    )


def _pearson(contents: np.ndarray, variances: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """Pearson's chi2, and the number of its bins: neighbours together until each should have `_EXPECTED` entries.

    The expected variance of weighted contents is the expected content times the mean weight, sum w^2 / sum w.
    """
    weight = variances.sum() / contents.sum()
    chi2, bins, found, wanted = 0.0, 0, 0.0, 0.0
    left = float(expected.sum())
    for content, expectation in zip(contents, expected, strict=True):
        found, wanted, left = found + content, wanted + expectation, left - expectation
        if wanted >= _EXPECTED * weight and left >= _EXPECTED * weight:
            chi2, bins, found, wanted = chi2 + (found - wanted) ** 2 / (wanted * weight), bins + 1, 0.0, 0.0
    if wanted > 0:
        chi2, bins = chi2 + (found - wanted) ** 2 / (wanted * weight), bins + 1
    return float(chi2), bins
