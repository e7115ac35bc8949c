"""ROOT's RNTuple as a peer: describes the work to rntuple_peers.cxx and reads what it gives back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compressors.inputs import Collection
from compressors.results import Columns, Result, Tolerance, Tolerances

ZSTD_5 = 505
LZMA_9 = 209
INPUT = "input.txt"


@dataclass(frozen=True)
class RootPeer:
    """One way of writing columns.

    Attributes:
        key: its name for the program, one word.
        name: as in the table.
        settings: ROOT's compression settings.
        fields: for each column its encoding: "float", "trunc BITS" or "quant BITS MIN MAX".
        kind: "write" from memory to a file and read into memory, or "copy" from file to file.
        slow: whether a part of the data has to do.
    """

    key: str
    name: str
    settings: int
    fields: Mapping[str, str]
    kind: str = "write"
    slow: bool = False


def lossless(columns: Iterable[str]) -> dict[str, str]:
    """All columns as they are."""
    return dict.fromkeys(columns, "float")


def low_precision(columns: Columns, tolerances: Tolerances) -> dict[str, str]:
    """The coarsest encodings of ROOT that keep the tolerances: Real32Trunc for "rel", Real32Quant for "abs"."""
    return {name: _encoding(values, tolerances[name]) for name, values in columns.items()}


def _encoding(values: np.ndarray, tolerance: Tolerance) -> str:
    if tolerance.kind == "rel":
        # Sign, 8 bits of exponent and m of the mantissa, cut off: less than 2^-m away.
        mantissa = math.ceil(-math.log2(tolerance.value))
        return f"trunc {min(max(9 + mantissa, 10), 31)}"
    least, most = float(values.min()), float(values.max())
    intervals = max((most - least) / (2 * tolerance.value), 1)
    return f"quant {math.ceil(math.log2(intervals + 1))} {least!r} {most!r}"


def describe(
    folder: Path, collection: Collection, extra: Columns, peers: Sequence[RootPeer], slow_events: int, threads: str
) -> None:
    """Write the columns, `extra` ones of the first events, and the peers where the program finds them."""
    counts = np.ones(collection.events, np.uint32) if collection.counts is None else collection.counts
    counts.astype(np.uint32).tofile(folder / "counts.u32")
    lines = [f"collection objects {'flat' if collection.counts is None else 'jagged'}"]
    for name, values in {**collection.columns, **extra}.items():
        values.astype(np.float32).tofile(folder / f"{name}.f32")
        lines.append(f"column {name}")
    for peer in peers:
        events = min(slow_events, collection.events) if peer.slow else collection.events
        lines.append(f"peer {peer.key} {peer.kind} {peer.settings} {events} {threads}")
        lines.extend(f"field {name} {encoding}" for name, encoding in peer.fields.items())
    (folder / INPUT).write_text("\n".join(lines) + "\n", encoding="utf-8")


def result(peer: RootPeer, sizes: Mapping[str, int | Mapping[str, int]], folder: Path) -> Result:
    """The sizes that the program told for a peer, and the values that it wrote back."""
    column_bytes, counts = sizes["columns"], sizes["counts"]
    assert isinstance(column_bytes, Mapping)
    assert isinstance(counts, int)
    decoded = {name: np.fromfile(folder / f"{peer.key}.{name}.f32", np.float32) for name in peer.fields}
    return Result(peer.name, column_bytes, count_bytes=counts, decoded=decoded)
