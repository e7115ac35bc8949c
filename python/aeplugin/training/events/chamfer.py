"""The Chamfer distance: each object to the nearest of its kind on the other side (H. Fan et al., arXiv:1612.00603)."""

from __future__ import annotations

import torch


def chamfer(decoded: torch.Tensor, given: torch.Tensor, weights: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    """sum over given of min over decoded of d^2, and the other way round, over twice the weight; shape (events,).

    d^2 is the sum of squared differences of features. Where every decoded object is nearest to its own given one, this
    is the mean squared error, weighted. The order of objects means nothing.

    Args:
        decoded, given: features, shape (events, slots, features), 0 where an object has fewer.
        weights: of values, 0 where there are none; shape as `given`, the same for all values of an object.
        kinds: of objects, shape (events, slots); distances between different ones do not count.
    """
    objects = weights.amax(2)
    there = objects > 0
    # Before any arithmetic: an empty slot may hold anything.
    mine = torch.where(weights > 0, decoded, 0)
    its = torch.where(weights > 0, given, 0)
    distances = ((its.unsqueeze(2) - mine.unsqueeze(1)) ** 2).sum(3)
    same = (kinds.unsqueeze(2) == kinds.unsqueeze(1)) & there.unsqueeze(2) & there.unsqueeze(1)
    infinite = torch.where(same, distances, torch.inf)
    nearest = torch.where(there, infinite.amin(2), 0) + torch.where(there, infinite.amin(1), 0)
    total = weights.flatten(1).sum(1).clamp(min=torch.finfo(weights.dtype).tiny)
    return (nearest * objects).sum(1) / (2 * total)
