"""Values in the units of the file as torch functions of features: with gradients, and on any device."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from aeplugin._core import ModelColumn, Transform


class Value(torch.nn.Module):
    """The value of one column from its features, as `_core.restore` gives it."""

    def __init__(self, column: ModelColumn) -> None:
        super().__init__()
        self._transform = column.transform
        self._mean, self._scale = column.mean, column.scale
        self._factor, self._offset = column.factor, column.offset
        knots = () if column.knots is None else column.knots
        self.register_buffer("_knots", torch.tensor([part.tolist() for part in knots]), persistent=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Of features, shape (..., features of the column); the result (...)."""
        if self._transform == Transform.circle:
            return torch.atan2(features[..., 1], features[..., 0]) + self._mean
        x = features[..., 0] * self._scale + self._mean
        if self._transform == Transform.log10:
            return (10**x - self._offset) / self._factor
        if self._transform == Transform.quantile:
            return self._between_knots(x)
        return x

    def _between_knots(self, x: torch.Tensor) -> torch.Tensor:
        knots: torch.Tensor = self._knots
        values, deviations = knots.to(x.dtype)
        place = torch.bucketize(x.detach(), deviations[1:-1].contiguous(), right=True)
        slope = (values.diff() / deviations.diff())[place]
        return values[place] + (x - deviations[place]) * slope


class Values(torch.nn.Module):
    """The values of all columns: features, shape (objects, features), -> values, shape (objects, columns)."""

    def __init__(self, columns: Sequence[ModelColumn]) -> None:
        super().__init__()
        self._widths = [column.features for column in columns]
        self._values = torch.nn.ModuleList(map(Value, columns))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """See above."""
        parts = features.split(self._widths, dim=1)
        return torch.stack([value(part) for value, part in zip(self._values, parts, strict=True)], dim=1)
