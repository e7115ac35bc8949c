"""How well a score tells signal from background: ROC curves and their numbers, exact and in bounded memory.

A larger score is more anomalous: events are selected from the largest score downwards, those of one score together. The
figures of merit are those of the Dark Machines challenge (arXiv:2105.14027): the area under the curve, and the signal
efficiency at small background efficiencies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

LIMIT = 1 << 20
"""Different scores that a sample keeps apart."""
_MANTISSA = 23
FEWEST = 10
"""Background events that a background efficiency must select for the signal efficiency there to mean something."""


class Scores:
    """The scores of a sample's events, each value once in ascending order, with the events' weights.

    Scores are float32 and kept as they are up to `LIMIT` different ones. Beyond that their mantissas are cut to 16 bits
    or less: scores that agree to 1e-5 or so then count as equal, so that memory stays bounded for any number of events.
    """

    def __init__(self) -> None:
        self.events = 0
        """Events with a finite score."""
        self.nonfinite = 0
        """Events whose score is NaN or infinite; they are in nothing else."""
        self._bits = _MANTISSA
        self._values = np.empty(0, np.float32)
        self._sums: np.ndarray = np.empty((2, 0))
        self._pending: list[tuple[np.ndarray, np.ndarray]] = []
        self._pending_events = 0

    def update(self, scores: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Add the `scores` of events and their `weights`, shape (events,) each; without weights each counts once."""
        scores = scores.astype(np.float32)
        finite = np.isfinite(scores)
        shares = np.ones(len(scores)) if weights is None else weights.astype(np.float64)
        self.events += int(finite.sum())
        self.nonfinite += int((~finite).sum())
        self._add(scores[finite], np.stack([shares, shares**2])[:, finite])

    @property
    def values(self) -> np.ndarray:
        """The different scores, ascending, shape (values,)."""
        self._settle()
        return self._values

    @property
    def weights(self) -> np.ndarray:
        """The sum of the weights of the events with each of `values`."""
        self._settle()
        return np.asarray(self._sums[0])

    @property
    def weight(self) -> float:
        """The sum of all weights; the number of events without."""
        return float(self.weights.sum())

    @property
    def effective_events(self) -> float:
        """The number of events of weight 1 with the same relative uncertainty: (sum of w)^2 / sum of w^2."""
        squares = float(self._sums[1].sum()) if len(self.values) else 0.0
        return self.weight**2 / squares if squares > 0 else 0.0

    def quantile(self, share: float) -> float:
        """The smallest score that a share of the events, by weight, does not exceed; NaN without events."""
        if self.weight <= 0:
            return math.nan
        sums = np.maximum.accumulate(np.cumsum(self.weights))
        index = int(np.searchsorted(sums, share * sums[-1] * (1 - 1e-12)))
        return float(self.values[index])

    @staticmethod
    def together(samples: Iterable[Scores]) -> Scores:
        """The events of several samples as one."""
        everything = Scores()
        for sample in samples:
            values = sample.values
            everything.events += sample.events
            everything.nonfinite += sample.nonfinite
            everything._bits = min(everything._bits, sample._bits)
            everything._add(values, sample._sums)
        return everything

    def cut_to(self, bits: int) -> Scores:
        """The same with mantissas cut to so many bits, where they are longer."""
        if bits >= self._bits:
            return self
        other = Scores.together([self])
        other._bits = bits
        return other

    @property
    def bits(self) -> int:
        """Bits of the mantissa that tell scores apart."""
        self._settle()
        return self._bits

    def _add(self, values: np.ndarray, sums: np.ndarray) -> None:
        self._pending.append((values, sums))
        self._pending_events += len(values)
        if self._pending_events > LIMIT:
            self._settle()

    def _settle(self) -> None:
        if not self._pending:
            return
        values = np.concatenate([self._values, *(values for values, _ in self._pending)])
        sums = np.concatenate([self._sums, *(sums for _, sums in self._pending)], axis=1)
        self._pending, self._pending_events = [], 0
        self._values, self._sums = _merge(_cut(values, self._bits), sums)
        while len(self._values) > LIMIT:
            self._bits = min(self._bits - 1, 16)
            self._values, self._sums = _merge(_cut(self._values, self._bits), self._sums)


def _cut(values: np.ndarray, bits: int) -> np.ndarray:
    """Cut mantissas to so many bits: towards zero, so that the order stays."""
    mask = np.uint32(0xFFFFFFFF >> (_MANTISSA - bits) << (_MANTISSA - bits))
    return np.asarray((values.view(np.uint32) & mask).view(np.float32))


def _merge(values: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    different, which = np.unique(values, return_inverse=True)
    return different, np.stack([np.bincount(which, row, minlength=len(different)) for row in sums])


@dataclass(frozen=True)
class Efficiency:
    """A signal efficiency and its statistical uncertainty."""

    value: float
    uncertainty: float


@dataclass(frozen=True)
class Roc:
    """A ROC curve: for each threshold, the highest first, which shares of background and signal lie at it or above.

    Attributes:
        background, signal: efficiencies from 0 to 1, shape (thresholds + 1,) each; between two points the curve is the
            straight line of random choice among events of one score.
        background_events, signal_events: effective numbers of events.
    """

    background: np.ndarray
    signal: np.ndarray
    background_events: float
    signal_events: float

    @property
    def auc(self) -> float:
        """The area under the curve: how often a signal event scores higher than a background event, ties half."""
        return float(np.trapezoid(self.signal, self.background))

    @property
    def auc_uncertainty(self) -> float | None:
        """By DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837; None for less than two events of a kind."""
        variance = 0.0
        beaten = 1 - (self.background[1:] + self.background[:-1]) / 2, (self.signal[1:] + self.signal[:-1]) / 2
        shares, events = (self.signal, self.background), (self.signal_events, self.background_events)
        for place, share, number in zip(beaten, map(np.diff, shares), events, strict=True):
            if number < 2:
                return None
            variance += float(share @ (place - self.auc) ** 2) / (number - 1)
        return math.sqrt(variance)

    def signal_at(self, background: float) -> float:
        """The signal efficiency of the loosest threshold that selects at most this share of the background."""
        slack = 1e-10  # of sums of weights
        index = int(np.searchsorted(self.background, background + slack, side="right")) - 1
        return float(self.signal[index]) if index >= 0 else 0.0

    def efficiency(self, background: float) -> Efficiency | None:
        """The same with its uncertainty; None where the threshold would rest on less than `FEWEST` background events.

        The uncertainty is binomial twice: that of the signal above the threshold, and half the change of the signal
        efficiency where the background efficiency moves by its own uncertainty to either side.
        """
        if self.background_events * background < FEWEST * (1 - 1e-9):
            return None
        value = self.signal_at(background)
        spread = _binomial(background, self.background_events)
        moved = self.signal_at(min(background + spread, 1)) - self.signal_at(max(background - spread, 0))
        return Efficiency(value, math.hypot(_binomial(value, self.signal_events), moved / 2))


def roc(signal: Scores, background: Scores) -> Roc | None:
    """The ROC curve of two samples; None where one of them has no events, or weights that do not add up to more than 0.

    With negative weights efficiencies are kept from falling.
    """
    if min(signal.weight, background.weight) <= 0:
        return None
    bits = min(signal.bits, background.bits)
    samples = background.cut_to(bits), signal.cut_to(bits)
    thresholds = np.union1d(*(sample.values for sample in samples))
    shares = [_selected(sample, thresholds) for sample in samples]
    return Roc(shares[0], shares[1], background.effective_events, signal.effective_events)


def _selected(sample: Scores, thresholds: np.ndarray) -> np.ndarray:
    """The shares of a sample at or above each of some ascending thresholds, the highest first, after a 0."""
    weights = np.zeros(len(thresholds))
    weights[np.searchsorted(thresholds, sample.values)] = sample.weights
    sums = np.maximum.accumulate(np.cumsum(weights[::-1]))
    shares: np.ndarray = np.concatenate([[0.0], np.clip(sums / sample.weight, 0, 1)])
    shares[-1] = 1.0
    return shares


def _binomial(share: float, events: float) -> float:
    """The uncertainty of a share of so many events: half of Wilson's interval, which never shrinks to nothing."""
    return math.sqrt(share * (1 - share) / events + 1 / (4 * events**2)) / (1 + 1 / events)
