"""Exported networks, run by the software that they are for."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from aeplugin import config


def run_onnx(path: Path, values: np.ndarray) -> np.ndarray:
    config.find_engine_libraries()  # no report home, also from the onnxruntime imported here
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": values})[0]


def run_torchscript(path: Path, values: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        network = torch.jit.load(str(path))
    with torch.no_grad():
        return network(torch.from_numpy(values)).numpy()
