"""Columns as the core has them, flat values and the offsets of lists, and as awkward arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import awkward as ak
import numpy as np

from aeplugin.recipe_types import ColumnKind

_CHARACTERS = {"__array__": "char"}
_STRING = {"__array__": "string"}


@dataclass(frozen=True)
class FlatColumn:
    """The values of a column for consecutive events.

    Attributes:
        values: those of all events and objects one after the other, shape (values,); of strings their UTF-8 bytes.
        offsets: one array (int64) per level of nesting, the outermost first; strings are one level more. The first has
            events + 1 offsets into the next level, the last into the values. Each starts at 0.
    """

    values: np.ndarray
    offsets: list[np.ndarray]

    def cut(self, start: int, stop: int) -> FlatColumn:
        """The column for the events from `start` to before `stop`, which must be there."""
        offsets = []
        for level in self.offsets:
            part = level[start : stop + 1]
            start, stop = int(part[0]), int(part[-1])
            offsets.append(part - start)
        return FlatColumn(self.values[start:stop], offsets)


def levels_of(kind: ColumnKind) -> int:
    """How many levels of offsets a column of a type has."""
    return kind.depth + (kind.value == "std::string")


def no_values(kind: ColumnKind) -> FlatColumn:
    """A column of a type for no events."""
    return FlatColumn(np.empty(0, _dtype(kind)), [np.zeros(1, np.int64) for _ in range(levels_of(kind))])


def join(parts: Sequence[FlatColumn], kind: ColumnKind) -> FlatColumn:
    """Parts of a column, one after the other."""
    parts = parts or [no_values(kind)]
    offsets = []
    for level in zip(*(part.offsets for part in parts), strict=True):
        starts = np.cumsum([0, *(int(part[-1]) for part in level)])
        shifted = [part[1:] + start for part, start in zip(level, starts[:-1], strict=True)]
        offsets.append(np.concatenate([np.zeros(1, np.int64), *shifted]))
    return FlatColumn(np.concatenate([part.values for part in parts]), offsets)


def to_awkward(column: FlatColumn, kind: ColumnKind) -> ak.Array:
    """The column as uproot gives that of an RNTuple: lists, arrays of a fixed size, strings."""
    offsets = list(column.offsets)
    if kind.value == "std::string":
        characters = ak.contents.NumpyArray(column.values, parameters=_CHARACTERS)
        content = ak.contents.ListOffsetArray(ak.index.Index64(offsets.pop()), characters, parameters=_STRING)
    else:
        content = ak.contents.NumpyArray(column.values)
    for level in reversed(offsets):
        if kind.size:
            content = ak.contents.RegularArray(content, kind.size, zeros_length=len(level) - 1)
        else:
            content = ak.contents.ListOffsetArray(ak.index.Index64(level), content)
    return ak.Array(content)


def from_awkward(array: ak.Array, kind: ColumnKind) -> FlatColumn:
    """The column that uproot gave.

    Raises:
        ValueError: it is not of this type, or its offsets lead nowhere, as those of a damaged file may.
    """
    layout = array.layout
    offsets = []
    for _ in range(levels_of(kind)):
        if isinstance(layout, ak.contents.RegularArray):
            level = np.arange(len(layout) + 1) * layout.size
        elif isinstance(layout, ak.contents.ListOffsetArray):
            level = np.asarray(layout.offsets.data).astype(np.int64)
        else:
            raise ValueError(f"got {type(layout).__name__} where lists are expected")
        if level[0] < 0 or (level[1:] < level[:-1]).any() or level[-1] > len(layout.content):
            raise ValueError("the lengths of lists contradict each other")
        layout = layout.content[int(level[0]) : int(level[-1])]
        offsets.append(level - level[0])
    if not isinstance(layout, ak.contents.NumpyArray) or layout.data.dtype != _dtype(kind) or layout.data.ndim != 1:
        raise ValueError(f"got {type(layout).__name__} of another type where {kind.value} is expected")
    return FlatColumn(np.ascontiguousarray(layout.data), offsets)


def from_core(values: np.ndarray, offsets: Sequence[np.ndarray], kind: ColumnKind) -> FlatColumn:
    """What `_core.Decoder.decode` gives for a column; it has bytes where the column has booleans."""
    return FlatColumn(
        values.view(np.bool_) if kind.value == "bool" else values, [level.astype(np.int64) for level in offsets]
    )


def to_core(column: FlatColumn, kind: ColumnKind) -> tuple[Any, list[np.ndarray]]:
    """What `_core.Decoder.decode` takes for a column that is kept as it is."""
    offsets = [level.astype(np.uint64) for level in column.offsets]
    if kind.value == "bool":
        return column.values.view(np.uint8), offsets
    if kind.value != "std::string":
        return column.values, offsets
    ends, content = column.offsets[-1].tolist(), column.values.tobytes()
    return [content[start:end] for start, end in pairwise(ends)], offsets[:-1]


def _dtype(kind: ColumnKind) -> np.dtype[Any]:
    names = {"bool": "?", "float": "f4", "double": "f8", "std::string": "u1"}
    return np.dtype(names.get(kind.value) or kind.value.removeprefix("std::").removesuffix("_t"))
