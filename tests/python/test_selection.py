"""Selections of recipes: what they need of a file, what they leave, and how much."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

from aeplugin import Recipe, darkmachines
from aeplugin.channels import in_channel
from aeplugin.errors import InputError, RecipeError
from aeplugin.event_numbers import event_uniform
from aeplugin.expressions import parse
from aeplugin.readers import read_columns
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_training import Selection
from aeplugin.selection import Cut, Selector, cut_flow

REPOSITORY = Path(__file__).resolve().parents[2]
LAYOUTS = ("nanoaod", "objects")
JETS = {"Jet": {"pt": "Jet_pt", "eta": "Jet_eta"}}
SCHEMA = {
    "MET_pt": "float",
    "weight": "double",
    "Jet_pt": "std::vector<float>",
    "Jet_eta": "std::vector<float>",
    "Jet_btag": "std::vector<bool>",
    "Electron_pt": "std::vector<float>",
    "Muon_pt": "std::vector<float>",
}
EVENTS = {
    "MET_pt": ak.Array(np.array([10, 20, 30, 40], np.float32)),
    "Jet_pt": ak.Array([[50.0, 5.0], [], [30.0], [20.0, 25.0, 1.0]]),
    "Jet_eta": ak.Array([[0.1, -3.0], [], [2.0], [-1.0, 2.6, 0.0]]),
    "Jet_btag": ak.Array([[True, False], [], [False], [False, True, True]]),
    "Electron_pt": ak.Array([[], [7.0], [], [7.0]]),
    "Muon_pt": ak.Array([[], [], [9.0], []]),
}


def apply(
    groups: Mapping[str, Mapping[str, str]] = JETS, schema: Mapping[str, str] = SCHEMA, **selection: Any
) -> tuple[list[bool], dict[str, list[bool]]]:
    """What is left of `EVENTS`, with no other columns than the selector says that it needs."""
    selector = Selector(Selection(**selection), groups, schema, 1, "events.root")
    needed = [*(c for columns in groups.values() for c in columns.values()), *selector.columns]
    assert len(needed) == len(set(needed))
    events, objects = selector.apply(0, 0, {column: EVENTS[column] for column in needed})
    assert events.dtype == bool
    return events.tolist(), {name: mask.tolist() for name, mask in objects.items()}


@pytest.fixture(scope="session")
def converted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The generated events of ttbar in both layouts."""
    paths = {}
    for layout in LAYOUTS:
        events = darkmachines.read(data / "ttbar.csv.gz", layout)  # type: ignore[arg-type]
        columns = {"MET_pt": events.MET_pt}
        for name in set(events.fields) & {"Jet", "Electron", "Muon", "Object"}:
            columns |= {f"{name}_{variable}": events[name][variable] for variable in events[name].fields}
        paths[layout] = tmp_path_factory.mktemp("converted") / f"{layout}.root"
        with uproot.recreate(paths[layout]) as file:
            file.mkrntuple("events", columns)
    return paths


def recipe(name: str = "darkmachines-jets", **selection: Any) -> Recipe:
    found = Recipe.from_file(name)
    return found.model_copy(
        update={"training": found.training.model_copy(update={"selection": Selection(**selection)}), "columns": {}}
    )


def test_examples_of_the_document_are_read() -> None:
    document = (REPOSITORY / "docs" / "selection.md").read_text()
    selections = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)]
    selections = [found["training"]["selection"] if "training" in found else found for found in selections]
    for found in map(Selection.model_validate, selections):
        assert [parse(text) for text in (*found.events, *found.objects)] or found.channel
    assert len(selections) == 6


def test_nothing_asked_is_everything_and_reads_nothing() -> None:
    assert Selector(Selection(), JETS, SCHEMA, 1, "events.root").columns == ()
    assert apply() == ([True] * 4, {"Jet": [True] * 6})


def test_events_and_objects_are_chosen_apart() -> None:
    events, objects = apply(events=["MET_pt > 15", "n(Jet) > 0"], objects=["Jet_pt >= 20 && abs(Jet_eta) < 2.5"])
    assert events == [False, False, True, True]
    assert objects == {"Jet": [True, False, True, True, False, False]}


def test_objects_may_be_compared_with_their_event() -> None:
    assert apply(objects=["Jet_pt > MET_pt"])[1] == {"Jet": [True, False, False, False, False, False]}
    assert apply(objects=["Jet_pt == max(Jet_pt)"])[1] == {"Jet": [True, False, True, False, True, False]}
    assert apply(objects=["Jet_pt > 4 * sum(Electron_pt)"])[1] == {"Jet": [True, True, True, False, False, False]}


def test_columns_that_no_network_learns_may_decide() -> None:
    selector = Selector(Selection(objects=["Jet_btag"]), JETS, SCHEMA, 1, "events.root")
    assert selector.columns == ("Jet_btag",)
    assert apply(objects=["Jet_btag"])[1] == {"Jet": [True, False, False, False, True, True]}


def test_each_collection_gets_its_own_objects() -> None:
    groups = JETS | {"Muon": {"pt": "Muon_pt"}}
    assert apply(groups, objects=["Jet_pt > 20", "Muon_pt > 10"])[1] == {
        "Jet": [True, False, True, False, True, False],
        "Muon": [False],
    }


def test_objects_of_other_collections_are_idle_and_said_to_be() -> None:
    selector = Selector(Selection(objects=["Muon_pt > 10", "Jet_pt > 20"]), JETS, SCHEMA, 1, "events.root")
    assert selector.idle == ("Muon_pt > 10",)
    assert selector.columns == ()


def test_expressions_may_name_the_other_collections_of_the_recipe() -> None:
    selection = Selection(events=["n(Light) > 1", "n(Soft) < 2"], objects=["Jet_pt > 20"])
    others = {"Light": {"pt": "Jet_pt"}, "Soft": {"p": "Muon_pt"}}
    muons = {"Muon": {"pt": "Muon_pt"}}
    with pytest.raises(RecipeError, match="no collection 'Light'"):
        Selector(selection, muons, SCHEMA, 1, "events.root")
    selector = Selector(selection, muons, SCHEMA, 1, "events.root", others)
    assert selector.columns == ("Jet_pt",)
    assert selector.idle == ("Jet_pt > 20",)
    events, objects = selector.apply(0, 0, EVENTS)
    assert events.tolist() == [True, False, False, True]
    assert {name: mask.tolist() for name, mask in objects.items()} == {"Muon": [True]}


def test_one_object_per_entry() -> None:
    schema, groups = {"jet_pt": "float", "jet_eta": "float", "jet_n": "std::int32_t"}, {"jet": {"pt": "jet_pt"}}
    arrays = {"jet_pt": ak.Array([10.0, 30.0]), "jet_n": ak.Array([3, 1])}
    for text, expected in {"jet_pt > 20": [False, True], "jet_n > 2": [True, False]}.items():
        selector = Selector(Selection(objects=[text]), groups, schema, 1, "flat.root")
        events, objects = selector.apply(0, 0, arrays)
        assert events.all()
        assert objects["jet"].tolist() == expected
        assert Selector(Selection(events=[text]), groups, schema, 1, "f").apply(0, 0, arrays)[0].tolist() == expected


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"events": ["Jet_pt > 20"]}, r"gives one value per object of Jet; .* say any\(...\) or all\(...\)"),
        ({"objects": ["MET_pt > 20"]}, "gives one value per event; expected a column with one value per object"),
        ({"objects": ["any(Jet_pt > 20)"]}, "gives one value per event"),
        ({"objects": ["Jet_pt > Muon_pt"]}, "mixes objects of two collections"),
        ({"events": ["MET > 3"]}, "no column 'MET'; did you mean 'MET_pt'"),
        ({"channel": "3"}, r"training.selection.channel: .* the file has no column 'Jet_E'; .* say the cuts in events"),
    ],
)
def test_what_does_not_fit_is_refused(selection: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        Selector(Selection(**selection), JETS, SCHEMA, 1, "events.root")
    assert str(caught.value).startswith(f"events.root: training.selection.{next(iter(selection))}: ")


def test_all_problems_are_told_at_once() -> None:
    selection = Selection(events=["a > 1", "c > 1"], objects=["b > 2"], channel="1")
    with pytest.raises(RecipeError) as caught:
        Selector(selection, JETS, SCHEMA, 1, "events.root")
    assert [line.split(":")[1].split(".")[-1] for line in str(caught.value).splitlines()] == [
        "channel",
        "events",
        "events",
        "objects",
    ]


def test_lengths_that_differ_from_the_collection_are_an_error() -> None:
    selector = Selector(Selection(objects=["Jet_btag"]), JETS, SCHEMA, 1, "events.root")
    with pytest.raises(InputError, match=r"events\.root: collection 'Jet'"):
        selector.apply(0, 0, EVENTS | {"Jet_btag": EVENTS["Jet_btag"][::-1]})


@pytest.mark.parametrize(
    ("schema", "columns"),
    [
        ({"Object_kind": "std::vector<std::int32_t>", "Object_pt": "std::vector<float>"}, {"Object_kind"}),
        ({"nElectron": "std::uint32_t", "nMuon": "std::uint32_t", "Muon_pt": "float[nMuon]"}, {"nElectron", "nMuon"}),
        ({"NElectron": "std::int32_t", "Muon_Px": "std::vector<float>"}, {"NElectron", "Muon_Px"}),
        ({"el_pt": "std::vector<float>", "mu": "float", "mu_pt": "std::vector<float>"}, {"el_pt", "mu_pt"}),
        ({"lep_n": "std::uint32_t", "lep_pt": "float[lep_n]"}, {"lep_n"}),
        (
            {
                "AnalysisSiHitElectronsAuxDyn.pt": "std::vector<float>",
                "AnalysisElectronsAuxDyn.pt": "std::vector<float>",
                "AnalysisMuonsAuxDyn.pt": "std::vector<float>",
            },
            {"AnalysisElectronsAuxDyn.pt", "AnalysisMuonsAuxDyn.pt"},
        ),
    ],
)
def test_leptons_are_found_by_the_names_of_columns(schema: dict[str, str], columns: set[str]) -> None:
    groups = {"Jet": {"pt": "Jet_pt"}}
    selector = Selector(Selection(lepton_veto=True), groups, schema | {"Jet_pt": "std::vector<float>"}, 1, "f.root")
    assert set(selector.columns) == columns
    arrays = {"Jet_pt": ak.Array([[1.0]] * 3)}
    for column in columns:
        some, none = ([2], []) if "<" in schema[column] else (1, 0)
        leptons = [some, none, some] if column in sorted(columns)[:1] else [some, none, none]
        arrays[column] = ak.Array(leptons) if column != "Object_kind" else ak.Array([[0, 4], [0, 1, 6, -1, 9], [2]])
    assert selector.apply(0, 0, arrays)[0].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("schema", "missing"),
    [
        ({"Jet_pt": "std::vector<float>"}, "no columns of electrons and of muons found"),
        ({"Jet_pt": "std::vector<float>", "Electron_pt": "std::vector<float>"}, "no columns of muons found"),
        ({"Jet_pt": "std::vector<float>", "nElectron": "float", "Muon_pt": "float"}, "of electrons and of muons"),
    ],
)
def test_a_veto_without_leptons_to_look_at_is_refused(schema: dict[str, str], missing: str) -> None:
    with pytest.raises(RecipeError, match=missing):
        Selector(Selection(lepton_veto=True), {"Jet": {"pt": "Jet_pt"}}, schema, 1, "events.root")


def test_the_veto_takes_events_without_leptons() -> None:
    assert apply(lepton_veto=True)[0] == [True, False, False, False]


def test_a_fraction_is_the_same_in_any_blocks_and_copies() -> None:
    selector = pickle.loads(pickle.dumps(Selector(Selection(fraction=0.25), JETS, SCHEMA, 5, "events.root")))
    jets = {column: ak.Array(np.zeros((10_000, 1))) for column in ("Jet_pt", "Jet_eta")}
    whole, objects = selector.apply(3, 0, jets)
    assert whole.tolist() == (event_uniform(5, "fraction", 3, 0, 10_000) < 0.25).tolist()
    assert 2300 < whole.sum() < 2700
    assert objects["Jet"].all()
    parts = [
        selector.apply(3, start, {name: array[start : start + 777] for name, array in jets.items()})[0]
        for start in range(0, 10_000, 777)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (selector.apply(2, 0, jets)[0] != whole).any()


@pytest.mark.parametrize("channel", ["1", "2b", "3"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_channels_of_files_are_those_of_events(
    converted: dict[str, Path], data: Path, layout: str, channel: str
) -> None:
    expected = in_channel(darkmachines.read(data / "ttbar.csv.gz"), channel)  # type: ignore[arg-type]
    name = "Jet" if layout == "nanoaod" else "Object"
    groups = {name: {"pt": f"{name}_pt"}}
    schema = schema_of(converted[layout])[1]
    selector = Selector(Selection(channel=channel), groups, schema, 1, converted[layout])  # type: ignore[arg-type]
    arrays = read_columns(converted[layout], [f"{name}_pt", *selector.columns], None, 0, 10_000)
    np.testing.assert_array_equal(selector.apply(0, 0, arrays)[0], expected)
    assert 0 < expected.sum() < len(expected)


@pytest.mark.parametrize("step", [200_000, 700, 1500])
def test_the_cut_flow_counts_what_is_left(converted: dict[str, Path], data: Path, step: int) -> None:
    path = converted["nanoaod"]
    made = recipe(
        channel="3", lepton_veto=True, fraction=0.5, events=["n(Jet) > 3"], objects=["Jet_pt > 50e3", "not Jet_btag"]
    )
    events = darkmachines.read(data / "ttbar.csv.gz")
    rows = [Cut("all", 6000, {"Jet": 2 * int(ak.count(events.Jet.pt))})]
    twice = ak.concatenate([events, events])
    chosen = np.concatenate([event_uniform(1, "fraction", file, 0, 3000) < 0.5 for file in (0, 1)])
    for cut, mask in {
        "fraction 0.5": chosen,
        "channel 3": in_channel(twice, "3"),
        "no electrons or muons": ak.num(twice.Electron) + ak.num(twice.Muon) == 0,
        "n(Jet) > 3": ak.num(twice.Jet) > 3,
    }.items():
        chosen = chosen & np.asarray(mask)
        rows.append(Cut(cut, int(chosen.sum()), {"Jet": int(ak.count(twice[chosen].Jet.pt))}))
    jets = twice[chosen].Jet
    rows.append(rows[-1]._replace(cut="Jet_pt > 50e3", objects={"Jet": int(ak.sum(jets.pt > 50e3))}))
    left = (jets.pt > 50e3) & (jets.btag == 0)
    rows.append(rows[-1]._replace(cut="not Jet_btag", objects={"Jet": int(ak.sum(left))}))
    assert cut_flow([path, path], made, step=step) == rows
    assert 0 < rows[-1].events < rows[1].events < 6000


def test_the_cut_flow_refuses_cuts_of_what_is_not_trained(converted: dict[str, Path]) -> None:
    with pytest.raises(
        RecipeError, match="'Muon_pt > 3' is about no collection that is trained; expected columns of Jet"
    ):
        cut_flow([converted["nanoaod"]], recipe(objects=["Muon_pt > 3"]))


def test_an_empty_file_has_a_cut_flow_of_zeros(tmp_path: Path) -> None:
    jets = {f"Jet_{name}": ak.Array([[1.0]])[:0] for name in ("E", "pt", "eta", "phi")}
    with uproot.recreate(tmp_path / "empty.root") as file:
        file.mkrntuple("events", {"MET_pt": np.zeros(0, np.float32), **jets})
    rows = cut_flow([tmp_path / "empty.root"], recipe(channel="3", fraction=0.5, events=["MET_pt > 1"]))
    assert [row.cut for row in rows] == ["all", "fraction 0.5", "channel 3", "MET_pt > 1"]
    assert all(row[1:] == (0, {"Jet": 0}) for row in rows)


def flow(path: Path, name: str, tree: str | None, **selection: Any) -> list[Cut]:
    return cut_flow([path], recipe(name, **selection).model_copy(update={"tree": tree}))


def test_nanoaod(shared_data: Path) -> None:
    path = shared_data / "nanoaod" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    text = "nJet == n(Jet) && (nJet > 3 || HLT_Dimuon13_PsiPrime) && max(Jet_pt) > 30"
    rows = flow(path, "nanoaod", "Events", lepton_veto=True, events=[text], objects=["abs(Jet_eta) < 2.4"])
    with uproot.open(path) as file:
        events = file["Events"].arrays(["nElectron", "nMuon", "nJet", "Jet_pt", "Jet_eta", "HLT_Dimuon13_PsiPrime"])
    chosen = (events.nElectron + events.nMuon == 0) & ((events.nJet > 3) | events.HLT_Dimuon13_PsiPrime)
    chosen = chosen & ak.fill_none(ak.max(events.Jet_pt, axis=1) > 30, False)
    assert 0 < rows[-1].events == ak.sum(chosen) < 200
    assert rows[-1].objects["Jet"] == ak.sum(abs(events[chosen].Jet_eta) < 2.4)
    with pytest.raises(RecipeError, match="channel '3' is of Dark Machines events, in MeV"):
        flow(path, "nanoaod", "Events", channel="3")


def test_physlite(shared_data: Path) -> None:
    path = shared_data / "physlite" / "coffea_PHYSLITE_example.root"
    jets = "AnalysisJetsAuxDyn"
    rows = flow(
        path,
        "physlite",
        "CollectionTree",
        lepton_veto=True,
        events=[f"count({jets}.pt > 20e3) >= 2"],
        objects=[f"{jets}.pt > 20e3"],
    )
    with uproot.open(path) as file:
        columns = [f"{jets}.pt", "AnalysisElectronsAuxDyn.pt", "AnalysisMuonsAuxDyn.pt"]
        pt, electrons, muons = (file["CollectionTree"][column].array() for column in columns)
    chosen = (ak.num(electrons) + ak.num(muons) == 0) & (ak.sum(pt > 20e3, axis=1) >= 2)
    assert 0 < rows[-1].events == ak.sum(chosen) < 100
    assert rows[-1].objects[jets] == ak.sum(pt[chosen] > 20e3)


def test_flat_jets(shared_data: Path) -> None:
    path = shared_data / "atlas_jets" / "atlas_jets_4d_train.root"
    rows = flow(path, "atlas-jets", None, fraction=0.5, events=["jet_m > 0"], objects=["abs(jet_eta) < 2.5"])
    with uproot.open(path) as file:
        eta, mass = (file["jets"][column].array(library="np") for column in ("jet_eta", "jet_m"))
    chosen = (event_uniform(1, "fraction", 0, 0, len(eta)) < 0.5) & (mass > 0)
    assert rows[-1] == ("abs(jet_eta) < 2.5", chosen.sum(), {"jet": (chosen & (abs(eta) < 2.5)).sum()})


def test_columns_are_read_by_entries(converted: dict[str, Path]) -> None:
    path = converted["nanoaod"]
    part = read_columns(path, ["Jet_pt", "MET_pt"], None, 10, 15)
    with uproot.open(path) as file:
        assert ak.array_equal(part["Jet_pt"], file["events"]["Jet_pt"].array()[10:15])
    assert len(read_columns(path, ["MET_pt"], "events", 2990, 4000)["MET_pt"]) == 10
    with pytest.raises(RecipeError, match="no column 'Jet_ptt'; did you mean 'Jet_pt'"):
        read_columns(path, ["Jet_ptt"], None, 0, 1)


def test_a_file_that_changed_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "x.root"
    for value in (1.0, 2.0):
        with uproot.recreate(path) as file:
            file.mkrntuple("events", {"x": np.array([value])})
        assert read_columns(path, ["x"], None, 0, 1)["x"].tolist() == [value]
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_columns(path, ["x"], None, 0, 1)
