"""A second reader of compressed files: docs/format.md and docs/model-file.md in numpy, with uproot, without aeplugin.

What it shares with the C++ library is the specification alone, so that what both read alike is specified. It reads
whole files and is slow; where a file breaks the specification, an assertion fails.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from format_density import Density, decode, read_density
from format_grids import EXACT_MARK, GRID_LIMIT, Formula, Grid, Integers
from format_networks import Network, read_model

Array = NDArray[Any]

# Fields of the metadata in the order of the table, with struct's letter for numbers, s for strings and a number of
# asterisks for vectors: what `checksum` is the CRC of.
METADATA = {
    "format_version": "I", "aeplugin_version": "s", "root_version": "s", "table": "s", "events": "Q", "blocks": "Q",
    "column_names": "*s", "column_types": "*s", "column_groups": "*i", "column_variables": "*s",
    "column_tolerances": "*s", "column_tolerance_values": "*d", "column_sentinels": "**d", "column_formulas": "*s",
    "column_offsets": "*i", "column_bits": "*B", "column_values": "*Q", "column_special": "*Q",
    "column_max_errors": "*d", "group_names": "*s", "group_single": "*B", "group_codecs": "*s",
    "group_count_offsets": "*i", "group_count_bits": "*B", "group_latent_steps": "**f", "group_latent_offsets": "**i",
    "group_latent_bits": "**B", "group_parameters": "**B",
    "recipe": "s", "model": "*B", "input_name": "s", "input_bytes": "Q", "input_md5": "s",
}  # fmt: skip

DTYPES = {
    "bool": "u1", "float": "f4", "double": "f8",
    **{f"std::{sign}int{8 * size}_t": f"{letter}{size}" for sign, letter in (("", "i"), ("u", "u"))
       for size in (1, 2, 4, 8)},
}  # fmt: skip


@dataclass
class Column:
    """Values of a column, flat, and one list of offsets per level of nesting, the outermost first."""

    values: Any
    """An array, or a list of str."""
    offsets: list[Array]

    def checksum(self) -> int:
        crc = 0
        for offsets in self.offsets:
            crc = zlib.crc32(offsets.astype("<u8").tobytes(), crc)
        if isinstance(self.values, list):
            texts = [text.encode() for text in self.values]
            return zlib.crc32(b"".join(struct.pack("<I", len(text)) + text for text in texts), crc)
        return zlib.crc32(np.ascontiguousarray(self.values).tobytes(), crc)


def read(path: str | Path) -> dict[str, Column]:
    """All columns of a compressed file."""
    with uproot.open(path) as file:
        parts = [{name: plain(part[name]) for name in part.fields} for part in file["aeplugin"].arrays()]
        events, stored = file[field_names([parts[0]["table"]])[0]], file["aeplugin_blocks"].arrays()
        events = getattr(events, "stored", events)  # aeplugin.coffea shows the original columns to all of uproot
        blocks: list[dict[str, Column]] = []
        first_event, next_block, model = 0, 0, b""
        for metadata in parts:
            assert metadata["checksum"] == metadata_checksum(metadata)
            model = bytes(metadata["model"]) or model
            part = Part(metadata, model)
            for block in stored[next_block : next_block + metadata["blocks"]]:
                end = first_event + int(block["events"])
                blocks.append(part.read_block(block, events.arrays(entry_start=first_event, entry_stop=end)))
                first_event = end
            next_block += metadata["blocks"]
        assert next_block == len(stored)
        assert first_event == events.num_entries == sum(metadata["events"] for metadata in parts)
    types = dict(zip(parts[0]["column_names"], parts[0]["column_types"], strict=True))
    return {name: join([block[name] for block in blocks], kind) for name, kind in types.items()}


def plain(value: Any) -> Any:
    return value.to_list() if isinstance(value, ak.Array) else value.item() if isinstance(value, np.generic) else value


def metadata_checksum(metadata: dict[str, Any]) -> int:
    def pack(kind: str, value: Any) -> bytes:
        if kind == "s":
            return struct.pack("<I", len(value.encode())) + value.encode()
        if kind.startswith("*"):
            return struct.pack("<I", len(value)) + b"".join(pack(kind[1:], item) for item in value)
        return struct.pack("<" + kind, value)

    return zlib.crc32(b"".join(pack(kind, metadata[name]) for name, kind in METADATA.items()))


def field_names(names: list[str], taken: tuple[str, ...] = ()) -> list[str]:
    """Names that an RNTuple can hold."""
    fields, used = list(names), set(taken)
    possible = [re.search(r"[./\\\x00-\x1f\x7f]", name) is None for name in names]
    for first_pass in (True, False):
        for i, name in enumerate(names):
            if possible[i] is not first_pass:
                continue
            fields[i] = re.sub(r"[./\\\x00-\x1f\x7f]", "_", name)
            while fields[i] in used:
                fields[i] += "_"
            used.add(fields[i])
    return fields


def depth_of(kind: str) -> int:
    """Levels of nesting of a type of column."""
    return kind.count("vector<") + kind.count("RVec<") + kind.count("array<") + kind.count("[")


def flat(array: ak.Array, kind: str) -> Column:
    """A column as uproot gives it."""
    offsets = []
    for _ in range(depth_of(kind)):
        offsets.append(np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(array, axis=1)))]).astype(np.uint64))
        array = ak.flatten(array, axis=1)
    return Column(ak.to_numpy(array).astype(dtype_of(kind)) if dtype_of(kind) else array.to_list(), offsets)


def dtype_of(kind: str) -> str:
    """Of the values of a type of column; empty for strings."""
    value = re.sub(r"^.*<|[>,\[].*$", "", kind)
    return "" if value == "std::string" else DTYPES[value]


def join(columns: list[Column], kind: str) -> Column:
    """Blocks of a column, one after the other."""
    offsets = []
    for level in range(depth_of(kind)):
        counts = [np.diff(column.offsets[level]) for column in columns]
        offsets.append(np.cumsum(np.concatenate([[0], *counts])).astype(np.uint64))
    if not dtype_of(kind):
        return Column([text for column in columns for text in column.values], offsets)
    return Column(np.concatenate([np.empty(0, dtype_of(kind)), *(column.values for column in columns)]), offsets)


@dataclass(frozen=True)
class Packing:
    offset: int
    bits: int
    sentinels: int = 0


@dataclass
class Stream:
    name: str
    packing: Packing
    fields: tuple[str, str] = ("", "")
    """Names of the fields with its top and low bits."""


@dataclass
class Group:
    name: str
    single: bool
    codec: str
    columns: list[int]
    streams: list[Stream]
    latent_steps: list[float]
    network: Network | None
    variables: dict[str, int] = field(default_factory=dict)
    """Position in `columns`."""


Decoded = tuple[Array, list[Array]]
"""Counts (empty in a single group) and the grid integers of each column."""


class Part:
    """One entry of the metadata, and what it takes to decode its blocks."""

    def __init__(self, metadata: dict[str, Any], model: bytes) -> None:
        assert metadata["format_version"] == 1
        self.metadata = metadata
        self.names, self.types = metadata["column_names"], metadata["column_types"]
        self.kept = [i for i, group in enumerate(metadata["column_groups"]) if group == -1]
        self.grids = {i: self.make_grid(i) for i in range(len(self.names)) if i not in self.kept}
        networks = read_model(model) if model else {}
        self.groups = [self.make_group(g, networks) for g in range(len(metadata["group_names"]))]
        self.together = [group for group in self.groups if group.codec == "autoregressive"]
        self.density = read_density(model) if self.together else None
        streams = [stream for group in self.groups for stream in group.streams]
        names = iter(field_names([n for s in streams for n in (s.name, s.name + "_low")],
                                 ("events", "checksums", "special")))  # fmt: skip
        for stream in streams:
            stream.fields = (next(names), next(names))
        if self.density:
            self.check(self.density)

    def check(self, density: Density) -> None:
        """That the density is about the columns of the groups coded together, and about nothing else."""
        expected = {(group.name, "", "", "exact", 0.0, False) for group in self.together if not group.single}
        for group in self.together:
            for variable, k in group.variables.items():
                i = group.columns[k]
                tolerance, value = (self.metadata[f"column_{name}"][i] for name in ("tolerances", "tolerance_values"))
                is_double = tolerance != "exact" and "double" in self.types[i]
                expected.add((group.name, variable, self.names[i], tolerance, value, is_double))
            assert not any(self.metadata["column_formulas"][i] for i in group.columns)
        found = [(v.group, v.name, v.column, v.tolerance, v.tolerance_value, v.is_double) for v in density.variables]
        assert len(found) == len(expected)
        assert set(found) == expected

    def make_grid(self, i: int) -> Grid | Integers:
        if self.metadata["column_tolerances"][i] == "exact":
            return Integers(np.dtype(dtype_of(self.types[i])), self.types[i])
        of = {name: self.metadata[f"column_{name}"][i] for name in ("tolerances", "tolerance_values", "sentinels")}
        is_float = "float" in self.types[i]
        return Grid(of["tolerances"], of["tolerance_values"], np.dtype("f4" if is_float else "f8"), of["sentinels"])

    def grid(self, i: int) -> Grid:
        """That of a column with a tolerance."""
        grid = self.grids[i]
        assert isinstance(grid, Grid)
        return grid

    def make_group(self, g: int, networks: dict[str, Network]) -> Group:
        of = {name.removeprefix("group_"): v[g] for name, v in self.metadata.items() if name.startswith("group_")}
        columns = [i for i, group in enumerate(self.metadata["column_groups"]) if group == g]
        streams = (
            [] if of["single"] else [Stream(of["names"] + "_counts", Packing(of["count_offsets"], of["count_bits"]))]
        )
        for i in columns:
            packing = Packing(self.metadata["column_offsets"][i], self.metadata["column_bits"][i],
                              len(self.metadata["column_sentinels"][i]))  # fmt: skip
            streams.append(Stream(self.names[i], packing))
        for k, latent in enumerate(zip(of["latent_offsets"], of["latent_bits"], strict=True)):
            streams.append(Stream(f"{of['names']}_latent_{k}", Packing(*latent)))
        assert of["codecs"] in ("plain", "autoencoder", "autoregressive")
        network = networks[of["names"]] if of["codecs"] == "autoencoder" else None
        variables = {self.metadata["column_variables"][i]: k for k, i in enumerate(columns)}
        return Group(of["names"], bool(of["single"]), of["codecs"], columns, streams, of["latent_steps"], network,
                     variables)  # fmt: skip

    def read_block(self, block: ak.Record, events: ak.Array) -> dict[str, Column]:
        columns = {}
        for i, name in zip(self.kept, field_names([self.names[i] for i in self.kept]), strict=True):
            columns[i] = flat(events[name], self.types[i])
            assert columns[i].checksum() == block["checksums"][i], self.names[i]
        special = Special(ak.to_numpy(block["special"]).tobytes())
        lists = [self.lists(group, special) for group in self.groups]
        assert special.at == len(special.content)
        decoded = self.decode_together(block, lists)
        for group, (exact, wide) in zip(self.groups, lists, strict=True):
            if group.codec == "autoregressive":
                columns |= self.finish_group(group, block, exact, *decoded[group.name])
            else:
                columns |= self.finish_group(group, block, exact, *self.decode_group(group, block, wide))
        return {name: columns[i] for i, name in enumerate(self.names)}

    def lists(self, group: Group, special: Special) -> tuple[list[Array], list[Array]]:
        """Values kept exactly per column, and wide integers per stream."""
        exact = [special.take(f"u{self.grids[i].exact_bytes}") for i in group.columns]
        return exact, [special.take("i4") for _ in group.streams]

    def decode_together(self, block: ak.Record, lists: list[tuple[list[Array], list[Array]]]) -> dict[str, Decoded]:
        """The groups of the codec `autoregressive`."""
        if not self.together:
            return {}
        assert self.density is not None
        found: dict[tuple[str, str], tuple[Stream, Array, Grid | None]] = {}
        for group, (_, wide_lists) in zip(self.groups, lists, strict=True):
            names = [*([] if group.single else [""]), *group.variables]
            grids = [*([] if group.single else [None]), *(self.grids[i] for i in group.columns)]
            if group.codec == "autoregressive":
                for name, stream, wide, grid in zip(names, group.streams, wide_lists, grids, strict=True):
                    found[group.name, name] = stream, wide, grid if isinstance(grid, Grid) else None
        of = [found[variable.group, variable.name] for variable in self.density.variables]
        streams = [ak.to_numpy(block[stream.fields[0]]).tobytes() for stream, _, _ in of]
        wide = [wide for _, wide, _ in of]
        integers = decode(self.density, [grid for _, _, grid in of], int(block["events"]), streams, wide)
        values = {(v.group, v.name): k for v, k in zip(self.density.variables, integers, strict=True)}
        none = np.empty(0, np.int64)
        return {
            group.name: (values.get((group.name, ""), none), [values[group.name, name] for name in group.variables])
            for group in self.together
        }

    def decode_group(self, group: Group, block: ak.Record, wide: list[Array]) -> Decoded:
        """A group of another codec."""
        streams = [(stream, codes, block) for stream, codes in zip(group.streams, wide, strict=True)]
        objects = int(block["events"])
        counts = np.empty(0, np.int64)
        if not group.single:
            counts = unpack(*streams.pop(0), np.zeros(objects, np.int64))
            assert (counts >= 0).all()
            objects = int(counts.sum())

        zeros = np.zeros(objects, np.int64)
        latents = [unpack(*stream, zeros) for stream in streams[len(group.columns) :]]
        predicted = group.network.decode(latents, group.latent_steps, objects) if group.network else {}
        grids: dict[int, Array] = {}

        def grid_integers(k: int) -> Array:
            """Grid integers of column k of the group, after those that it is predicted from."""
            if k not in grids:
                i = group.columns[k]
                variable, formula = (self.metadata[f"column_{name}"][i] for name in ("variables", "formulas"))
                guess = zeros
                if variable in predicted:
                    guess = self.grid(i).nearest(predicted[variable])
                elif formula:
                    values = Formula(formula, value_of).evaluate()
                    guess = self.grid(i).nearest(np.broadcast_to(values, objects))
                grids[k] = unpack(*streams[k], guess)
            return grids[k]

        def value_of(variable: str) -> Array:
            k = group.variables[variable]
            integers = grid_integers(k)
            return np.where(integers < -GRID_LIMIT, np.nan, self.grid(group.columns[k]).value(integers))

        return counts, [grid_integers(k) for k in range(len(group.columns))]

    def finish_group(self, group: Group, block: ak.Record, exact: list[Array], counts: Array,
                     grids: list[Array]) -> dict[int, Column]:  # fmt: skip
        """Checks and decodes what a group has."""
        columns = {}
        for k, i in enumerate(group.columns):
            grid = grids[k]
            crc = zlib.crc32(counts.astype("<i4").tobytes())
            crc = zlib.crc32(exact[k].tobytes(), zlib.crc32(grid.astype("<i4").tobytes(), crc))
            assert crc == block["checksums"][i], self.names[i]
            offsets = [] if group.single else [np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)]
            columns[i] = Column(self.grids[i].decode(grid, exact[k]), offsets)
        return columns


class Special:
    """The lists in the bytes of `special`."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, dtype: str) -> Array:
        (size,) = struct.unpack_from("<I", self.content, self.at)
        found = np.frombuffer(self.content, "<" + dtype, size, self.at + 4)
        self.at += 4 + found.nbytes
        return found


def unpack(stream: Stream, wide: Array, block: ak.Record, predicted: Array) -> Array:
    """The integers of a stream."""

    def codes_of(name: str, bits: int) -> Array:
        stored = ak.to_numpy(block[name]).astype(np.int64)
        per_item = 8 // bits if bits <= 4 else 1
        assert len(stored) == -(-len(predicted) // per_item), name
        shifts = bits * np.arange(per_item)
        return ((stored[:, None] >> shifts) & (2**bits - 1)).ravel()[: len(predicted)]

    packing = stream.packing
    codes = codes_of(stream.fields[0], min(packing.bits, 8))
    if packing.bits > 8:
        codes = (codes << (packing.bits - 8)) | codes_of(stream.fields[1], packing.bits - 8)
    is_wide = codes == packing.sentinels + 1
    assert is_wide.sum() == len(wide)
    integers = np.where(codes > packing.sentinels + 1, predicted + packing.offset + codes - (packing.sentinels + 2),
                        EXACT_MARK + codes)  # fmt: skip
    integers[is_wide] = wide
    assert (np.abs(integers[codes > packing.sentinels]) <= GRID_LIMIT).all()
    return integers
