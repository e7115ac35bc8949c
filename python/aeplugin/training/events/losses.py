"""How far decoded events are from given ones: one number per event. Empty slots cost nothing but their mask.

Losses of values take decoded and given features, shape (events, slots, features), and for each value its weight: 0
where there is none. They are weighted means over the values of an event, so that an event of many objects weighs as
much as any other; 0 for an event without values.
"""

from __future__ import annotations

import torch

from aeplugin.recipe_training import LossKind
from aeplugin.training.events.features import Events
from aeplugin.training.events.slots import Decoded
from aeplugin.training.losses import LOSSES


def weighted_mean(losses: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Over all but the first dimension; 0 where all weights are."""
    total = weights.flatten(1).sum(1)
    # What an empty slot decodes to may be infinite, and inf * 0 is NaN.
    sums = torch.where(weights > 0, losses * weights, 0).flatten(1).sum(1)
    return sums / total.clamp(min=torch.finfo(total.dtype).tiny)


def slot_by_slot(
    kind: LossKind, decoded: torch.Tensor, given: torch.Tensor, sensitivity: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """A loss of `aeplugin.training.losses` of each value with that at the same place; shape (events,)."""
    return weighted_mean(LOSSES[kind](decoded, given, sensitivity), weights)


def slots_filled(decoded: Decoded, events: Events) -> torch.Tensor:
    """Binary cross entropy of the mask, mean over slots, and cross entropy of kinds, mean over objects; (events,)."""
    cost = events.values.new_zeros(len(events.values))
    if decoded.mask is not None:
        wanted = events.mask.to(decoded.mask.dtype)
        crossed = torch.nn.functional.binary_cross_entropy_with_logits(decoded.mask, wanted, reduction="none")
        cost = cost + crossed.mean(1)
    if decoded.kinds is not None:
        wanted = events.kinds.long()
        crossed = torch.nn.functional.cross_entropy(decoded.kinds.transpose(1, 2), wanted, reduction="none")
        cost = cost + weighted_mean(crossed, events.mask.to(crossed.dtype))
    return cost
