"""Plots by kind of object: which kinds there are, their histograms, moments and pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from matplotlib.figure import Figure

from aeplugin import Recipe
from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.plots import Plot, Table
from aeplugin.plots.drawing import style
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.kinds import kind_plots
from aeplugin.plots.kinds.filling import OTHERS, Survey, common_tolerance
from aeplugin.plots.kinds_of_objects import kind_label, kind_name, kinds_of
from aeplugin.residuals import wrap_angle
from pictures import PICTURE

OBJECTS = r"""
collections:
  Object:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '$p_\mathrm{T}$', sentinels: [-999]}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true}
"""
JETS = """
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: GeV}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: exact}
"""
Columns = dict[str, Any]
Open = Callable[..., Context]


@pytest.fixture
def context(tmp_path: Path) -> Open:
    """Opens two sets of columns as original and reconstructed file."""

    def make(before: Columns, after: Columns, recipe: str = OBJECTS, step: int = 200_000, **looks: object) -> Context:
        paths = []
        for name, columns in (("before", before), ("after", after)):
            paths.append(tmp_path / f"{name}.root")
            with uproot.recreate(paths[-1]) as file:
                file.mkrntuple("events", columns)
        return open_inputs(Inputs([(paths[0], paths[1])], Recipe.from_text(recipe), looks=looks, step=step))

    return make


def jagged(name: str, counts: np.ndarray, flat: dict[str, np.ndarray]) -> Columns:
    return {f"{name}_{v}": ak.unflatten(values, counts) for v, values in flat.items()}


def objects(events: int = 600, seed: int = 1) -> tuple[Columns, Columns]:
    """Events with objects of the kinds j, b, e-, m+ and g, before and after; phi crosses +-pi, some pt are special."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(6, events)
    number = int(counts.sum())
    kind = rng.choice([0, 1, 2, 5, 6], number, p=[0.6, 0.25, 0.06, 0.06, 0.03]).astype(np.int32)
    pt, eta, phi = rng.lognormal(11, 0.6, number), rng.normal(0, 1.2, number), rng.uniform(-np.pi, np.pi, number)
    pt[5], pt[6], phi[:3] = np.nan, -999, 3.1412
    flat = {"pt": pt, "eta": eta, "phi": phi}
    moved = {
        "pt": np.where(pt > 0, pt * rng.uniform(0.981, 1.019, number), pt),
        "eta": eta + rng.uniform(-0.009, 0.009, number),
        "phi": wrap_angle(phi + rng.uniform(-0.009, 0.009, number)),
    }
    return tuple(  # type: ignore[return-value]
        jagged("Object", counts, {**{v: a.astype(np.float32) for v, a in side.items()}, "kind": kind})
        for side in (flat, moved)
    )


def flat(columns: Columns, name: str) -> np.ndarray:
    return ak.to_numpy(ak.flatten(columns[name])).astype(float)


def made(context: Context) -> tuple[dict[str, Plot], Table]:
    items = list(kind_plots(context))
    plots = {item.name: item for item in items if isinstance(item, Plot)}
    (table,) = (item for item in items if isinstance(item, Table))
    return plots, table


def rows_of(table: Table) -> dict[tuple[str, str], dict[str, Any]]:
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {(row["variable"], row["kind"]): row for row in rows}


def test_the_table_is_that_of_numpy(context: Open) -> None:
    before, after = objects()
    rows = rows_of(made(context(before, after, step=250))[1])
    kind, share = flat(before, "Object_kind"), {}
    assert [key[1] for key in rows if key[0] == "pt"] == ["all", "j", "b", "e-", "m+", "g"]
    for variable, name in rows:
        row, chosen = rows[variable, name], np.ones(len(kind), bool)
        if name != "all":
            chosen = kind == OBJECT_KINDS.index(name)
        values, moved = (flat(side, f"Object_{variable}")[chosen] for side in (before, after))
        ordinary = np.isfinite(values) & (values != -999)
        values, moved = values[ordinary], moved[ordinary]
        residual = moved / values - 1 if variable == "pt" else moved - values
        residual = wrap_angle(residual) if variable == "phi" else residual
        assert row["objects"] == chosen.sum()
        assert row["mean input"] == pytest.approx(values.mean(), rel=1e-9)
        assert row["RMS input"] == pytest.approx(values.std(), rel=1e-9)
        assert row["mean reconstructed"] == pytest.approx(moved.mean(), rel=1e-9)
        assert row["RMS reconstructed"] == pytest.approx(moved.std(), rel=1e-9)
        assert row["mean residual"] == pytest.approx(residual.mean(), abs=1e-9)
        assert row["RMS residual"] == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-6)
        assert row["residual"] == ("relative" if variable == "pt" else "absolute")
        share[name] = row["share [%]"]
    assert share.pop("all") == 100
    assert sum(share.values()) == pytest.approx(100)


def test_histograms_hold_every_object(context: Open) -> None:
    before, after = objects()
    plots, _ = made(context(before, after))
    kind = flat(before, "Object_kind")
    for name in ("stacked", "overlaid"):
        histograms = plots[f"kinds_pt_{name}"].histograms
        assert len(histograms) == 10
        for code in ("j", "b", "e-", "m+", "g"):
            values = flat(before, "Object_pt")[kind == OBJECT_KINDS.index(code)]
            assert histograms[f"{code}_input"].sum(flow=True) == (np.isfinite(values) & (values > 0)).sum()
            assert histograms[f"{code}_reconstructed"].sum(flow=True) == (np.isfinite(values) & (values > 0)).sum()
    fine, wide = (plots[f"kinds_pt_{name}"].histograms["j_input"].axes[0] for name in ("stacked", "overlaid"))
    assert fine.size > 1.5 * wide.size  # for kinds with few objects
    jets = flat(before, "Object_phi")[kind == 0]
    histogram = plots["kinds_phi_stacked"].histograms["j_input"]
    np.testing.assert_array_equal(histogram.values(), np.histogram(jets, histogram.axes[0].edges)[0])
    residual = plots["kinds_phi_residual"].histograms["j"]
    assert residual.values(flow=True)[[0, -1]].tolist() == [0, 0]  # wrapped: nothing is off by a turn
    edges = residual.axes[0].edges
    assert np.abs(edges - 0.01).min() < 1e-12  # the tolerance is an edge


def test_multiplicity_counts_each_event(context: Open) -> None:
    before, after = objects()
    plots, _ = made(context(before, after, step=111))
    for code in ("j", "g"):
        numbers = ak.to_numpy(ak.sum(before["Object_kind"] == OBJECT_KINDS.index(code), axis=1))
        histogram = plots["kinds_multiplicity"].histograms[code]
        np.testing.assert_array_equal(histogram.axes[0].edges[:2], [-0.5, 0.5])
        np.testing.assert_array_equal(histogram.values()[: numbers.max() + 1], np.bincount(numbers))
        assert histogram.sum(flow=True) == 600


def test_weights(context: Open) -> None:
    before, after = objects()
    weight = np.random.default_rng(3).uniform(0.1, 3, 600)
    plots, table = made(context(before | {"weight": weight}, after | {"weight": weight}, weight="weight"))
    per_object = np.repeat(weight, ak.to_numpy(ak.num(before["Object_pt"])))
    eta, jets = flat(before, "Object_eta"), flat(before, "Object_kind") == 0
    row = rows_of(table)["eta", "j"]
    mean = np.average(eta[jets], weights=per_object[jets])
    assert row["mean input"] == pytest.approx(mean)
    assert row["RMS input"] == pytest.approx(np.sqrt(np.average((eta[jets] - mean) ** 2, weights=per_object[jets])))
    assert row["objects"] == jets.sum()
    histogram = plots["kinds_eta_stacked"].histograms["j_input"]
    assert histogram.values(flow=True).sum() == pytest.approx(per_object[jets].sum())
    numbers = plots["kinds_multiplicity"].histograms["j"]
    assert numbers.values(flow=True).sum() == pytest.approx(weight.sum())


def collections(tag: bool, events: int = 300) -> Columns:
    rng = np.random.default_rng(4)
    columns: Columns = {}
    for name, mean in (("Jet", 4), ("Electron", 0.5), ("Track", 9)):
        counts = rng.poisson(mean, events)
        number = int(counts.sum())
        values = {"pt": rng.lognormal(3, 0.5, number), "eta": rng.normal(size=number)}
        values["phi"] = rng.uniform(-3, 3, number)
        if name == "Jet" and tag:
            values["btag"] = rng.uniform(size=number) < 0.2
        columns |= jagged(name, counts, values)
    return columns


def test_collections_are_kinds_and_tagged_jets_are_apart(context: Open) -> None:
    before = collections(tag=True)
    after = before | {"Jet_pt": before["Jet_pt"] * 1.01}
    opened = context(before, after, JETS)
    kinds = kinds_of(opened.pair, opened.recipe)
    assert kinds is not None
    assert set(kinds.groups) == {"Jet", "Electron"}  # tracks are neither jets nor leptons, and not in the recipe
    (block,) = opened.pair.blocks(kinds.groups)
    split = kinds.split(block.before)
    assert set(split) == {"Jet (b)", "Jet (no b)", "Electron"}
    assert all(set(side.columns) == {"pt", "eta", "phi"} for side in split.values())
    tagged = ak.to_numpy(ak.flatten(before["Jet_btag"]))
    np.testing.assert_array_equal(split["Jet (b)"].columns["pt"], flat(before, "Jet_pt")[tagged])
    np.testing.assert_array_equal(split["Jet (b)"].counts, ak.sum(before["Jet_btag"], axis=1))
    plots, table = made(opened)
    assert set(plots["kinds_pt_residual"].histograms) == {"Jet (b)", "Jet (no b)"}
    assert "Kept exactly: Electron" in plots["kinds_pt_residual"].caption
    assert "kinds_phi_residual" not in plots
    assert "It is kept exactly" in plots["kinds_phi_stacked"].caption
    rows = rows_of(table)
    assert rows["pt", "Jet (b)"]["mean residual"] == pytest.approx(0.01)
    assert rows["pt", "Electron"]["RMS residual"] == 0
    assert rows["phi", "Jet (b)"]["residual"] == ""


def test_files_without_names_that_tell_have_their_collections_as_kinds(context: Open) -> None:
    columns = {name.replace("Jet", "Blob").replace("Electron", "Glob"): a for name, a in collections(False).items()}
    opened = context(columns, columns, JETS.replace("Jet", "Blob"))
    kinds = kinds_of(opened.pair, opened.recipe)
    assert kinds is not None
    assert set(kinds.groups) == {"Blob", "Glob", "Track"}


def test_kinds_with_tolerances_of_their_own(context: Open) -> None:
    columns = collections(False)
    recipe = JETS + JETS.split("collections:\n")[1].replace("Jet", "Electron").replace("0.02", "0.001")
    opened = context(columns, columns | {"Jet_pt": columns["Jet_pt"] * 1.01}, recipe)
    kinds = kinds_of(opened.pair, opened.recipe)
    assert kinds is not None
    assert common_tolerance(kinds, "pt") is None
    assert common_tolerance(kinds, "eta") == 0.01
    assert common_tolerance(kinds, "phi") is None
    plots, _ = made(opened)
    assert "Kinds have different tolerances" in plots["kinds_pt_residual"].caption
    for plot in plots.values():
        with style.active("plain"):
            assert plot.draw() is not None


def test_one_kind_has_no_plots(context: Open, caplog: pytest.LogCaptureFixture) -> None:
    before, after = objects(20)
    zero = ak.zeros_like(before["Object_kind"])
    with caplog.at_level(logging.INFO):
        assert list(kind_plots(context(before | {"Object_kind": zero}, after | {"Object_kind": zero}))) == []
    assert "one kind only" in caplog.text


def test_the_rarest_of_many_kinds_are_others() -> None:
    found = Survey()
    found.objects.update({f"kind {i}": 100 - i for i in range(12)} | {"none": 0})
    assert len(found.numbers) == 9
    assert found.names["kind 7"] == "kind 7"
    assert found.names["kind 8"] == found.names["kind 11"] == OTHERS
    assert found.numbers[OTHERS] == 92 + 91 + 90 + 89
    assert "none" not in found.names
    nine = Survey()
    nine.objects.update({f"kind {i}": 1 + i for i in range(9)})
    assert OTHERS not in nine.numbers


def test_kinds_have_names_for_readers() -> None:
    assert [kind_name(number) for number in (0, 3, 7, -1)] == ["j", "e+", "kind 7", "kind -1"]
    assert kind_label("b") == "b-jet (b)"
    assert kind_label("AnalysisLargeRJetsAuxDyn") == "LargeRJets"
    assert kind_label("kind 9") == "kind 9"


@pytest.mark.parametrize("number", [0, 1, 3])
def test_few_events(number: int, context: Open) -> None:
    before, after = ({name: array[:number] for name, array in side.items()} for side in objects(40))
    items = list(kind_plots(context(before, after)))
    assert bool(items) == bool(number)
    for item in items:
        if isinstance(item, Plot):
            with style.active("cms"):
                assert item.draw() is not None


def test_equal_values_and_missing_ones(context: Open) -> None:
    kind = ak.Array([[0, 1], [0], [1, 1]])
    same = {f"Object_{v}": ak.ones_like(kind) * 1.5 for v in ("eta", "phi")} | {"Object_kind": kind}
    columns = same | {"Object_pt": ak.Array([[np.nan, np.nan], [np.nan], [np.inf, np.nan]])}
    plots, table = made(context(columns, columns))
    assert "kinds_pt_stacked" not in plots
    assert rows_of(table)["pt", "j"]["mean input"] is None
    assert rows_of(table)["eta", "j"]["RMS input"] == 0
    for plot in plots.values():
        with style.active("atlas"):
            assert plot.draw() is not None


@pytest.mark.parametrize("name", ["kinds_pt_stacked", "kinds_pt_overlaid", "kinds_eta_residual", "kinds_multiplicity"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture(name: str, context: Open) -> Figure:
    with style.active("atlas"):
        figure = made(context(*objects(2000)))[0][name].draw()
    assert figure is not None
    return figure
