"""How badly a model's autoencoders reconstruct objects and events: an anomaly score."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import awkward as ak
import numpy as np

from aeplugin import rdf
from aeplugin._core import Autoencoder, CollectionModel, Model, event_scores
from aeplugin.errors import ModelError
from aeplugin.files import iterate_groups
from aeplugin.readers import Objects

TABLE = "scores"
"""Name of the RNTuple with scores."""


def score_objects(autoencoder: Autoencoder, objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Reconstruction errors of objects, and their means for events.

    The error of an object is the mean over its variables of the squared difference between reconstructed and original,
    in the standardised units of the network; NaN where the network cannot represent it. All objects go through the
    network at once, in the C++ core, so that RDataFrame gives the same bits (`aeplugin.rdf.define_scores`).

    Returns:
        Of the objects, float32, shape (objects,), and of the events, float32, shape (events,); 0 for an event without
        objects.
    """
    errors = autoencoder.reconstruction_errors(objects.matrix())
    return errors, event_scores(errors, objects.counts)


def score_file(source: str | Path, model: Model, target: str | Path, tree: str | None = None) -> int:
    """Write the scores of a file, compressed or not, as an RNTuple "scores" with one entry for each of its events.

    Its columns are, for each collection that the model has a network for, ``<collection>_score``, one per object, and
    ``<collection>_event_score``; see `score_objects`. Reads the file in blocks.

    Args:
        tree: the TTree or RNTuple of a file that is not compressed; default the only one.

    Returns:
        The number of events.

    Raises:
        ModelError: the model has no network.
        InputError, RecipeError, CompatibilityError, CorruptionError: see `aeplugin.files.iterate_groups`.
    """
    if not model.collections:
        raise ModelError("the model has no network to score with; `aeplugin train` makes one that has")
    return rdf.write_table(target, _blocks(source, model.collections, tree), table=TABLE)


def _no_objects(collections: list[CollectionModel]) -> dict[str, Objects]:
    """A block of no events, so that a file without any gives a table without any."""
    none = np.empty(0, np.float32)
    return {
        each.name: Objects(np.empty(0, np.int64), {column.variable: none for column in each.columns})
        for each in collections
    }


def _blocks(source: str | Path, collections: list[CollectionModel], tree: str | None) -> Iterator[ak.Array]:
    autoencoders = [Autoencoder(collection) for collection in collections]
    groups = {c.name: {column.variable: column.column for column in c.columns} for c in collections}
    for blocks in chain(iterate_groups(source, groups, tree), [_no_objects(collections)]):
        columns = {}
        for collection, autoencoder in zip(collections, autoencoders, strict=True):
            objects = blocks[collection.name]
            errors, scores = score_objects(autoencoder, objects)
            columns[f"{collection.name}_score"] = ak.unflatten(errors, objects.counts)
            columns[f"{collection.name}_event_score"] = scores
        yield ak.zip(columns, depth_limit=1)
