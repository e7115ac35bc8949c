"""Variables of which no object has more than the one before it, such as pt of sorted jets: their range ends there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aeplugin._core import GRID_LIMIT
from aeplugin.training.density.shapes import Shape

FEW = 5e-4
"""Fraction of the objects that may have more than the one before: each costs an escape."""
FEWEST = 50
"""Pairs of objects below which nothing is said about an order."""


@dataclass(frozen=True)
class Descent:
    """A variable that descends from object to object.

    Attributes:
        within: the variable in which two objects must agree for that, or None for all.
    """

    within: int | None


def find_descent(grid: np.ndarray, counts: np.ndarray, labels: Sequence[tuple[int, np.ndarray]]) -> Descent | None:
    """Whether a variable descends, among all objects of an event or among neighbours with the same label.

    Args:
        grid: its integers, those of all events and objects one after the other, shape (objects,).
        counts: objects of each event, shape (events,).
        labels: variables of the same objects that are decoded before, with their integers.
    """
    pairs = _after_another(counts) & _on_grid(grid) & np.roll(_on_grid(grid), 1)
    rises = grid > np.roll(grid, 1)
    choices = [(None, pairs), *((index, pairs & (label == np.roll(label, 1))) for index, label in labels)]
    for within, compared in choices:
        if compared.sum() >= FEWEST and rises[compared].mean() < FEW:
            return Descent(within)
    return None


def limits(shape: Shape, grid: np.ndarray, counts: np.ndarray, label: np.ndarray | None) -> np.ndarray:
    """How many integers the range has for each object, shape (objects,): up to that of the object before.

    Args:
        label: in which two objects must agree for that, or None.
    """
    before = np.roll(grid, 1).astype(np.int64)
    ends = (before >> shape.shift) - (shape.first >> shape.shift) + 1
    limited = _after_another(counts) & _on_grid(before) & (ends > 0) & (ends <= shape.range)
    if label is not None:
        limited &= label == np.roll(label, 1)
    return np.where(limited, ends, shape.range)


def _after_another(counts: np.ndarray) -> np.ndarray:
    """Which objects are not the first of their event."""
    after = np.ones(int(counts.sum()), bool)
    starts = np.cumsum(counts) - counts
    after[starts[counts > 0]] = False
    return after


def _on_grid(grid: np.ndarray) -> np.ndarray:
    return np.abs(grid.astype(np.int64)) <= GRID_LIMIT
