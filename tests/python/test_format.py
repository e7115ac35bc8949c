"""Format version 1: golden files, and a reader that shares nothing with the library but docs/format.md."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin.compressed import CompressedFile
from format_functions import FUNCTIONS
from format_grids import EXACT_MARK, Grid
from format_networks import read_model
from format_reader import METADATA, Column, depth_of, dtype_of, field_names, flat, read

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "tests" / "golden"
FORMAT = (REPOSITORY / "docs" / "format.md").read_text()
NAMES = ("plain", "autoencoder", "merged", "blocks", "empty", "networks", "autoregressive")

golden = pytest.mark.parametrize("path", [GOLDEN / f"{name}.root" for name in NAMES], ids=NAMES)


@pytest.fixture(scope="session")
def rdf() -> ModuleType:
    pytest.importorskip("ROOT", reason="needs ROOT", exc_type=ImportError)
    from aeplugin import rdf

    return rdf


@pytest.fixture(scope="session")
def make_golden(rdf: ModuleType) -> ModuleType:
    """The script that makes golden files."""
    spec = importlib.util.spec_from_file_location("make_golden", REPOSITORY / "tools" / "make_golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected_values(path: Path) -> dict[str, Column]:
    """What is stored beside a golden file."""
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
        arrays = dict(stored)
    names = [name for name in arrays if "/" not in name]
    return {
        name: Column(
            arrays[name].tolist() if arrays[name].dtype.kind == "U" else arrays[name],
            [arrays[f"{name}/{level}"] for level in range(3) if f"{name}/{level}" in arrays],
        )
        for name in names
    }


def require_same(found: dict[str, Column], expected: dict[str, Column]) -> None:
    """The same columns in the same order, and the same bits in them."""
    assert list(found) == list(expected)
    for name, column in expected.items():
        other = found[name]
        assert len(other.offsets) == len(column.offsets), name
        for level, offsets in zip(other.offsets, column.offsets, strict=True):
            assert level.tolist() == offsets.tolist(), name
        if isinstance(column.values, list):
            assert other.values == column.values, name
        else:
            assert other.values.dtype == column.values.dtype, name
            assert other.values.tobytes() == column.values.tobytes(), name


def columns_of(file: CompressedFile, **entries: int) -> dict[str, Column]:
    arrays = file.arrays(**entries)
    return {name: flat(arrays[name], kind) for name, kind in file.typenames().items()}


def test_all_golden_files_are_read() -> None:
    assert {path.stem for path in GOLDEN.glob("*.root")} == set(NAMES)
    assert {path.stem for path in GOLDEN.glob("*.npz")} == set(NAMES)
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 300_000


@golden
def test_golden_by_the_specification(path: Path) -> None:
    require_same(read(path), expected_values(path))


@golden
def test_golden_by_open(path: Path) -> None:
    with aeplugin.open(path) as file:
        require_same(columns_of(file), expected_values(path))


@golden
@pytest.mark.parametrize("ttree", [False, True], ids=["rntuple", "ttree"])
def test_golden_by_decompress(path: Path, ttree: bool, rdf: ModuleType, tmp_path: Path) -> None:
    plain = tmp_path / "plain.root"
    rdf.decompress(path, plain, ttree=ttree)
    with aeplugin.open(path) as compressed, uproot.open(plain) as file:
        table, types = file["events"], compressed.typenames()
        arrays = table.arrays()
        assert arrays.fields == (list(types) if ttree else field_names(list(types)))
        columns = (flat(arrays[field], kind) for field, kind in zip(arrays.fields, types.values(), strict=True))
        require_same(dict(zip(types, columns, strict=True)), expected_values(path))


@golden
def test_golden_by_rdataframe(path: Path, rdf: ModuleType) -> None:
    expected = expected_values(path)
    with aeplugin.open(path) as file:
        types = file.typenames()
    frame = rdf.open(path)
    assert sorted(str(name) for name in frame.GetColumnNames()) == sorted(expected)
    for name, kind in types.items():
        require_same({name: taken(frame, name, kind)}, {name: expected[name]})


def taken(frame: Any, name: str, kind: str) -> Column:
    """A column of an RDataFrame."""
    depth = depth_of(kind)
    # AsNumpy keeps every bit and knows no nested vectors.
    events = frame.AsNumpy([name])[name] if depth < 2 else frame.Take[frame.GetColumnType(name)](name)
    offsets = []
    for level in range(depth):
        offsets.append(np.cumsum([0, *(len(vector) for vector in events)]).astype(np.uint64))
        is_last = level == depth - 1 and bool(dtype_of(kind))
        inner = [np.empty(0, dtype_of(kind)), *map(np.asarray, events)] if is_last else []
        events = np.concatenate(inner) if is_last else [value for vector in events for value in vector]
    return Column(events.astype(dtype_of(kind)) if dtype_of(kind) else [str(text) for text in events], offsets)


def test_golden_files_have_what_the_format_has() -> None:
    """Else a change could pass unnoticed."""
    parts = {name: CompressedFile(GOLDEN / f"{name}.root").metadata for name in NAMES}
    plain, merged = parts["plain"][0], parts["merged"]
    compressed = [i for i, group in enumerate(plain["column_groups"]) if group >= 0]
    of = {name: {plain[f"column_{name}"][i] for i in compressed} for name in ("types", "tolerances", "bits")}
    assert of["types"] == {"float", "double", "std::vector<float>", "std::vector<double>", "std::array<double,3>"}
    assert of["tolerances"] == {"abs", "rel"}
    assert {(bits - 8 if bits > 8 else bits, bits > 8) for bits in of["bits"]} >= {
        *((low, True) for low in (1, 2, 3, 4, 6, 8, 9, 16, 17)),
        *((low, False) for low in (2, 4, 6, 8)),
    }
    assert {name for formula in plain["column_formulas"] for name in re.findall(r"(\w+)\(", formula)} == {
        *("sqrt", "abs", "exp", "log", "sin", "cos", "sinh", "cosh")
    }
    assert all(
        kind in plain["column_types"] for kind in ("bool", "std::string", "std::vector<std::vector<std::int16_t>>")
    )
    assert "ROOT::VecOps::RVec<float>" in parts["autoencoder"][0]["column_types"]
    assert any("[" in kind for kind in merged[0]["column_types"])
    assert [len(part["model"]) > 0 for part in merged] == [True, False, True, False]
    assert merged[0]["model"] != merged[2]["model"]
    assert [part["events"] for part in merged] == [60, 50, 0, 40]
    assert parts["blocks"][0]["blocks"] >= 2
    versions = {bytes(part["model"])[8] for parts_of in parts.values() for part in parts_of if part["model"]}
    assert versions == {2, 3, 4}
    network = read_model(bytes(parts["networks"][0]["model"]))["Jet"]
    assert {column.transform for column in network.columns} == {0, 1, 2, 3}
    assert {layer.activation for layer in network.layers} == set(range(7))
    assert {layer.gains is None for layer in network.layers} == {True, False}
    with uproot.open(GOLDEN / "plain.root") as file:
        assert {"Jet_counts_", "events_"} <= set(file["aeplugin_blocks"].keys(recursive=False))
    expected = expected_values(GOLDEN / "plain.root")
    for name, limits in (("anything32", np.finfo(np.float32)), ("anything64", np.finfo(np.float64))):
        values = expected[name].values
        assert len({value.tobytes() for value in values[np.isnan(values)]}) > 3
        assert {np.inf, -np.inf, 0, limits.smallest_subnormal} <= set(values.tolist())
    tags = expected["Jet_tag"].values
    assert {-1.0, -10.0} <= set(tags.tolist())
    assert np.signbit(expected["Jet_pt"].values[expected["Jet_pt"].values == 0]).any()
    assert {1e6, -1e7} <= set(expected_values(GOLDEN / "blocks.root")["rare"].values.tolist())


@pytest.mark.parametrize("seed", [1, 2])
def test_other_files_by_the_specification(seed: int, make_golden: ModuleType, tmp_path: Path) -> None:
    """Files that are made now."""
    for path in make_golden.make(tmp_path, seed):
        expected = expected_values(path)
        require_same(read(path), expected)
        with aeplugin.open(path) as file:
            require_same(columns_of(file), expected)


def test_open_gives_the_same_for_any_range() -> None:
    """Across the border of two blocks, and of parts."""
    for name, start, stop in (("blocks", 2000, 2200), ("merged", 50, 120), ("merged", 110, 150)):
        with aeplugin.open(GOLDEN / f"{name}.root") as file:
            some, whole = columns_of(file, entry_start=start, entry_stop=stop), columns_of(file)
        for column, cut in some.items():
            begin, end = start, stop
            for level in whole[column].offsets:
                begin, end = int(level[begin]), int(level[end])
            assert cut.values.tobytes() == whole[column].values[begin:end].tobytes()


def test_the_second_reader_notices_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would prove nothing if it read anything."""
    monkeypatch.setitem(METADATA, "events", "I")
    with pytest.raises(AssertionError):
        read(GOLDEN / "plain.root")
    monkeypatch.undo()

    def wrong(value: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, grid: np.nextafter(value(self, grid), np.inf)

    monkeypatch.setattr(Grid, "value", wrong(Grid.value))
    found, expected = read(GOLDEN / "blocks.root"), expected_values(GOLDEN / "blocks.root")
    with pytest.raises(AssertionError, match="Hit_x"):
        require_same(found, expected)


def test_golden_files_notice_the_last_bit_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product and a sum that are rounded one by one, instead of fused, cannot decode them."""
    monkeypatch.setattr("format_networks.fma", lambda a, b, c: (a * b + c).astype(np.float32))
    for name in ("autoencoder", "merged", "networks"):
        with pytest.raises(AssertionError):
            read(GOLDEN / f"{name}.root")


def test_second_reader_agrees_with_the_core_on_every_grid() -> None:
    """Where the golden files do not go: steps, ends and values of grids of many tolerances."""
    rng = np.random.default_rng(3)
    for kind, dtype in (("abs", "float32"), ("abs", "float64"), ("rel", "float32"), ("rel", "float64")):
        for tolerance in [1e-7, 0.5, 0.25, *np.exp(rng.uniform(np.log(1e-7), np.log(0.5), 30)).tolist()]:
            core, grid = aeplugin._core.Quantiser(kind, tolerance, dtype), Grid(kind, tolerance, np.dtype(dtype), [])
            integers = rng.integers(-grid.largest, grid.largest, 2000, endpoint=True)
            decoded = core.decode(integers.astype(np.int32), np.empty(0, np.uint64))
            assert decoded.tobytes() == grid.decode(integers, np.empty(0, np.uint64)).tobytes()
            predictions = np.concatenate(
                [grid.value(integers), any_doubles(rng), np.array([0, -0.0, np.inf, np.nan, 2.0**-149, 2.0**128])]
            )
            assert core.nearest(predictions, 0).tolist() == grid.nearest(predictions).tolist()
    assert EXACT_MARK == aeplugin._core.EXACT_MARK


def any_doubles(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2**64, 2000, np.uint64).view(np.float64)


@pytest.mark.parametrize("function", ["sqrt", "abs", "exp", "log", "sin", "cos", "sinh", "cosh"])
def test_second_reader_agrees_with_the_core_on_functions(function: str) -> None:
    rng = np.random.default_rng(4)
    x = np.concatenate([any_doubles(rng), rng.normal(0, 1, 2000), rng.uniform(-800, 800, 2000)])
    x = np.concatenate([x, [0, -0.0, 1, np.inf, -np.inf, 5e-324, 2.0**-1022, 709.8, -745.2, 1e5]])
    x = x[~np.isnan(x)]
    with np.errstate(all="ignore"):
        found = FUNCTIONS[function](x)
    expected = aeplugin._core.Formula(f"{function}(x)").evaluate({"x": x})
    assert np.isnan(found).tolist() == np.isnan(expected).tolist()
    assert found[~np.isnan(found)].tobytes() == expected[~np.isnan(expected)].tobytes()


def test_metadata_are_those_of_the_specification() -> None:
    """Names, order and types in docs/format.md are those of the files."""
    spelt = {
        f"{sign[0] if sign else 'i'}{bits}": f"std::{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)
    }
    spelt |= {"f32": "float", "f64": "double", "string": "std::string"}

    def cxx(kind: str) -> str:
        return f"std::vector<{cxx(kind[10:])}>" if kind.startswith("vector of ") else spelt[kind]

    section = FORMAT[FORMAT.index("### Metadata") : FORMAT.index("**Types of columns.**")]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, flags=re.MULTILINE)
    first = [*METADATA, "checksum"]  # the fields of the first files of version 1
    with uproot.open(GOLDEN / "plain.root") as file:
        found = file["aeplugin"].typenames(recursive=False)
        assert {name: cxx(kind) for name, kind in rows if name in first} == found
        assert [name for name, _ in rows][: len(first)] == list(found) == first
    assert [name for name, _ in rows][len(first) :] == ["input_first_event", "input_events"]


def test_names_of_fields() -> None:
    names = ["a.b", "a_b", "a/b", "c", "c", "d\x7f", "\u00fc.", "events"]
    found = ["a_b_", "a_b", "a_b__", "c", "c_", "d_", "\u00fc_", "events_"]
    assert field_names(names, ("events",)) == aeplugin._core.field_names(names, ["events"]) == found


def test_example_of_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading with uproot alone, as docs/format.md shows it."""
    monkeypatch.chdir(REPOSITORY)
    (example,) = re.findall(r"```python\n(.*?)```", FORMAT, flags=re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})
    assert "Jet_pt       std::vector<float>           plain        rel 0.02" in printed.getvalue()
    assert "[{'events': 300}]" in printed.getvalue()
