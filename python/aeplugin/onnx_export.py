"""One half of an autoencoder as an ONNX graph, built from the model's weights without torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from aeplugin import __version__
from aeplugin._core import Activation, CollectionModel
from aeplugin.export import SMALLEST, Half, normalisation

try:
    from onnx import TensorProto, checker, helper, numpy_helper
except ImportError:
    raise ImportError("the ONNX export needs onnx: pip install 'aeplugin[onnx]'") from None

OPSET = 17
IR_VERSION = 8
"""That of the opset; older runtimes refuse newer ones."""


def onnx_bytes(collection: CollectionModel, half: Half) -> bytes:
    """One half of an autoencoder, in the units of the file, as the bytes of an ONNX model."""
    graph = _Graph()
    is_log, mean, scale = normalisation(collection)
    value = "input"
    if half == "encoder":
        natural = graph.add("Log", graph.add("Max", value, np.asarray(SMALLEST)))
        logarithm = graph.add("Mul", natural, np.asarray(1 / np.log(10), np.float32))
        value = graph.add("Div", graph.add("Sub", graph.add("Where", is_log, logarithm, value), mean), scale)
    for layer in collection.encoder if half == "encoder" else collection.decoder:
        value = graph.add("Gemm", value, layer.weights, layer.biases, transB=1)
        if layer.activation == Activation.tanh:
            value = graph.add("Tanh", value)
    if half == "decoder":
        value = graph.add("Add", graph.add("Mul", value, scale), mean)
        power = graph.add("Pow", np.asarray(10, np.float32), value)
        value = graph.add("Where", is_log, power, value)
    columns, latents = len(collection.columns), len(collection.latent_names)
    widths = (columns, latents) if half == "encoder" else (latents, columns)
    return graph.to_bytes(f"{collection.name}_{half}", value, *widths)


class _Graph:
    """Nodes in the order of their computation, and the constants among their inputs."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *inputs: str | np.ndarray, **attributes: Any) -> str:
        """Append a node, whose inputs are names or constants; gives the name of its output."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        output = f"value_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def _constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def to_bytes(self, name: str, result: str, inputs: int, outputs: int) -> bytes:
        """The graph from "input", shape (objects, inputs), to "output", shape (objects, outputs)."""
        nodes = [*self._nodes, helper.make_node("Identity", [result], ["output"])]
        ends = [
            helper.make_tensor_value_info(end, TensorProto.FLOAT, ["objects", width])
            for end, width in (("input", inputs), ("output", outputs))
        ]
        graph = helper.make_graph(nodes, name, ends[:1], ends[1:], self._constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, producer_name="aeplugin", producer_version=__version__, opset_imports=[opset], ir_version=IR_VERSION
        )
        checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content
