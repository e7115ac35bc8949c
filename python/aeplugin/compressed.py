"""Compressed files read without ROOT: uproot reads what is stored, the C++ core decodes it, block by block."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import awkward as ak
import numpy as np

from aeplugin._core import FORMAT_VERSION, Decoder, Model, field_names
from aeplugin.errors import CompatibilityError, CorruptionError, Error, InputError, nearest
from aeplugin.flat_columns import FlatColumn, from_awkward, from_core, join, to_awkward, to_core
from aeplugin.readers import BLOCKS, METADATA, open_file, stored_table
from aeplugin.recipe import Recipe
from aeplugin.recipe_resolution import is_glob, matches
from aeplugin.recipe_types import ColumnKind, parse_type
from aeplugin.remote import explain, is_network_error, is_url
from aeplugin.rntuples import RNTUPLE_CLASS, Fields


class UnknownColumnError(InputError, KeyError):
    """A column that a file does not have."""

    __str__ = Exception.__str__  # that of KeyError puts the message into quotes


@dataclass(frozen=True)
class _Column:
    """A column of the original table."""

    type: str
    kind: ColumnKind
    field: str | None
    """Its field in the RNTuple of events where it is kept as it is, else None."""


@dataclass(frozen=True)
class _Block:
    first_event: int
    events: int
    decoder: Decoder

    @property
    def end(self) -> int:
        return self.first_event + self.events


class CompressedFile:
    """A compressed file, opened for reading; its columns have the original names and types.

    Nothing is read but the columns asked for, in the blocks of the events asked for; every checksum of what is read is
    checked. Values are those of the decompressed file, bit for bit. `aeplugin.open` makes one:

        >>> with aeplugin.open("compressed.root") as file:
        ...     jets = file.arrays(["Jet_pt", "Jet_eta"], entry_stop=1000)

    Args:
        path: a local file, or its URL.

    Raises:
        InputError: the file is missing, or no ROOT file.
        CompatibilityError: it is no compressed file, or one of a newer version.
        CorruptionError: it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._file = open_file(path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @classmethod
    def within(cls, directory: Any) -> CompressedFile:
        """The same for a file that uproot has opened, given by its top folder; whoever opened it closes it.

        Raises:
            CompatibilityError, CorruptionError: as above.
        """
        self = cls.__new__(cls)
        self._path = directory.file.file_path
        self._file = directory
        self._open()
        return self

    def _open(self) -> None:
        with self._damage():
            classes = self._file.classnames(cycle=False)
        if METADATA not in classes:
            raise CompatibilityError(
                f"{self._path}: not a compressed file: it has no {METADATA!r} inside; `aeplugin compress` makes one"
            )
        self._parts = self._read_metadata(classes)
        decoders = self._make_decoders()
        first = self._parts[0]
        self.table = str(first["table"])
        """Name of the original TTree or RNTuple."""
        with self._damage():
            self._columns = _columns_of(first)
            same = all(part["table"] == self.table and _columns_of(part) == self._columns for part in self._parts)
        if not same:
            raise CorruptionError(f"{self._path}: its parts have different columns; merge the originals again")
        self._names = list(self._columns)
        self._stored = self._fields(BLOCKS, classes)
        self._blocks = self._list_blocks(decoders)
        self._starts = [block.first_event for block in self._blocks]
        self._kept = self._fields(field_names([self.table])[0], classes)
        self._check_kept()
        self._latest: tuple[int, dict[int, FlatColumn]] | None = None

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """What the file says about its events, a dict of plain values for each part; a file that was merged has
        several. docs/format.md lists the fields; the model is bytes, those of a model file.
        """
        return [dict(part) for part in self._parts]

    @cached_property
    def recipe(self) -> Recipe:
        """What was promised; of the first part.

        Raises:
            RecipeError: the recipe inside breaks the schema.
        """
        return Recipe.from_text(self._parts[0]["recipe"], where=f"{self._path}: recipe")

    @cached_property
    def model(self) -> Model | None:
        """The model inside, the first of a merged file; None where no codec needs one."""
        content = next((part["model"] for part in self._parts if part["model"]), None)
        return None if content is None else Model.from_bytes(content, str(self._path))

    @property
    def num_entries(self) -> int:
        """Number of events."""
        return self._blocks[-1].end if self._blocks else 0

    def keys(self) -> list[str]:
        """Names of the columns, in the original order."""
        return list(self._names)

    def typenames(self) -> dict[str, str]:
        """For each column its type in the original, such as "ROOT::VecOps::RVec<float>"."""
        return {name: column.type for name, column in self._columns.items()}

    def decoded_with(self, name: str) -> list[str]:
        """The columns that are best decoded with a column, itself among them, in the original order.

        Where a network predicts, that is its whole collection, since the network is most of the work and predicts all
        of it; else the columns that this one is predicted from.

        Raises:
            UnknownColumnError: there is no such column; an InputError and a KeyError.
        """
        index = self._index(name)
        part = self._parts[0]
        group = part["column_groups"][index]
        if group < 0:
            return [name]
        others = [other for other, number in enumerate(part["column_groups"]) if number == group]
        if part["group_codecs"][group] == "plain" and self._blocks:
            decoder = self._blocks[0].decoder
            needed = set(decoder.fields_for([index]))
            others = [other for other in others if needed.issuperset(decoder.fields_for([other]))]
        return [self._names[other] for other in others]

    def arrays(
        self,
        columns: str | Sequence[str] | None = None,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> ak.Array:
        """Columns of events as records with fields of the original names.

        Args:
            columns: names, or globs with * and ?; default all.
            entry_start: the first event; negative numbers count from the end, as in slices. Default 0.
            entry_stop: the event after the last one. Default all.

        Raises:
            UnknownColumnError: there is no such column; an InputError and a KeyError.
            CorruptionError: the file is damaged.
        """
        chosen = self._choose(columns)
        start, stop = self._range(entry_start, entry_stop)
        parts: dict[int, list[FlatColumn]] = {index: [] for index in chosen}
        for block in self._blocks_of(start, stop):
            for index, column in self._cut(block, chosen, start, stop).items():
                parts[index].append(column)
        return self._records({index: join(parts.pop(index), self._kind(index)) for index in chosen}, stop - start)

    def iterate(
        self,
        columns: str | Sequence[str] | None = None,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[ak.Array]:
        """The same block by block, with no more than one in memory."""
        chosen = self._choose(columns)
        start, stop = self._range(entry_start, entry_stop)
        for block in self._blocks_of(start, stop):
            events = min(stop, self._blocks[block].end) - max(start, self._blocks[block].first_event)
            yield self._records(self._cut(block, chosen, start, stop), events)

    def __getitem__(self, name: str) -> ak.Array:
        """All values of a column; see `arrays`."""
        self._index(name)
        return self.arrays([name])[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __repr__(self) -> str:
        return f"<CompressedFile {str(self._path)!r}: {self.num_entries} events, {len(self._names)} columns>"

    def __enter__(self) -> CompressedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was read stays."""
        self._file.close()
        self._latest = None

    @contextmanager
    def _damage(self, where: str = "") -> Iterator[None]:
        """What is raised inside, but for our own errors, becomes a CorruptionError.

        Uproot meets damaged bytes with errors of every kind, and what it gives for them may be anything.
        """
        if self._file.closed:
            raise InputError(f"{self._path}: the file was closed; open it again")
        try:
            yield
        except Error:
            raise
        except Exception as error:
            if is_url(self._path) and is_network_error(error):
                raise explain(self._path, error) from error
            lines = str(error).strip().splitlines() or ["no details"]
            raise CorruptionError(
                f"{self._path}{where}: damaged ({type(error).__name__}: {lines[0]}); copy the file again"
            ) from error

    def _fields(self, name: str, classes: dict[str, str]) -> Fields:
        if classes.get(name) != RNTUPLE_CLASS:
            raise CorruptionError(f"{self._path}: its RNTuple {name!r} is missing; copy the file again")
        with self._damage():
            return Fields(stored_table(self._file[name]))

    def _read_metadata(self, classes: dict[str, str]) -> list[dict[str, Any]]:
        table = self._fields(METADATA, classes)
        with self._damage():
            entries = table.read(list(table.types), 0, table.entries)
            names = [name for name in entries.fields if name != "model"]  # which may be large: no list of numbers
            parts: list[dict[str, Any]] = entries[names].to_list()
            for part, model in zip(parts, entries["model"] if "model" in entries.fields else (), strict=False):
                part["model"] = ak.to_numpy(model).tobytes()
        if not parts:
            raise CorruptionError(f"{self._path}: its metadata are empty; copy the file again")
        return parts

    def _make_decoders(self) -> list[Decoder]:
        model, decoders = None, []
        for number, part in enumerate(self._parts):
            where = str(self._path) if len(self._parts) == 1 else f"{self._path}, part {number}"
            with self._damage():
                if part.get("format_version") != FORMAT_VERSION or "model" not in part:
                    Decoder({name: part[name] for name in part if name != "model"}, None, where)  # says what is wrong
                # An empty one stands for that of the part before.
                model = Model.from_bytes(part["model"], where) if part["model"] else model
                fields = {**part, "model": np.frombuffer(part["model"], np.uint8)}
                decoders.append(Decoder(fields, model, where))
        return decoders

    def _list_blocks(self, decoders: list[Decoder]) -> list[_Block]:
        with self._damage():
            numbers = self._stored.read(["events"], 0, self._stored.entries)["events"].to_list()
        blocks: list[_Block] = []
        for decoder, part in zip(decoders, self._parts, strict=True):
            first = blocks[-1].end if blocks else 0
            end = first
            for events in numbers[len(blocks) : len(blocks) + part["blocks"]]:
                blocks.append(_Block(end, events, decoder))
                end += events
            if end - first != part["events"]:
                raise CorruptionError(
                    f"{self._path}: blocks of {end - first} events where the metadata speak of {part['events']}; "
                    "copy the file again"
                )
        if len(blocks) != len(numbers) or len(blocks) != sum(part["blocks"] for part in self._parts):
            raise CorruptionError(
                f"{self._path}: {len(numbers)} blocks; the metadata speak of others; copy the file again"
            )
        return blocks

    def _check_kept(self) -> None:
        kept = {column.field: column.kind for column in self._columns.values() if column.field is not None}
        found = {name: parse_type(kind) for name, kind in self._kept.types.items()}
        same = list(kept) == list(found) and all(
            other is not None and (kind.value, kind.depth, kind.size) == (other.value, other.depth, other.size)
            for kind, other in zip(kept.values(), found.values(), strict=True)
        )
        if not same or self._kept.entries != self.num_entries:
            raise CorruptionError(
                f"{self._path}: {self.table!r} has {self._kept.entries} events and {len(found)} columns; its metadata "
                "speak of others; copy the file again"
            )

    def _kind(self, index: int) -> ColumnKind:
        return self._columns[self._names[index]].kind

    def _index(self, name: str) -> int:
        if name not in self._columns:
            raise UnknownColumnError(f"{self._path}: no column {name!r}{nearest(name, self._names)}")
        return self._names.index(name)

    def _choose(self, columns: str | Sequence[str] | None) -> list[int]:
        """The columns that are asked for, by their numbers, each once."""
        if columns is None:
            return list(range(len(self._names)))
        chosen: list[int] = []
        for name in [columns] if isinstance(columns, str) else columns:
            if is_glob(name) and name not in self._columns:
                found = [index for index, other in enumerate(self._names) if matches(name, other)]
                if not found:
                    raise UnknownColumnError(f"{self._path}: no column matches {name!r}{nearest(name, self._names)}")
                chosen += found
            else:
                chosen.append(self._index(name))
        return list(dict.fromkeys(chosen))

    def _range(self, start: int | None, stop: int | None) -> tuple[int, int]:
        first, last, _ = slice(start, stop).indices(self.num_entries)
        return first, max(first, last)

    def _blocks_of(self, start: int, stop: int) -> range:
        """The blocks with any of these events."""
        if start == stop:
            return range(0)
        return range(bisect_right(self._starts, start) - 1, bisect_left(self._starts, stop))

    def _cut(self, block: int, columns: list[int], start: int, stop: int) -> dict[int, FlatColumn]:
        """Columns of a block for those of its events that are from `start` to before `stop`."""
        first, end = self._blocks[block].first_event, self._blocks[block].end
        events = max(start, first) - first, min(stop, end) - first
        return {index: column.cut(*events) for index, column in self._decode(block, columns).items()}

    def _decode(self, block: int, columns: list[int]) -> dict[int, FlatColumn]:
        """Columns of a whole block; those decoded last are remembered."""
        latest = self._latest
        if latest is not None and latest[0] == block and latest[1].keys() >= set(columns):
            return {index: latest[1][index] for index in columns}
        where = f", block {block}"
        first, events = self._blocks[block].first_event, self._blocks[block].events
        decoder = self._blocks[block].decoder
        with self._damage(where):
            found = self._read_kept(columns, first, first + events)
            names = decoder.fields_for(columns)
            stored = self._stored.read(["checksums", "special", *names], block, block + 1)[0]
            decoded = decoder.decode(
                events,
                ak.to_numpy(stored["checksums"]),
                ak.to_numpy(stored["special"]).tobytes(),
                {name: ak.to_numpy(stored[name]) for name in names},
                {index: to_core(column, self._kind(index)) for index, column in found.items()},
                columns,
                f"{self._path}{where}",
            )
            found |= {index: from_core(*column, self._kind(index)) for index, column in decoded.items()}
        self._latest = (block, found)
        return {index: found[index] for index in columns}

    def _read_kept(self, columns: list[int], start: int, stop: int) -> dict[int, FlatColumn]:
        """Those of the columns that are kept as they are, for some events."""
        fields = {index: field for index in columns if (field := self._columns[self._names[index]].field) is not None}
        if not fields:
            return {}
        arrays = self._kept.read(list(fields.values()), start, stop)
        return {index: from_awkward(arrays[field], self._kind(index)) for index, field in fields.items()}

    def _records(self, columns: dict[int, FlatColumn], events: int) -> ak.Array:
        contents = [to_awkward(column, self._kind(index)).layout for index, column in columns.items()]
        names = [self._names[index] for index in columns]
        return ak.Array(ak.contents.RecordArray(contents, names, length=events))


def _columns_of(part: dict[str, Any]) -> dict[str, _Column]:
    """The columns that the metadata of a part list, which the core has checked."""
    names, types = part["column_names"], part["column_types"]
    is_kept = [group < 0 for group in part["column_groups"]]
    fields = iter(field_names([name for name, kept in zip(names, is_kept, strict=True) if kept]))
    columns = {}
    for name, text, kept in zip(names, types, is_kept, strict=True):
        kind = parse_type(text)
        if kind is None:
            raise ValueError(f"column {name!r} is of the unknown type {text!r}")
        columns[name] = _Column(text, kind, next(fields) if kept else None)
    return columns
