"""What the training of an autoencoder makes small: how far it decodes, and the penalty of its latents."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from aeplugin._core import ModelColumn
from aeplugin.recipe import Collection
from aeplugin.training.latents import Rate, make_penalty
from aeplugin.training.losses import LOSSES
from aeplugin.training.networks import Autoencoder
from aeplugin.training.trainer import Batch
from aeplugin.training.values import Values

_FLOOR = 1e-3
"""Of the mean size of a variable: what errors of smaller values are relative to."""


class Reconstruction(torch.nn.Module):
    """The objective of an autoencoder: its loss, and the penalty of its latents."""

    def __init__(self, collection: Collection, columns: Sequence[ModelColumn]) -> None:
        super().__init__()
        settings, network = collection.loss, collection.network
        self._loss = settings.kind
        self.penalty = Rate(network.latents, settings.rate) if settings.kind == "rate" else make_penalty(network.latent)
        self.network = Autoencoder(sum(c.features for c in columns), network, self.penalty.spreads)
        # Relative errors are of values, all others of features.
        widths = [1 if self._loss == "relative" else column.features for column in columns]
        weights = torch.tensor([settings.columns.get(column.variable, 1.0) for column in columns])
        self.register_buffer("_weights", weights.repeat_interleave(torch.tensor(widths)), persistent=False)
        self._values = Values(columns) if settings.kind == "relative" else None

    def training_loss(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch and the penalty of its latents."""
        features, _, labels, _ = batch
        latents, penalty = self.penalty(self.network.encode(features, labels))
        return self._distortion(self.network.decode(latents, labels), batch) + penalty

    def validation_loss(self, batch: Batch) -> torch.Tensor:
        """The loss alone; with `rate` the bits of the latents, too, which are part of it."""
        features, _, labels, _ = batch
        latents, penalty = self.penalty(self.network.encode(features, labels))
        loss = self._distortion(self.network.decode(latents, labels), batch)
        return loss + penalty if self._loss == "rate" else loss

    def _distortion(self, decoded: torch.Tensor, batch: Batch) -> torch.Tensor:
        given, sensitivity, _, objects = batch
        weights: torch.Tensor = self._weights
        if self._values is not None:
            losses = self._relative(decoded, given)
        else:
            losses = LOSSES[self._loss](decoded, given, sensitivity)
        per_object = (losses * weights).sum(1) / weights.sum()
        return (per_object * objects).mean()

    def _relative(self, decoded: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """((out - in) / in)^2 in units of the file."""
        assert self._values is not None  # of this loss
        after, before = self._values(decoded), self._values(given)
        floor = _FLOOR * before.abs().mean(0, keepdim=True)
        return ((after - before) / torch.maximum(before.abs(), floor)) ** 2
