"""SZ3 through pysz, each column in its best form."""

from __future__ import annotations

import math
import time

import numpy as np

from compressors import grids
from compressors.results import Columns, Result, Tolerance, Tolerances


def _compress(values: np.ndarray, bound: float, algorithm: int) -> np.ndarray:
    from pysz import sz, szConfig, szErrorBoundMode

    config = szConfig(values.shape)
    config.errorBoundMode = szErrorBoundMode.ABS
    config.absErrorBound = bound
    config.cmprAlgo = algorithm
    compressed: np.ndarray = sz.compress(values, config)[0]
    return compressed


def _decompress(compressed: np.ndarray, objects: int) -> np.ndarray:
    from pysz import sz

    values: np.ndarray = sz.decompress(compressed, np.float32, (objects,))[0]
    return values


def _bound(logarithms: np.ndarray, tolerance: Tolerance) -> float:
    """A bound on ln x that leaves room for the rounding of its float32, before and after SZ3."""
    return math.log1p(tolerance.value) - 2 * float(np.spacing(np.abs(logarithms).max()))


class Sz3:
    """Absolute bounds are SZ3's own; relative ones become absolute on ln x (its relative mode means the value range).

    The algorithm of each column is the one with the fewest bytes on the sample. With `predicts`, E is compressed as
    ln(E / (pt cosh(eta))) of the decompressed pt and eta.
    """

    def __init__(self, sample: Columns, tolerances: Tolerances, predicts: bool) -> None:
        from pysz import szAlgorithm

        choices = (szAlgorithm.INTERP_LORENZO, szAlgorithm.INTERP, szAlgorithm.LORENZO_REG, szAlgorithm.NOPRED)
        self._predicts = predicts
        self.algorithms: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for algorithm in choices:
            compressed = self._encode(sample, tolerances, dict.fromkeys(sample, algorithm))
            for name, data in compressed.items():
                if len(data) < sizes.get(name, len(data) + 1):
                    sizes[name], self.algorithms[name] = len(data), algorithm

    def _order(self, columns: Columns) -> list[str]:
        last = [grids.PREDICTED] if self._predicts else []
        return [name for name in columns if name not in last] + last

    @staticmethod
    def _massless(pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        logarithms: np.ndarray = np.log(pt * np.cosh(eta))
        return logarithms

    def _encode(self, columns: Columns, tolerances: Tolerances, algorithms: dict[str, int]) -> dict[str, np.ndarray]:
        compressed: dict[str, np.ndarray] = {}
        for name in self._order(columns):
            values, tolerance = columns[name], tolerances[name]
            bound = tolerance.value
            if tolerance.kind == "rel":
                values = np.log(values)
                bound = _bound(values, tolerance)
            if self._predicts and name == grids.PREDICTED:
                known = {key: compressed[key] for key in grids.PREDICTED_FROM}
                values = values - self._massless(*self._decode(known, tolerances, len(values)).values())
            compressed[name] = _compress(values, bound, algorithms[name])
        return compressed

    def _decode(self, compressed: dict[str, np.ndarray], tolerances: Tolerances, objects: int) -> dict[str, np.ndarray]:
        decoded: dict[str, np.ndarray] = {}
        for name, data in compressed.items():
            values = _decompress(data, objects)
            if self._predicts and name == grids.PREDICTED:
                values = values + self._massless(*(decoded[key] for key in grids.PREDICTED_FROM))
            decoded[name] = np.exp(values) if tolerances[name].kind == "rel" else values
        return decoded

    def measure(self, columns: Columns, counts: np.ndarray | None, tolerances: Tolerances, threads: int) -> Result:
        """One pass; on one thread only, as pysz keeps Python's lock and its OpenMP option changes nothing.

        The counts go through pcodec.
        """
        from pcodec import ChunkConfig, standalone

        objects = len(next(iter(columns.values())))
        start = time.perf_counter()
        compressed = self._encode(columns, tolerances, self.algorithms)
        count_data = b"" if counts is None else standalone.simple_compress(counts, ChunkConfig())
        middle = time.perf_counter()
        decoded = self._decode(compressed, tolerances, objects)
        if counts is not None:
            standalone.simple_decompress(count_data)
        end = time.perf_counter()
        return Result(
            name="SZ3" + (", E as residual" if self._predicts else ""),
            column_bytes={name: float(len(compressed[name])) for name in columns},
            count_bytes=float(len(count_data)),
            threads=threads,
            seconds_compress=middle - start,
            seconds_decompress=end - middle,
            decoded=decoded,
        )
