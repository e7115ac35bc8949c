"""A trained network for whole events: it scores events, and reconstructs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aeplugin._core import restore
from aeplugin.errors import ModelError
from aeplugin.files import iterate_groups
from aeplugin.readers import Objects
from aeplugin.recipe import Recipe
from aeplugin.residuals import within_tolerance
from aeplugin.training.events import model_file
from aeplugin.training.events.features import Counts, Events, in_slots
from aeplugin.training.events.layout import Group, Layout
from aeplugin.training.events.objective import EventReconstruction
from aeplugin.training.trainer import one_thread

Block = Mapping[str, Objects]
"""For each collection, and for the event variables as "event", the objects of the same events."""


@dataclass
class EventModel:
    """The trained network with what it takes to feed it.

    Attributes:
        recipe: resolved.
        layout: the slots, with the normalisation.
        objective: an `EventReconstruction` or an `EventFlow`, in evaluation.
        summary: what is told of the training: plain data.
        counts: what has become of the objects of all blocks so far.
    """

    recipe: Recipe
    layout: Layout
    objective: Any
    summary: dict[str, Any]
    counts: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.counts = Counts.none(self.layout)

    def save(self, path: str | Path) -> None:
        """Write the model; the file appears when it is complete.

        Raises:
            OutputError: it cannot be written.
        """
        content = model_file.Content.of(self.recipe, self.layout, self.summary)
        model_file.save(path, content, self.objective.state_dict())

    @staticmethod
    def load(path: str | Path) -> EventModel:
        """Read a model, perhaps that of a stranger: no code in it runs, and memory is bounded by the file's size.

        Raises:
            InputError: the file cannot be read.
            ModelError: it is no model of events.
            CorruptionError: it is damaged.
            CompatibilityError: it is of a newer version.
        """
        recipe, layout, objective, summary = model_file.load(path)
        return EventModel(recipe, layout, objective, summary)

    def scores(self, source: str | Path, tree: str | None = None) -> Iterator[np.ndarray]:
        """The scores of the events of a file, compressed or not, in blocks: float32, shape (events,).

        The reconstruction loss of each event, or of a flow the bits of the event; larger is stranger.

        Args:
            tree: the TTree or RNTuple of a file that is not compressed; default the recipe's, else the only one.

        Raises:
            InputError, RecipeError, CompatibilityError, CorruptionError: see `aeplugin.files.iterate_groups`.
        """
        for block in self._blocks(source, tree):
            yield self.scores_of(block)

    def scores_of(self, block: Block) -> np.ndarray:
        """The same of events in memory."""
        events, _, counts = in_slots(block, self.layout)
        self.counts.add(counts)
        with torch.inference_mode(), one_thread():
            found = [self.objective.scores(piece) for piece in events.pieces()]
        return np.concatenate([part.numpy() for part in found]).astype(np.float32)

    def reconstruct(self, source: str | Path, tree: str | None = None) -> Iterator[tuple[Block, Block]]:
        """Objects as they are, those that are in slots, and as the network reconstructs them, in blocks.

        Raises:
            ModelError: the network is a flow, which reconstructs nothing.
            InputError, RecipeError, CompatibilityError, CorruptionError: see `scores`.
        """
        for block in self._blocks(source, tree):
            yield self.reconstruct_block(block)

    def reconstruct_block(self, block: Block) -> tuple[Block, Block]:
        """The same of events in memory."""
        if not isinstance(self.objective, EventReconstruction):
            raise ModelError("the network flow gives densities and reconstructs nothing; expected an autoencoder")
        events, held, _ = in_slots(block, self.layout)
        with torch.inference_mode(), one_thread():
            decoded = torch.cat([self.objective.decode(piece).values for piece in events.pieces()])
        return held, {
            group.name: self._objects(group, decoded, events, held[group.name]) for group in self.layout.groups
        }

    def _objects(self, group: Group, decoded: torch.Tensor, events: Events, held: Objects) -> Objects:
        """What is decoded of the slots of a group that hold an object, in the units of the file."""
        first = self.layout.first(group.name)
        places = slice(first, first + group.slots)
        features = decoded[:, places, : group.features][events.mask[:, places]]
        values = restore(list(group.columns), features.numpy())
        return Objects(held.counts, {variable: values[:, i] for i, variable in enumerate(group.rules)})

    def _blocks(self, source: str | Path, tree: str | None) -> Iterator[Block]:
        groups = {group.name: group.files for group in self.layout.groups}
        yield from iterate_groups(source, groups, tree or self.recipe.tree, self.layout.block_events)


class Within:
    """Which fraction of the values is within tolerance, variable by variable, slot by slot."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._good = {group.name: dict.fromkeys(group.rules, 0) for group in layout.groups}
        self._all = {group.name: 0 for group in layout.groups}

    def update(self, before: Block, after: Block) -> None:
        """Add objects and what they are reconstructed as."""
        for group in self._layout.groups:
            old, new = before[group.name], after[group.name]
            self._all[group.name] += len(old)
            for variable, rule in group.rules.items():
                given = old.columns[variable].astype(np.float32, copy=False)
                good = within_tolerance(given, new.columns[variable].astype(np.float32, copy=False), rule)
                self._good[group.name][variable] += int(good.sum())

    def fractions(self) -> dict[str, dict[str, float]]:
        """For each group with objects and each of its variables."""
        return {
            name: {variable: number / self._all[name] for variable, number in found.items()}
            for name, found in self._good.items()
            if self._all[name]
        }
