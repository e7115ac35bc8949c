"""What a report of a training tells, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aeplugin._core import Model
from aeplugin.plots.plot import known
from aeplugin.recipe import Recipe
from aeplugin.recipe_training import Selection
from aeplugin.selection import Cut

EVENTS = "events"
"""What the network for whole events is called, beside collections."""


@dataclass(frozen=True)
class Trained:
    """A network, and how it was trained.

    Attributes:
        name: the collection, or `EVENTS`.
        told: its training, as the model file has it.
        settings: what the recipe says about it.
        seconds: of each epoch, also of those before the training was resumed; empty where that is not known.
        resumed_after: how many epochs were there already; 0 where it began from the beginning.
    """

    name: str
    told: Mapping[str, Any]
    settings: Mapping[str, Any]
    seconds: tuple[float, ...]
    resumed_after: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: what the model file says, and the rest beside it."""
        own = {"settings": self.settings, "seconds": self.seconds, "resumed_after": self.resumed_after}
        return {**self.told, **own}


@dataclass(frozen=True)
class TrainingFacts:
    """All that a report of a training tells.

    Attributes:
        recipe: resolved.
        model: the trained networks of collections; None where there is only one for whole events.
        collections: one for each network of the model.
        events: the network for whole events, if there is one.
        versions: what it was trained with, by name.
        inputs: names of the files.
        device: in words.
        seconds: that this run took; epochs before it was resumed are not in it.
        cut_flow: of the selection; empty where there is none.
    """

    recipe: Recipe
    model: Model | None
    collections: Sequence[Trained]
    events: Trained | None
    versions: Mapping[str, str]
    inputs: Sequence[str]
    device: str
    seconds: float
    cut_flow: Sequence[Cut] = ()

    @property
    def density(self) -> Mapping[str, Any] | None:
        """What the model tells of its density; None where it has none."""
        about: dict[str, Any] = {} if self.model is None else told_by(self.model)
        return about.get("density")

    @property
    def networks(self) -> list[Trained]:
        """All of them."""
        return [*self.collections, *([self.events] if self.events else [])]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data for JSON; None for numbers that are not finite."""
        content: dict[str, Any] = {
            **self.versions,
            "inputs": list(self.inputs),
            "device": self.device,
            "seconds": self.seconds,
            "training": self.recipe.training.model_dump(mode="json"),
            "collections": {trained.name: trained.to_dict() for trained in self.collections},
        }
        if self.events is not None:
            content["events"] = self.events.to_dict()
        if self.density is not None:
            content["density"] = self.density
        if self.cut_flow:
            content["cut_flow"] = [cut._asdict() for cut in self.cut_flow]
        plain: dict[str, Any] = _finite(content)
        return plain


def has_selection(recipe: Recipe) -> bool:
    """Whether training leaves out anything on purpose."""
    return recipe.training.selection != Selection()


def told_by(model: Model) -> dict[str, Any]:
    """What a model file that was just made says about its training."""
    content: dict[str, Any] = json.loads(model.training)
    return content


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return known(content) if isinstance(content, float) else content
