"""Files as steps of the pipeline make them: which are compressed, what recipe they carry, and their objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from aeplugin import readers
from aeplugin.compressed import CompressedFile
from aeplugin.readers import (
    EVENTS_PER_STEP,
    METADATA,
    RECIPE,
    Groups,
    Objects,
    flatten,
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


def number_of_events(path: str | Path, tree: str | None = None) -> int:
    """Events of a file, compressed or not.

    Args:
        tree: the TTree or RNTuple of a file that is not compressed; default the only one.

    Raises:
        InputError: see `readers.open_table`.
        CompatibilityError, CorruptionError: see `CompressedFile`.
    """
    if not is_compressed(path):
        return readers.number_of_entries(path, tree)
    with CompressedFile(path) as compressed:
        return compressed.num_entries


def iterate_objects(
    path: str | Path, name: str, columns: Mapping[str, str], tree: str | None = None, step: int = EVENTS_PER_STEP
) -> Iterator[Objects]:
    """The objects of the collection `name` of a file, compressed or not, in blocks of `step` events, in file order.

    Args:
        columns: for each variable its column in the file.
        tree: the TTree or RNTuple of a file that is not compressed; default the only one.

    Raises:
        InputError, RecipeError: see `readers.iterate_collection`.
        CompatibilityError, CorruptionError: see `CompressedFile`.
    """
    for block in iterate_groups(path, {name: columns}, tree, step):
        yield block[name]


def iterate_groups(
    path: str | Path, groups: Groups, tree: str | None = None, step: int = EVENTS_PER_STEP
) -> Iterator[dict[str, Objects]]:
    """The same for several collections at once, so that the file is opened and read once."""
    if not is_compressed(path):
        yield from readers.iterate_groups(path, groups, tree, step)
        return
    with CompressedFile(path) as compressed:
        names = list(dict.fromkeys(column for columns in groups.values() for column in columns.values()))
        for start in range(0, compressed.num_entries, step):
            arrays = compressed.arrays(names, start, start + step)
            yield {
                name: flatten({v: arrays[column] for v, column in columns.items()}, f"{path}: collection {name!r}")
                for name, columns in groups.items()
            }
