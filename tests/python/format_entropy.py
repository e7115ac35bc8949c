"""Frequencies and the entropy coder of the codec `autoregressive` by docs/format.md, in numpy and without aeplugin."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from format_functions import exp_parts, fma, scaled, within

Array = NDArray[Any]

STATES, TOTAL, LOWEST_STATE = 8, 2**24, 2**31
ESCAPE = TOTAL - 256


@dataclass(frozen=True)
class Shape:
    """What a variable is coded as: atoms, integers of a range (`first` is that after the shift), or the escape."""

    atoms: int
    first: int
    size: int
    shift: int
    middle: float
    spread: float

    @property
    def escape(self) -> int:
        """The symbol after those of atoms and of the range."""
        return self.atoms + self.size

    def in_range(self, symbols: Array) -> Array:
        return (symbols >= self.atoms) & (symbols < self.escape)


def borders(shape: Shape, outputs: Array, limits: Array) -> Array:
    """Where the intervals of all symbols begin and the last one ends: shape (rows, symbols + 1), int32.

    Symbols are the atoms, then the integers of the range, then the escape. ``limits`` says how many integers of the
    range a row may have; the intervals of the others are empty.
    """
    outputs = np.where(np.isnan(outputs), np.float32(-np.inf), outputs)  # counts as the lower end of every limit
    categories = shape.atoms + (1 if shape.size > 0 else 0) if shape.atoms > 0 else 0
    rows = len(outputs)
    with np.errstate(all="ignore"):
        starts = category_starts(shape, outputs[:, :categories]) if categories else np.zeros((rows, 1), np.int32)
        if shape.size > 0:
            values = range_starts(shape, outputs[:, categories:], starts[:, -1:], limits[:, None])
            starts = np.concatenate([starts[:, :-1], values], axis=1)
    ends = np.full((rows, 2), [ESCAPE, TOTAL], np.int32)
    return np.concatenate([starts, ends], axis=1)


def category_starts(shape: Shape, logits: Array) -> Array:
    """Of the atoms and, where there is one, of the range."""
    number = logits.shape[1]
    sums, total = sums_of(weights_of(logits))
    ratio = np.float32(ESCAPE - 256 * number - 64 * shape.size) / total.astype(np.float32)
    return 256 * np.arange(number, dtype=np.int32) + (sums.astype(np.float32) * ratio).astype(np.int32)


def range_starts(shape: Shape, outputs: Array, begin: Array, limits: Array) -> Array:
    """Of all integers of the range, the first of which begins at `begin`; this and `limits` of shape (rows, 1)."""
    spread, middle = np.float32(shape.spread), np.float32(shape.middle)
    location, steepness = (within(outputs[:, i : i + 1], *np.array([-end, end], np.float32)) for i, end in
                           ((0, 65536), (1, 10)))  # fmt: skip
    centre = fma(location, spread, middle)
    steepness = exp(steepness) * (np.float32(1) / spread)

    index = np.arange(shape.size + 1, dtype=np.int32)
    edges = (index + np.int32(shape.first)).astype(np.float32) - np.float32(0.5)
    z = within((edges - centre) * steepness, np.float32(-30), np.float32(30))
    sigma = np.float32(1) / (exp(-z) + np.float32(1))
    place = (sigma * np.float32(2**23)).astype(np.int32) + 4 * index

    knots = weights_of(outputs[:, 2:]) + 1
    sums, total = sums_of(knots[:, :-1] + knots[:, 1:])
    above = (place - place[:, :1]).astype(np.float32)
    number_of_slices = knots.shape[1] - 1
    per_slice = np.float32(number_of_slices) / np.take_along_axis(above, limits, axis=1)
    slices = np.minimum(above * per_slice, np.nextafter(np.float32(number_of_slices), np.float32(0)))
    number = slices.astype(np.int32)
    fraction = slices - number.astype(np.float32)
    left = np.take_along_axis(knots, number, axis=1)
    rise = (np.take_along_axis(knots, number + 1, axis=1) - left).astype(np.float32)
    inside = fraction * ((2 * left).astype(np.float32) + fraction * rise)
    weight = np.take_along_axis(sums, number, axis=1) + inside.astype(np.int32)
    ratio = (ESCAPE - begin - (32 * shape.size + 40)).astype(np.float32) / total.astype(np.float32)
    starts = begin + 32 * index + (weight.astype(np.float32) * ratio).astype(np.int32)
    return np.where(index < limits, starts, ESCAPE)[:, :-1].astype(np.int32)


def weights_of(logits: Array) -> Array:
    logits = within(logits, np.float32(-64), np.float32(64))
    return (exp(logits - logits.max(axis=1, keepdims=True)) * np.float32(2**20)).astype(np.int32)


def sums_of(weights: Array) -> tuple[Array, Array]:
    """Of the weights before each one, and of all."""
    sums = np.cumsum(weights, axis=1, dtype=np.int32)
    return sums - weights, sums[:, -1:]


def exp(x: Array) -> Array:
    """Of float32."""
    n, rest = exp_parts(within(x, np.float32(-104), np.float32(88)))
    return scaled(rest + np.float32(1), n)


def eights(rows: int) -> Iterator[range]:
    return (range(first, min(first + STATES, rows)) for first in range(0, rows, STATES))


class Decoder:
    """The stream of a variable."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at, self.integers = content, 8 * STATES, 0
        self.states = list(struct.unpack_from(f"<{STATES}Q", content))
        assert all(LOWEST_STATE <= state < 2**63 for state in self.states)

    def slot(self, row: int) -> int:
        return int(self.states[row % STATES] % TOTAL)

    def advance(self, row: int, start: int, end: int) -> None:
        slot, state = self.slot(row), self.states[row % STATES]
        assert start <= slot < end
        state = (end - start) * (state >> 24) + slot - start
        if state < LOWEST_STATE:
            state = (state << 32) + struct.unpack_from("<I", self.content, self.at)[0]
            self.at += 4
        self.states[row % STATES] = state

    def step(self, shape: Shape, edges: Array) -> tuple[Array, Array]:
        """Symbols and low bits of the rows of a step."""
        symbols, low = np.zeros(len(edges), np.int64), np.zeros(len(edges), np.int64)
        for rows in eights(len(edges)):
            for row in rows:
                symbols[row] = np.searchsorted(edges[row], self.slot(row), side="right") - 1
                self.advance(row, *edges[row, symbols[row] : symbols[row] + 2].tolist())
            for row in rows:
                if shape.shift and shape.in_range(symbols[row]):
                    each = TOTAL >> shape.shift
                    low[row] = self.slot(row) // each
                    self.advance(row, int(low[row]) * each, (int(low[row]) + 1) * each)
        self.integers += len(edges)
        return symbols, low

    def finish(self) -> None:
        """To be called after the last step."""
        assert self.states == [LOWEST_STATE] * STATES
        assert len(self.content) == max(self.at, -(-self.integers // 512))
        assert not any(self.content[self.at :])
