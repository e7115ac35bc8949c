"""Which integers of a variable are atoms, which its range, and in what units its network speaks of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aeplugin._core import GRID_LIMIT, SENTINEL_MARK
from aeplugin.recipe import MAX_SENTINELS

MOST_CATEGORIES = 64
"""Distinct integers up to which exact columns and counts have atoms only."""
MOST_ATOMS = 256
FREQUENT = 0.02
"""Fraction of the values from which on a single integer may be an atom of a column with a tolerance ..."""
OUTSTANDING = 3.0
"""... if it is so much more frequent than its neighbours."""
SPARE_COUNTS = 8
"""Atoms of a count beyond the largest that was seen."""
MOST_RANGE = 4096
MOST_SHIFT = 16
WIDEST = 16384
"""Integers of a range whose shift is the largest, and of a full turn."""
NORMAL_90 = 3.29
"""Width that has 90 % of a normal distribution, in its standard deviations."""
TAIL = 2.0**-15
"""Fraction of the values at either end that need not be within the range: an escape costs 48 bits."""


@dataclass(frozen=True)
class Shape:
    """As of `_core.DensityVariable`: `range` integers in units of 2^shift from `first` on, and atoms.

    Attributes:
        middle, spread: in units of 2^shift.
    """

    first: int
    range: int
    shift: int
    atoms: tuple[int, ...]
    middle: float
    spread: float

    @property
    def categories(self) -> int:
        """What the network tells apart beside the range."""
        return len(self.atoms) + (self.range > 0) if self.atoms else 0


def period(step: float, grid: np.ndarray) -> tuple[int, int] | None:
    """First integer and number of integers of a full turn; None where there are too many, or values lie elsewhere.

    Args:
        step: between values of neighbouring integers, in radians.
        grid: integers, marks among them.
    """
    half = round(math.pi / step)
    values = grid[np.abs(grid.astype(np.int64)) <= GRID_LIMIT]
    if 2 * half + 1 > WIDEST or not len(values):
        return None
    for first, size in ((-half, 2 * half + 1), (0, round(2 * math.pi / step) + 1)):
        if first <= values.min() and values.max() < first + size:
            return first, size
    return None


def counts_shape(counts: np.ndarray) -> Shape:
    """Of numbers of objects: an atom for each up to the largest, and some more."""
    if counts.max(initial=0) + SPARE_COUNTS < MOST_CATEGORIES:
        return Shape(0, 0, 0, tuple(range(int(counts.max(initial=0)) + 1 + SPARE_COUNTS)), 0.0, 1.0)
    return _with_range(counts, (), lowest=0)


def exact_shape(values: np.ndarray) -> Shape:
    """Of integers that do not move: an atom for each where there are few."""
    distinct = np.unique(values)
    if len(distinct) <= MOST_CATEGORIES:
        return Shape(0, 0, 0, tuple(map(int, distinct)) or (0,), 0.0, 1.0)
    return _with_range(values, _atoms(values))


def lossy_shape(residuals: np.ndarray, turn: tuple[int, int] | None) -> Shape:
    """Of a column with a tolerance.

    Args:
        residuals: what is coded, marks among them.
        turn: first integer and number of integers of a periodic column.
    """
    atoms = _atoms(residuals)
    if turn is None:
        return _with_range(residuals, atoms)
    inside = _without(residuals, atoms)
    return Shape(*turn, 0, atoms, *_middle_and_spread(inside))


def _atoms(values: np.ndarray) -> tuple[int, ...]:
    """Marks that were seen, and integers that stand out among their neighbours."""
    distinct, numbers = np.unique(values, return_counts=True)
    atoms = [int(mark) for mark in distinct[distinct < SENTINEL_MARK + MAX_SENTINELS]]
    on_grid = np.abs(distinct.astype(np.int64)) <= GRID_LIMIT
    distinct, numbers = distinct[on_grid], numbers[on_grid]
    of = dict(zip(distinct.tolist(), numbers.tolist(), strict=True))
    for value, number in of.items():
        beside = max(of.get(value - 1, 0), of.get(value + 1, 0))
        if number > FREQUENT * len(values) and number > OUTSTANDING * beside:
            atoms.append(value)
    return tuple(sorted(atoms)[:MOST_ATOMS])


def _without(values: np.ndarray, atoms: tuple[int, ...]) -> np.ndarray:
    """What the range is for; all that is on the grid where the atoms leave nothing."""
    on_grid = values[np.abs(values.astype(np.int64)) <= GRID_LIMIT]
    rest = on_grid[~np.isin(on_grid, np.array(atoms, np.int64))]
    return rest if len(rest) else on_grid


def _with_range(values: np.ndarray, atoms: tuple[int, ...], lowest: int = -GRID_LIMIT) -> Shape:
    inside = _without(values, atoms)
    if not len(inside):
        return Shape(0, 0, 0, atoms or (0,), 0.0, 1.0)
    low, high = np.quantile(inside, [TAIL, 1 - TAIL], method="inverted_cdf").tolist()
    wider = math.ceil(0.1 * (high - low)) + 8
    low, high = max(low - wider, lowest), high + wider
    shift = 0
    while (high >> shift) - (low >> shift) + 1 > MOST_RANGE and shift < MOST_SHIFT:
        shift += 1
    limit = GRID_LIMIT >> shift  # all of the range is on the grid
    low, high = max(low >> shift, -limit), min(high >> shift, limit - 1)
    if high - low >= WIDEST:  # the rest escapes
        low = min(max((int(np.median(inside)) >> shift) - WIDEST // 2, low), high - WIDEST + 1)
        high = low + WIDEST - 1
    return Shape(low << shift, high - low + 1, shift, atoms, *_middle_and_spread(inside >> shift))


def _middle_and_spread(values: np.ndarray) -> tuple[float, float]:
    """The median, and the standard deviation as it would be without the tails."""
    if not len(values):
        return 0.0, 1.0
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return middle, max((high - low) / NORMAL_90, 0.5)
