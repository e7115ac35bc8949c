"""What docs/format.md says of grid integers, once more in numpy, to compare the C++ core with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

GRID_LIMIT = 2**30 - 1
EXACT_MARK = -(2**31)
SENTINEL_MARK = EXACT_MARK + 1

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ReferenceQuantiser:
    """The grid of one column.

    numpy's logarithm and exponential differ from the core's in the last place, so that a grid integer is only certain
    where the value is not in the middle between two (`is_tie`).
    """

    kind: str
    tolerance: float
    dtype: str
    sentinels: tuple[float, ...] = ()
    step: float = field(init=False)
    floor: float = field(init=False)
    largest: float = field(init=False)

    def __post_init__(self) -> None:
        step, floor, largest = 2 * self.tolerance, 0.0, float(GRID_LIMIT)
        if self.kind == "rel":
            rounding = 2.0**-24 if self.dtype == "float32" else 2.0**-46
            shrunk = self.tolerance - rounding if self.tolerance >= 2 * rounding else self.tolerance
            step = 2 * float(np.log(1 + shrunk))
            floor = float(np.rint(-149 * np.log(2) / step)) - 1
            largest = min(largest, float(np.rint(128 * np.log(2) / step)) - floor)
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "floor", floor)
        object.__setattr__(self, "largest", largest)

    @property
    def has_certain_ends(self) -> bool:
        """Whether the ends of a relative grid are far from ties."""
        ends = np.array([-149, 128]) * np.log(2) / self.step
        return self.kind == "abs" or not bool(near_half(ends).any())

    def quotients(self, values: Doubles) -> Doubles:
        """What is rounded to the nearest integer; NaN where there is no such thing."""
        with np.errstate(all="ignore"):
            if self.kind == "abs":
                found = values / self.step
            else:
                size = np.abs(values)
                found = np.log(np.where((size >= 2.0**-151) & (size <= 2.0**130), size, np.nan)) / self.step
        return np.where(np.isfinite(found), found, np.nan)

    def nearest(self, values: Doubles, shift: int = 0) -> tuple[Integers, NDArray[np.bool_]]:
        """The grid integer `shift` steps outwards from the nearest, and whether it is on the grid."""
        rounded = np.rint(self.quotients(values)) + shift
        if self.kind == "abs":
            on_grid = np.abs(rounded) <= self.largest
            return np.where(on_grid, rounded, 0).astype(np.int64), on_grid
        size = rounded - self.floor
        on_grid = ((size >= 1) & (size <= self.largest)) | (values == 0)
        grid = np.where(on_grid & (values != 0), np.copysign(size, values), 0)
        return grid.astype(np.int64), on_grid

    def is_tie(self, values: Doubles) -> NDArray[np.bool_]:
        return near_half(self.quotients(values))

    def value(self, grid: Integers) -> Doubles:
        """What grid integers stand for, in double precision."""
        if self.kind == "abs":
            return grid * self.step
        with np.errstate(over="ignore", under="ignore"):
            return np.sign(grid) * np.exp((np.abs(grid) + self.floor) * self.step)

    def keeps_bound(self, values: NDArray[np.floating], decoded: NDArray[np.floating]) -> NDArray[np.bool_]:
        with np.errstate(all="ignore"):  # signalling NaNs, overflow
            x, y = values.astype(np.float64), decoded.astype(np.float64)
            found: NDArray[np.bool_] = np.abs(y - x) <= self.tolerance * (1 if self.kind == "abs" else np.abs(x))
        return found

    def sentinel_marks(self, values: NDArray[np.floating]) -> Integers:
        """SENTINEL_MARK + k for the k-th sentinel, 0 for other values."""
        marks = np.zeros(len(values), np.int64)
        for k, sentinel in enumerate(self.sentinels):
            marks[bits_of(values) == bits_of(np.array([sentinel], self.dtype))] = SENTINEL_MARK + k
        return marks

    def may_move(self, values: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether a value may have a grid integer at all, wherever it is."""
        lost_sign = (values == 0) & np.signbit(values) & (self.kind == "rel")
        return np.isfinite(values) & ~lost_sign


def near_half(quotients: Doubles) -> NDArray[np.bool_]:
    """Within rounding errors of the middle between two integers."""
    distance = np.abs(np.abs(quotients - np.floor(quotients)) - 0.5)
    near: NDArray[np.bool_] = distance <= 1e-9 + 8 * np.finfo(np.float64).eps * np.abs(quotients)
    return near


def bits_of(values: NDArray[np.floating]) -> NDArray[np.uint64]:
    """The bits of floats, zero-extended."""
    return values.view(np.uint32 if values.dtype == np.float32 else np.uint64).astype(np.uint64)
