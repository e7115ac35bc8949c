"""One half of an autoencoder as an ONNX graph, built from the model's weights without torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from aeplugin import __version__
from aeplugin._core import Activation, CollectionModel, Transform
from aeplugin.export import SMALLEST, ColumnRun, Half, categories, column_runs, slopes

try:
    from onnx import TensorProto, checker, helper, numpy_helper
except ImportError:
    raise ImportError("the ONNX export needs onnx: pip install 'aeplugin[onnx]'") from None

OPSET = 17
IR_VERSION = 8
"""That of the opset; older runtimes refuse newer ones."""
_OPERATORS: dict[str, tuple[str, dict[str, float]]] = {
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "elu": ("Elu", {"alpha": 1.0}),
}


def onnx_bytes(collection: CollectionModel, half: Half) -> bytes:
    """One half of an autoencoder, in the units of the file, as the bytes of an ONNX model."""
    graph = _Graph()
    columns, latents = len(collection.columns), len(collection.latent_names)
    widths = (columns, latents) if half == "encoder" else (latents, columns)
    has_label = collection.condition != "none"
    label = graph.columns("input", widths[0] - 1, 1) if has_label else ""
    if half == "encoder":
        value = graph.join([_features(graph, run, columns) for run in column_runs(collection.columns)])
    else:
        value = graph.columns("input", 0, latents - 1) if has_label else "input"
    value = _network(graph, collection, half, value, label)
    if half == "decoder":
        runs = column_runs(collection.columns)
        total = sum(run.features for run in runs)
        value = graph.join([_values(graph, run, value, total) for run in runs])
    if has_label:
        value = graph.join([value, label])
    return graph.to_bytes(f"{collection.name}_{half}", value, *widths)


def _network(graph: _Graph, collection: CollectionModel, half: Half, value: str, label: str) -> str:
    """The layers of a half, after what they are told of the label."""
    told = categories(collection, half)
    if told is not None:
        value = graph.join([value, graph.add("Cast", graph.add("Equal", label, told[None]), to=TensorProto.FLOAT)])
    for layer in collection.encoder if half == "encoder" else collection.decoder:
        value = graph.add("Gemm", value, layer.weights, layer.biases, transB=1)
        if layer.gains is not None and layer.shifts is not None:
            value = graph.add("LayerNormalization", value, layer.gains, layer.shifts, axis=-1, epsilon=1e-5)
        value = _activated(graph, layer.activation, value)
    return value


def _activated(graph: _Graph, activation: Activation, value: str) -> str:
    if activation == Activation.linear:
        return value
    if activation == Activation.silu:
        return graph.add("Mul", value, graph.add("Sigmoid", value))
    if activation == Activation.gelu:
        erf = graph.add("Erf", graph.add("Mul", value, np.asarray(np.sqrt(0.5), np.float32)))
        half = graph.add("Mul", value, np.asarray(0.5, np.float32))
        return graph.add("Mul", half, graph.add("Add", erf, np.asarray(1, np.float32)))
    operator, attributes = _OPERATORS[activation.name]
    return graph.add(operator, value, **attributes)


def _features(graph: _Graph, run: ColumnRun, width: int) -> str:
    """Columns of the input, of which there are `width`, as features."""
    value = graph.columns("input", run.first_column, len(run.columns), width)
    first = run.columns[0]
    if first.transform == Transform.circle:
        angle = graph.add("Sub", value, run.parameters("mean"))
        return graph.join([graph.add("Cos", angle), graph.add("Sin", angle)])
    if first.knots is not None:
        value = _interpolated(graph, value, first.knots)
    elif run.is_log.any():
        value = _logarithms(graph, value, run)
    return graph.add("Div", graph.add("Sub", value, run.parameters("mean")), run.parameters("scale"))


def _values(graph: _Graph, run: ColumnRun, features: str, width: int) -> str:
    """The columns of a run from features, of which there are `width`."""
    value = graph.columns(features, run.first_feature, run.features, width)
    first = run.columns[0]
    if first.transform == Transform.circle:
        angle = _angle(graph, graph.columns(value, 0, 1), graph.columns(value, 1, 1))
        return graph.add("Add", angle, run.parameters("mean"))
    value = graph.add("Add", graph.add("Mul", value, run.parameters("scale")), run.parameters("mean"))
    if first.knots is not None:
        return _interpolated(graph, value, first.knots[::-1])
    return _powers(graph, value, run) if run.is_log.any() else value


def _logarithms(graph: _Graph, value: str, run: ColumnRun) -> str:
    """log10 of the columns that have one."""
    argument = value
    if run.is_shifted:
        argument = graph.add("Add", graph.add("Mul", value, run.parameters("factor")), run.parameters("offset"))
    natural = graph.add("Log", graph.add("Max", argument, np.asarray(SMALLEST)))
    logarithm = graph.add("Mul", natural, np.asarray(1 / np.log(10), np.float32))
    return graph.add("Where", run.is_log, logarithm, value)


def _powers(graph: _Graph, value: str, run: ColumnRun) -> str:
    """The reverse."""
    power = graph.add("Pow", np.asarray(10, np.float32), value)
    if run.is_shifted:
        power = graph.add("Div", graph.add("Sub", power, run.parameters("offset")), run.parameters("factor"))
    return graph.add("Where", run.is_log, power, value)


def _interpolated(graph: _Graph, value: str, knots: tuple[np.ndarray, np.ndarray]) -> str:
    """The piecewise linear map through knots; `value` has shape (objects, 1).

    The last knot that is not above a value is found by bisection, so that memory does not grow with the knots.
    """
    left = knots[0][:-1]
    size = 2 ** max(1, (len(left) - 1).bit_length())
    padded = np.concatenate([left, np.full(size - len(left), np.inf, np.float32)])
    place = ""
    step = size // 2
    while step:
        candidate = graph.add("Add", place, np.asarray(step)) if place else ""
        knot = graph.add("Gather", padded, candidate) if candidate else padded[step : step + 1]
        is_beyond = graph.add("Cast", graph.add("GreaterOrEqual", value, knot), to=TensorProto.INT64)
        taken = graph.add("Mul", is_beyond, np.asarray(step))
        place = graph.add("Add", place, taken) if place else taken
        step //= 2
    place = graph.add("Min", place, np.asarray(len(left) - 1))
    beyond = graph.add("Sub", value, graph.add("Gather", left, place))
    rise = graph.add("Mul", beyond, graph.add("Gather", slopes(knots), place))
    return graph.add("Add", graph.add("Gather", knots[1][:-1], place), rise)


def _angle(graph: _Graph, x: str, y: str) -> str:
    """The angle of the point (x, y), from -pi to pi, and 0 at the origin: there is no such operator."""
    zero, half_turn = np.asarray(0, np.float32), np.asarray(np.pi, np.float32)
    steepness = graph.add("Atan", graph.add("Div", graph.add("Abs", y), graph.add("Abs", x)))
    steepness = graph.add("Where", graph.add("Equal", y, zero), zero, steepness)
    angle = graph.add("Where", graph.add("Less", x, zero), graph.add("Sub", half_turn, steepness), steepness)
    return graph.add("Where", graph.add("Less", y, zero), graph.add("Neg", angle), angle)


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

    def columns(self, value: str, first: int, count: int, width: int = 0) -> str:
        """Some columns of a value; all of them where its width is known and that is what they are."""
        if count == width:
            return value
        return self.add("Slice", value, np.array([first]), np.array([first + count]), np.array([1]))

    def join(self, values: list[str]) -> str:
        """Values side by side."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=1)

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
