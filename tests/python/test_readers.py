"""Readers: TTrees and RNTuples of any shape as flat columns, and clear refusals."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from aeplugin import Recipe, darkmachines
from aeplugin.errors import InputError, RecipeError
from aeplugin.readers import Objects, in_step, iterate_collection, open_table, read_collection
from aeplugin.recipe import Collection

FORMATS = ["ttree", "rntuple"]


def collection(*variables: str, **in_file: str) -> Collection:
    """A collection of these variables, and of those in columns of another name."""
    columns: dict[str, dict[str, Any]] = {name: {"tolerance": {"abs": 1}} for name in variables}
    columns |= {name: {"tolerance": {"abs": 1}, "column": column} for name, column in in_file.items()}
    return Collection.model_validate({"columns": columns})


def write(path: Path, columns: Mapping[str, Any], kind: str = "rntuple", name: str = "events") -> Path:
    with uproot.recreate(path) as file:
        if kind == "rntuple":
            file.mkrntuple(name, columns)
        else:
            file.mktree(name, {key: ak.type(ak.Array(value)).content for key, value in columns.items()})
            file[name].extend(columns)
    return path


JAGGED = ak.Array([[1.5, 2.5], [], [3.5]])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("step", [1, 2, 100])
def test_jagged(tmp_path: Path, kind: str, dtype: type[np.generic], step: int) -> None:
    values = ak.values_astype(JAGGED, dtype)
    path = write(tmp_path / "a.root", {"Jet_pt": values, "Jet_eta": values + 1, "MET": np.arange(3.0)}, kind)
    blocks = list(iterate_collection(path, "Jet", collection("pt", "eta"), step=step))
    assert len(blocks) == -(-3 // step)
    assert np.concatenate([block.counts for block in blocks]).tolist() == [2, 0, 1]
    whole = read_collection(path, "Jet", collection("pt", "eta"))
    for found in (whole.columns["pt"], np.concatenate([block.columns["pt"] for block in blocks])):
        assert found.dtype == dtype
        assert found.tolist() == ak.flatten(values).to_list()
    assert len(whole) == 3
    assert whole.matrix().dtype == np.float32
    pt = whole.columns["pt"].astype(np.float32)
    np.testing.assert_array_equal(whole.matrix(), np.stack([pt, pt + 1], axis=1))


@pytest.mark.parametrize("kind", FORMATS)
def test_flat(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.root", {"jet_pt": np.array([1.0, 2.0]), "m": np.array([3.0, 4.0], np.float32)}, kind)
    found = read_collection(path, "jet", collection("pt", mass="m"))
    assert found.counts.tolist() == [1, 1]
    assert found.columns["pt"].tolist() == [1, 2]
    assert found.columns["mass"].tolist() == [3, 4]


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_column_names_the_nearest(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.root", {"Jet_pt": JAGGED, "Jet_eta": JAGGED}, kind)
    message = r"a\.root: no column 'Jet_ptt' for variable 'ptt' of collection 'Jet'; did you mean 'Jet_pt'\?"
    with pytest.raises(RecipeError, match=message):
        read_collection(path, "Jet", collection("eta", "ptt"))
    with pytest.raises(RecipeError, match="no column 'Jet_pT' for variable 'pt'"):
        read_collection(path, "Jet", collection(pt="Jet_pT"))


def test_several_trees(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("events", {"x": np.arange(3.0)})
        file.mktree("other", {"x": np.float64})
        file["other"].extend({"x": np.arange(5.0)})
        file["histogram"] = np.histogram([1, 2])
    with pytest.raises(
        InputError, match=r"a\.root: expected one TTree or RNTuple, found (events, other|other, events)"
    ):
        read_collection(path, "c", collection(x="x"))
    assert len(read_collection(path, "c", collection(x="x"), "events")) == 3
    assert len(read_collection(path, "c", collection(x="x"), "other")) == 5
    with pytest.raises(InputError, match="no TTree or RNTuple called 'event'; did you mean 'events'"):
        open_table(path, "event")
    with pytest.raises(InputError, match="no TTree or RNTuple called 'histogram'"):
        open_table(path, "histogram")


def test_no_tree(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["histogram"] = np.histogram([1, 2])
    with pytest.raises(InputError, match=r"a\.root: expected one TTree or RNTuple, found none"):
        open_table(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_entries_and_no_objects(tmp_path: Path, kind: str) -> None:
    empty = ak.values_astype(JAGGED[:0], np.float32)
    found = read_collection(write(tmp_path / "a.root", {"Jet_pt": empty}, kind), "Jet", collection("pt"))
    assert (len(found), len(found.counts), found.matrix().shape) == (0, 0, (0, 1))
    none = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.zeros(5, int)), ak.to_layout(np.empty(0, "f4"))))
    found = read_collection(write(tmp_path / "b.root", {"Jet_pt": none}, kind), "Jet", collection("pt"))
    assert (len(found), found.counts.tolist(), found.matrix().shape) == (0, [0] * 4, (0, 1))


@pytest.mark.parametrize("kind", FORMATS)
def test_lengths_that_differ(tmp_path: Path, kind: str) -> None:
    other = ak.Array([[1.0, 2.0], [], [3.0, 4.0]])
    path = write(tmp_path / "a.root", {"Jet_pt": JAGGED, "Jet_eta": other, "Jet_m": np.arange(3.0)}, kind)
    with pytest.raises(
        InputError, match=r"a\.root: collection 'Jet': variable 'eta' has 2 values in event 2 .* have 1"
    ):
        read_collection(path, "Jet", collection("pt", "eta"))
    with pytest.raises(InputError, match=r"variable 'm' has 1 values in event 0 .* have 2"):
        read_collection(path, "Jet", collection("pt", "m"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (ak.Array(["a", "b"]), "string"),
        (ak.Array([["a"], []]), "var \\* string"),
        (ak.Array([[[1.0]], []]), "var \\* var \\* float64"),
        (ak.Array([{"a": 1.0}, {"a": 2.0}]), "{a: float64}"),
    ],
)
def test_columns_that_hold_no_numbers(tmp_path: Path, values: ak.Array, kind: str) -> None:
    path = write(tmp_path / "a.root", {"Jet_x": values})
    with pytest.raises(InputError, match=rf"variable 'x' is of type {kind}; expected numbers or lists of numbers"):
        read_collection(path, "Jet", collection("x"))


def test_booleans_and_fixed_arrays(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", {"c_b": ak.Array([[True], [False, True]])})
    assert read_collection(path, "c", collection("b")).matrix().tolist() == [[1], [0], [1]]
    path = write(tmp_path / "b.root", {"c_x": np.arange(6.0).reshape(3, 2)}, "ttree")
    found = read_collection(path, "c", collection("x"))
    assert found.counts.tolist() == [2, 2, 2]
    assert found.columns["x"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("content", [b"", b"root", b"hello, world\n" * 50, b"root" + bytes(500), b"\x80\x04]." * 20])
def test_no_root_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.root: "):
        read_collection(path, "Jet", collection("pt"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.root: no such file; expected a ROOT file"):
        open_table(tmp_path / "b.root")
    with pytest.raises(InputError, match="is a directory; expected a ROOT file"):
        open_table(tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_file(tmp_path: Path, events_file: Path, kind: str) -> None:
    variables = collection("E", "pt", "eta", "phi")
    if kind == "ttree":
        with uproot.open(events_file) as file:
            arrays = file["events"].arrays([f"Jet_{name}" for name in variables.columns])
        columns = {name: ak.values_astype(arrays[name], np.float32) for name in arrays.fields}
        content = write(tmp_path / "whole.root", columns, "ttree").read_bytes()
    else:
        content = events_file.read_bytes()
    path = tmp_path / "a.root"
    path.write_bytes(content)
    assert len(read_collection(path, "Jet", variables)) > 10_000
    # What uproot needs may well lie before the cut; the file is refused all the same.
    for size in [0, 3, 50, 100, 200, 300, 1000, *np.linspace(2000, len(content) - 1, 12, dtype=int).tolist()]:
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match=r"a\.root: .*truncated"):
            read_collection(path, "Jet", variables)


def test_damaged_file(tmp_path: Path, events_file: Path) -> None:
    """Whatever bytes are damaged: values, or one of our errors."""
    content, path = events_file.read_bytes(), tmp_path / "a.root"
    rng = np.random.default_rng(5)
    refused = 0
    for attempt in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, 3000 if attempt % 2 else len(content), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError, RecipeError):
            read_collection(path, "Jet", collection("E", "pt", "eta", "phi"))
            continue
        refused += 1
    assert refused > 30


def test_events_file_is_what_the_parser_gives(events_file: Path, data: Path) -> None:
    found = read_collection(events_file, "Jet", Recipe.from_file("darkmachines-jets").collections["Jet"])
    jets = darkmachines.read(data / "monojet.csv.gz").Jet
    assert found.counts.tolist() == ak.num(jets).to_list()
    for name, values in found.columns.items():
        assert values.tobytes() == ak.to_numpy(ak.flatten(jets[name])).tobytes()


def test_atlas_jets(shared_data: Path) -> None:
    recipe = Recipe.from_file("atlas-jets")
    path = shared_data / "atlas_jets" / "atlas_jets_4d_train.root"
    found = read_collection(path, "jet", recipe.collections["jet"], recipe.tree)
    assert len(found) == 111_778
    assert list(found.columns) == ["m", "pt", "eta", "phi"]
    with uproot.open(path) as file:
        masses = file["jets"]["jet_m"].array(library="np")
    assert found.columns["m"].tobytes() == masses.tobytes()
    assert (masses <= 0).any()


def test_other_real_files(shared_data: Path) -> None:
    """C arrays of a CMS tutorial, NanoAOD and PHYSLITE, by mapping columns."""
    cms = read_collection(shared_data / "cms_heptutorial" / "zz.root", "Jet", collection(px="Jet_Px", e="Jet_E"))
    assert len(cms) == cms.counts.sum() > 0
    nano = shared_data / "nanoaod" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    jets = read_collection(nano, "Jet", collection("pt", "eta"), "Events")
    assert len(jets.counts) == 200
    assert (jets.columns["pt"] > 0).all()
    physlite = shared_data / "physlite" / "coffea_PHYSLITE_example.root"
    jets = read_collection(
        physlite, "Jet", collection(pt="AnalysisJetsAuxDyn.pt", eta="AnalysisJetsAuxDyn.eta"), "CollectionTree"
    )
    assert len(jets.counts) == 100


def test_members_of_branches(shared_data: Path) -> None:
    """The members of a class that ROOT has split are columns, and so are the leaves of a branch with several."""
    physlite = shared_data / "physlite" / "coffea_PHYSLITE_example.root"
    with uproot.open(physlite) as file:
        inner = [b for b in file["CollectionTree"].itervalues(recursive=True) if b.parent is not file["CollectionTree"]]
        name = next(b.name for b in inner if b.typename in ("float", "uint32_t", "uint64_t", "int32_t"))
    found = read_collection(physlite, "x", collection(x=name), "CollectionTree")
    assert len(found) == 100


def test_in_step() -> None:
    def blocks(*counts: list[int]) -> Any:
        return iter([Objects(np.array(block), {"x": np.zeros(sum(block))}) for block in counts])

    assert len(list(in_step(blocks([1, 2], [3]), blocks([1, 2], [3]), "a", "b", "Jet"))) == 2
    with pytest.raises(InputError, match=r"b: collection 'Jet' has 4 objects in event 2 .*expected 3 as in a"):
        list(in_step(blocks([1, 2], [3]), blocks([1, 2], [4]), "a", "b", "Jet"))
    with pytest.raises(InputError, match="b: ends after 2 events, but a has more"):
        list(in_step(blocks([1, 2], [3]), blocks([1, 2]), "a", "b", "Jet"))
    with pytest.raises(InputError, match="a: ends after 3 events, but b has more"):
        list(in_step(blocks([1, 2], [3]), blocks([1, 2], [3, 1]), "a", "b", "Jet"))


def test_some_objects_and_some_events() -> None:
    objects = Objects(np.array([2, 0, 3]), {"x": np.arange(5.0), "n": np.arange(5)})
    chosen = objects.where(np.array([False, True, True, False, True]))
    assert chosen.counts.tolist() == [1, 0, 2]
    assert chosen.columns["x"].tolist() == [1, 2, 4]
    events = objects.of_events(np.array([False, True, True]))
    assert events.counts.tolist() == [0, 3]
    assert events.columns["n"].tolist() == [2, 3, 4]
    assert len(objects.of_events(np.zeros(3, bool)).counts) == 0
