"""What the training of an autoencoder of whole events makes small, and how badly it does on each: a score."""

from __future__ import annotations

from typing import cast

import torch

from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe_events import EventNetwork
from aeplugin.recipe_training import LossKind
from aeplugin.training.events.attention import Attention
from aeplugin.training.events.chamfer import chamfer
from aeplugin.training.events.deep_sets import DeepSets
from aeplugin.training.events.dense_network import DenseEvents
from aeplugin.training.events.energy_flow import sliced_mover_distance
from aeplugin.training.events.features import Events
from aeplugin.training.events.layout import Layout
from aeplugin.training.events.losses import slot_by_slot, slots_filled
from aeplugin.training.events.momenta import Momenta
from aeplugin.training.events.per_kind import PerKind
from aeplugin.training.events.slots import Decoded
from aeplugin.training.latents import make_penalty
from aeplugin.training.trainer import Batch

NETWORKS: dict[str, type[DenseEvents] | type[PerKind] | type[DeepSets] | type[Attention]] = {
    "dense": DenseEvents,
    "per-kind": PerKind,
    "deep-sets": DeepSets,
    "attention": Attention,
}


class EventReconstruction(torch.nn.Module):
    """The objective of the autoencoders: the loss of their values and their slots, and the penalty of the latents."""

    def __init__(self, layout: Layout, settings: EventNetwork) -> None:
        """
        Raises:
            RecipeError: the loss weighs kinds that there are not, or needs columns that there are not.
        """
        super().__init__()
        self.penalty = make_penalty(settings.latent)
        self.network = NETWORKS[settings.network](layout, settings, self.penalty.spreads)
        self._loss, self._mask = settings.loss, settings.mask
        self.register_buffer("_used", layout.used, persistent=False)
        self.register_buffer("_kinds", torch.tensor(_weights(layout, settings)), persistent=False)
        self._momenta = Momenta(layout) if settings.loss == "energy-flow" else None

    def training_loss(self, batch: Batch) -> torch.Tensor:
        """Mean over the events, and the penalty."""
        losses, penalty, _ = self._run(Events(*batch))
        return losses.mean() + penalty

    def validation_loss(self, batch: Batch) -> torch.Tensor:
        """Mean over the events."""
        return torch.cat([self.scores(piece) for piece in Events(*batch).pieces()]).mean()

    def scores(self, events: Events) -> torch.Tensor:
        """The loss of each event, shape (events,)."""
        return self._run(events)[0]

    def decode(self, events: Events) -> Decoded:
        """What becomes of events."""
        return self._run(events)[2]

    def _run(self, events: Events) -> tuple[torch.Tensor, torch.Tensor, Decoded]:
        decoded, penalty = self.network(events, self.penalty)
        return self.losses(decoded, events), penalty, decoded

    def losses(self, decoded: Decoded, events: Events) -> torch.Tensor:
        """How far decoded events are from given ones, shape (events,)."""
        of_kinds: torch.Tensor = self._kinds
        used: torch.Tensor = self._used
        objects = of_kinds.to(events.values.dtype)[events.kinds.long()] * events.mask
        weights = objects.unsqueeze(2) * used
        given, values = events.values, decoded.values
        if self._loss == "chamfer":
            found = chamfer(values, given, weights, events.kinds)
        elif self._momenta is not None:
            flow = sliced_mover_distance(self._momenta(values, objects), self._momenta(given, objects))
            found = flow + slot_by_slot("mse", values, given, events.sensitivity, weights * self._momenta.others)
        else:
            found = slot_by_slot(cast(LossKind, self._loss), values, given, events.sensitivity, weights)
        return found + self._mask * slots_filled(decoded, events)


def _weights(layout: Layout, settings: EventNetwork) -> list[float]:
    given = {str(kind): weight for kind, weight in settings.weights.items()}
    for kind in given:
        if kind not in layout.kinds:
            raise RecipeError(
                f"events: 'weights' names the kind {kind!r}, which there is not{nearest(kind, layout.kinds)}"
            )
    return [given.get(kind, 1.0) for kind in layout.kinds]
