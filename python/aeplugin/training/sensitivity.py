"""How many tolerances a value moves when a feature of it moves by one: what turns errors of a network into bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from aeplugin._core import ModelColumn, Transform
from aeplugin.recipe import Column

MOST = 1e6
"""A relative tolerance of a value near zero is finer than anything that a network can do."""


def sensitivities(columns: Sequence[ModelColumn], recipe: Mapping[str, Column], values: np.ndarray) -> np.ndarray:
    """For each feature of each object; float32, shape (objects, features).

    Args:
        columns: of the model, without labels.
        recipe: their tolerances, by variable.
        values: in units of the file, shape (objects, columns).
    """
    found = []
    for i, column in enumerate(columns):
        tolerance = recipe[column.variable].tolerance
        x = values[:, i].astype(np.float64)
        moves = _slope(column, x)
        if tolerance.rel is not None:
            with np.errstate(divide="ignore"):
                moves = moves / (math.log1p(tolerance.rel) * np.abs(x))
        else:
            assert tolerance.abs is not None  # only columns that move are in networks
            moves = moves / tolerance.abs
        found += [np.minimum(moves, MOST)] * column.features
    return np.stack(found, axis=1).astype(np.float32)


def _slope(column: ModelColumn, x: np.ndarray) -> np.ndarray:
    """|dx / d feature| at x."""
    if column.transform == Transform.log10:
        argument = column.factor * x + column.offset
        return np.asarray(np.log(10) * column.scale * np.abs(argument / column.factor))
    if column.transform == Transform.quantile:
        assert column.knots is not None  # of this transform there are
        inputs, outputs = (part.astype(np.float64) for part in column.knots)
        segment = np.clip(np.searchsorted(inputs, x, side="right") - 1, 0, len(inputs) - 2)
        slopes = np.diff(inputs) / np.diff(outputs)
        return np.asarray(slopes[segment] * column.scale)
    return np.full(len(x), float(column.scale))
