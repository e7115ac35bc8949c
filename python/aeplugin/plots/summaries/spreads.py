"""Means and widths of a sample that streams through, each with its statistical uncertainty, without resampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aeplugin.statistics import Sample

NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution in units of its standard deviation."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard deviation, which is NaN where it is not known."""

    value: float
    error: float

    def over(self, other: Estimate) -> Estimate:
        """This divided by another one, their errors taken as independent."""
        if other.value == 0:
            return Estimate(math.nan, math.nan)
        value = self.value / other.value
        return Estimate(value, math.hypot(self.error / other.value, value * other.error / other.value))


class Spread:
    """Mean and widths of the finite values that `update` was given, weighted where weights are given.

    Errors are those of independent values; with weights the effective number of entries, (sum w)^2 / sum w^2, stands
    for their number. They are known for two entries or more.
    """

    def __init__(self) -> None:
        self.sample = Sample()
        self._squared_weights = 0.0
        self._weight = 0.0
        self._mean = 0.0
        self._sums = (0.0, 0.0, 0.0)  # weighted sums of (x - mean)^2, ^3, ^4

    def update(self, values: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Add `values` and their `weights`, shape (any,) each; without weights each counts once."""
        finite = np.isfinite(values)
        x = values[finite].astype(np.float64)
        w = np.ones(len(x)) if weights is None else weights[finite].astype(np.float64)
        self.sample.update(x, None if weights is None else w)
        self._squared_weights += float((w**2).sum())
        self._merge(x, w)

    def _merge(self, x: np.ndarray, w: np.ndarray) -> None:
        """Add the moments of some values, about the mean so far: the sum of the values' own weights may be 0."""
        if len(x) == 0:
            return
        center = self._mean if self._weight else float(x.mean())
        moved = x - center
        self._weight += float(w.sum())
        if self._weight == 0:
            return
        shift = float((w * moved).sum()) / self._weight
        m2, m3, m4 = (old + float((w * moved**power).sum()) for power, old in zip((2, 3, 4), self._sums, strict=True))
        self._mean = center + shift
        self._sums = (
            m2 - self._weight * shift**2,
            m3 - 3 * shift * m2 + 2 * self._weight * shift**3,
            m4 - 4 * shift * m3 + 6 * shift**2 * m2 - 3 * self._weight * shift**4,
        )

    @property
    def entries(self) -> float:
        """Effective number of entries; their number without weights."""
        return self._weight**2 / self._squared_weights if self._squared_weights > 0 else 0.0

    @property
    def mean(self) -> Estimate:
        """The mean, with error sigma / sqrt(n)."""
        return self._with_error(self._mean, lambda n: self._deviation / math.sqrt(n))

    @property
    def rms(self) -> Estimate:
        """Root of the mean square about the mean.

        The error is that of the square root of the sample variance s^2, with
        Var(s^2) = (m4 - s^4 (n - 3) / (n - 1)) / n for any distribution with fourth central moment m4 (Particle Data
        Group, Review of Particle Physics, section Statistics); s / sqrt(2 (n - 1)) for a normal one.
        """
        deviation = self._deviation

        def error(n: float) -> float:
            if deviation == 0:
                return 0.0
            fourth = self._sums[2] / self._weight
            return math.sqrt(max(fourth - deviation**4 * (n - 3) / (n - 1), 0) / n) / (2 * deviation)

        return self._with_error(deviation, error)

    @property
    def iqr(self) -> Estimate:
        """Interquartile range / 1.349, which is sigma of a normal distribution.

        The quartiles' errors are those of order statistics; their correlation is 1/3 for any distribution
        (F. Mosteller, Ann. Math. Statist. 17 (1946) 377).
        """
        quantile = self.sample.quantile
        low, high = quantile(0.25), quantile(0.75)

        def error(n: float) -> float:
            first, second = (_order_error(quantile, q, n) for q in (0.25, 0.75))
            return math.sqrt(first**2 + second**2 - 2 / 3 * first * second) / NORMAL_IQR

        return self._with_error((high - low) / NORMAL_IQR, error)

    @property
    def half_width(self) -> Estimate:
        """The half-width of the interval about zero that holds 68 %, with the error of an order statistic."""
        quantile = self.sample.abs_quantile
        return self._with_error(quantile(0.68), lambda n: _order_error(quantile, 0.68, n))

    @property
    def _deviation(self) -> float:
        return math.sqrt(max(self._sums[0] / self._weight, 0)) if self._weight > 0 else math.nan

    def _with_error(self, value: float, error: Callable[[float], float]) -> Estimate:
        if self._weight <= 0:
            return Estimate(math.nan, math.nan)
        return Estimate(value, error(self.entries) if self.entries >= 2 else math.nan)


def _order_error(quantile: Callable[[float], float], q: float, n: float) -> float:
    """Standard deviation of the quantile `q` of `n` values, for any distribution.

    How many values lie below the true quantile is binomial, so that half the distance between the quantiles that are a
    standard deviation of it, sqrt(q (1 - q) / n), to each side is the error (H. A. David and H. N. Nagaraja, Order
    Statistics, Wiley 2003, section 7.1).
    """
    step = math.sqrt(q * (1 - q) / n)
    return (quantile(min(q + step, 1)) - quantile(max(q - step, 0))) / 2
