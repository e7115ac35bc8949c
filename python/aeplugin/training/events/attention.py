"""A set transformer: objects look at each other, whatever their order (J. Lee et al., arXiv:1810.00825).

Self-attention blocks over the objects of an event, then pooling by attention with learned seeds. A learned token that
every event has stands among the objects, so that an event without any has something to look at.
"""

from __future__ import annotations

import torch

from aeplugin.recipe_events import EventNetwork
from aeplugin.torch_export import ACTIVATIONS
from aeplugin.training.events.features import Events
from aeplugin.training.events.layout import Layout
from aeplugin.training.events.slots import Decoded, SlotDecoder
from aeplugin.training.latents import Plain

SEEDS = 4
"""Vectors that an event is pooled into."""


class Block(torch.nn.Module):
    """Multi-head attention and a layer for each object, each with a shortcut and layer norm: MAB of the paper."""

    def __init__(self, width: int, settings: EventNetwork) -> None:
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(width, settings.heads, batch_first=True)
        self.after_attention = torch.nn.LayerNorm(width)
        self.layer = torch.nn.Sequential(
            torch.nn.Linear(width, width), ACTIVATIONS[settings.activation](), torch.nn.Linear(width, width)
        )
        self.after_layer = torch.nn.LayerNorm(width)

    def forward(self, looking: torch.Tensor, seen: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Shapes (events, n, width) and (events, m, width); `hidden`, (events, m), says what cannot be seen."""
        found, _ = self.attention(looking, seen, seen, key_padding_mask=hidden, need_weights=False)
        middle = self.after_attention(looking + found)
        result: torch.Tensor = self.after_layer(middle + self.layer(middle))
        return result


class Attention(torch.nn.Module):
    """(object, kind) -> blocks of self-attention -> pooling by attention -> latents -> all slots."""

    def __init__(self, layout: Layout, settings: EventNetwork, spreads: bool) -> None:
        super().__init__()
        self._kinds = len(layout.kinds)
        width = settings.hidden[-1]
        self.embedding = torch.nn.Linear(layout.features + self._kinds, width)
        self.blocks = torch.nn.ModuleList(Block(width, settings) for _ in range(settings.layers))
        self.pooling = Block(width, settings)
        self.token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.seeds = torch.nn.Parameter(torch.randn(1, SEEDS, width) / width**0.5)
        self.codes = torch.nn.Linear(SEEDS * width, settings.latents * (2 if spreads else 1))
        self.decoder = SlotDecoder(layout, settings)

    def encode(self, events: Events) -> torch.Tensor:
        """Latents, and their spreads where there are any, shape (events, latents)."""
        number = len(events.values)
        if not number:  # which torch's attention cannot take
            return events.values.new_zeros(0, self.codes.out_features)
        objects = self.embedding(torch.cat([events.cleared(), events.one_hot(self._kinds)], 2))
        seen = torch.cat([self.token.expand(number, -1, -1), objects], 1)
        hidden = torch.nn.functional.pad(~events.mask, (1, 0))
        for block in self.blocks:
            seen = block(seen, seen, hidden)
        pooled = self.pooling(self.seeds.expand(number, -1, -1), seen, hidden)
        codes: torch.Tensor = self.codes(pooled.flatten(1))
        return codes

    def forward(self, events: Events, penalty: Plain) -> tuple[Decoded, torch.Tensor]:
        """What is decoded, and the penalty of the latents."""
        latents, cost = penalty(self.encode(events))
        return self.decoder(latents), cost
