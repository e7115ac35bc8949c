"""The codec `autoregressive` in blocks of compressed files, written from docs/format.md: both readers give the same."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aeplugin import Model
from aeplugin._core import Decoder
from aeplugin.errors import CorruptionError
from density_toys import RandomDensity, encode, model_file
from format_density import Variable, is_mark
from format_grids import EXACT_MARK, GRID_LIMIT
from format_reader import METADATA, Part, dtype_of, metadata_checksum

SEEDS = range(12)
SENTINELS = [-999.0, 0.5, 1e30]
INTEGERS = {
    "bool": (0, 1), "std::int8_t": (-128, 127), "std::uint16_t": (0, 2**16 - 1), "std::int32_t": (-(2**31), 2**31 - 1),
    "std::uint32_t": (0, 2**32 - 1),
}  # fmt: skip


class ToyFile:
    """A part with one block of a random density, and a group of another codec beside it."""

    def __init__(self, seed: int, events: int = 60) -> None:
        toy = RandomDensity(seed)
        self.rng, self.events, self.density = toy.rng, events, toy.density
        self.kinds = [self.kind_of(variable) for variable in toy.variables]
        found = zip(toy.variables, self.kinds, toy.integers(events), strict=True)
        columns = [self.column(variable, kind, values) for variable, kind, values in found]
        self.integers, self.exact = [values for values, _ in columns], [exact for _, exact in columns]
        self.streams, self.wide = encode(toy.density, toy.grids, events, self.integers)
        self.groups = ["w", *dict.fromkeys(variable.group for variable in toy.variables)]
        self.rng.shuffle(self.groups)
        self.places = [i for i, variable in enumerate(toy.variables) if variable.name]
        self.rng.shuffle(self.places)
        self.metadata, self.block = self.make_metadata(), self.make_block()

    def kind_of(self, variable: Variable) -> str:
        if not variable.name:
            return ""
        value = "double" if variable.is_double else "float"
        if variable.tolerance == "exact":
            value = str(self.rng.choice([*INTEGERS]))
        return f"std::vector<{value}>" if variable.group in self.density.groups else value

    def column(self, variable: Variable, kind: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Integers that the type can have, and the values that are kept exactly."""
        if not variable.name:
            return values, np.empty(0, np.uint64)
        if variable.tolerance != "exact":
            number = int((values == EXACT_MARK).sum())
            return values, self.rng.integers(0, 2**32, number).astype("<u8" if variable.is_double else "<u4")
        smallest, largest = INTEGERS[kind.removeprefix("std::vector<").removesuffix(">")]
        values = np.clip(values, smallest, largest)
        if largest <= GRID_LIMIT:
            return values, np.empty(0, np.uint64)
        values = np.where(self.rng.random(len(values)) < 0.1, EXACT_MARK, values)
        exact = self.rng.integers(2**30, largest, int((values == EXACT_MARK).sum()), endpoint=True)
        exact = np.where((self.rng.random(len(exact)) < 0.5) & (smallest < 0), -exact, exact)
        return values, exact.astype(np.int64).view(np.uint64)

    def is_single(self, group: str) -> bool:
        return group not in self.density.groups

    def make_metadata(self) -> dict[str, Any]:
        variables = [self.density.variables[i] for i in self.places]
        of_groups = [self.groups.index(variable.group) for variable in variables]
        lossy = [variable.tolerance != "exact" for variable in variables]
        none: list[list[int]] = [[] for _ in self.groups]
        found: dict[str, Any] = {
            "format_version": 1, "aeplugin_version": "0", "root_version": "6", "table": "events",
            "events": self.events, "blocks": 1,
            "column_names": [*(variable.column for variable in variables), "w"],
            "column_types": [*(self.kinds[i] for i in self.places), "float"],
            "column_groups": [*of_groups, self.groups.index("w")],
            "column_variables": [*(variable.name for variable in variables), "w"],
            "column_tolerances": [*(variable.tolerance for variable in variables), "abs"],
            "column_tolerance_values": [*(variable.tolerance_value for variable in variables), 0.5],
            "column_sentinels": [*(SENTINELS if is_lossy else [] for is_lossy in lossy), []],
            "column_formulas": [""] * (len(variables) + 1),
            "column_offsets": [0] * (len(variables) + 1), "column_bits": [8] * (len(variables) + 1),
            "column_values": [0] * (len(variables) + 1), "column_special": [0] * (len(variables) + 1),
            "column_max_errors": [0.0] * (len(variables) + 1),
            "group_names": self.groups, "group_single": [int(self.is_single(group)) for group in self.groups],
            "group_codecs": ["plain" if group == "w" else "autoregressive" for group in self.groups],
            "group_count_offsets": [0] * len(self.groups),
            "group_count_bits": [0 if self.is_single(group) else 8 for group in self.groups],
            "group_latent_steps": none, "group_latent_offsets": none, "group_latent_bits": none,
            "group_parameters": none, "recipe": "", "model": list(model_file(self.density)), "input_name": "",
            "input_bytes": 0, "input_md5": "",
        }  # fmt: skip
        assert list(found) == list(METADATA)
        return found

    def make_block(self) -> dict[str, Any]:
        plain = self.rng.integers(0, 254, self.events)
        counts = {variable.group: self.integers[i] for i, variable in enumerate(self.density.variables)
                  if not variable.name}  # fmt: skip
        block: dict[str, Any] = {"events": self.events, "w": (plain + 2).astype(np.uint8)}
        checksums, special = [], b""
        for i in self.places:
            variable = self.density.variables[i]
            block[variable.column] = np.frombuffer(self.streams[i], np.uint8)
            crc = zlib.crc32(counts.get(variable.group, np.empty(0)).astype("<i4").tobytes())
            crc = zlib.crc32(self.integers[i].astype("<i4").tobytes(), crc)
            checksums.append(zlib.crc32(self.exact[i].tobytes(), crc))
        for group in self.groups:
            members = [i for i in self.places if self.density.variables[i].group == group]
            special += b"".join(listed(self.exact[i]) for i in members)
            if group == "w":
                special += listed(np.empty(0, np.uint32)) * 2
            if group in counts:
                place = next(i for i, v in enumerate(self.density.variables) if not v.name and v.group == group)
                block[f"{group}_counts"] = np.frombuffer(self.streams[place], np.uint8)
                members = [place, *members]
            special += b"".join(listed(self.wide[i].astype("<i4")) for i in members)
        checksums.append(zlib.crc32(plain.astype("<i4").tobytes()))
        return block | {"checksums": np.array(checksums, np.uint32), "special": np.frombuffer(special, np.uint8)}

    def core(self, **changes: Any) -> Decoder:
        metadata = self.metadata | changes
        fields = metadata | {"checksum": metadata_checksum(metadata), "input_first_event": 0,
                             "input_events": self.events}  # fmt: skip
        model = Model.from_bytes(bytes(metadata["model"])) if metadata["model"] else None
        return Decoder(fields | {"model": np.array(metadata["model"], np.uint8)}, model, "toy")

    def decode(self, columns: list[int], **changes: Any) -> dict[int, tuple[np.ndarray, list[np.ndarray]]]:
        """By the library, from the fields that it asks for."""
        core = self.core(**changes)
        fields = {name: self.block[name] for name in core.fields_for(columns)}
        special = self.block["special"].tobytes()
        return core.decode(self.events, self.block["checksums"], special, fields, {}, columns, "toy")


def listed(values: np.ndarray) -> bytes:
    return np.array([len(values)], "<u4").tobytes() + values.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_both_readers_give_the_same(seed: int) -> None:
    file = ToyFile(seed)
    metadata = file.metadata | {"checksum": 0}
    expected = Part(metadata, bytes(metadata["model"])).read_block(file.block, None)
    found = file.decode(list(range(len(expected))))
    for i, (name, column) in enumerate(expected.items()):
        values, offsets = found[i]
        assert values.tobytes() == column.values.tobytes(), name
        assert values.dtype.itemsize == np.dtype(dtype_of(metadata["column_types"][i])).itemsize
        assert [level.tolist() for level in offsets] == [level.tolist() for level in column.offsets], name
        ((alone, _),) = file.decode([i]).values()
        assert alone.tobytes() == values.tobytes(), name


def test_toys_have_what_a_file_can_have() -> None:
    """Else a difference could pass unnoticed."""
    files = [ToyFile(seed) for seed in SEEDS]
    kinds = {kind for file in files for kind in file.kinds}
    assert {f"std::vector<{name}>" for name in INTEGERS} < kinds
    assert {"float", "double", "bool"} < kinds
    exact = {file.kinds[i] for file in files for i, values in enumerate(file.exact) if len(values)}
    assert {"std::vector<std::int32_t>", "std::vector<std::uint32_t>", "std::vector<float>", "float"} <= exact
    assert all(is_mark(file.integers[i]).any() for file in files for i, values in enumerate(file.exact) if len(values))
    assert {file.is_single(group) for file in files for group in file.groups} == {True, False}


CHANGES: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "column_tolerance_values": lambda metadata, i: metadata["column_tolerance_values"][i] * 1.5,
    "column_tolerances": lambda metadata, i: "rel" if metadata["column_tolerances"][i] == "abs" else "abs",
    "column_variables": lambda metadata, i: "other",
    "column_names": lambda metadata, i: "other",
    "column_formulas": lambda metadata, i: "1",
    "column_types": lambda metadata, i: metadata["column_types"][i].replace("float", "double"),
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_density_of_other_columns_is_refused(field: str) -> None:
    file = ToyFile(4)
    i = next(i for i, kind in enumerate(file.metadata["column_types"][:-1]) if "float" in kind)
    changed = list(file.metadata[field])
    changed[i] = CHANGES[field](file.metadata, i)
    with pytest.raises(CorruptionError):
        file.core(**{field: changed})
    with pytest.raises(AssertionError):
        Part(file.metadata | {field: changed}, bytes(file.metadata["model"]))


def test_a_model_without_a_density_is_refused() -> None:
    file = ToyFile(4)
    without = Model("", {"collections": [], "dropped": []}, "{}").to_bytes()
    for model in (b"", without):
        with pytest.raises(CorruptionError):
            file.core(model=list(model))


def test_a_codec_of_other_columns() -> None:
    """Integers belong into groups of the codec only."""
    file = ToyFile(4)
    exact = next(i for i, tolerance in enumerate(file.metadata["column_tolerances"]) if tolerance == "exact")
    codecs = list(file.metadata["group_codecs"])
    codecs[file.metadata["column_groups"][exact]] = "plain"
    with pytest.raises(CorruptionError):
        file.core(group_codecs=codecs)
