"""Exports of a model for other people's code: ONNX and TorchScript, with the normalisation inside.

For jets.model with a collection Jet, the files are jets.Jet.encoder.onnx and jets.Jet.decoder.onnx (or .pt). The
encoder takes float32 columns in the units of the file, shape (objects, columns), and gives latents, shape
(objects, latents); the decoder does the reverse.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from aeplugin._core import CollectionModel, Model, Transform, write_atomically

Half = Literal["encoder", "decoder"]
Format = Literal["onnx", "torchscript"]
HALVES: tuple[Half, Half] = ("encoder", "decoder")

SMALLEST = np.finfo(np.float32).tiny
"""Smaller arguments of log10 count as this one, here as in the reference kernels."""


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


def normalisation(collection: CollectionModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each column whether log10 comes first, its mean and its scale; shape (columns,) each."""
    is_log = np.array([column.transform == Transform.log10 for column in collection.columns])
    mean = np.array([column.mean for column in collection.columns], np.float32)
    scale = np.array([column.scale for column in collection.columns], np.float32)
    return is_log, mean, scale


def _save(content: bytes, path: Path) -> Path:
    write_atomically(str(path), content)
    return path
