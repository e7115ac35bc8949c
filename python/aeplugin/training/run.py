"""Train the networks of all collections of a recipe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from aeplugin import __version__
from aeplugin._core import CollectionModel, Model
from aeplugin.errors import InputError, RecipeError
from aeplugin.files import is_compressed
from aeplugin.readers import Objects
from aeplugin.recipe import Collection, Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_resolution import to_rules
from aeplugin.recipe_training import Training
from aeplugin.training.autoencoders import CollectionTraining, EpochReport, label_column
from aeplugin.training.checkpoints import fingerprint
from aeplugin.training.density import DensityReport, DensityTraining
from aeplugin.training.event_blocks import open_files
from aeplugin.training.sources import FileSource, MemorySource
from aeplugin.training.summary import TrainingSummary

MINIMUM_VARIABLES = 2
"""One variable alone has no correlations to learn."""


@dataclass(frozen=True)
class Checkpoints:
    """Where the states of trainings go, a file ``<collection>.checkpoint`` for each.

    Attributes:
        folder: made where it is missing.
        resume: whether to go on from the files that are there.
    """

    folder: Path
    resume: bool = False


def train(
    paths: Sequence[str | Path],
    recipe: Recipe,
    report: EpochReport | None = None,
    checkpoints: Checkpoints | None = None,
    done: Callable[[str, TrainingSummary], None] | None = None,
    report_density: DensityReport | None = None,
) -> Model:
    """Train what a recipe wants on the events of one or more ROOT files: an autoencoder for every collection that may
    use one, and a density of events.

    Autoencoders are for the collections of the codecs `auto` and `autoencoder` with two variables or more that have a
    tolerance, and know these variables only. The recipe is matched with the columns of the first file. Objects that the
    normalisation cannot represent (not finite, a sentinel, or not positive under log10) take no part; the summary
    counts them. Files are read in blocks: they may be larger than memory. The density is for all collections of the
    codecs `auto` and `autoregressive`, where the recipe has a `density` or one of them is `autoregressive`.

    Args:
        report: called after each epoch of an autoencoder.
        checkpoints: to go on after whatever stops the training.
        done: called with each collection that is trained.
        report_density: called after each epoch of the network of a variable of the density.

    Raises:
        InputError: there are too few objects to train on, or a column is constant; see also `CollectionTraining.fit`.
        RecipeError: a file lacks a column of the recipe, or there is nothing to train.
    """
    check_sources(paths)
    resolved = recipe.resolve(schema_of(paths[0], recipe.tree)[1], str(paths[0]))
    trained = networked_collections(resolved)
    if not trained and resolved.wanted_density is None:
        raise RecipeError(
            "recipe: nothing to train: no collection has the codec auto or autoencoder and two variables with a "
            "tolerance, and there is no density; `aeplugin compress` needs no model for this recipe"
        )
    groups = {name: collection.file_columns(name) for name, collection in resolved.collections.items()}
    files = open_files(paths, resolved.tree)
    trainings = {}
    idle: list[set[str]] = []
    for name, collection in trained.items():  # of all before the first fit: what cannot be trained on is told at once
        columns = _columns(name, collection)
        source = FileSource(files, name, columns, resolved.training, groups)
        idle.append(source.idle)
        trainings[name] = CollectionTraining(source, name, collection, resolved.training)
        trainings[name].prepare()
    density = None
    if resolved.wanted_density is not None:
        density = DensityTraining(files, resolved)
        idle.append(density.idle)
    if unused := set.intersection(*idle):
        raise RecipeError(
            f"recipe: training.selection.objects: {min(unused)!r} is about no collection that is trained; expected "
            f"columns of {' or '.join(trained or resolved.collections)}"
        )
    of = fingerprint(resolved, paths)
    folder, resume = (None, False) if checkpoints is None else (checkpoints.folder, checkpoints.resume)
    collections, summaries = [], {}
    for name, training in trainings.items():
        path = None if folder is None else folder / f"{name}.checkpoint"
        model, summary = training.fit(report, path, resume, of)
        collections.append(model)
        summaries[name] = summary.to_dict()
        if done is not None:
            done(name, summary)
    about: dict[str, Any] = {
        "aeplugin": __version__,
        "torch": torch.__version__,
        "inputs": [Path(path).name for path in paths],
        "collections": summaries,
    }
    coded = None
    if density is not None:
        coded = density.fit(report_density, folder, resume, of)
        about["density"] = density.summary.to_dict()
    return Model(resolved.to_text(), to_rules(resolved), json.dumps(about), collections, coded)


def check_sources(paths: Sequence[str | Path]) -> None:
    """Refuse what no network can be trained on, before anything is read.

    Raises:
        InputError: there is no file, or one is compressed.
    """
    if not paths:
        raise InputError("got no files; expected at least one ROOT file to train on")
    for path in paths:
        if is_compressed(path):
            raise InputError(
                f"{path}: a compressed file, whose columns training cannot read; train on the original, or run "
                "aeplugin decompress first"
            )


def train_collection(
    objects: Objects, name: str, collection: Collection, settings: Training, report: EpochReport | None = None
) -> tuple[CollectionModel, TrainingSummary]:
    """Train the autoencoder of one collection in memory, all of whose variables have a tolerance; see `train`."""
    training = CollectionTraining(MemorySource(objects, settings), name, collection, settings)
    training.prepare()
    return training.fit(report)


def networked_collections(resolved: Recipe) -> dict[str, Collection]:
    """The collections of a resolved recipe that get a network, with the variables that it is for.

    Raises:
        RecipeError: a codec asks for a network that there cannot be.
    """
    return {name: networked for name, c in resolved.collections.items() if (networked := _networked(c, name))}


def _networked(collection: Collection, name: str) -> Collection | None:
    """The collection with the variables that a network is for; None where there is to be none.

    Raises:
        RecipeError: the codec asks for a network that there cannot be.
    """
    lossy = collection.lossy_columns()
    if collection.codec == "autoencoder" and len(lossy) < MINIMUM_VARIABLES:
        raise RecipeError(
            f"recipe: collection {name!r} has the codec autoencoder and {len(lossy)} variables with a tolerance; "
            f"expected at least {MINIMUM_VARIABLES}, or the codec plain"
        )
    if collection.codec not in ("auto", "autoencoder") or len(lossy) < MINIMUM_VARIABLES:
        return None
    return collection.model_copy(update={"columns": lossy})


def _columns(name: str, collection: Collection) -> dict[str, str]:
    """For each variable of a network its column in files; labels last."""
    columns = collection.file_columns(name)
    condition = collection.network.condition
    return columns if condition is None else {**columns, condition.label: label_column(name, collection)}
