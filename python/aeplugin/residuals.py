"""Residuals between original and reconstructed values.

The words follow docs/architecture.md: residual = reconstructed - original, relative residual = residual / original,
response = reconstructed / original.
"""

from __future__ import annotations

import numpy as np

from aeplugin.recipe import Column


def wrap_angle(angle: np.ndarray) -> np.ndarray:
    """Angles in radians moved to [-pi, pi)."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def residual(original: np.ndarray, reconstructed: np.ndarray, column: Column) -> np.ndarray:
    """reconstructed - original in double precision; wrapped for a periodic column. Shape as the inputs."""
    difference = reconstructed.astype(np.float64) - original.astype(np.float64)
    return wrap_angle(difference) if column.periodic else difference


def relative_residual(original: np.ndarray, reconstructed: np.ndarray) -> np.ndarray:
    """(reconstructed - original) / original in double precision; infinite or NaN where the original is zero."""
    original = original.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((reconstructed.astype(np.float64) - original) / original)


def residual_in_kind(original: np.ndarray, reconstructed: np.ndarray, column: Column) -> np.ndarray:
    """The residual that the column's tolerance speaks of: relative for `rel`, else absolute."""
    if column.tolerance.rel is not None:
        return relative_residual(original, reconstructed)
    return residual(original, reconstructed, column)


def bound(column: Column) -> float:
    """The largest residual (in kind) that the column's tolerance allows."""
    tolerance = column.tolerance
    return tolerance.rel if tolerance.rel is not None else float(tolerance.abs or 0)


def within_tolerance(residuals: np.ndarray, column: Column) -> np.ndarray:
    """For each residual (in kind) whether the tolerance holds; never true for NaN. Shape as the input."""
    return np.asarray(np.abs(residuals) <= bound(column))
