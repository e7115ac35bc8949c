"""Evaluation: what the residuals of a compressed file are, and what its columns take."""

from __future__ import annotations

import json
import math
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Recipe, darkmachines, rdf
from aeplugin.errors import CompatibilityError, InputError
from aeplugin.evaluation import evaluate
from aeplugin.files import iterate_objects
from aeplugin.rntuples import stored_bytes

RECIPE = Recipe.from_text("""
collections:
  Jet:
    columns:
      E: {tolerance: {rel: 0.02}}
      pt: {tolerance: {rel: 0.02}}
      eta: {tolerance: {abs: 0.01}, sentinels: [-999]}
      phi: {tolerance: {abs: 0.01}, periodic: true}
columns:
  MET_pt: {tolerance: {rel: 0.01}}
""")
TOLERANCES = {"E": 0.02, "pt": 0.02, "eta": 0.01, "phi": 0.01}


@pytest.fixture(scope="module")
def original(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Monojet events, with a few special values."""
    arrays = uproot.open(events_file)["events"].arrays()
    columns = {name: arrays[name] for name in arrays.fields}
    counts = ak.num(columns["Jet_pt"])
    for name, value in (("pt", 0), ("eta", -999), ("E", np.nan)):
        values = np.array(ak.flatten(columns[f"Jet_{name}"]))
        values[::100] = value
        columns[f"Jet_{name}"] = ak.unflatten(values, counts)
    path = tmp_path_factory.mktemp("original") / "original.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
    return path


@pytest.fixture(scope="module")
def compressed(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compressed") / "c.root"
    rdf.compress(original, path, RECIPE)
    return path


def test_numbers_are_those_of_numpy(original: Path, compressed: Path) -> None:
    found = evaluate(original, compressed)
    assert found.objects == {"Jet": 11_166, "MET_pt": 3000}
    assert found.within == {"Jet": 1, "MET_pt": 1}
    assert set(found.variables["Jet"]) == TOLERANCES.keys()
    before, after = uproot.open(original)["events"].arrays(), aeplugin.open(compressed).arrays()
    for variable, summary in found.variables["Jet"].items():
        x, y = (ak.to_numpy(ak.flatten(a[f"Jet_{variable}"])).astype(np.float64) for a in (before, after))
        with np.errstate(divide="ignore", invalid="ignore"):
            residuals = (y - x) / x if variable in ("E", "pt") else y - x
        finite = residuals[np.isfinite(residuals)]
        assert summary.mean == pytest.approx(finite.mean(), abs=1e-12)
        assert summary.rms == pytest.approx(np.sqrt(np.mean(finite**2)))
        assert 0.95 * TOLERANCES[variable] < summary.max <= TOLERANCES[variable]
        assert summary.max == pytest.approx(np.abs(finite).max(), rel=1e-6)
        assert summary.within == 1
        assert summary.not_finite == len(residuals) - len(finite)
        assert summary.special == (112 if variable in ("E", "eta") else 0)  # zero has a grid integer of its own
        for q, quantile in ((0.68, summary.abs68), (0.95, summary.abs95), (0.999, summary.abs999)):
            assert quantile == pytest.approx(np.quantile(np.abs(finite), q), rel=1e-3)
    assert found.variables["Jet"]["pt"].tolerance == "rel 0.02"
    assert found.variables["Jet"]["eta"].tolerance == "abs 0.01"


def test_sizes_add_up(original: Path, compressed: Path) -> None:
    found = evaluate(original, compressed)
    assert found.original_bytes == original.stat().st_size
    assert found.compressed_bytes == sum(found.sizes.values()) == compressed.stat().st_size
    stored = stored_bytes(compressed)["aeplugin_blocks"]
    jets = sum(size for name, size in stored.items() if name.startswith("Jet_")) + stored["special"]
    assert found.bits["Jet"] == pytest.approx(8 * jets / 11_166)
    assert found.bits["MET_pt"] == found.variables["MET_pt"]["MET_pt"].bits_per_value
    assert 3 < found.bits["MET_pt"] < 20
    of_variables = sum(summary.bits_per_value for summary in found.variables["Jet"].values())
    assert 0.9 * found.bits["Jet"] < of_variables < found.bits["Jet"]  # without the numbers of jets


def test_as_json(original: Path, compressed: Path) -> None:
    found = evaluate(original, compressed)
    numbers = json.loads(json.dumps(found.to_dict()))
    assert numbers["variables"]["Jet"]["pt"]["rms"] == found.variables["Jet"]["pt"].rms
    assert numbers["bits"] == found.bits


def test_a_value_that_moved_too_far_is_told(original: Path, compressed: Path, tmp_path: Path) -> None:
    """As if another file had been compressed: one angle is no longer there, one sentinel is a number."""
    arrays = uproot.open(original)["events"].arrays()
    columns = {name: arrays[name] for name in arrays.fields}
    for name, place, value in (("phi", 7, 10.0), ("eta", 101, -999)):
        values = np.array(ak.flatten(columns[f"Jet_{name}"]))
        values[place] = value
        columns[f"Jet_{name}"] = ak.unflatten(values, ak.num(arrays["Jet_pt"]))
    with uproot.recreate(tmp_path / "other.root") as file:
        file.mkrntuple("events", columns)
    found = evaluate(tmp_path / "other.root", compressed)
    assert found.variables["Jet"]["phi"].within == found.variables["Jet"]["eta"].within == 1 - 1 / 11_166
    assert found.within["Jet"] == 1 - 2 / 11_166


def test_no_objects(tmp_path: Path) -> None:
    empty = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.zeros(4, int)), ak.to_layout(np.empty(0, "f4"))))
    with uproot.recreate(tmp_path / "o.root") as file:
        file.mkrntuple("events", {"Jet_pt": empty, "Jet_eta": empty})
    recipe = Recipe.from_text("collections: {Jet: {columns: {'*': {tolerance: {abs: 1}}}}}")
    rdf.compress(tmp_path / "o.root", tmp_path / "c.root", recipe)
    found = evaluate(tmp_path / "o.root", tmp_path / "c.root")
    assert found.objects == {"Jet": 0}
    assert math.isnan(found.within["Jet"])
    assert math.isnan(found.bits["Jet"])
    assert math.isnan(found.variables["Jet"]["pt"].max)


def test_other_events(original: Path, compressed: Path, tmp_path: Path, data: Path) -> None:
    arrays = uproot.open(original)["events"].arrays(entry_stop=2999)
    with uproot.recreate(tmp_path / "short.root") as file:
        file.mkrntuple("events", {name: arrays[name] for name in arrays.fields})
    with pytest.raises(InputError, match=r"short\.root: ends after 2999 events, but .*c\.root has more"):
        evaluate(tmp_path / "short.root", compressed)
    events = darkmachines.read(data / "njets.csv.gz")
    with uproot.recreate(tmp_path / "njets.root") as file:
        jets = {f"Jet_{name}": events.Jet[name] for name in TOLERANCES}
        file.mkrntuple("events", jets | {"MET_pt": events.MET_pt, "MET_phi": events.MET_phi})
    with pytest.raises(
        InputError, match=r"c\.root: collection 'Jet' has \d+ objects in event \d+ .* as in .*njets\.root"
    ):
        evaluate(tmp_path / "njets.root", compressed)


def test_other_files(original: Path, compressed: Path) -> None:
    with pytest.raises(CompatibilityError, match=r"original\.root: not a compressed file: .*aeplugin compress"):
        evaluate(original, original)
    with pytest.raises(CompatibilityError, match=r"c\.root: is a compressed file; expected the original"):
        evaluate(compressed, compressed)


@pytest.mark.parametrize("step", [1, 999, 10**6])
def test_objects_in_steps(compressed: Path, step: int) -> None:
    """Blocks of a compressed file are cut as those of any other file."""
    limit = 5 if step == 1 else 10**6
    blocks = []
    for block in iterate_objects(compressed, "Jet", {"p": "Jet_pt", "q": "Jet_pt"}, step=step):
        blocks.append(block)
        if len(blocks) == limit:
            break
    whole = aeplugin.open(compressed)["Jet_pt"]
    counts = np.concatenate([block.counts for block in blocks])
    assert counts.tolist() == ak.num(whole)[: len(counts)].to_list()
    found = np.concatenate([block.columns["p"] for block in blocks])
    assert found.tobytes() == ak.to_numpy(ak.flatten(whole[: len(counts)])).tobytes()
    assert all(len(block.counts) == step for block in blocks[:-1])
