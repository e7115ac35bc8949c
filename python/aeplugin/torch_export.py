"""One half of an autoencoder as a torch module and as TorchScript, built from the model's weights."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from aeplugin._core import Activation, CollectionModel
from aeplugin.export import SMALLEST, Half, normalisation

try:
    import torch
except ImportError:
    raise ImportError("the TorchScript export needs torch: pip install 'aeplugin[train]'") from None


class Normalise(torch.nn.Module):
    """Columns in the units of the file -> standardised columns."""

    def __init__(self, collection: CollectionModel) -> None:
        super().__init__()
        self.is_log, self.mean, self.scale = (torch.from_numpy(array) for array in normalisation(collection))
        self.smallest = float(SMALLEST)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        logarithm = torch.log10(torch.clamp(values, min=self.smallest))
        return (torch.where(self.is_log, logarithm, values) - self.mean) / self.scale


class Denormalise(torch.nn.Module):
    """Standardised columns -> columns in the units of the file."""

    def __init__(self, collection: CollectionModel) -> None:
        super().__init__()
        self.is_log, self.mean, self.scale = (torch.from_numpy(array) for array in normalisation(collection))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        shifted = values * self.scale + self.mean
        return torch.where(self.is_log, torch.pow(10.0, shifted), shifted)


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
    dense = dense_module(collection, half)
    if half == "encoder":
        return torch.nn.Sequential(Normalise(collection), dense)
    return torch.nn.Sequential(dense, Denormalise(collection))


def dense_module(collection: CollectionModel, half: Half) -> torch.nn.Sequential:
    """The layers alone, between standardised columns and latents."""
    modules: list[torch.nn.Module] = []
    for layer in collection.encoder if half == "encoder" else collection.decoder:
        outputs, inputs = layer.weights.shape
        linear = torch.nn.Linear(inputs, outputs)
        linear.weight.data = torch.from_numpy(layer.weights)
        linear.bias.data = torch.from_numpy(layer.biases)
        modules.append(linear)
        if layer.activation == Activation.tanh:
            modules.append(torch.nn.Tanh())
    return torch.nn.Sequential(*modules)
