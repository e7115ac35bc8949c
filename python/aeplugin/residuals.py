"""Residuals between original and reconstructed values.

The words follow docs/architecture.md: residual = reconstructed - original, relative residual = residual / original,
response = reconstructed / original.
"""

from __future__ import annotations

import numpy as np

from aeplugin.recipe import LooseColumn


def wrap_angle(angle: np.ndarray) -> np.ndarray:
    """Angles in radians moved to [-pi, pi); those that are there already keep their last digit."""
    is_there = (angle >= -np.pi) & (angle < np.pi)
    return np.where(is_there, angle, (angle + np.pi) % (2 * np.pi) - np.pi)


def residual(original: np.ndarray, reconstructed: np.ndarray, column: LooseColumn) -> np.ndarray:
    """reconstructed - original in double precision; wrapped for a periodic column. Shape as the inputs."""
    difference = reconstructed.astype(np.float64) - original.astype(np.float64)
    return wrap_angle(difference) if column.periodic else difference


def relative_residual(original: np.ndarray, reconstructed: np.ndarray) -> np.ndarray:
    """(reconstructed - original) / original in double precision; infinite or NaN where the original is zero."""
    original = original.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((reconstructed.astype(np.float64) - original) / original)


def residual_in_kind(original: np.ndarray, reconstructed: np.ndarray, column: LooseColumn) -> np.ndarray:
    """The residual that the column's tolerance speaks of: relative for `rel`, else absolute."""
    if column.tolerance.rel is not None:
        return relative_residual(original, reconstructed)
    return residual(original, reconstructed, column)


def bound(column: LooseColumn) -> float:
    """The largest residual (in kind) that the column's tolerance allows."""
    tolerance = column.tolerance
    return tolerance.rel if tolerance.rel is not None else float(tolerance.abs or 0)


def is_missing(values: np.ndarray, column: LooseColumn) -> np.ndarray:
    """For each value whether it stands for something else: NaN, infinite, or a sentinel. Shape as `values`."""
    missing = ~np.isfinite(values)
    for sentinel in column.sentinels:
        is_float = values.dtype.kind == "f"  # whole numbers have no room for some sentinels
        missing |= same_bits(values, np.full_like(values, sentinel)) if is_float else values == sentinel
    return np.asarray(missing)


def special_values(original: np.ndarray, column: LooseColumn) -> np.ndarray:
    """For each value whether it is one that must not move at all: missing, or zero under `rel`."""
    special = is_missing(original, column)
    if column.tolerance.rel is not None:
        special |= original == 0
    return np.asarray(special)


def same_bits(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """For each pair of values whether they are the same: to the last bit where the types are, with NaN and -0."""
    if first.dtype == second.dtype and first.dtype.kind == "f":
        bits = f"u{first.dtype.itemsize}"
        return np.asarray(first.view(bits) == second.view(bits))
    return np.asarray((first == second) | ((first != first) & (second != second)))


def within_tolerance(original: np.ndarray, reconstructed: np.ndarray, column: LooseColumn) -> np.ndarray:
    """For each value whether it is what the recipe promises. Shape as the inputs.

    That is |x' - x| <= t under {abs: t} and <= t |x| under {rel: t}, in double precision and without wrapping angles;
    special values must be the same to the last bit.
    """
    same = same_bits(original, reconstructed)
    if column.tolerance.is_exact:
        return same
    x, y = original.astype(np.float64), reconstructed.astype(np.float64)
    allowed = bound(column) * np.abs(x) if column.tolerance.rel is not None else bound(column)
    with np.errstate(invalid="ignore"):  # inf - inf
        near = np.abs(y - x) <= allowed
    return np.asarray(same | (near & ~special_values(original, column)))
