"""The output of a network: what every slot holds, in one vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.layout import Layout
from aeplugin.training.networks import dense


@dataclass(frozen=True)
class Decoded:
    """What a network says of events.

    Attributes:
        values: features, shape (events, slots, features); anything where there is no object.
        mask: logits of slots holding an object, shape (events, slots); None of a network that is told.
        kinds: logits of their kinds, shape (events, slots, kinds); None where the slot, or the network, is told them.
    """

    values: torch.Tensor
    mask: torch.Tensor | None = None
    kinds: torch.Tensor | None = None


class SlotDecoder(torch.nn.Module):
    """Latents -> hidden layers -> all slots, fully connected."""

    def __init__(self, layout: Layout, settings: EventNetwork) -> None:
        super().__init__()
        self._places = layout.places
        self._shape = layout.slots, layout.features
        self._kinds = len(layout.kinds) if layout.label is not None else 0
        outputs = len(self._places) + layout.slots * (1 + self._kinds)
        widths = [settings.latents, *settings.hidden[::-1], outputs]
        self.network = dense(widths, settings.activation, settings.norm)

    def forward(self, latents: torch.Tensor) -> Decoded:
        """Of latents, shape (events, latents)."""
        slots, features = self._shape
        given, mask, kinds = self.network(latents).split([len(self._places), slots, slots * self._kinds], 1)
        values = given.new_zeros(len(given), slots * features)
        values[:, self._places] = given
        shaped = values.view(-1, slots, features)
        return Decoded(shaped, mask, kinds.view(-1, slots, self._kinds) if self._kinds else None)
