"""Files as steps of the pipeline make them: which are compressed, what recipe they carry, and their objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aeplugin.compressed import CompressedFile
from aeplugin.readers import (
    EVENTS_PER_STEP,
    METADATA,
    RECIPE,
    Objects,
    flatten,
    iterate_columns,
    open_file,
    reading,
)
from aeplugin.recipe import Codec, Recipe


def is_compressed(path: str | Path) -> bool:
    """Whether a ROOT file is a compressed one.

    Raises:
        InputError: the file is missing or no ROOT file.
    """
    with open_file(path) as file, reading(path):
        return METADATA in file.keys(cycle=False)


def recipe_of(path: str | Path) -> Recipe | None:
    """The recipe inside a compressed file, or inside one that was decompressed; None for other files.

    Raises:
        InputError: the file is missing or no ROOT file.
        RecipeError: the recipe inside breaks the schema.
        CompatibilityError, CorruptionError: see `CompressedFile`.
    """
    if is_compressed(path):
        with CompressedFile(path) as compressed:
            return compressed.recipe
    with open_file(path) as file, reading(path):
        text = str(file[RECIPE]) if RECIPE in file.keys(cycle=False) else None
    return None if text is None else Recipe.from_text(text, where=f"{path}: recipe")


def codecs_of(path: str | Path) -> dict[str, Codec]:
    """For each collection of a compressed file its codec; nothing for other files.

    Raises:
        InputError, CompatibilityError, CorruptionError: see `CompressedFile`.
    """
    if not is_compressed(path):
        return {}
    with CompressedFile(path) as compressed:
        part = compressed.metadata[0]
    return dict(zip(part["group_names"], part["group_codecs"], strict=True))


def iterate_objects(
    path: str | Path, name: str, columns: dict[str, str], tree: str | None = None, step: int = EVENTS_PER_STEP
) -> Iterator[Objects]:
    """The objects of the collection `name` of a file, compressed or not, in blocks of `step` events, in file order.

    Args:
        columns: for each variable its column in the file.
        tree: the TTree or RNTuple of a file that is not compressed; default the only one.

    Raises:
        InputError, RecipeError: see `readers.iterate_collection`.
        CompatibilityError, CorruptionError: see `CompressedFile`.
    """
    if not is_compressed(path):
        yield from iterate_columns(path, name, columns, tree, step)
        return
    with CompressedFile(path) as compressed:
        names = list(dict.fromkeys(columns.values()))
        for start in range(0, compressed.num_entries, step):
            arrays = compressed.arrays(names, start, start + step)
            values = {variable: arrays[column] for variable, column in columns.items()}
            yield flatten(values, f"{path}: collection {name!r}")
