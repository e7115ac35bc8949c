"""Exports of a model for other people's code: ONNX and TorchScript, with the normalisation inside.

For jets.model with a collection Jet, the files are jets.Jet.encoder.onnx and jets.Jet.decoder.onnx (or .pt). The
encoder takes float32 columns in the units of the file, shape (objects, columns), and gives latents, shape
(objects, latents); the decoder does the reverse.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aeplugin import __version__
from aeplugin._core import Activation, CollectionModel, Model, Transform

if TYPE_CHECKING:
    import torch

Half = Literal["encoder", "decoder"]
HALVES: tuple[Half, Half] = ("encoder", "decoder")

SMALLEST = np.finfo(np.float32).tiny
"""Smaller arguments of log10 count as this one, here as in the reference kernels."""


def export(model_path: str | Path, formats: list[Literal["onnx", "torchscript"]]) -> list[Path]:
    """Write the networks of a model beside it, in the given formats; gives the files written.

    Raises:
        ModelError: the file is no model.
        ImportError: onnx or torch is not installed.
    """
    model = Model.from_file(os.fspath(model_path))
    written = []
    for collection in model.collections:
        for half in HALVES:
            stem = Path(model_path).with_suffix(f".{collection.name}.{half}")
            if "onnx" in formats:
                written.append(_save(onnx_bytes(collection, half), Path(f"{stem}.onnx")))
            if "torchscript" in formats:
                written.append(_save(torchscript_bytes(collection, half), Path(f"{stem}.pt")))
    return written


def onnx_bytes(collection: CollectionModel, half: Half) -> bytes:
    """One half of an autoencoder as an ONNX model (opset 17)."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError:
        raise ImportError("the ONNX export needs onnx: pip install 'aeplugin[onnx]'") from None

    nodes: list[Any] = []
    constants: list[Any] = []

    def add(operator: str, *inputs: str | np.ndarray, **attributes: Any) -> str:
        """Append a node; arrays become constants. Gives the name of its output."""
        names = []
        for value in inputs:
            if isinstance(value, str):
                names.append(value)
            else:
                names.append(f"constant_{len(constants)}")
                constants.append(numpy_helper.from_array(value, names[-1]))
        output = f"value_{len(nodes)}"
        nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    is_log, mean, scale = _normalisation(collection)
    log_to_log10 = np.float32(1 / np.log(10))
    value = "input"
    if half == "encoder":
        logarithm = add("Mul", add("Log", add("Max", value, SMALLEST)), log_to_log10)
        value = add("Div", add("Sub", add("Where", is_log, logarithm, value), mean), scale)
    for layer in collection.encoder if half == "encoder" else collection.decoder:
        value = add("Gemm", value, layer.weights, layer.biases, transB=1)
        if layer.activation == Activation.tanh:
            value = add("Tanh", value)
    if half == "decoder":
        value = add("Add", add("Mul", value, scale), mean)
        value = add("Where", is_log, add("Pow", np.float32(10), value), value)
    nodes.append(helper.make_node("Identity", [value], ["output"]))

    columns, latents = len(collection.columns), len(collection.latent_names)
    inputs, outputs = (columns, latents) if half == "encoder" else (latents, columns)
    graph = helper.make_graph(
        nodes,
        f"{collection.name}_{half}",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["objects", inputs])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["objects", outputs])],
        constants,
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, producer_name="aeplugin", producer_version=__version__, opset_imports=[opset])
    model.ir_version = 8  # that of opset 17; older runtimes refuse newer ones
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def torchscript_bytes(collection: CollectionModel, half: Half) -> bytes:
    """One half of an autoencoder as a TorchScript archive."""
    torch = _import_torch()
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # Deprecated upstream, and still what C++ code without Python loads.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        network = torch_module(collection, half).eval()
        script = torch.jit.script(network)
        path = Path(folder) / "network.pt"
        script.save(path)
        return path.read_bytes()


def torch_module(collection: CollectionModel, half: Half) -> torch.nn.Module:
    """One half of an autoencoder as a torch module, in the units of the file."""
    torch = _import_torch()
    is_log, mean, scale = (torch.from_numpy(array) for array in _normalisation(collection))

    class Encode(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.is_log, self.mean, self.scale = is_log, mean, scale
            self.smallest = float(SMALLEST)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            logarithm = torch.log10(torch.clamp(values, min=self.smallest))
            return (torch.where(self.is_log, logarithm, values) - self.mean) / self.scale

    class Decode(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.is_log, self.mean, self.scale = is_log, mean, scale

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            shifted = values * self.scale + self.mean
            return torch.where(self.is_log, torch.pow(10.0, shifted), shifted)

    dense = dense_module(collection, half)
    return torch.nn.Sequential(Encode(), dense) if half == "encoder" else torch.nn.Sequential(dense, Decode())


def dense_module(collection: CollectionModel, half: Half) -> torch.nn.Sequential:
    """The layers alone, between standardised columns and latents."""
    torch = _import_torch()
    modules = []
    for layer in collection.encoder if half == "encoder" else collection.decoder:
        outputs, inputs = layer.weights.shape
        linear = torch.nn.Linear(inputs, outputs)
        linear.weight.data = torch.from_numpy(layer.weights)
        linear.bias.data = torch.from_numpy(layer.biases)
        modules.append(linear)
        if layer.activation == Activation.tanh:
            modules.append(torch.nn.Tanh())
    return torch.nn.Sequential(*modules)


def _normalisation(collection: CollectionModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each column whether log10 comes first, its mean and its scale."""
    is_log = np.array([column.transform == Transform.log10 for column in collection.columns])
    mean = np.array([column.mean for column in collection.columns], np.float32)
    scale = np.array([column.scale for column in collection.columns], np.float32)
    return is_log, mean, scale


def _import_torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError("the TorchScript export needs torch: pip install 'aeplugin[train]'") from None
    return torch


def _save(content: bytes, path: Path) -> Path:
    """Write a file under a temporary name and rename it when complete."""
    temporary = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
