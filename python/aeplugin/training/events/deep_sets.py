"""Deep sets: an encoder that the order of objects means nothing to (M. Zaheer et al., arXiv:1703.06114).

phi sees each object with its kind; what it gives is pooled over the objects of each kind, as sum and as mean; rho sees
the pools and the numbers of objects. The decoder is fully connected: it fills the slots in the order of the file.
"""

from __future__ import annotations

import torch

from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.features import Events
from aeplugin.training.events.layout import Layout
from aeplugin.training.events.slots import Decoded, SlotDecoder
from aeplugin.training.latents import Plain
from aeplugin.training.networks import dense


class DeepSets(torch.nn.Module):
    """phi(object, kind) -> sum and mean per kind -> rho -> latents -> all slots."""

    def __init__(self, layout: Layout, settings: EventNetwork, spreads: bool) -> None:
        super().__init__()
        self._kinds = len(layout.kinds)
        width = settings.hidden[-1]
        self.phi = dense([layout.features + self._kinds, *settings.hidden, width], settings.activation, settings.norm)
        pooled = self._kinds * (2 * width + 1)
        widths = [pooled, *settings.hidden, settings.latents * (2 if spreads else 1)]
        self.rho = dense(widths, settings.activation, settings.norm)
        self.decoder = SlotDecoder(layout, settings)

    def encode(self, events: Events) -> torch.Tensor:
        """Latents, and their spreads where there are any, shape (events, latents)."""
        kinds = events.one_hot(self._kinds)
        seen = self.phi(torch.cat([events.cleared(), kinds], 2))
        numbers = kinds.sum(1)  # (events, kinds)
        sums = torch.einsum("esk,esw->ekw", kinds, seen)
        means = sums / numbers.clamp(min=1).unsqueeze(2)
        codes: torch.Tensor = self.rho(torch.cat([sums.flatten(1), means.flatten(1), numbers], 1))
        return codes

    def forward(self, events: Events, penalty: Plain) -> tuple[Decoded, torch.Tensor]:
        """What is decoded, and the penalty of the latents."""
        latents, cost = penalty(self.encode(events))
        return self.decoder(latents), cost
