"""Numbers of a sample that streams through in blocks: exact moments, quantiles to 0.05 %, in bounded memory.

Quantiles come from two growing histograms of log|x| (one per sign) with bins 0.1 % wide, so an order statistic is known
to 0.05 % of its own size, without a first look at the range. Magnitudes below 1e-20 count as zero, above 1e20 as that.
Means, RMS, counts, minimum and maximum are exact in double precision.
"""

from __future__ import annotations

import math

import hist
import numpy as np

_TINY, _HUGE, _WIDTH = 1e-20, 1e20, 1e-3


class _Magnitudes:
    """How many magnitudes are in each bin of 0.1 %, with as many bins as lie between the smallest and the largest."""

    def __init__(self) -> None:
        self._zeros = 0.0
        self._bins = hist.Hist(hist.axis.Integer(0, 1, growth=True), storage=hist.storage.Double())

    def update(self, magnitudes: np.ndarray, weights: np.ndarray) -> None:
        """Add positive numbers or zeros with their weights, shape (any,) each."""
        is_zero = magnitudes < _TINY
        self._zeros += float(weights[is_zero].sum())
        logarithms = np.log(np.minimum(magnitudes[~is_zero], _HUGE)) / _WIDTH
        self._bins.fill(np.floor(logarithms).astype(np.int64), weight=weights[~is_zero])

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Representative magnitudes, the first of which is 0, in ascending order, and their weights."""
        centers = np.exp((self._bins.axes[0].edges[:-1] + 0.5) * _WIDTH)
        return np.append(0.0, centers), np.append(self._zeros, self._bins.values())


class Sample:
    """Moments and quantiles of the finite values that `update` was given; NaN and infinities are counted apart.

    With weights, mean, RMS and quantiles are weighted; counts, minimum and maximum are of the values. Negative weights
    are allowed as long as the sum is positive.
    """

    def __init__(self) -> None:
        self.count = 0
        self.weight = 0.0
        """Sum of the weights of the finite values; their number without weights."""
        self.nonfinite = 0
        self.mean = math.nan
        self.min = math.inf
        self.max = -math.inf
        self.integers = True
        """Whether every finite value is a whole number."""
        self._squares = 0.0  # weighted sum of (x - mean)^2
        self._is_weighted = False
        self._negative, self._positive = _Magnitudes(), _Magnitudes()

    def update(self, values: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Add `values` and their `weights`, shape (any,) each; without weights each counts once."""
        values = values.astype(np.float64)
        is_finite = np.isfinite(values)
        finite = values[is_finite]
        self.nonfinite += len(values) - len(finite)
        if len(finite) == 0:
            return
        self._is_weighted = self._is_weighted or weights is not None
        shares = np.ones(len(finite)) if weights is None else weights[is_finite].astype(np.float64)
        self._add_moments(finite, shares)
        self.count += len(finite)
        self.min = min(self.min, float(finite.min()))
        self.max = max(self.max, float(finite.max()))
        self.integers = self.integers and bool((finite == np.rint(finite)).all())
        is_negative = finite < 0
        self._negative.update(-finite[is_negative], shares[is_negative])
        self._positive.update(finite[~is_negative], shares[~is_negative])

    def _add_moments(self, values: np.ndarray, weights: np.ndarray) -> None:
        # About the mean so far, which keeps digits, and never over the block's own sum of weights, which may be 0.
        center = self.mean if self.weight != 0 else float(values.mean())
        moved = values - center
        self.weight += float(weights.sum())
        if self.weight == 0:
            return
        first, second = float((weights * moved).sum()), float((weights * moved**2).sum())
        self._squares += second - first**2 / self.weight
        self.mean = center + first / self.weight

    @property
    def deviation(self) -> float:
        """Standard deviation: root of the mean square about the mean."""
        return math.sqrt(max(self._squares / self.weight, 0)) if self.weight > 0 else math.nan

    @property
    def rms(self) -> float:
        """Root of the mean square (about zero)."""
        return math.hypot(self.deviation, self.mean) if self.weight > 0 else math.nan

    def quantile(self, q: float, *, positive: bool = False) -> float:
        """The value below which a fraction `q` lies, to 0.05 %; of the positive values only where asked."""
        centers, counts = self._positive.counts()
        if positive:
            return self._pick(q, centers[1:], counts[1:])
        below, below_counts = self._negative.counts()
        return self._pick(q, np.append(-below[::-1], centers), np.append(below_counts[::-1], counts))

    def abs_quantile(self, q: float) -> float:
        """The quantile of |x|: the half-width of the interval about zero that holds a fraction `q`, to 0.05 %."""
        below, above = self._negative.counts(), self._positive.counts()
        centers, counts = (np.append(*both) for both in zip(below, above, strict=True))
        order = np.argsort(centers)
        value = self._pick(q, centers[order], counts[order], clamp=False)
        return min(value, max(abs(self.min), abs(self.max))) if self.count else math.nan

    def _pick(self, q: float, centers: np.ndarray, counts: np.ndarray, clamp: bool = True) -> float:
        sums: np.ndarray = np.maximum.accumulate(np.cumsum(counts))  # negative weights must not turn it round
        total = float(counts.sum())
        if total <= 0:
            return math.nan
        if self._is_weighted:
            value = float(centers[min(int(np.searchsorted(sums, q * total)), len(centers) - 1)])
        else:  # between the two neighbouring order statistics, as numpy does it
            position = q * (total - 1)
            ranks = [math.floor(position), math.ceil(position)]
            low, high = centers[np.searchsorted(sums, ranks, side="right")]
            value = float(low + (position - ranks[0]) * (high - low))
        return min(max(value, self.min), self.max) if clamp else value


class Correlation:
    """Linear correlation coefficients of rows, exact, summed in blocks about the running mean.

    What is not finite counts as missing: each coefficient is over the objects that have both of its variables.
    """

    def __init__(self, variables: int) -> None:
        self.count = 0
        self._weight = np.zeros((variables, variables))
        # [i, j] is of variable i among the objects that have i and j.
        self._mean = np.zeros((variables, variables))
        self._squares = np.zeros((variables, variables))
        self._products = np.zeros((variables, variables))

    def update(self, rows: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Add `rows`, shape (objects, variables), and their weights, shape (objects,); without each counts once."""
        if len(rows) == 0:
            return
        self.count += len(rows)
        known = np.isfinite(rows)
        shares = known if weights is None else known * weights[:, np.newaxis]
        added = (shares.T @ known.astype(np.float64)).astype(np.float64)
        # About one center for each variable first, then about the mean of each pair of variables.
        center = _ratio((shares * np.where(known, rows, 0)).sum(axis=0), shares.sum(axis=0))
        centered = np.where(known, rows - center, 0)
        weighted = centered * (1.0 if weights is None else weights[:, np.newaxis])
        offset = _ratio(weighted.T @ known, added)
        squares = (weighted * centered).T @ known - offset**2 * added
        products = weighted.T @ centered - offset * offset.T * added
        total = self._weight + added
        step = np.where(self._weight != 0, center[:, np.newaxis] + offset - self._mean, 0)
        growth = _ratio(self._weight * added, total)
        self._squares += squares + step**2 * growth
        self._products += products + step * step.T * growth
        is_first = (self._weight == 0) & (added != 0)
        self._mean = np.where(is_first, center[:, np.newaxis] + offset, self._mean + step * _ratio(added, total))
        self._weight = total

    def matrix(self) -> np.ndarray:
        """The coefficients, shape (variables, variables); NaN where a variable never varies."""
        rounding = self._weight * (_ROUNDING * self._mean) ** 2  # of a mean: what never varies may seem to
        with np.errstate(divide="ignore", invalid="ignore"):
            widths = np.sqrt(np.where(self._squares > rounding, self._squares, np.nan))
            return np.asarray(self._products / (widths * widths.T))


_ROUNDING = 16 * np.finfo(np.float64).eps


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole != 0))
