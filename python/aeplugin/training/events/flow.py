"""The density of whole events: a normalising flow, and the probability of which slots hold an object.

An event is what is in its slots (nothing or an object, with a label its kind) and the features of its objects, so

    p(event) = P(slots) p(features | slots).

P is a product over slots, each a linear softmax of what is in those before it; it is exact, for slots are discrete. The
other factor is a flow, conditional on the slots, over the features of *all* slots, since a flow has a fixed dimension.
Padded features must not be constants: on them a density is infinite, and a flow would spend itself on making it so.
They are independent normal noise n instead, in training; then p(features, n | slots) = p(features | slots) N(n) for the
exact density, and the score divides by N(n) at n = 0. So padding neither adds to a score nor takes from it, and events
of different numbers of objects compare. (This is variational augmentation, C.-W. Huang et al., arXiv:2002.07101.)

Features of real objects are smeared in training by a flat noise of one tolerance to either side (dequantisation,
L. Theis et al., arXiv:1511.01844): what is a function of other features, as E of pt and eta, or rounded, has no density
either. Scores are in bits: -log2 of the density times the volume of the cell that the tolerances span, 2 tolerances a
side. That is what it takes to tell an event to within its tolerances, and it does not depend on how features are
normalised.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch

from aeplugin.errors import RecipeError
from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.features import Events
from aeplugin.training.events.layout import Layout
from aeplugin.training.trainer import Batch

try:
    import zuko
except ImportError:
    raise ImportError("the network flow needs zuko: pip install 'aeplugin[flow]'") from None

BINS = 8
"""Of the splines."""
MAX_WEIGHTS = 1 << 24


class SlotProbability(torch.nn.Module):
    """Which slots hold an object, and of which kind, slot by slot."""

    def __init__(self, slots: int, codes: int) -> None:
        super().__init__()
        self._codes = codes
        self.weight = torch.nn.Parameter(torch.zeros(slots * codes, slots * codes))
        self.bias = torch.nn.Parameter(torch.zeros(slots * codes))
        slot = torch.arange(slots).repeat_interleave(codes)
        self.register_buffer("_before", (slot.unsqueeze(0) < slot.unsqueeze(1)).float(), persistent=False)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """-log P in nats of codes, shape (events, slots); the result (events,)."""
        before: torch.Tensor = self._before
        given = torch.nn.functional.one_hot(codes, self._codes).to(self.weight.dtype).flatten(1)
        logits = torch.nn.functional.linear(given, self.weight * before.to(self.weight.dtype), self.bias)
        shaped = logits.view(len(codes), -1, self._codes).transpose(1, 2)
        return torch.nn.functional.cross_entropy(shaped, codes, reduction="none").sum(1)


class EventFlow(torch.nn.Module):
    """The objective of the density: bits per event."""

    def __init__(self, layout: Layout, settings: EventNetwork) -> None:
        """
        Raises:
            RecipeError: features are on a circle, where there is no density in two dimensions, or weights are too many.
        """
        super().__init__()
        _check(layout, settings)
        self._labelled = layout.label is not None
        self._codes = layout.codes
        self._places = layout.places
        self.slots = SlotProbability(layout.slots, layout.codes)
        shape: dict[str, Any] = {
            "features": len(self._places),
            "context": layout.slots * (layout.codes - 1),
            "transforms": settings.transforms,
            "hidden_features": tuple(settings.hidden),
        }
        self.flow = zuko.flows.NSF(bins=BINS, **shape) if settings.flow == "nsf" else zuko.flows.MAF(**shape)

    def training_loss(self, batch: Batch) -> torch.Tensor:
        """Mean bits of the events, smeared by their tolerances."""
        events = Events(*batch)
        smear = 2 * torch.rand_like(events.values) - 1
        smeared = events._replace(values=events.values + smear / events.sensitivity.clamp(min=_FINEST))
        return self._bits(smeared, torch.randn_like(events.values)).mean()

    def validation_loss(self, batch: Batch) -> torch.Tensor:
        """Mean bits of the events as they are."""
        return torch.cat([self.scores(piece) for piece in Events(*batch).pieces()]).mean()

    def scores(self, events: Events) -> torch.Tensor:
        """The bits of each event, shape (events,)."""
        if not len(events.values):  # which zuko cannot take
            return events.values.new_zeros(0)
        return self._bits(events, torch.zeros_like(events.values))

    def _bits(self, events: Events, padding: torch.Tensor) -> torch.Tensor:
        sensitivity = events.sensitivity.flatten(1)[:, self._places]
        cells = torch.where(self._real(events), (sensitivity / 2).clamp(min=_FINEST).log2(), 0)
        nats = self.slots(self._content(events)) - self.log_density(events, padding)
        return nats / math.log(2) + cells.sum(1)

    def log_density(self, events: Events, padding: torch.Tensor) -> torch.Tensor:
        """log p(features | slots) in nats, of features and where there are none of `padding`; shape (events,)."""
        real = self._real(events)
        noise = padding.flatten(1)[:, self._places]
        features = torch.where(real, events.values.flatten(1)[:, self._places], noise)
        context = torch.nn.functional.one_hot(self._content(events), self._codes)[:, :, 1:].flatten(1)
        together: torch.Tensor = self.flow(context.to(features.dtype)).log_prob(features)
        of_noise = -0.5 * (noise**2 + math.log(2 * math.pi))
        return together - torch.where(real, 0, of_noise).sum(1)

    def _real(self, events: Events) -> torch.Tensor:
        """For each feature of the flow whether it is that of an object; shape (events, features of the flow)."""
        return events.mask.unsqueeze(2).expand_as(events.values).flatten(1)[:, self._places]

    def _content(self, events: Events) -> torch.Tensor:
        """What each slot holds: 0 for nothing, else 1, or with a label 1 + the kind; shape (events, slots)."""
        kinds = events.kinds.long() if self._labelled else torch.zeros_like(events.kinds, dtype=torch.long)
        return torch.where(events.mask, 1 + kinds, 0)


_FINEST = 1e-3
"""The smallest sensitivity: of a feature that a tolerance of its value is far more than."""


def _check(layout: Layout, settings: EventNetwork) -> None:
    for group in layout.groups:
        for column in group.columns:
            if column.features != 1:
                raise RecipeError(
                    f"events: {column.variable!r} of {group.name!r} enters as cosine and sine, which lie on a circle "
                    "and have no density; expected circular: false for the network flow"
                )
    outputs = len(layout.places) * (3 * BINS - 1)
    widths = [len(layout.places) + layout.slots * (layout.codes - 1), *settings.hidden, outputs]
    weights = settings.transforms * sum(a * b for a, b in pairwise(widths))
    if weights > MAX_WEIGHTS:
        raise RecipeError(f"events: a flow of {weights:,} weights; expected at most {MAX_WEIGHTS:,}: lower 'hidden'")
