"""Shapes of peaks as integrals, so that a fit compares what a bin holds with what it should hold."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erf, ndtr


def gauss(x: np.ndarray, mean: float, sigma: float) -> np.ndarray:
    """Cumulative distribution of a Gaussian, shape as `x`."""
    return np.asarray(ndtr((x - mean) / sigma))


def crystal_ball(
    x: np.ndarray, mean: float, sigma: float, alpha_low: float, n_low: float, alpha_high: float, n_high: float
) -> np.ndarray:
    """Cumulative distribution of a double-sided Crystal Ball function, shape as `x`.

    A Gaussian from `alpha_low` sigma below the mean to `alpha_high` sigma above it, and beyond power laws with the
    exponents `n_low` and `n_high` (more than 1), which join it smoothly (J. E. Gaiser, SLAC-R-255, 1982, appendix F,
    has the one-sided function).
    """
    t = (x - mean) / sigma
    low, high = _tail(alpha_low, n_low, alpha_low), _tail(alpha_high, n_high, alpha_high)
    core = math.sqrt(math.pi / 2) * (erf(np.clip(t, -alpha_low, alpha_high) / math.sqrt(2)) + _half(alpha_low))
    whole = low + math.sqrt(math.pi / 2) * (_half(alpha_low) + _half(alpha_high)) + high
    inside = low + core
    below = _tail(alpha_low, n_low, np.maximum(-t, alpha_low))
    above = whole - _tail(alpha_high, n_high, np.maximum(t, alpha_high))
    return np.asarray(np.where(t < -alpha_low, below, np.where(t > alpha_high, above, inside)) / whole)


def _half(alpha: float) -> float:
    return math.erf(alpha / math.sqrt(2))


def _tail(alpha: float, n: float, t: float | np.ndarray) -> np.ndarray:
    """The integral of the power law from `t` sigma (at least alpha) outwards, where the Gaussian's height is 1."""
    return np.asarray(np.exp(-0.5 * alpha**2) * n / (alpha * (n - 1)) * (1 + alpha * (t - alpha) / n) ** (1 - n))
