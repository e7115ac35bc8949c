"""Rows of the comparison, and its tables in markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from compressors.inputs import Input
from compressors.results import Result, Tolerances

THREADS = (1, 2)
DIRECTIONS = ("compress", "decompress")


@dataclass
class Row:
    """One peer: its sizes, and the seconds of every round on `objects` objects.

    Attributes:
        within: fraction of the values within their tolerance, per column; None where nothing was decoded.
        errors: RMS and largest error per column, in the terms of the tolerance; None where nothing was decoded.
        seconds: for (threads, "compress" or "decompress") those of every round.
    """

    result: Result
    within: dict[str, float] | None
    errors: dict[str, dict[str, float]] | None
    objects: int = 0
    seconds: dict[tuple[int, str], list[float]] = field(default_factory=dict)

    def add(self, threads: int, direction: str, seconds: float | None) -> None:
        if seconds is not None:
            self.seconds.setdefault((threads, direction), []).append(seconds)

    def objects_per_second(self, threads: int, direction: str) -> float | None:
        times = self.seconds.get((threads, direction))
        return self.objects / median(times) if times else None

    @property
    def all_within(self) -> float | None:
        """Over the values of all columns, which have the same number."""
        return None if self.within is None else sum(self.within.values()) / len(self.within)


def make_row(data: Input, tolerances: Tolerances, result: Result) -> Row:
    """The row of a result on the real data."""
    if result.decoded is None:
        return Row(result, None, None)
    columns, decoded = data.collection.columns, result.decoded
    return Row(
        result,
        {name: float(np.mean(tolerances[name].within(columns[name], decoded[name]))) for name in columns},
        {name: _errors(tolerances[name].errors(columns[name], decoded[name])) for name in columns},
    )


def _errors(values: np.ndarray) -> dict[str, float]:
    return {"RMS": float(np.sqrt(np.mean(values**2))), "largest": float(values.max())}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _fraction(value: float | None) -> str:
    """Rounded down: 1 means all."""
    if value is None:
        return "-"
    return "1" if value == 1 else f"{math.floor(value * 1e5) / 1e5:.5f}"


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[k]) for line in [header, *lines]) for k in range(len(header))]

    def row(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = "|" + "|".join("-" * (width + 2) if k == 0 else "-" * (width + 1) + ":" for k, width in enumerate(widths))
    return "\n".join([row(header), f"{rule}|", *map(row, lines)])


def main_table(data: Input, rows: Sequence[Row]) -> str:
    """Bits per object, and speeds in MB of float32 (and million objects) per second."""
    objects, columns = data.collection.objects, len(data.collection.columns)
    header = ["peer", "bits/object", "smaller than float32", "values within"]
    header += [f"{direction}, {threads} thr." for direction in DIRECTIONS for threads in THREADS]

    def speed(rate: float | None) -> str:
        return "-" if rate is None else f"{_number(4e-6 * columns * rate)} ({_number(1e-6 * rate)})"

    lines = []
    for row in rows:
        bits = 8 * row.result.total_bytes / objects
        line = [row.result.name, f"{bits:.2f}", f"{32 * columns / bits:.2f}", _fraction(row.all_within)]
        line += [speed(row.objects_per_second(threads, direction)) for direction in DIRECTIONS for threads in THREADS]
        lines.append(line)
    return _markdown(header, lines)


def column_table(data: Input, tolerances: Tolerances, rows: Sequence[Row]) -> str:
    """Bits per value of every column; one table column per peer, numbered as in the main table."""
    objects = data.collection.objects
    named = [(str(number), row) for number, row in enumerate(rows, 1)]
    header = ["bits per value", "tolerance", *(number for number, _ in named)]

    def bits(value: float | None) -> str:
        return "-" if value is None else f"{8 * value / objects:.2f}"

    lines = [
        [name, str(tolerances[name]), *(bits(row.result.column_bytes.get(name)) for _, row in named)]
        for name in data.collection.columns
    ]
    lines.append(["counts", "exact", *(bits(row.result.count_bytes) for _, row in named)])
    lines.append(["others", "", *(bits(row.result.other_bytes) for _, row in named)])
    return _markdown(header, lines)


def as_json(data: Input, row: Row) -> dict[str, Any]:
    """Everything about a row."""
    objects, columns = data.collection.objects, len(data.collection.columns)
    speeds = {}
    for (threads, direction), times in row.seconds.items():
        rate = row.objects / median(times)
        speeds[f"{direction}, {threads} threads"] = {
            "MB/s of float32": 4e-6 * columns * rate,
            "objects/s": rate,
            "seconds": times,
        }
    return {
        "peer": row.result.name,
        "bits per object": 8 * row.result.total_bytes / objects,
        "bits per value": {name: 8 * size / objects for name, size in row.result.column_bytes.items()},
        "bits of counts per object": 8 * row.result.count_bytes / objects,
        "other bits per object": 8 * row.result.other_bytes / objects,
        "within": row.within,
        "errors": row.errors,
        "objects timed": row.objects,
        "speeds": speeds,
    }
