"""What a peer gives back, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

Columns = Mapping[str, np.ndarray]
"""Values per variable, each float32 of shape (objects,)."""


@dataclass(frozen=True)
class Tolerance:
    """How far a value may move: `value` itself ("abs") or times the magnitude of the original ("rel")."""

    kind: Literal["abs", "rel"]
    value: float

    def within(self, original: np.ndarray, decoded: np.ndarray) -> np.ndarray:
        """Whether each value kept the tolerance, compared in double precision; bool of shape (objects,)."""
        exact = original.astype(np.float64)
        allowed = self.value * np.abs(exact) if self.kind == "rel" else self.value
        return np.abs(decoded.astype(np.float64) - exact) <= allowed

    def errors(self, original: np.ndarray, decoded: np.ndarray) -> np.ndarray:
        """How far each value moved, in the terms of the tolerance: |x' - x|, over |x| if relative; shape (objects,)."""
        exact = original.astype(np.float64)
        moved = np.abs(decoded.astype(np.float64) - exact)
        return moved / np.abs(exact) if self.kind == "rel" else moved

    def __str__(self) -> str:
        return f"{self.kind} {self.value:g}"


Tolerances = Mapping[str, Tolerance]


@dataclass(frozen=True)
class Result:
    """One pass of one peer over a collection.

    Attributes:
        name: of the peer, as in the table.
        column_bytes: compressed bytes per column.
        count_bytes: what the numbers of objects per event take (offsets, list lengths).
        other_bytes: what belongs to no column: latents, special values, checksums.
        threads: on which the seconds were taken.
        seconds_compress, seconds_decompress: wall clock; None for what is no codec, or not measured.
        decoded: what decompression gives, for the check of the tolerances; None where that is pointless (lossless).
    """

    name: str
    column_bytes: Mapping[str, float]
    count_bytes: float = 0
    other_bytes: float = 0
    threads: int = 1
    seconds_compress: float | None = None
    seconds_decompress: float | None = None
    decoded: Columns | None = None

    @property
    def total_bytes(self) -> float:
        return sum(self.column_bytes.values()) + self.count_bytes + self.other_bytes


class Measure(Protocol):
    """A peer that runs in this process: compresses the columns and decompresses them again, once.

    `counts` has the objects per event, uint32 of shape (events,), or is None for one object per event. It is called on
    the real data for the sizes, and on much more of the same for the seconds; only the first call's `decoded` is
    looked at. The codecs of aeplugin are this with two more arguments, in a module compressors.ours:
    measure(columns, counts, tolerances, threads, codec=, compression=), codec "plain" or "autoencoder", compression
    "zstd" or "lzma".
    """

    def __call__(self, columns: Columns, counts: np.ndarray | None, tolerances: Tolerances, threads: int) -> Result: ...
