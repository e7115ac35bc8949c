"""The network of one variable, and what its training makes small: the bits that the variable takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from aeplugin._core import Activation, Layer
from aeplugin.training.density.context import Context
from aeplugin.training.density.shapes import Shape
from aeplugin.training.density.slices import SliceDensity
from aeplugin.training.networks import dense
from aeplugin.training.trainer import Batch

INPUT_LIMIT = 16.0
_FIRST_STEEPNESS = 0.7
"""At first the logistic is about as wide as all values are."""
_SMALL = 0.3
"""Of the usual size of the first weights: at first all events have nearly the same density."""


@dataclass(frozen=True)
class Scaling:
    """How raw features become inputs: raw * factor + offset, within limits; 0 for what is not there (NaN).

    Attributes:
        factor, offset: float32, shape (features,).
    """

    factor: np.ndarray
    offset: np.ndarray

    @staticmethod
    def standard(raw: np.ndarray) -> Scaling:
        """To mean 0 and deviation 1 of what is there; raw float32, shape (rows, features)."""
        there = np.isfinite(raw)
        number = np.maximum(there.sum(0), 1)
        values = np.where(there, raw, 0).astype(np.float64)
        mean = values.sum(0) / number
        deviation = np.sqrt(np.where(there, (values - mean) ** 2, 0).sum(0) / number)
        factor = 1 / np.where(deviation > 1e-6 * (1 + np.abs(mean)), deviation, 1)
        return Scaling(factor.astype(np.float32), (-mean * factor).astype(np.float32))

    def inputs(self, raw: np.ndarray) -> np.ndarray:
        """float32, shape (rows, features)."""
        scaled = np.clip(raw * self.factor + self.offset, -INPUT_LIMIT, INPUT_LIMIT)
        return np.where(np.isnan(scaled), np.float32(0), scaled)


class Conditional(torch.nn.Module):
    """The density of a variable, given its features; batches are (inputs, categories, places, limits)."""

    def __init__(self, features: int, width: int, slices: int, shape: Shape) -> None:
        super().__init__()
        self.density = SliceDensity(shape, slices)
        self.network = dense([features, width, width, self.density.outputs], "relu")
        last = self.network[-1]
        with torch.no_grad():
            last.weight *= _SMALL
            last.bias.zero_()
            if shape.range:
                last.bias[shape.categories + 1] = _FIRST_STEEPNESS

    def start_from(self, category: torch.Tensor) -> None:
        """Let all categories have about the probabilities at first that they have in the data."""
        number = self.density.categories
        if number:
            counts = torch.bincount(category[category >= 0], minlength=number)[:number] + 1.0
            with torch.no_grad():
                self.network[-1].bias[:number] = torch.log(counts / counts.sum())

    def batch(self, context: Context, scaling: Scaling) -> Batch:
        """Values with their features."""
        symbols = self.density.symbols(context.residuals, context.limits)
        return torch.from_numpy(scaling.inputs(context.raw)), *symbols

    def bits(self, batch: Batch) -> torch.Tensor:
        """Of each value, shape (values,)."""
        inputs, category, place, limit = batch
        return self.density.bits(self.network(inputs), category, place, limit)

    def training_loss(self, batch: Batch) -> torch.Tensor:
        """Bits per value."""
        return self.bits(batch).mean()

    def validation_loss(self, batch: Batch) -> torch.Tensor:
        """Bits per value."""
        return self.bits(batch).mean()

    def round_to_half(self) -> None:
        """Round weights and biases to half precision, as a model file holds them."""
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(parameter.half().float())

    def layers(self) -> list[Layer]:
        """The network for a model."""
        linear = [layer for layer in self.network if isinstance(layer, torch.nn.Linear)]
        return [
            Layer(
                layer.weight.detach().cpu().numpy(),
                layer.bias.detach().cpu().numpy(),
                Activation.linear if layer is linear[-1] else Activation.relu,
            )
            for layer in linear
        ]
