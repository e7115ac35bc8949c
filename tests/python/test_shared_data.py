"""Real files from outside the project: compress each table by its first recipe, and compare every value."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import darkmachines, rdf
from aeplugin._core import Quantiser
from aeplugin.recipe import Recipe
from aeplugin.recipe_init import initial_recipe

TABLES = [
    ("atlas_jets/atlas_jets_4d_train.root", "jets"),
    ("atlas_ntuples/uproot-issue243-new.root", "sig"),
    ("atlas_ntuples/uproot-issue243-new.root", "fullmassplane"),
    ("atlas_ntuples/uproot-issue243-new.root", "control"),
    ("atlas_ntuples/uproot-issue243-new.root", "sideband"),
    ("atlas_ntuples/uproot-issue243-new.root", "leptop_hadron"),
    ("atlas_ntuples/uproot-issue243-new.root", "hadtop"),
    ("atlas_ntuples/uproot-issue243-new.root", "top_multijet"),
    ("cms_heptutorial/qcd.root", "events"),
    ("cms_heptutorial/ww.root", "events"),
    ("cms_heptutorial/zz.root", "events"),
    ("nanoaod/nanoAOD_2015_CMS_Open_Data_ttbar.root", "Events"),
    ("physlite/coffea_PHYSLITE_example.root", "CollectionTree"),
    ("physlite/uproot-issue-798.root", "CollectionTree"),
]
TOLERANCES = [("rel", 0.02), ("rel", 1e-3), ("rel", 1e-6), ("abs", 0.01), ("abs", 1e-4)]


def _same(a: ak.Array, b: ak.Array) -> bool:
    if ak.type(a).content != ak.type(b).content and ak.num(a, axis=0) != ak.num(b, axis=0):
        return False
    return bool(ak.array_equal(a, b, equal_nan=True, check_parameters=False))


def _run(*arguments: object) -> dict[str, Any]:
    """What a command of aeplugin tells scripts."""
    command = [sys.executable, "-m", "aeplugin", *map(str, arguments), "--json"]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@pytest.mark.parametrize(("name", "tree"), TABLES)
def test_every_value_of_a_table_is_within_its_tolerance(
    shared_data: Path, tmp_path: Path, name: str, tree: str
) -> None:
    source, target, recipe = shared_data / name, tmp_path / "compressed.root", tmp_path / "first.yaml"
    recipe.write_text(initial_recipe(source, tree))
    # In processes of their own: ROOT keeps one layout per class and process, and releases of PHYSLITE differ.
    events = _run("compress", source, target, "--recipe", recipe, "--tree", tree)["events"]
    columns = _run("verify", target, "--against", source)["columns"]
    assert sum(column["violations"] for column in columns) == 0
    assert sum(column["values"] for column in columns) > 0
    part = aeplugin.open(target).metadata[0]
    lossy = [i for i, group in enumerate(part["column_groups"]) if group >= 0]
    assert lossy
    for i in lossy:
        assert part["column_max_errors"][i] <= part["column_tolerance_values"][i]
    assert events == aeplugin.open(target).num_entries


@pytest.mark.parametrize(("name", "tree"), [TABLES[0], TABLES[1], TABLES[9], TABLES[11]])
def test_what_is_exact_is_equal_for_uproot(shared_data: Path, tmp_path: Path, name: str, tree: str) -> None:
    source, target, back = shared_data / name, tmp_path / "compressed.root", tmp_path / "back.root"
    rdf.compress(source, target, Recipe.from_text("columns: {}"), tree=tree)
    rdf.decompress(target, back, ttree=True)
    with uproot.open(source) as before, uproot.open(back) as after:
        assert before[tree].keys() == after[tree].keys()
        original, decoded = before[tree].arrays(), after[tree].arrays()
    assert [field for field in original.fields if not _same(original[field], decoded[field])] == []


@pytest.mark.parametrize(("kind", "tolerance"), TOLERANCES)
def test_every_number_of_the_text_files(shared_data: Path, kind: str, tolerance: float) -> None:
    for path in sorted([*shared_data.glob("darkmachines/*.csv"), *shared_data.glob("generated/*.csv.gz")]):
        events = darkmachines.read(path, layout="objects")
        objects = {name: ak.flatten(events.Object[name]) for name in ("E", "pt", "eta", "phi")}
        for column, numbers in {**objects, "MET_pt": events.MET_pt}.items():
            values = ak.to_numpy(numbers).astype(np.float32)
            assert len(values) > 0
            grid, exact, _ = (quantiser := Quantiser(kind, tolerance, "float32")).encode(values)
            moved = np.abs(quantiser.decode(grid, exact).astype(np.float64) - values)
            allowed = tolerance * np.abs(values.astype(np.float64)) if kind == "rel" else tolerance
            assert (moved <= allowed).all(), (path.name, column)
