"""Collections of TTrees and RNTuples as flat numpy columns, through uproot."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from aeplugin.errors import InputError, RecipeError, nearest
from aeplugin.recipe import Collection
from aeplugin.remote import explain, is_network_error, is_url, open_stream

METADATA = "aeplugin"
"""Name of the RNTuple that carries model and provenance in a compressed file."""

BLOCKS = "aeplugin_blocks"
"""Name of the RNTuple with the encoded blocks of events in a compressed file."""

RECIPE = "aeplugin_recipe"
"""Name of the TObjString with the recipe in a decompressed file."""

TABLE_CLASSES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")

EVENTS_PER_STEP = 200_000


Files = Mapping[str, str]
"""For each variable its column in the file."""
Groups = Mapping[str, Files]
"""For each collection its variables and their columns."""


@dataclass(frozen=True)
class Objects:
    """The objects of one collection, flattened over events.

    Attributes:
        counts: objects per event, shape (events,); all ones where the file has one object per entry.
        columns: for each variable its values, shape (objects,), in the file's own floating-point type.
    """

    counts: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return int(self.counts.sum())

    def where(self, chosen: np.ndarray) -> Objects:
        """Some of the objects of the same events; `chosen` is a mask, shape (objects,)."""
        event_of = np.repeat(np.arange(len(self.counts)), self.counts)
        counts = np.bincount(event_of[chosen], minlength=len(self.counts))
        return Objects(counts, {variable: values[chosen] for variable, values in self.columns.items()})

    def of_events(self, events: np.ndarray) -> Objects:
        """The objects of some of the events, which alone are left; `events` is a mask, shape (events,)."""
        kept = self.where(np.repeat(events, self.counts))
        return Objects(kept.counts[events], kept.columns)

    def matrix(self) -> np.ndarray:
        """The columns side by side as float32, shape (objects, variables)."""
        return np.stack([values.astype(np.float32, copy=False) for values in self.columns.values()], axis=1)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """What uproot raises inside this block becomes an InputError about the file `path`.

    Uproot meets damaged bytes with errors of every kind (AssertionError, zlib.error, NotImplementedError ...), so that
    nothing but uproot belongs inside.
    """
    try:
        yield
    except Exception as error:
        if is_url(path) and is_network_error(error):
            raise explain(path, error) from error
        lines = str(error).strip().splitlines() or ["no details"]
        raise InputError(
            f"{path}: no ROOT file, or a truncated or damaged one; copy or make it again "
            f"({type(error).__name__}: {lines[0]})"
        ) from error


def open_file(path: str | Path) -> Any:
    """Open a ROOT file, local or given by its URL; of the latter only what is asked for is read.

    Raises:
        InputError: the file is missing, truncated, damaged or no ROOT file, or a URL cannot be reached.
    """
    if not is_url(path) and not Path(path).is_file():
        kind = "is a directory" if Path(path).is_dir() else "no such file"
        raise InputError(f"{path}: {kind}; expected a ROOT file")
    # Not the text alone: uproot would take what follows a colon for the name of a tree.
    source = open_stream(str(path)) if is_url(path) else {path: None}
    size = Path(path).stat().st_size if isinstance(source, dict) else int(source.size)
    with reading(path):
        file = uproot.open(source)
        expected = int(file.file.fEND)
    if size < expected:
        raise InputError(f"{path}: truncated: it has {size} of its {expected} bytes; copy or make it again")
    return file


def open_table(path: str | Path, tree: str | None = None) -> Any:
    """Open the TTree or RNTuple called `tree`, or the only one in the file.

    Raises:
        InputError: see `open_file`; also where there is no such tree, or several and `tree` is not given.
    """
    file = open_file(path)
    with reading(path):
        classes = file.classnames(cycle=False)
    tables = [name for name, kind in classes.items() if kind in TABLE_CLASSES and name not in (METADATA, BLOCKS)]
    if tree is None:
        if len(tables) != 1:
            found = ", ".join(tables) or "none"
            raise InputError(f"{path}: expected one TTree or RNTuple, found {found}; name one as 'tree' in the recipe")
        tree = tables[0]
    if tree not in tables:
        raise InputError(f"{path}: no TTree or RNTuple called {tree!r}{nearest(tree, tables)}")
    with reading(path):
        return stored_table(file[tree])


def stored_table(table: Any) -> Any:
    """A table that uproot gave, as it stands in the file.

    With `aeplugin.coffea` imported, uproot shows a compressed file's events by their original columns.
    """
    return getattr(table, "stored", table)


def number_of_entries(path: str | Path, tree: str | None = None) -> int:
    """Entries of a TTree or RNTuple; see `open_table`."""
    table = open_table(path, tree)
    with reading(path):
        return int(table.num_entries)


def other_objects(path: str | Path, tree: str) -> list[str]:
    """Names of what a ROOT file holds besides `tree` and a recipe: other trees, histograms, folders."""
    file = open_file(path)
    with reading(path):
        return [name for name in file.keys(cycle=False, recursive=False) if name not in (tree, RECIPE)]


def iterate_collection(
    path: str | Path, name: str, collection: Collection, tree: str | None = None, step: int = EVENTS_PER_STEP
) -> Iterator[Objects]:
    """The objects of `collection`, called `name`, in blocks of `step` events, in file order.

    Raises:
        InputError: see `open_table`; also columns of one collection whose lengths differ.
        RecipeError: the file lacks a column of the recipe; the nearest existing name is given.
    """
    return iterate_columns(path, name, collection.file_columns(name), tree, step)


def iterate_columns(
    path: str | Path, name: str, columns: Mapping[str, str], tree: str | None, step: int = EVENTS_PER_STEP
) -> Iterator[Objects]:
    """The same for the collection `name` whose variables stand in the given `columns` of the file."""
    for block in iterate_groups(path, {name: columns}, tree, step):
        yield block[name]


def iterate_groups(
    path: str | Path, groups: Groups, tree: str | None, step: int = EVENTS_PER_STEP
) -> Iterator[dict[str, Objects]]:
    """The same for several collections at once, each with its own columns."""
    table = open_table(path, tree)
    with reading(path):
        present, entries = _columns_of(table), int(table.num_entries)
    for name, columns in groups.items():
        for variable, column in columns.items():
            if column not in present:
                where = f"variable {variable!r} of collection {name!r}"
                raise RecipeError(f"{path}: no column {column!r} for {where}{nearest(column, list(present))}")
    for start in range(0, entries, step):
        block = {}
        for name, columns in groups.items():
            with reading(path):
                values = {v: _read(*present[column], start, start + step) for v, column in columns.items()}
            block[name] = flatten(values, f"{path}: collection {name!r}")
        yield block


def read_columns(
    path: str | Path, columns: Sequence[str], tree: str | None, start: int, stop: int
) -> dict[str, ak.Array]:
    """The given columns of a file for the entries from `start` to before `stop`, or to the file's end, as they are.

    Raises:
        InputError: see `open_table`.
        RecipeError: the file lacks a column; the nearest existing name is given.
    """
    present = _opened_columns(str(path), tree, _version(path), os.getpid())
    for column in columns:
        if column not in present:
            raise RecipeError(f"{path}: no column {column!r}{nearest(column, list(present))}")
    with reading(path):
        return {column: _read(*present[column], start, stop) for column in columns}


@lru_cache(maxsize=4)
def _opened_columns(path: str, tree: str | None, version: tuple[int, ...], process: int) -> dict[str, tuple[Any, str]]:
    """The columns of a table, kept open: to open one of a thousand columns takes a second.

    One that another process opened before it forked is not used, nor one of a file that has changed since.
    """
    table = open_table(path, tree)
    with reading(path):
        return _columns_of(table)


def _version(path: str | Path) -> tuple[int, ...]:
    """What is another for a local file with other content."""
    if is_url(path) or not Path(path).is_file():
        return ()
    facts = Path(path).stat()
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def read_collection(path: str | Path, name: str, collection: Collection, tree: str | None = None) -> Objects:
    """All objects of `collection`; see `iterate_collection`."""
    blocks = list(iterate_collection(path, name, collection, tree))
    empty = Objects(np.empty(0, np.int64), {variable: np.empty(0, np.float32) for variable in collection.columns})
    return concatenate(blocks) if blocks else empty


def concatenate(blocks: Sequence[Objects]) -> Objects:
    """The objects of several blocks with the same variables, one after the other; at least one block."""
    columns = {v: np.concatenate([block.columns[v] for block in blocks]) for v in blocks[0].columns}
    return Objects(np.concatenate([block.counts for block in blocks]), columns)


def in_step(
    before: Iterator[Objects], after: Iterator[Objects], original: str | Path, reconstructed: str | Path, name: str
) -> Iterator[tuple[Objects, Objects]]:
    """Blocks of the same events of two files, called `original` and `reconstructed` in errors.

    Raises:
        InputError: they differ in their number of events or in the number of objects of an event.
    """
    first, second = (({name: block} for block in blocks) for blocks in (before, after))
    for one, other in groups_in_step(first, second, original, reconstructed):
        yield one[name], other[name]


def groups_in_step(
    before: Iterator[dict[str, Objects]],
    after: Iterator[dict[str, Objects]],
    original: str | Path,
    reconstructed: str | Path,
) -> Iterator[tuple[dict[str, Objects], dict[str, Objects]]]:
    """The same for several collections at once, by their names."""
    start = 0
    end: dict[str, Objects] = {}
    for first, second in zip_longest(before, after, fillvalue=end):
        common = 0
        for name in first or second:
            common = _check_step(first.get(name), second.get(name), start, (original, reconstructed), name)
        yield first, second
        start += common


def _check_step(
    first: Objects | None, second: Objects | None, start: int, files: tuple[str | Path, str | Path], name: str
) -> int:
    """The number of events of two blocks that begin with event `start`; None stands for the end of a file."""
    counts = [block.counts if block is not None else np.empty(0, np.int64) for block in (first, second)]
    common = min(map(len, counts))
    different = np.flatnonzero(counts[0][:common] != counts[1][:common])
    if len(different):
        event = int(different[0])
        raise InputError(
            f"{files[1]}: collection {name!r} has {counts[1][event]} objects in event {start + event} "
            f"(counted from 0), expected {counts[0][event]} as in {files[0]}"
        )
    if len(counts[0]) != len(counts[1]):
        shorter, longer = files if len(counts[0]) < len(counts[1]) else files[::-1]
        raise InputError(
            f"{shorter}: ends after {start + common} events, but {longer} has more; "
            "expected the same events in both files"
        )
    return common


def _columns_of(table: Any) -> dict[str, tuple[Any, str]]:
    """For each column the field or branch to read, and the leaf of it where it is one of several, else ""."""
    if hasattr(table, "field_records"):  # an RNTuple; members of records are no columns of their own
        return {name: (table[name], "") for name in table.keys(recursive=False)}
    found: dict[str, tuple[Any, str]] = {}
    for branch in table.itervalues(recursive=True):
        found.setdefault(branch.name, (branch, ""))
        if leaves := re.fullmatch(r"struct \{(.*)\}", branch.typename):
            for leaf in re.findall(r"\S+ ([^;]+);", leaves[1]):
                found.setdefault(f"{branch.name}.{leaf}", (branch, leaf))
    return found


def _read(source: Any, leaf: str, start: int, stop: int) -> ak.Array:
    array = source.array(entry_start=start, entry_stop=stop)
    return array[leaf] if leaf else array


def _holds_numbers(kind: Any) -> bool:
    """Whether an awkward type is that of a number, or of a list of numbers (which a string is not)."""
    if isinstance(kind, ak.types.ListType | ak.types.RegularType) and not kind.parameters:
        kind = kind.content
    return isinstance(kind, ak.types.NumpyType) and np.dtype(kind.primitive).kind in "biuf"


def flatten(arrays: dict[str, ak.Array], where: str) -> Objects:
    """The objects of a collection whose variables are given for the same events; at least one variable.

    Raises:
        InputError: the variables differ in the number of objects of an event, or hold no numbers.
    """
    counts: np.ndarray | None = None
    columns = {}
    for variable, array in arrays.items():
        if not _holds_numbers(array.type.content):
            raise InputError(
                f"{where}: variable {variable!r} is of type {array.type.content}; expected numbers or lists of numbers"
            )
        lengths = ak.to_numpy(ak.num(array)) if array.ndim == 2 else np.ones(len(array), np.int64)
        if counts is not None and not np.array_equal(lengths, counts):
            event = int(np.flatnonzero(lengths != counts)[0])
            raise InputError(
                f"{where}: variable {variable!r} has {lengths[event]} values in event {event} of the block; "
                f"the variables before it have {counts[event]}"
            )
        counts = lengths
        columns[variable] = ak.to_numpy(ak.flatten(array, axis=None))
    assert counts is not None  # a collection has at least one column
    return Objects(counts, columns)
