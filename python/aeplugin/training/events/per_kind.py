"""A small fully connected autoencoder for each kind of object, as 4 -> 3, shared by all slots of the kind.

Objects are coded one by one: how many there are, and of which kind, is no part of the code but told to the decoder.
"""

from __future__ import annotations

import torch

from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.features import Events
from aeplugin.training.events.layout import Layout
from aeplugin.training.events.slots import Decoded
from aeplugin.training.latents import Plain
from aeplugin.training.networks import dense


class PerKind(torch.nn.Module):
    """One autoencoder per kind, with the latents of the recipe, but fewer than the kind has features."""

    def __init__(self, layout: Layout, settings: EventNetwork, spreads: bool) -> None:
        super().__init__()
        features = {group.name: group.features for group in layout.groups}
        objects = layout.groups[0].features
        self._features = [features.get(kind, objects) for kind in layout.kinds]
        self.encoders, self.decoders = torch.nn.ModuleList(), torch.nn.ModuleList()
        for size in self._features:
            latents = min(settings.latents, max(size - 1, 1))
            widths = [size, *settings.hidden, latents * (2 if spreads else 1)]
            self.encoders.append(dense(widths, settings.activation, settings.norm))
            self.decoders.append(dense([latents, *settings.hidden[::-1], size], settings.activation, settings.norm))

    def forward(self, events: Events, penalty: Plain) -> tuple[Decoded, torch.Tensor]:
        """What is decoded, and the mean penalty over objects of the latents of the kinds."""
        decoded = torch.zeros_like(events.values)
        cost = events.values.new_zeros(())
        objects = events.mask.sum().clamp(min=1)
        for kind, (encoder, decoder) in enumerate(zip(self.encoders, self.decoders, strict=True)):
            chosen = events.mask & (events.kinds == kind)
            given = events.values[chosen]
            if not len(given):
                continue
            latents, own = penalty(encoder(given[:, : self._features[kind]]))
            found = decoder(latents)
            decoded[chosen] = torch.nn.functional.pad(found, (0, given.shape[1] - found.shape[1])).to(decoded.dtype)
            cost = cost + own * len(given) / objects
        return Decoded(decoded), cost
