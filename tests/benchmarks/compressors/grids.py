"""Grid integers as DESIGN.md defines them, in numpy: what pcodec gets, and their zero-order entropy."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from compressors.results import Columns, Result, Tolerance, Tolerances

COUNTS = "counts"
PREDICTED = "E"
PREDICTED_FROM = ("pt", "eta")


def step(tolerance: Tolerance) -> float:
    """The distance of grid points, in x ("abs") or ln x ("rel")."""
    return 2 * (math.log1p(tolerance.value) if tolerance.kind == "rel" else tolerance.value)


def quantise(values: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """Grid integers, int32; the values of relative tolerances are positive here."""
    exact = values.astype(np.float64)
    scaled = (np.log(exact) if tolerance.kind == "rel" else exact) / step(tolerance)
    return np.rint(scaled).astype(np.int32)


def dequantise(grid: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """The values of grid integers, float32."""
    values = grid * step(tolerance)
    return (np.exp(values) if tolerance.kind == "rel" else values).astype(np.float32)


def can_predict(columns: Columns) -> bool:
    """Whether E can be given as a difference to what pt and eta say for a massless object."""
    return {PREDICTED, *PREDICTED_FROM} <= set(columns)


def predict(grids: Mapping[str, np.ndarray], tolerances: Tolerances) -> np.ndarray:
    """The grid integers of E = pt cosh(eta), int32."""
    pt, eta = (dequantise(grids[name], tolerances[name]).astype(np.float64) for name in PREDICTED_FROM)
    return np.rint(np.log(pt * np.cosh(eta)) / step(tolerances[PREDICTED])).astype(np.int32)


def encode(columns: Columns, tolerances: Tolerances, predicts: bool) -> dict[str, np.ndarray]:
    """Grid integers per column; of E the differences to the prediction, where `predicts`."""
    grids = {name: quantise(values, tolerances[name]) for name, values in columns.items()}
    if predicts:
        grids[PREDICTED] = grids[PREDICTED] - predict(grids, tolerances)
    return grids


def decode(grids: Mapping[str, np.ndarray], tolerances: Tolerances, predicts: bool) -> dict[str, np.ndarray]:
    """The values again, float32."""
    whole = dict(grids)
    if predicts:
        whole[PREDICTED] = whole[PREDICTED] + predict(grids, tolerances)
    return {name: dequantise(grid, tolerances[name]) for name, grid in whole.items()}


def _entropy_bytes(values: np.ndarray) -> float:
    _, counts = np.unique(values, return_counts=True)
    return float(-(counts * np.log2(counts / len(values))).sum() / 8)


def measure_entropy(
    columns: Columns, counts: np.ndarray | None, tolerances: Tolerances, threads: int, *, predicts: bool
) -> Result:
    """Zero-order entropies of the grid integers: no codec, a line to compare with."""
    grids = encode(columns, tolerances, predicts)
    return Result(
        name="zero-order entropy of grid integers" + (", E predicted" if predicts else ""),
        column_bytes={name: _entropy_bytes(grid) for name, grid in grids.items()},
        count_bytes=0.0 if counts is None else _entropy_bytes(counts),
        threads=threads,
        decoded=decode(grids, tolerances, predicts),
    )


def measure_pcodec(
    columns: Columns, counts: np.ndarray | None, tolerances: Tolerances, threads: int, *, predicts: bool
) -> Result:
    """Grid integers through pcodec at its default level; each thread takes a part of the objects."""
    from pcodec import ChunkConfig, standalone

    def compress(part: dict[str, np.ndarray]) -> dict[str, bytes]:
        numbers = encode({name: part[name] for name in columns}, tolerances, predicts)
        if COUNTS in part:
            numbers[COUNTS] = part[COUNTS]
        return {name: standalone.simple_compress(values, ChunkConfig()) for name, values in numbers.items()}

    def decompress(part: dict[str, bytes]) -> dict[str, np.ndarray]:
        numbers = {name: standalone.simple_decompress(data) for name, data in part.items()}
        numbers.pop(COUNTS, None)
        return decode(numbers, tolerances, predicts)

    everything = dict(columns) if counts is None else {**columns, COUNTS: counts}
    split = {name: np.array_split(values, threads) for name, values in everything.items()}
    parts = [{name: split[name][k] for name in everything} for k in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        compressed = list(pool.map(compress, parts))
        middle = time.perf_counter()
        decoded = list(pool.map(decompress, compressed))
        end = time.perf_counter()
    sizes = {name: float(sum(len(part[name]) for part in compressed)) for name in everything}
    return Result(
        name="quantise + pcodec" + (", E predicted" if predicts else ""),
        count_bytes=sizes.pop(COUNTS, 0.0),
        column_bytes=sizes,
        threads=threads,
        seconds_compress=middle - start,
        seconds_decompress=end - middle,
        decoded={name: np.concatenate([part[name] for part in decoded]) for name in columns},
    )
