"""A fully connected autoencoder of whole events: all slots side by side, and which of them hold an object."""

from __future__ import annotations

import torch

from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.features import Events
from aeplugin.training.events.layout import Layout
from aeplugin.training.events.slots import Decoded, SlotDecoder
from aeplugin.training.latents import Plain
from aeplugin.training.networks import dense


class DenseEvents(torch.nn.Module):
    """(values, mask, kinds where there is a label) -> hidden -> latents -> hidden -> the same."""

    def __init__(self, layout: Layout, settings: EventNetwork, spreads: bool) -> None:
        """
        Args:
            spreads: whether the encoder gives a second number for each latent.
        """
        super().__init__()
        self._places = layout.places
        self._kinds = len(layout.kinds) if layout.label is not None else 0
        inputs = len(self._places) + layout.slots * (1 + self._kinds)
        widths = [inputs, *settings.hidden, settings.latents * (2 if spreads else 1)]
        self.encoder = dense(widths, settings.activation, settings.norm)
        self.decoder = SlotDecoder(layout, settings)

    def encode(self, events: Events) -> torch.Tensor:
        """Latents, and their spreads where there are any, shape (events, latents)."""
        parts = [events.cleared().flatten(1)[:, self._places], events.mask.to(events.values.dtype)]
        if self._kinds:
            parts.append(events.one_hot(self._kinds).flatten(1))
        codes: torch.Tensor = self.encoder(torch.cat(parts, 1))
        return codes

    def forward(self, events: Events, penalty: Plain) -> tuple[Decoded, torch.Tensor]:
        """What is decoded, and the penalty of the latents."""
        latents, cost = penalty(self.encode(events))
        return self.decoder(latents), cost
