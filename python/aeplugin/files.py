"""Compressed files seen from Python: what they say about themselves, and their content decoded by the C++ core."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import awkward as ak

from aeplugin._core import Autoencoder, CollectionModel, Model
from aeplugin.errors import CompatibilityError, CorruptionError
from aeplugin.readers import EVENTS_PER_STEP, METADATA, RECIPE, Objects, iterate_columns, open_file, reading
from aeplugin.recipe import Recipe

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Metadata:
    """What a compressed file says about itself; docs/compressed-file.md lists the fields."""

    table: str
    column_names: list[str]
    column_types: list[str]
    recipe: Recipe
    model: Model
    model_bytes: int
    aeplugin_version: str
    root_version: str
    input_name: str
    input_bytes: int
    input_md5: str


def is_compressed(path: str | Path) -> bool:
    """Whether a ROOT file carries a model.

    Raises:
        InputError: the file is missing or no ROOT file.
    """
    file = open_file(path)
    with reading(path):
        return METADATA in file.keys(cycle=False)


def read_metadata(path: str | Path) -> Metadata:
    """The metadata of a compressed file.

    Raises:
        InputError: the file is missing or no ROOT file.
        CompatibilityError: it is no compressed file, or one of a newer version.
        CorruptionError: the model inside is damaged, or the metadata are not complete.
    """
    file = open_file(path)
    with reading(path):
        entries = file[METADATA].arrays() if METADATA in file.keys(cycle=False) else None
    if entries is None:
        raise CompatibilityError(
            f"{path}: not a compressed file: it has no {METADATA!r} inside; `aeplugin compress` makes one"
        )
    if len(entries) == 0 or "format_version" not in entries.fields:
        raise CorruptionError(f"{path}: its metadata are empty")
    entry = entries[0]
    version = int(entry["format_version"])
    if version != FORMAT_VERSION:
        raise CompatibilityError(
            f"{path}: compressed file of version {version}; this aeplugin reads version {FORMAT_VERSION}"
        )
    missing = {field.name for field in fields(Metadata)} - {"model_bytes"} - set(entries.fields)
    if missing:
        raise CorruptionError(f"{path}: its metadata lack {', '.join(sorted(missing))}")
    model_bytes = ak.to_numpy(entry["model"]).tobytes()
    metadata = Metadata(
        table=entry["table"],
        column_names=ak.to_list(entry["column_names"]),
        column_types=ak.to_list(entry["column_types"]),
        recipe=Recipe.from_text(entry["recipe"], where=f"{path}: recipe"),
        model=Model.from_bytes(model_bytes, str(path)),
        model_bytes=len(model_bytes),
        aeplugin_version=entry["aeplugin_version"],
        root_version=entry["root_version"],
        input_name=entry["input_name"],
        input_bytes=int(entry["input_bytes"]),
        input_md5=entry["input_md5"],
    )
    for collection in metadata.model.collections:
        known = metadata.recipe.collections.get(collection.name)
        if known is None or known.columns.keys() != {column.variable for column in collection.columns}:
            raise CorruptionError(f"{path}: the recipe inside does not fit collection {collection.name!r} of the model")
    return metadata


def recipe_of(path: str | Path) -> Recipe | None:
    """The recipe inside a compressed file, or inside one that was decompressed; None for other files.

    Raises:
        InputError: the file is missing or no ROOT file.
        RecipeError: the recipe inside breaks the schema.
    """
    if is_compressed(path):
        return read_metadata(path).recipe
    file = open_file(path)
    with reading(path):
        text = str(file[RECIPE]) if RECIPE in file.keys(cycle=False) else None
    return None if text is None else Recipe.from_text(text, where=f"{path}: recipe")


def iterate_decoded(
    path: str | Path, metadata: Metadata, collection: CollectionModel, step: int = EVENTS_PER_STEP
) -> Iterator[Objects]:
    """The objects of one collection of a compressed file, decoded, in blocks of `step` events, in file order."""
    decoder = Autoencoder(collection).decoder
    latents = {name: name for name in collection.latent_names}
    for block in iterate_columns(path, collection.name, latents, metadata.table, step):
        values = decoder(block.matrix())
        yield Objects(block.counts, {column.variable: values[:, i] for i, column in enumerate(collection.columns)})
