"""First recipes for files, the columns of files, and what a recipe makes of each."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from aeplugin import Recipe
from aeplugin.errors import InputError, RecipeError
from aeplugin.recipe_files import RecipeRow, check_recipe, recipe_rows, schema_of
from aeplugin.recipe_init import find_sentinels, initial_recipe, suggest
from aeplugin.recipe_resolution import to_rules
from aeplugin.recipe_types import parse_type

RNG = np.random.default_rng(1)
EVENTS = 400


def jagged(values: np.ndarray, counts: np.ndarray) -> ak.Array:
    return ak.unflatten(values[: counts.sum()].astype(np.float32), counts)


@pytest.fixture(scope="module")
def tuple_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TTree "t" with jets (counter nJet), tracks, MET and others; an RNTuple "r" with some of them."""
    path = tmp_path_factory.mktemp("init") / "a.root"
    counts = RNG.integers(0, 4, EVENTS)
    tags = RNG.random(3 * EVENTS)
    tags[::7] = -999
    jets = {
        "pt": 20 + RNG.exponential(30, 3 * EVENTS),
        "eta": RNG.normal(0, 1, 3 * EVENTS),
        "phi": RNG.uniform(-3, 3, 3 * EVENTS),
        "m": RNG.normal(5, 4, 3 * EVENTS),
        "tag": tags,
    }
    content = {
        "event": np.arange(EVENTS),
        "MET_pt": RNG.exponential(30, EVENTS).astype(np.float32),
        "MET_phi": RNG.uniform(-3, 3, EVENTS),
        "weight": RNG.normal(1, 0.1, EVENTS),
        "array": RNG.normal(0, 1, (EVENTS, 3)),
        "flag": np.ones(EVENTS, bool),
    }
    with uproot.recreate(path) as file:
        record = ak.zip({name: jagged(values, counts) for name, values in jets.items()})
        file.mktree("t", {**{k: (v.dtype, v.shape[1:]) for k, v in content.items()}, "Jet": record.type.content})
        file["t"].extend({**content, "Jet": record, "nJet": counts.astype(np.int32)})
        columns = {f"Jet_{name}": jagged(values, counts) for name, values in jets.items()}
        columns["names"] = ak.Array(["a"] * EVENTS)
        file.mkrntuple("r", {**columns, "event": content["event"], "matrix": np.zeros((EVENTS, 2, 2))})
    return path


def test_columns_of_a_tree(tuple_file: Path) -> None:
    name, schema = schema_of(tuple_file, "t")
    assert name == "t"
    assert schema == {
        "event": "std::int64_t", "MET_pt": "float", "MET_phi": "double", "weight": "double",
        "array": "std::array<double,3>", "flag": "bool", "nJet": "std::int32_t",
        **{f"Jet_{variable}": "float[nJet]" for variable in ("pt", "eta", "phi", "m", "tag")},
    }  # fmt: skip


def test_columns_of_an_rntuple(tuple_file: Path) -> None:
    name, schema = schema_of(tuple_file, "r")
    assert name == "r"
    assert schema["Jet_pt"] == "std::vector<float>"
    assert schema["names"] == "std::string"
    assert schema["event"] == "std::int64_t"
    assert parse_type(schema["matrix"]) is None


def test_columns_of_no_tree(tuple_file: Path) -> None:
    with pytest.raises(InputError, match="expected one TTree or RNTuple, found t, r"):
        schema_of(tuple_file)
    with pytest.raises(InputError, match="no TTree or RNTuple called 's'"):
        initial_recipe(tuple_file, "s")


def test_first_recipe_of_a_tree(tuple_file: Path) -> None:
    text = initial_recipe(tuple_file, "t")
    recipe = Recipe.from_text(text)
    assert recipe.tree == "t"
    jet = recipe.collections["Jet"].columns
    assert list(recipe.collections) == ["Jet"]
    assert list(jet) == ["pt", "eta", "phi", "m", "tag"]
    assert (jet["pt"].tolerance.rel, jet["pt"].transform) == (0.01, "log10")
    assert (jet["eta"].tolerance.abs, jet["eta"].periodic) == (0.001, False)
    assert (jet["phi"].tolerance.abs, jet["phi"].periodic) == (0.001, True)
    assert jet["m"].tolerance.abs in (0.04, 0.05, 0.06)
    assert (jet["tag"].tolerance.is_exact, jet["tag"].sentinels) == (True, [-999])
    assert [str(column.tolerance) for column in recipe.columns.values()] == ["rel 0.01", "abs 0.001", "exact", "exact"]
    assert list(recipe.columns) == ["MET_pt", "MET_phi", "weight", "array"]
    assert "weight: {tolerance: exact}  # 0." in text
    assert "to loosen: {abs: 0.000" in text


def test_first_recipe_of_an_rntuple(tuple_file: Path) -> None:
    recipe = Recipe.from_text(initial_recipe(tuple_file, "r"))
    assert set(recipe.collections["Jet"].columns) == {"pt", "eta", "phi", "m", "tag"}
    assert recipe.drop == ["matrix"]


def test_first_recipe_of_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", {"Jet_pt": ak.Array([[1.0]])[:0], "Jet_eta": ak.Array([[1.0]])[:0], "n": np.zeros(0, int)})
    recipe = Recipe.from_text(initial_recipe(path))
    jet = recipe.collections["Jet"].columns
    assert (str(jet["pt"].tolerance), jet["pt"].transform, str(jet["eta"].tolerance)) == (
        "rel 0.01",
        "linear",
        "abs 0.001",
    )
    recipe.resolve(schema_of(path)[1])


def test_columns_of_other_lengths_are_not_in_a_collection(tmp_path: Path) -> None:
    path = tmp_path / "lengths.root"
    once, twice = np.ones(5, np.int64), np.full(5, 2)
    values = np.linspace(1, 2, 10)
    with uproot.recreate(path) as file:
        columns = {f"jet_{v}": jagged(values, once) for v in ("pt", "eta")}
        file.mkrntuple("t", {**columns, "jet_tracks_pt": jagged(values, twice), "yes": values[:5]})
    recipe = Recipe.from_text(initial_recipe(path))
    assert set(recipe.collections["jet"].columns) == {"pt", "eta"}
    assert set(recipe.columns) == {"jet_tracks_pt", "yes"}


def test_rows(tuple_file: Path) -> None:
    recipe = Recipe.from_text("""
        tree: t
        collections:
          Jet: {codec: plain, columns: {m: {tolerance: {abs: 1}, predict: pt / 10}, pt: {tolerance: {rel: 0.01}}}}
        columns: {'MET*': {tolerance: {abs: 0.5}, sentinels: [-1]}}
        drop: [flag]
    """)
    rows = {row.column: row for row in check_recipe(recipe, tuple_file)}
    assert list(rows) == list(schema_of(tuple_file, "t")[1])
    assert rows["Jet_m"] == RecipeRow("Jet_m", "float[nJet]", "abs 1", [], "pt / 10", "plain")
    assert rows["Jet_pt"] == RecipeRow("Jet_pt", "float[nJet]", "rel 0.01", [], "", "plain")
    assert rows["Jet_eta"] == RecipeRow("Jet_eta", "float[nJet]", "exact", [], "", "")
    assert rows["MET_pt"] == RecipeRow("MET_pt", "float", "abs 0.5", [-1], "", "plain")
    assert rows["flag"] == RecipeRow("flag", "bool", "dropped", [], "", "")
    assert {row.column: row.rule for row in check_recipe(Recipe.from_text("columns: {}"), tuple_file, "r")}[
        "matrix"
    ] == "unsupported"
    with pytest.raises(RecipeError, match=r"a\.root: no column 'Jet_mm' .*did you mean 'Jet_m'"):
        check_recipe(Recipe.from_text("columns: {Jet_mm: {tolerance: exact}}"), tuple_file, "t")


BULK = RNG.normal(0, 1, 1000)


def spiked(bulk: np.ndarray, **spikes: int) -> np.ndarray:
    """`bulk` with so many more values, the spikes given as minus_999=20."""
    more = [np.full(count, float(name.replace("minus_", "-"))) for name, count in spikes.items()]
    return RNG.permutation(np.concatenate([bulk, *more]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (BULK, []),
        (spiked(BULK, minus_999=20), [-999]),
        (spiked(BULK, minus_999=20, minus_99=30, minus_9999=15), [-9999, -999, -99]),
        (spiked(BULK, minus_999=5), []),
        (spiked(np.abs(BULK), minus_1=20), [-1]),
        (spiked(BULK, minus_1=200), []),
        (spiked(np.abs(BULK) + 20, **{"0": 200}), []),
        (spiked(BULK, **{"99": 20}), [99]),
        (spiked(BULK, **{"1000": 20}), []),
        (np.repeat([-1.0, 1.0], 100), []),
        (np.full(100, -999.0), []),
        (np.empty(0), []),
        (np.array([-999.0]), []),
    ],
)
def test_sentinels(values: np.ndarray, expected: list[float]) -> None:
    assert find_sentinels(values) == expected


@pytest.mark.parametrize(
    ("name", "values", "tolerance"),
    [
        ("pT_h1_j1", [1, 2], "{rel: 0.01}"),
        ("sumEt", [0, 2], "{rel: 0.01}"),
        ("mass", [0, 500], "{abs: 5}"),
        ("jet_m", [1, 5], "{rel: 0.01}"),
        ("Px", [-1, 333], "{abs: 1}"),
        ("MET_phi", [-3, 3], "{abs: 0.001}"),
        ("METphi", [-3, 3], "{abs: 0.001}"),
        ("phi", [0, 180], "exact"),
        ("DetectorEta", [-4, 4], "{abs: 0.001}"),
        ("pt", [], "{rel: 0.01}"),
        ("m", [0, 0], "exact"),
        ("ptErr", [1, 2], "exact"),
        ("eVeto", [1, 2], "exact"),
        ("MET_significance", [1, 2], "exact"),
        ("_", [1, 2], "exact"),
        ("pt", [np.nan, np.inf, 1], "{rel: 0.01}"),
    ],
)
def test_suggestions(name: str, values: list[float], tolerance: str) -> None:
    assert suggest(name, np.array(values, float)).tolerance == tolerance


def trees(folder: Path) -> list[tuple[Path, str]]:
    """Every tree of every ROOT file below a folder."""
    found = []
    for path in sorted(folder.rglob("*.root")):
        with uproot.open(path) as file:
            found += [(path, name) for name, kind in file.classnames(cycle=False).items() if kind == "TTree"]
    return found


def test_first_recipes_of_published_files(shared_data: Path) -> None:
    """They fit, every column is accounted for once, and just the types that cannot be compressed are dropped."""
    seen = 0
    for path, tree in trees(shared_data):
        where = f"{path.name}, {tree}"
        recipe = Recipe.from_text(initial_recipe(path, tree), where=where)
        _, schema = schema_of(path, tree)
        resolved = recipe.resolve(schema, where)
        assert Recipe.from_text(resolved.to_text()) == resolved == resolved.resolve(schema), where
        assert all(len(collection.columns) > 1 for collection in recipe.collections.values()), where
        rows = recipe_rows(resolved, schema)
        assert [row.column for row in rows] == list(schema), where
        assert {row.column for row in rows if row.rule == "dropped"} == {
            name for name, kind in schema.items() if parse_type(kind) is None
        }, where
        lossy = [rule["column"] for collection in to_rules(resolved)["collections"] for rule in collection["columns"]]
        assert len(lossy) == len(set(lossy)) == sum(row.rule.startswith(("abs", "rel")) for row in rows), where
        seen += len(schema)
    assert seen > 4000


def test_first_recipe_of_nanoaod(shared_data: Path) -> None:
    path = shared_data / "nanoaod" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    recipe = Recipe.from_text(initial_recipe(path))
    assert len(schema_of(path)[1]) == 947
    assert {"Jet", "Muon", "Electron", "GenPart", "FatJet"} <= recipe.collections.keys()
    assert recipe.collections["Jet"].columns["btagCSVV2"].sentinels == [-10]
    assert str(recipe.columns["MET_phi"].tolerance) == "abs 0.001"


def test_first_recipe_of_physlite(shared_data: Path) -> None:
    path = shared_data / "physlite" / "coffea_PHYSLITE_example.root"
    recipe = Recipe.from_text(initial_recipe(path))
    jets = recipe.collections["AnalysisJetsAuxDyn"]
    assert {"pt", "eta", "phi", "m", "Timing", "EMFrac"} <= jets.columns.keys()
    resolved = recipe.resolve(schema_of(path)[1]).collections["AnalysisJetsAuxDyn"]
    assert resolved.file_columns("AnalysisJetsAuxDyn")["pt"] == "AnalysisJetsAuxDyn.pt"
    assert "AnalysisJetsAuxDyn.EnergyPerSampling" not in recipe.columns  # nested, and so exact


def test_lengths_of_published_columns(shared_data: Path) -> None:
    """The counter of a C array is named; a member of a vector of objects, counted by no column, is a vector."""
    tutorial = schema_of(shared_data / "cms_heptutorial" / "qcd.root")[1]
    assert (tutorial["Jet_Px"], tutorial["Jet_ID"], tutorial["NJet"]) == ("float[NJet]", "bool[NJet]", "std::int32_t")
    physlite = schema_of(shared_data / "physlite" / "coffea_PHYSLITE_example.root")[1]
    assert physlite["AnalysisElectronsAuxDyn.ambiguityLink.m_persKey"] == "std::vector<std::uint32_t>"
