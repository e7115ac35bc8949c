"""What plots and reports are made of: which files, which recipe, which looks; and what each topic gets of it."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from aeplugin._core import Model
from aeplugin.compressed import CompressedFile
from aeplugin.errors import InputError, RecipeError, nearest
from aeplugin.files import codecs_of, is_compressed, recipe_of
from aeplugin.plots import naming
from aeplugin.plots.drawing import style, wording
from aeplugin.plots.filling import Study, study
from aeplugin.plots.pairs import Group, Pair, groups_of, plain_name
from aeplugin.readers import EVENTS_PER_STEP
from aeplugin.recipe import Plots, Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.remote import base_name

_log = logging.getLogger(__name__)
Progress = Callable[[str, float], None]
"""Told what is being done, and the fraction of all work that is done."""


@dataclass(frozen=True)
class Inputs:
    """What to make plots of.

    Attributes:
        pairs: original and reconstructed file of each data set; the first is drawn in full.
        recipe: a recipe, the path of one, or the name of a shipped one; None for the one inside either file.
        model: a model file, for latents and scores; None for the first inside a compressed file, if any.
        compare: other compressed files of the first original, to compare codecs and tolerances.
        benchmark: what tests/benchmarks/compressing.py wrote: sizes and speeds of peers.
        signals: names of the data sets that are signal, for ROC curves.
        network: what file names and labels call the model; "autoencoder" becomes ``ae-4-200-200-20-3``, or ``plain``
            for what is of that codec.
        looks: values that replace those of the recipe's `plots`, by their keys there.
        date: for the file names; default today. A text must be YYYY-MM-DD.
        worst: how many of the worst objects and events to list.
        step: events per block.
    """

    pairs: Sequence[tuple[str | Path, str | Path]]
    recipe: Recipe | str | Path | None = None
    model: str | Path | None = None
    compare: Sequence[str | Path] = ()
    benchmark: str | Path | None = None
    signals: Sequence[str] = ()
    network: str = "autoencoder"
    looks: dict[str, object] = field(default_factory=dict)
    date: datetime.date | str | None = None
    worst: int = 10
    step: int = EVENTS_PER_STEP


@dataclass(frozen=True)
class Context:
    """`Inputs` that were opened and fit together: what the topics work with.

    Attributes:
        recipe: with globs resolved for the first original, and the looks that were asked for.
        pairs: the data sets.
        groups: what may move in the first data set.
        named: what file names call the network; see `Inputs`, as for the rest.
        compressed: the compressed files of the first original: the reconstructed one if it is, then `compare`.
    """

    recipe: Recipe
    pairs: tuple[Pair, ...]
    groups: tuple[Group, ...]
    compressed: tuple[str | Path, ...]
    model_path: str | Path | None
    benchmark: Path | None
    signals: tuple[str, ...]
    named: str
    worst: int
    date: datetime.date | str | None

    @property
    def networks(self) -> str:
        """What file names call the models of all groups together: that of the first that has a network."""
        names = [group.network for group in self.groups]
        return next((name for name in names if name != "plain"), "plain")

    @property
    def pair(self) -> Pair:
        """The data set that is drawn in full."""
        return self.pairs[0]

    @property
    def look(self) -> style.Look:
        plots = self.recipe.plots
        return style.Look(plots.style, plots.text, plots.energy, plots.luminosity)

    @cached_property
    def model(self) -> Model | None:
        """The model, with networks: the one given, else the first inside a compressed file; None without."""
        if self.model_path is not None:
            return Model.from_file(str(self.model_path))
        for path in self.compressed:
            with CompressedFile(path) as file:
                model = file.model
            if model is not None and model.collections:
                return model
        return None

    @cached_property
    def studies(self) -> list[Study]:
        """What the groups of the first data set look like; those without objects are left out with a message.

        Raises:
            InputError: the files differ in their events, or there are no objects at all.
        """
        studies = study(self.pair, self.groups)
        drawn = [found.group.name for found in studies]
        for group in self.groups:
            if group.name not in drawn:
                _log.warning("%s: not drawn, the collection has no objects", group.name)
        if not studies:
            names = ", ".join(repr(group.name) for group in self.groups)
            raise InputError(f"{self.pair.original}: no objects in {names}, so there is nothing to plot")
        return studies

    def caption(self, group: Group) -> style.Caption:
        """What is written on the plots of a group."""
        objects = "Events" if group.single else wording.plural(group.name)
        return style.Caption(self.look, objects, f"{self.pair.name}, {group.network}", self.pair.weight is not None)

    def collection_network(self, name: str | None) -> str:
        """What file names call the model of the collection `name`; of what is outside of collections for None."""
        if name is None or name not in self.recipe.collections:
            return "plain" if self.named == "autoencoder" else self.named
        return naming.network_name(self.recipe.collections[name], self.named)


def open_inputs(inputs: Inputs, on_events: Callable[[int], None] = lambda events: None) -> Context:
    """Open what is given, and see that it fits together.

    Args:
        on_events: told after each block of events that is read how many they are.

    Raises:
        InputError: a file cannot be read, or names of data sets are unknown.
        RecipeError: the recipe is missing or wrong, or does not fit the files.
    """
    if not inputs.pairs:
        raise InputError("no files; expected an original and a reconstructed file")
    original, reconstructed = inputs.pairs[0]
    recipe = _recipe(inputs)
    resolved = recipe.resolve(schema_of(original, recipe.tree)[1], str(original))
    collections = {
        name: collection.model_copy(update={"codec": codec})
        for name, codec in codecs_of(reconstructed).items()
        if (collection := resolved.collections.get(name)) is not None
    }
    plots = Plots.model_validate(resolved.plots.model_dump() | inputs.looks)
    resolved = resolved.model_copy(update={"collections": resolved.collections | collections, "plots": plots})
    pairs = tuple(
        Pair(name, *paths, recipe.tree, plots.weight, inputs.step, on_events)
        for name, paths in zip(_names(inputs.pairs), inputs.pairs, strict=True)
    )
    known = [pair.name for pair in pairs]
    for signal in inputs.signals:
        if signal not in known:
            raise InputError(f"signal: no data set {signal!r}{nearest(signal, known)}")
    inside = [reconstructed] if is_compressed(reconstructed) else []
    context = Context(
        recipe=resolved,
        pairs=pairs,
        groups=(),
        compressed=(*inside, *inputs.compare),
        model_path=inputs.model,
        benchmark=None if inputs.benchmark is None else Path(inputs.benchmark),
        signals=tuple(inputs.signals),
        named=inputs.network,
        worst=inputs.worst,
        date=inputs.date,
    )
    return replace(context, groups=tuple(groups_of(resolved, pairs[0], context.collection_network)))


def _recipe(inputs: Inputs) -> Recipe:
    if isinstance(inputs.recipe, Recipe):
        return inputs.recipe
    if inputs.recipe is not None:
        return Recipe.from_file(inputs.recipe)
    original, reconstructed = inputs.pairs[0]
    recipe = recipe_of(reconstructed) or recipe_of(original)
    if recipe is None:
        raise RecipeError(f"{reconstructed}: there is no recipe inside; give one with --recipe")
    return recipe


def _names(pairs: Sequence[tuple[str | Path, str | Path]]) -> list[str]:
    """Names of data sets: those of the originals without suffix, numbered where they are the same."""
    names: list[str] = []
    stems = [base_name(original).split(".")[0] for original, _ in pairs]
    for stem in stems:
        name, number = stem if stems.count(stem) == 1 else f"{stem}-1", 1
        while plain_name(name) in map(plain_name, names):
            number += 1
            name = f"{stem}-{number}"
        names.append(name)
    return names
