"""aeplugin's own codecs, from ROOT file to ROOT file."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

import aeplugin
from aeplugin import rdf, training
from aeplugin.recipe import Recipe
from aeplugin.rntuples import stored_bytes
from compressors.results import Columns, Result, Tolerances

COLLECTION = "jet"
BLOCKS = "aeplugin_blocks"
LEVELS = {"zstd": 5, "lzma": 9}
EPOCHS = 20
SLOW_BYTES = 8_000_000  # for lzma and networks, whose speed does not depend on the amount


def measure(
    columns: Columns,
    counts: np.ndarray | None,
    tolerances: Tolerances,
    threads: int,
    *,
    codec: str,
    compression: str,
) -> Result:
    """Compress a file with one codec and decode it again; see `results.Measure`.

    Decoding is that of `verify`: every value is decoded and every checksum compared, nothing is written.
    """
    name = f"aeplugin {codec}, {compression} {LEVELS[compression]}"
    slow = codec == "autoencoder" or compression == "lzma"
    columns, counts, scale = _head(columns, counts) if slow else (columns, counts, 1.0)
    source = _input(columns, counts)
    target = source.with_suffix(f".{codec}.{compression}.root")
    model = _model(columns, counts, tolerances, codec)
    start = time.perf_counter()
    rdf.compress(source, target, model, compression=compression, level=LEVELS[compression], threads=threads)
    compressed = time.perf_counter()
    rdf.verify(target, threads=threads)
    decoded = time.perf_counter()
    stored = stored_bytes(target)[BLOCKS]
    arrays = aeplugin.open(target).arrays()
    values = {v: ak.to_numpy(ak.flatten(arrays[f"{COLLECTION}_{v}"], axis=None)) for v in columns}
    column_bytes = {v: _bytes_of(f"{COLLECTION}_{v}", stored) for v in columns}
    count_bytes = _bytes_of(f"{COLLECTION}_counts", stored)
    return Result(
        name,
        column_bytes,
        count_bytes,
        sum(stored.values()) - count_bytes - sum(column_bytes.values()),
        threads,
        scale * (compressed - start),
        scale * (decoded - compressed),
        values,
    )


def _bytes_of(stream: str, stored: Mapping[str, int]) -> int:
    return stored.get(stream, 0) + stored.get(f"{stream}_low", 0)


def _head(columns: Columns, counts: np.ndarray | None) -> tuple[Columns, np.ndarray | None, float]:
    """The first events, and how many times as long the whole takes."""
    objects = len(next(iter(columns.values())))
    fraction = SLOW_BYTES / (4 * len(columns) * objects)
    if fraction >= 1:
        return columns, counts, 1.0
    if counts is not None:
        counts = counts[: int(fraction * len(counts))]
    n = int(fraction * objects) if counts is None else int(counts.sum())
    return {v: values[:n] for v, values in columns.items()}, counts, objects / n


@cache
def _folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="aeplugin-ours-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


_inputs: dict[tuple[tuple[int, int], ...], Path] = {}


def _input(columns: Columns, counts: np.ndarray | None) -> Path:
    """A ROOT file with the columns, written once for arrays that share their memory."""
    key = tuple((values.__array_interface__["data"][0], len(values)) for values in columns.values())
    if key not in _inputs:
        path = _folder() / f"input{len(_inputs)}.root"
        arrays: dict[str, Any] = {f"{COLLECTION}_{v}": values for v, values in columns.items()}
        if counts is not None:
            arrays = {v: ak.unflatten(values, counts) for v, values in arrays.items()}
        with uproot.recreate(path, compression=uproot.ZSTD(5)) as file:
            file.mkrntuple("events", ak.Array(arrays))
        _inputs[key] = path
    return _inputs[key]


_models: dict[str, Any] = {}


def _model(columns: Columns, counts: np.ndarray | None, tolerances: Tolerances, codec: str) -> Any:
    """The recipe, or with networks a model trained on the first data that it is asked for."""
    recipe = Recipe.model_validate(
        {
            "collections": {
                COLLECTION: {
                    "codec": codec,
                    "columns": {v: _column(columns[v], tolerances[v].kind, tolerances[v].value) for v in columns},
                }
            },
            "training": {"epochs": EPOCHS},
        }
    )
    if codec == "plain":
        return recipe
    key = recipe.to_text()
    if key not in _models:
        _models[key] = training.train([_input(columns, counts)], recipe)
    return _models[key]


def _column(values: np.ndarray, kind: str, tolerance: float) -> dict[str, Any]:
    positive = bool((values > 0).all())
    return {"tolerance": {kind: tolerance}, "transform": "log10" if kind == "rel" and positive else "linear"}
