"""The momenta of decoded objects in the units of the file, as torch functions that have gradients."""

from __future__ import annotations

import torch

from aeplugin._core import ModelColumn
from aeplugin.errors import RecipeError
from aeplugin.training.events.layout import INPUTS, Layout
from aeplugin.training.values import Value

MOMENTUM = ("pt", "eta", "phi")
_FARTHEST = 20.0
"""Deviations beyond which a decoded value stays where it is: 10^(x) of the weights of a first step may overflow."""


class Momenta(torch.nn.Module):
    """pt, eta and phi of the objects in slots.

    Attributes:
        others: for each slot and feature 1 where it is none of them, so that another loss has to mind it.
    """

    def __init__(self, layout: Layout) -> None:
        """
        Raises:
            RecipeError: no collection has all three.
        """
        super().__init__()
        self._slots: list[slice] = []
        self._features: list[list[slice]] = []
        self._values = torch.nn.ModuleList()
        others = torch.ones(layout.slots, layout.features)
        for group in layout.groups:
            places = _places(group.columns)
            if group.name == INPUTS or not set(MOMENTUM) <= places.keys():
                continue
            first = layout.first(group.name)
            self._slots.append(slice(first, first + group.slots))
            self._features.append([places[variable] for variable in MOMENTUM])
            columns = {column.variable: column for column in group.columns}
            self._values.append(torch.nn.ModuleList(Value(columns[variable]) for variable in MOMENTUM))
            for place in self._features[-1]:
                others[self._slots[-1], place] = 0
        if not self._slots:
            raise RecipeError(
                "events: the loss energy-flow needs a collection that has tolerances for the variables pt, eta and phi"
            )
        self.register_buffer("others", others, persistent=False)

    def forward(self, values: torch.Tensor, objects: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of features, shape (events, slots, features); `objects` are their weights, 0 where there is none."""
        found = []
        for slots, places, restore in zip(self._slots, self._features, self._values, strict=True):
            part, weight = values[:, slots].clamp(-_FARTHEST, _FARTHEST), objects[:, slots]
            pt, eta, phi = (each(part[:, :, place]) for each, place in zip(restore, places, strict=True))
            # What an empty slot decodes to may be anything, and is nowhere.
            found.append([torch.where(weight > 0, each, 0) for each in (pt.clamp(min=0) * weight, eta, phi)])
        pt, eta, phi = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        return pt, eta, phi


def _places(columns: tuple[ModelColumn, ...]) -> dict[str, slice]:
    """For each variable its features."""
    found, first = {}, 0
    for column in columns:
        found[column.variable] = slice(first, first + column.features)
        first += column.features
    return found
