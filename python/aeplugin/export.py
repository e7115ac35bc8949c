"""Exports of a model for other people's code: ONNX and TorchScript, with the normalisation inside.

For jets.model with a collection Jet, the files are jets.Jet.encoder.onnx and jets.Jet.decoder.onnx (or .pt). The
encoder takes float32 columns in the units of the file, shape (objects, columns), and gives latents, shape
(objects, latents); the decoder does the reverse. A label is the last of the columns and of the latents.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from aeplugin._core import CollectionModel, Model, ModelColumn, Transform, write_atomically

Half = Literal["encoder", "decoder"]
Format = Literal["onnx", "torchscript"]
HALVES: tuple[Half, Half] = ("encoder", "decoder")

SMALLEST = np.finfo(np.float32).tiny
"""Smaller arguments of log10 count as this one, here as in the reference kernels."""
_TOGETHER = (Transform.linear, Transform.log10)


def export(model_path: str | Path, formats: Sequence[Format]) -> list[Path]:
    """Write the networks of a model beside it, in the given formats; gives the files written.

    Raises:
        ModelError: the file is no model.
        InputError: a file cannot be written.
        ImportError: onnx or torch is not installed.
    """
    model = Model.from_file(os.fspath(model_path))
    written = []
    for collection in model.collections:
        for half in HALVES:
            stem = Path(model_path).with_suffix(f".{collection.name}.{half}")
            if "onnx" in formats:
                from aeplugin.onnx_export import onnx_bytes

                written.append(_save(onnx_bytes(collection, half), Path(f"{stem}.onnx")))
            if "torchscript" in formats:
                from aeplugin.torch_export import torchscript_bytes

                written.append(_save(torchscript_bytes(collection, half), Path(f"{stem}.pt")))
    return written


@dataclass(frozen=True)
class ColumnRun:
    """Columns side by side that enter and leave a network in one way.

    Attributes:
        columns: any number of linear and logarithmic ones, or one of quantiles, or one on a circle.
        first_column: the place of the first among the columns of the collection.
        first_feature: the same among the features.
    """

    columns: list[ModelColumn]
    first_column: int
    first_feature: int

    @property
    def features(self) -> int:
        return sum(column.features for column in self.columns)

    def parameters(self, name: str) -> np.ndarray:
        """An attribute of all columns, such as "mean"; float32, shape (columns,)."""
        return np.array([getattr(column, name) for column in self.columns], np.float32)

    @property
    def is_log(self) -> np.ndarray:
        """Shape (columns,)."""
        return np.array([column.transform == Transform.log10 for column in self.columns])

    @property
    def is_shifted(self) -> bool:
        """Whether a logarithm is of more than the value itself."""
        return any((column.factor, column.offset) != (1, 0) for column in self.columns)


def column_runs(columns: Sequence[ModelColumn]) -> list[ColumnRun]:
    """The columns of a network but for the label, in their order."""
    runs: list[ColumnRun] = []
    feature = 0
    for place, column in enumerate(columns):
        if column.transform == Transform.label:
            continue
        last = runs[-1].columns[-1].transform if runs else None
        if column.transform in _TOGETHER and last in _TOGETHER:
            runs[-1].columns.append(column)
        else:
            runs.append(ColumnRun([column], place, feature))
        feature += column.features
    return runs


def slopes(knots: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """How steep the lines between knots are; float32, shape (knots - 1,)."""
    start, target = (np.diff(values.astype(np.float64)) for values in knots)
    return (target / start).astype(np.float32)


def categories(collection: CollectionModel, half: Half) -> np.ndarray | None:
    """Those of the label, where the network of a half is told it; float32, shape (categories,)."""
    if collection.condition not in (half, "both"):
        return None
    return np.array(collection.columns[-1].labels, np.float32)


def _save(content: bytes, path: Path) -> Path:
    write_atomically(str(path), content)
    return path
