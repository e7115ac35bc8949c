"""Events as zero-padded tensors: slots with an object or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from aeplugin._core import standardise
from aeplugin.errors import InputError
from aeplugin.readers import Objects
from aeplugin.residuals import is_missing
from aeplugin.training.events.layout import INPUTS, Group, Layout
from aeplugin.training.sensitivity import sensitivities

PIECE = 2048
"""Events that go through a network at once where no gradients are needed."""


class Events(NamedTuple):
    """A batch of events.

    Attributes:
        values: features, 0 where there is no object or the object has fewer; float32, shape (events, slots, features).
        mask: whether a slot holds an object; shape (events, slots).
        kinds: of the objects, as indices into `Layout.kinds`; 0 where there is none; uint8, shape (events, slots).
        sensitivity: how many tolerances a value moves when its feature moves by one; shape as `values`.
    """

    values: torch.Tensor
    mask: torch.Tensor
    kinds: torch.Tensor
    sensitivity: torch.Tensor

    def one_hot(self, kinds: int) -> torch.Tensor:
        """For each slot a one at the kind of its object, else zeros; shape (events, slots, kinds)."""
        found = torch.nn.functional.one_hot(self.kinds.long(), kinds).to(self.values.dtype)
        return found * self.mask.unsqueeze(2)

    def pieces(self) -> Iterator[Events]:
        """The same events in smaller batches: what a network holds for each is many times as much."""
        for parts in zip(*(part.split(PIECE) for part in self), strict=True):
            yield Events(*parts)

    def cleared(self) -> torch.Tensor:
        """The values, with zeros where there is no object."""
        return self.values * self.mask.unsqueeze(2)


@dataclass
class Counts:
    """What became of objects.

    Attributes:
        events: how many there were.
        objects: in slots, by group.
        beyond: more than there are slots for, by group.
        unusable: not finite, sentinels, not positive under a logarithm, or of an unknown kind, by group.
    """

    events: int
    objects: dict[str, int]
    beyond: dict[str, int]
    unusable: dict[str, int]

    @staticmethod
    def none(layout: Layout) -> Counts:
        """To add to."""
        return Counts(0, *(dict.fromkeys([group.name for group in layout.groups], 0) for _ in range(3)))

    def add(self, other: Counts) -> None:
        """Of further events."""
        self.events += other.events
        for mine, its in ((self.objects, other.objects), (self.beyond, other.beyond), (self.unusable, other.unusable)):
            for name, number in its.items():
                mine[name] += number


def leading(objects: Objects, most: int) -> Objects:
    """The first objects of each event."""
    return objects.where(_ranks(objects.counts) < most)


def _ranks(counts: np.ndarray) -> np.ndarray:
    """For each object how many of its event come before it."""
    starts = np.cumsum(counts) - counts
    return np.asarray(np.arange(int(counts.sum())) - np.repeat(starts, counts))


def usable(objects: Objects, group: Group, layout: Layout) -> np.ndarray:
    """For each object whether none of its values is missing and its kind is known; shape (objects,)."""
    found = np.ones(len(objects), bool)
    for variable, rule in group.rules.items():
        found &= ~is_missing(objects.columns[variable], rule)
    if layout.label is not None and group.name != INPUTS and layout.labels:
        found &= np.isin(objects.columns[layout.label], layout.labels)
    return found


def in_slots(blocks: Mapping[str, Objects], layout: Layout) -> tuple[Events, dict[str, Objects], Counts]:
    """The tensors of a block of events.

    Args:
        blocks: for each group its objects, of the same events.

    Returns:
        The tensors, the objects that they hold, and what became of all.

    Raises:
        InputError: an event variable has not one value in each event.
    """
    events = len(next(iter(blocks.values())).counts)
    shape = events, layout.slots, layout.features
    values, sensitivity = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    mask, kinds = np.zeros(shape[:2], bool), np.zeros(shape[:2], np.uint8)
    held, counts = {}, Counts.none(layout)
    counts.events = events
    for group in layout.groups:
        objects = blocks[group.name]
        if group.name == INPUTS and (objects.counts != 1).any():
            raise InputError(f"event variables {', '.join(group.rules)}: expected one value in each event")
        features, good = _features(objects, group, layout)
        fits = objects.where(good)
        rank = _ranks(fits.counts)
        stays = rank < group.slots
        chosen = fits.where(stays)
        event = np.repeat(np.arange(events), chosen.counts)
        slot = layout.first(group.name) + rank[stays]
        values[event, slot, : group.features] = features[good][stays]
        matrix = _matrix(chosen, group)
        sensitivity[event, slot, : group.features] = sensitivities(group.columns, group.rules, matrix)
        mask[event, slot] = True
        kinds[event, slot] = _kinds(chosen, group, layout)
        held[group.name] = chosen
        counts.objects[group.name] = len(chosen)
        counts.beyond[group.name] = len(fits) - len(chosen)
        counts.unusable[group.name] = len(objects) - len(fits)
    tensors = (torch.from_numpy(array) for array in (values, mask, kinds, sensitivity))
    return Events(*tensors), held, counts


def _matrix(objects: Objects, group: Group) -> np.ndarray:
    return Objects(objects.counts, {variable: objects.columns[variable] for variable in group.rules}).matrix()


def _features(objects: Objects, group: Group, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Features of objects, and for each object whether the network can represent it."""
    good = usable(objects, group, layout)
    features = np.zeros((len(objects), group.features), np.float32)
    features[good] = standardise(list(group.columns), _matrix(objects.where(good), group))
    finite = np.isfinite(features).all(axis=1)
    return features, good & finite


def _kinds(objects: Objects, group: Group, layout: Layout) -> np.ndarray | int:
    if layout.label is None or group.name == INPUTS:
        return layout.kinds.index(group.name)
    return np.searchsorted(layout.labels, objects.columns[layout.label])
