"""One half of an autoencoder as a torch module and as TorchScript, built from the model's weights."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np

from aeplugin._core import Activation, CollectionModel, Transform
from aeplugin.export import SMALLEST, ColumnRun, Half, categories, column_runs, slopes

try:
    import torch
except ImportError:
    raise ImportError("the TorchScript export needs torch: pip install 'aeplugin[train]'") from None


ACTIVATIONS: dict[str, type[torch.nn.Module]] = {
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "silu": torch.nn.SiLU,
    "gelu": torch.nn.GELU,
}
"""By their names in recipes and in `aeplugin._core.Activation`."""


class PlainFeatures(torch.nn.Module):
    """Linear and logarithmic columns, shape (objects, columns), -> features of the same shape."""

    def __init__(self, run: ColumnRun) -> None:
        super().__init__()
        self.first, self.end = run.first_column, run.first_column + len(run.columns)
        self.is_log = torch.from_numpy(run.is_log)
        self.mean, self.scale, self.factor, self.offset = _parameters(run)
        self.smallest = float(SMALLEST)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        x = values[:, self.first : self.end]
        logarithm = torch.log10(torch.clamp(x * self.factor + self.offset, min=self.smallest))
        return (torch.where(self.is_log, logarithm, x) - self.mean) / self.scale


class PlainValues(torch.nn.Module):
    """The reverse."""

    def __init__(self, run: ColumnRun) -> None:
        super().__init__()
        self.first, self.end = run.first_feature, run.first_feature + run.features
        self.is_log = torch.from_numpy(run.is_log)
        self.mean, self.scale, self.factor, self.offset = _parameters(run)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        shifted = features[:, self.first : self.end] * self.scale + self.mean
        power = (torch.pow(10.0, shifted) - self.offset) / self.factor
        return torch.where(self.is_log, power, shifted)


class Interpolation(torch.nn.Module):
    """The piecewise linear map through knots; any shape."""

    def __init__(self, knots: tuple[np.ndarray, np.ndarray]) -> None:
        super().__init__()
        self.inner = torch.from_numpy(knots[0][1:-1].copy())
        self.left, self.target = (torch.from_numpy(values[:-1].copy()) for values in knots)
        self.slope = torch.from_numpy(slopes(knots))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        place = torch.bucketize(values.contiguous(), self.inner, right=True)
        return self.target[place] + (values - self.left[place]) * self.slope[place]


class QuantileFeatures(torch.nn.Module):
    """A column of quantiles -> its feature."""

    def __init__(self, run: ColumnRun) -> None:
        super().__init__()
        column = run.columns[0]
        assert column.knots is not None
        self.interpolate = Interpolation(column.knots)
        self.place, self.mean, self.scale = run.first_column, column.mean, column.scale

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return (self.interpolate(values[:, self.place : self.place + 1]) - self.mean) / self.scale


class QuantileValues(torch.nn.Module):
    """The reverse."""

    def __init__(self, run: ColumnRun) -> None:
        super().__init__()
        column = run.columns[0]
        assert column.knots is not None
        self.interpolate = Interpolation(column.knots[::-1])
        self.place, self.mean, self.scale = run.first_feature, column.mean, column.scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.interpolate(features[:, self.place : self.place + 1] * self.scale + self.mean)


class CircleFeatures(torch.nn.Module):
    """A column of angles -> cosine and sine."""

    def __init__(self, run: ColumnRun) -> None:
        super().__init__()
        self.place, self.mean = run.first_column, run.columns[0].mean

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        angle = values[:, self.place : self.place + 1] - self.mean
        return torch.cat([torch.cos(angle), torch.sin(angle)], 1)


class CircleValues(torch.nn.Module):
    """The reverse."""

    def __init__(self, run: ColumnRun) -> None:
        super().__init__()
        self.place, self.mean = run.first_feature, run.columns[0].mean

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        cosine = features[:, self.place : self.place + 1]
        sine = features[:, self.place + 1 : self.place + 2]
        return torch.atan2(sine, cosine) + self.mean


class SideBySide(torch.nn.Module):
    """What several modules make of the same, one beside the other."""

    def __init__(self, parts: list[torch.nn.Module]) -> None:
        super().__init__()
        self.parts = torch.nn.ModuleList(parts)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        results: list[torch.Tensor] = []
        for part in self.parts:
            results.append(part(values))  # noqa: PERF401 - TorchScript unrolls loops over modules, but no comprehensions
        return torch.cat(results, 1)


class Told(torch.nn.Module):
    """Runs a network beside the label, the last column, which passes by.

    Args:
        before: from all columns, or from latents and the label, to the inputs of the network but for the label.
        network: told the categories, if any, after its other inputs.
        after: from the outputs of the network to the results but for the label.
    """

    def __init__(
        self, before: torch.nn.Module, network: torch.nn.Module, after: torch.nn.Module, told: np.ndarray | None
    ) -> None:
        super().__init__()
        self.before, self.network, self.after = before, network, after
        self.categories = torch.from_numpy(np.empty(0, np.float32) if told is None else told)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        label = values[:, -1:]
        inputs = torch.cat([self.before(values), (label == self.categories).to(values.dtype)], 1)
        return torch.cat([self.after(self.network(inputs)), label], 1)


class WithoutLabel(torch.nn.Module):
    """All columns but the last."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values[:, :-1]


def torchscript_bytes(collection: CollectionModel, half: Half) -> bytes:
    """One half of an autoencoder, in the units of the file, as a TorchScript archive."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # Deprecated upstream, and still what C++ code without Python loads.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        script = torch.jit.script(torch_module(collection, half).eval())
        path = Path(folder) / "network.pt"
        script.save(path)
        return path.read_bytes()


def torch_module(collection: CollectionModel, half: Half) -> torch.nn.Module:
    """One half of an autoencoder in the units of the file."""
    network = dense_module(collection, half)
    runs = column_runs(collection.columns)
    has_label = collection.condition != "none"
    before: torch.nn.Module = WithoutLabel() if has_label else torch.nn.Identity()
    after: torch.nn.Module = torch.nn.Identity()
    if half == "encoder":
        before = SideBySide([_part(run, PlainFeatures, QuantileFeatures, CircleFeatures) for run in runs])
    else:
        after = SideBySide([_part(run, PlainValues, QuantileValues, CircleValues) for run in runs])
    if has_label:
        return Told(before, network, after, categories(collection, half))
    return torch.nn.Sequential(before, network, after)


def dense_module(collection: CollectionModel, half: Half) -> torch.nn.Sequential:
    """The layers alone, between features, or the latents without the label, and what they are told of it."""
    modules: list[torch.nn.Module] = []
    for layer in collection.encoder if half == "encoder" else collection.decoder:
        outputs, inputs = layer.weights.shape
        linear = torch.nn.Linear(inputs, outputs)
        linear.weight.data = torch.from_numpy(layer.weights)
        linear.bias.data = torch.from_numpy(layer.biases)
        modules.append(linear)
        if layer.gains is not None and layer.shifts is not None:
            norm = torch.nn.LayerNorm(outputs, eps=1e-5)
            norm.weight.data = torch.from_numpy(layer.gains)
            norm.bias.data = torch.from_numpy(layer.shifts)
            modules.append(norm)
        if layer.activation != Activation.linear:
            modules.append(ACTIVATIONS[layer.activation.name]())
    return torch.nn.Sequential(*modules)


def _part(run: ColumnRun, plain: type, quantile: type, circle: type) -> torch.nn.Module:
    """The module for a run of columns."""
    first = run.columns[0].transform
    kind = circle if first == Transform.circle else quantile if first == Transform.quantile else plain
    module: torch.nn.Module = kind(run)
    return module


def _parameters(run: ColumnRun) -> tuple[torch.Tensor, ...]:
    """Mean, scale, factor and offset of its columns."""
    return tuple(torch.from_numpy(run.parameters(name)) for name in ("mean", "scale", "factor", "offset"))
