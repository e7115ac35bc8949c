"""Grids of columns and formulas by docs/format.md, in numpy and without aeplugin: for format_reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from format_functions import FUNCTIONS, exp_normal, log, log_normal

Array = NDArray[Any]

GRID_LIMIT = 2**30 - 1
EXACT_MARK = -(2**31)


class Grid:
    """The grid of a column."""

    def __init__(self, kind: str, tolerance: float, dtype: np.dtype[Any], sentinels: list[float]) -> None:
        assert kind in ("abs", "rel")
        self.is_relative, self.dtype = kind == "rel", dtype
        self.exact_bytes = dtype.itemsize
        self.sentinels = np.array(sentinels, np.float64).astype(dtype)
        self.step, self.floor, self.largest = 2 * tolerance, 0.0, float(GRID_LIMIT)
        if self.is_relative:
            margin = 2.0**-24 if dtype == np.float32 else 2.0**-46
            inner = tolerance - margin if tolerance >= 2 * margin else tolerance
            with np.errstate(all="ignore"):
                step, low, high = log(np.array([1 + inner, 2.0**-149, 2.0**128])) * [2, 1, 1]
                self.step, self.floor = float(step), float(np.rint(low / step) - 1)
                self.largest = min(self.largest, float(np.rint(high / step) - self.floor))

    def value(self, grid: Array) -> Array:
        """What integers on the grid stand for, before rounding to the column's type."""
        if not self.is_relative:
            return grid * self.step
        with np.errstate(all="ignore"):
            size = exp_normal((np.abs(grid) + self.floor) * self.step)
        return np.where(grid == 0, 0.0, np.copysign(size, grid))

    def decode(self, grid: Array, exact: Array) -> Array:
        with np.errstate(all="ignore"):
            values = self.value(grid).astype(self.dtype)
        bits = values.view(f"u{self.dtype.itemsize}")
        marks = grid - EXACT_MARK
        assert (marks == 0).sum() == len(exact)
        bits[marks == 0] = exact
        is_sentinel = (marks > 0) & (marks < 2**30)
        bits[is_sentinel] = self.sentinels.view(bits.dtype)[marks[is_sentinel] - 1]
        return values

    def nearest(self, predictions: Array) -> Array:
        """The integer nearest to each prediction, 0 where it is not on the grid."""
        with np.errstate(all="ignore"):
            if not self.is_relative:
                grid = np.rint(predictions / self.step)
                on_grid = np.abs(grid) <= GRID_LIMIT
            else:
                size = np.abs(predictions)
                in_range = (size >= 2.0**-151) & (size <= 2.0**130)
                grid = np.rint(log_normal(np.where(in_range, size, 1.0)) / self.step) - self.floor
                on_grid = in_range & (grid >= 1) & (grid <= self.largest)
                grid = np.copysign(grid, predictions)
            return np.where(on_grid, grid, 0).astype(np.int64)

    def beyond(self, predictions: Array) -> Array:
        """How far predictions are from the integers that `nearest` gives, in steps, float32."""
        nearest = self.nearest(predictions)
        with np.errstate(all="ignore"):
            if not self.is_relative:
                found = predictions / self.step - nearest
                return np.where(np.abs(found) <= 0.5, found, 0).astype(np.float32)
            size = np.where(nearest == 0, 1.0, np.abs(predictions))
            found = (log_normal(size) / self.step - self.floor) - np.abs(nearest)
            return np.where(nearest == 0, 0, found).astype(np.float32)


class Integers:
    """Integers of a column that are their own grid integers."""

    exact_bytes = 8

    def __init__(self, dtype: np.dtype[Any], kind: str) -> None:
        """``kind`` is the type of the column."""
        self.dtype, self.largest = dtype, 1 if "bool" in kind else np.iinfo(dtype).max
        assert dtype.kind in "iu"
        assert dtype.itemsize <= 4

    def decode(self, integers: Array, exact: Array) -> Array:
        is_exact = integers == EXACT_MARK
        assert is_exact.sum() == len(exact)
        assert (is_exact | (np.abs(integers) <= GRID_LIMIT)).all()
        values = integers.astype(np.int64)
        values[is_exact] = exact.view(np.int64)
        assert (values >= np.iinfo(self.dtype).min).all()
        assert (values <= self.largest).all()
        return values.astype(self.dtype)


class Formula:
    """A formula, evaluated while it is parsed."""

    TOKEN = re.compile(r"[ \t\n]*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(.))", re.ASCII)

    def __init__(self, text: str, value_of: Callable[[str], Array]) -> None:
        self.tokens = [match.groups() for match in self.TOKEN.finditer(text)]
        self.value_of = value_of

    def evaluate(self) -> Array:
        with np.errstate(all="ignore"):
            result = self.sum()
        assert not self.tokens
        return result

    def take(self, *symbols: str) -> str:
        """The next token if it is one of these, else nothing."""
        return self.tokens.pop(0)[2] if self.tokens and self.tokens[0][2] in symbols else ""

    def sum(self) -> Array:
        result = self.product()
        while operator := self.take("+", "-"):
            other = self.product()
            result = result + other if operator == "+" else result - other
        return result

    def product(self) -> Array:
        result = self.factor()
        while operator := self.take("*", "/"):
            other = self.factor()
            result = result * other if operator == "*" else result / other
        return result

    def factor(self) -> Array:
        if self.take("-"):
            return -self.factor()
        if self.take("("):
            return self.closed()
        number, name, _ = self.tokens.pop(0)
        if number is not None:
            return np.array(float(number))
        assert name is not None
        return FUNCTIONS[name](self.closed()) if self.take("(") else self.value_of(name)

    def closed(self) -> Array:
        result = self.sum()
        assert self.take(")")
        return result
