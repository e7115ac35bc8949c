"""Plots of physics: which columns are what, quantities of events, peaks, shifts and selections."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import scipy.stats
import uproot
from matplotlib.figure import Figure

from aeplugin import Recipe, darkmachines
from aeplugin.errors import RecipeError
from aeplugin.plots import Plot, Table, physics
from aeplugin.plots.drawing import style
from aeplugin.plots.drawing.wording import measured
from aeplugin.plots.event_view import EventView, find
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.physics import event_quantities, peaks
from aeplugin.plots.physics.figures import exchanged
from aeplugin.plots.physics.selection import Cut, Step, Tally, median_cut, parse_cuts
from aeplugin.plots.saving import save_histograms
from aeplugin.recipe_types import parse_type
from pictures import PICTURE

JETS = """
collections:
  Jet:
    columns:
      E:   {tolerance: {rel: 0.02}, transform: log10, unit: GeV}
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: GeV, sentinels: [999]}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}, periodic: true}
"""
Columns = dict[str, Any]
Open = Callable[..., Context]


def write(path: Path, columns: Columns) -> Path:
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
    return path


@pytest.fixture
def context(tmp_path: Path) -> Open:
    """Opens two sets of columns as original and reconstructed file."""

    def make(before: Columns, after: Columns, recipe: str = JETS, step: int = 200_000, **looks: object) -> Context:
        paths = write(tmp_path / "before.root", before), write(tmp_path / "after.root", after)
        return open_inputs(Inputs([paths], Recipe.from_text(recipe), looks=looks, step=step, date="2026-01-01"))

    return make


def momenta(rng: np.random.Generator, counts: np.ndarray, mass: float = 5.0) -> dict[str, ak.Array]:
    """Columns E, pt, eta and phi of objects of one mass."""
    number = int(counts.sum())
    pt, eta = rng.lognormal(4, 0.6, number), rng.normal(0, 1.2, number)
    flat = {"E": np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2), "pt": pt, "eta": eta}
    flat["phi"] = rng.uniform(-np.pi, np.pi, number)
    return {name: ak.unflatten(values, counts) for name, values in flat.items()}


def events(number: int = 400, seed: int = 1) -> Columns:
    """Events with jets (some without), electrons with charge and missing momentum."""
    rng = np.random.default_rng(seed)
    counts = {"Jet": rng.poisson(2.5, number), "Electron": rng.poisson(1.2, number)}
    columns = {f"{name}_{v}": a for name, n in counts.items() for v, a in momenta(rng, n).items()}
    charge = rng.choice([-1, 1], int(counts["Electron"].sum()))
    columns["Electron_charge"] = ak.unflatten(charge.astype(np.int32), counts["Electron"])
    return columns | {"MET_pt": rng.exponential(40, number), "MET_phi": rng.uniform(-3.1, 3.1, number)}


def values_of(context: Context, name: str, jet_pt: float = 50) -> tuple[np.ndarray, np.ndarray]:
    """A quantity of all events before and after."""
    view = find(context.pair.schema, context.recipe)
    assert view is not None
    (quantity,) = [q for q in event_quantities.quantities(view, jet_pt) if q.name == name]
    sides = [view.events(block) for block in context.pair.blocks(view.groups)]
    return tuple(np.concatenate([quantity.compute(pair[i]) for pair in sides]) for i in (0, 1))  # type: ignore[return-value]


def massless_pair(columns: Columns, name: str, event: int, pair: list[int]) -> float:
    pt, eta, phi = (np.asarray(columns[f"{name}_{v}"][event], float)[pair] for v in ("pt", "eta", "phi"))
    return math.sqrt(2 * pt[0] * pt[1] * (math.cosh(eta[0] - eta[1]) - math.cos(phi[0] - phi[1])))


def pair_mass(columns: Columns, name: str, event: int, chosen: list[int]) -> float:
    """Mass of two objects, by components."""
    sums = np.zeros(4)
    for i in chosen:
        energy, pt, eta, phi = (float(columns[f"{name}_{v}"][event][i]) for v in ("E", "pt", "eta", "phi"))
        sums += energy, pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)
    square = sums[0] ** 2 - (sums[1:] ** 2).sum()
    return math.copysign(math.sqrt(abs(square)), square)


def test_quantities_are_those_of_a_plain_loop(context: Open) -> None:
    columns = events()
    opened = context(columns, columns, step=150)
    expected: dict[str, list[float]] = {
        name: [] for name in ("dijet_mass", "dilepton_mass_ee", "HT", "balance", "jets")
    }
    for event in range(len(columns["MET_pt"])):
        pt = np.asarray(columns["Jet_pt"][event])
        expected["jets"].append(len(pt))
        expected["HT"].append(pt.sum() if len(pt) else math.nan)
        leading = np.argsort(-pt)[:2].tolist()
        expected["dijet_mass"].append(pair_mass(columns, "Jet", event, leading) if len(pt) > 1 else math.nan)
        charge, hardness = (np.asarray(columns[f"Electron_{v}"][event]) for v in ("charge", "pt"))
        sides = [np.flatnonzero(charge == sign) for sign in (1, -1)]
        best = [int(side[np.argmax(hardness[side])]) for side in sides if len(side)]
        mass = massless_pair(columns, "Electron", event, best) if len(best) == 2 else math.nan
        expected["dilepton_mass_ee"].append(mass)
        total = columns["MET_pt"][event] * np.exp(1j * columns["MET_phi"][event])
        for name in ("Jet", "Electron"):
            angle = np.asarray(columns[f"{name}_phi"][event])
            total += (np.asarray(columns[f"{name}_pt"][event]) * np.exp(1j * angle)).sum()
        expected["balance"].append(abs(total) / pt.sum() if len(pt) else math.nan)
    for name, known in expected.items():
        np.testing.assert_allclose(values_of(opened, name)[0], known, rtol=1e-6)
    assert np.isnan(expected["dijet_mass"]).any()
    assert np.isfinite(expected["dilepton_mass_ee"]).sum() > 20


def test_layouts_of_dark_machines_events_give_the_same_quantities(data: Path, tmp_path: Path) -> None:
    found = {}
    for layout, recipe in (("nanoaod", "darkmachines-jets"), ("objects", "darkmachines-objects")):
        read = darkmachines.read(data / "zz.csv.gz", layout)[:1500]
        columns: Columns = {}
        for field in ("MET_pt", "MET_phi", "Jet", "Electron", "Muon", "Photon", "Object"):
            if field in read.fields:
                array = read[field]
                columns |= {f"{field}_{v}": array[v] for v in array.fields} if array.fields else {field: array}
        path = write(tmp_path / f"{layout}.root", columns)
        found[layout] = open_inputs(Inputs([(path, path)], recipe))
    for name in ("HT", "dijet_mass", "dilepton_mass_ee", "dilepton_mass_mumu", "MET", "balance", "photons", "muons"):
        first, second = (values_of(opened, name)[0] for opened in found.values())
        np.testing.assert_allclose(first, second, rtol=1e-6, err_msg=name)
    assert np.nanmedian(values_of(found["objects"], "dilepton_mass_mumu")[0]) == pytest.approx(91e3, abs=3e3)
    assert found["objects"].recipe.collections["Object"].columns["pt"].unit == "MeV"


def test_cartesian_momenta_are_the_same_as_polar_ones(context: Open) -> None:
    columns = events(100)
    polar = context(columns, columns)
    jets = {v: ak.flatten(columns[f"Jet_{v}"]).to_numpy() for v in ("E", "pt", "eta", "phi")}
    counts = ak.num(columns["Jet_pt"])
    flat = {
        "Px": jets["pt"] * np.cos(jets["phi"]), "Py": jets["pt"] * np.sin(jets["phi"]),
        "Pz": jets["pt"] * np.sinh(jets["eta"]), "E": jets["E"],
    }  # fmt: skip
    other: Columns = {f"Jet_{v}": ak.unflatten(values, counts) for v, values in flat.items()}
    other |= {"MET_px": columns["MET_pt"] * np.cos(columns["MET_phi"])}
    other |= {"MET_py": columns["MET_pt"] * np.sin(columns["MET_phi"])}
    expected = {name: values_of(polar, name)[0] for name in ("HT", "dijet_mass", "MET", "leading_jet_pt")}
    cartesian = context(other, other, "collections: {Jet: {columns: {E: {tolerance: {rel: 0.01}}}}}")
    for name, values in expected.items():
        np.testing.assert_allclose(values_of(cartesian, name)[0], values, rtol=1e-6)


def test_what_is_no_object_does_not_count(context: Open) -> None:
    def jets(pt: list[list[float]]) -> Columns:
        array = ak.Array(pt)
        zero = ak.unflatten(np.zeros(ak.count(array)), ak.num(array))
        return {"Jet_pt": array, "Jet_E": array * 2, "Jet_eta": zero, "Jet_phi": zero}

    lists = [[30.0, math.nan, 999.0, 50.0], [0.0, 0.0], [], [math.inf, -5.0], [20.0, 40.0]]
    columns = jets(lists)
    opened = context(columns, columns)
    np.testing.assert_array_equal(values_of(opened, "jets")[0], [2, 0, 0, 0, 2])
    np.testing.assert_array_equal(values_of(opened, "HT")[0], [80, np.nan, np.nan, np.nan, 60])
    np.testing.assert_array_equal(values_of(opened, "leading_jet_pt")[0], [50, np.nan, np.nan, np.nan, 40])
    assert np.isfinite(values_of(opened, "dijet_mass")[0]).tolist() == [True, False, False, False, True]
    for item in physics.physics_plots(opened):
        if isinstance(item, Plot):
            with style.active("atlas"):
                item.draw()


def test_a_mass_that_is_no_number_is_negative(context: Open) -> None:
    one = {"Jet_pt": 30.0, "Jet_eta": 0.0, "Jet_phi": 0.0}
    before = {name: ak.Array([[value]]) for name, value in {**one, "Jet_E": 50.0}.items()}
    after = before | {"Jet_E": ak.Array([[18.0]])}
    masses = values_of(context(before, after), "jet_mass")
    assert [float(m[0]) for m in masses] == pytest.approx([40, -24])


def schema(*columns: str, kind: str = "std::vector<float>") -> dict[str, Any]:
    return {name: parse_type(kind) for name in columns}


def lists(name: str, *variables: str, kind: str = "std::vector<float>") -> dict[str, Any]:
    return schema(*(f"{name}{v}" for v in variables), kind=kind)


def found_in(columns: dict[str, Any]) -> EventView | None:
    return find(columns, Recipe(columns={}))


def test_columns_are_found_by_their_names() -> None:
    view = found_in(
        lists("Jet_", "pt", "eta", "phi", "mass", "btagDeepB")
        | lists("FatJet_", "pt", "eta", "phi", "mass")
        | lists("GenJet_", "pt", "eta", "phi")
        | lists("Muon_", "pt", "eta", "phi")
        | schema("Muon_charge", kind="std::vector<int>")
        | schema("PuppiMET_pt", "PuppiMET_phi", "GenMET_pt", kind="float")
    )
    assert view is not None
    assert view.objects == {
        "jets": {"pt": "Jet_pt", "eta": "Jet_eta", "phi": "Jet_phi", "mass": "Jet_mass"},
        "muons": {"pt": "Muon_pt", "eta": "Muon_eta", "phi": "Muon_phi", "charge": "Muon_charge"},
    }
    assert view.met == {"pt": "PuppiMET_pt", "phi": "PuppiMET_phi"}
    assert view.has_mass("muons")
    assert view.has_charge("muons")


@pytest.mark.parametrize("name", ["AnalysisJetsAuxDyn.", "AnalysisJetsAuxDyn:", "jets_", "JET_"])
def test_jets_by_other_names(name: str) -> None:
    view = found_in(lists(name, "pt", "eta", "phi", "m"))
    assert view is not None
    assert view.objects["jets"]["mass"] == f"{name}m"


@pytest.mark.parametrize(
    ("name", "role"), [("el_", "electrons"), ("mu_", "muons"), ("ph_", "photons"), ("gamma_", "photons")]
)
def test_short_names(name: str, role: str) -> None:
    view = found_in(lists(name, "pt", "eta", "phi", "E"))
    assert view is not None
    assert list(view.objects) == [role]


def test_what_is_incomplete_or_called_otherwise_is_not_taken() -> None:
    assert found_in(lists("Jet_", "pt", "eta")) is None
    assert found_in(lists("AnalysisLargeRJetsAuxDyn.", "pt", "eta", "phi", "m")) is None
    assert found_in(lists("Jet_", "pt", "eta", "phi", kind="std::vector<std::vector<float>>")) is None
    assert found_in(lists("el_", "pt", "eta", "phi", "m", kind="float")) is None
    no_energy = found_in(lists("Jet_", "pt", "eta", "phi"))
    assert no_energy is not None
    names = [quantity.name for quantity in event_quantities.quantities(no_energy, 30)]
    assert "HT" in names
    assert not {"dijet_mass", "jet_mass"} & set(names)


def test_one_jet_per_entry_has_a_mass_and_no_event(context: Open) -> None:
    rng = np.random.default_rng(2)
    columns = {f"jet_{v}": rng.uniform(1, 2, 500) for v in ("pt", "eta", "phi")}
    before = columns | {"jet_m": rng.normal(80, 4, 500)}
    after = columns | {"jet_m": before["jet_m"] + 0.5}
    recipe = "collections: {jet: {columns: {m: {tolerance: {abs: 1}, unit: GeV}}}}"
    items = list(physics.physics_plots(context(before, after, recipe)))
    assert [item.name for item in items] == ["physics_jet_mass", "physics_jet_mass_shift", "physics"]
    row = dict(zip(items[-1].columns, items[-1].rows[0], strict=True))  # type: ignore[union-attr]
    assert row["mean shift"] == pytest.approx(0.5)
    assert row["peak"] == pytest.approx(80, abs=1)
    assert row["peak shift"] == pytest.approx(0.5)
    assert row["unit"] == "GeV"


def test_without_jets_or_leptons_nothing_is_drawn(context: Open, caplog: pytest.LogCaptureFixture) -> None:
    columns = {"Track_pt": ak.Array([[1.0], [2.0, 3.0]])}
    opened = context(columns, columns, "collections: {Track: {columns: {pt: {tolerance: {rel: 0.1}}}}}")
    with caplog.at_level(logging.INFO):
        assert list(physics.physics_plots(opened)) == []
    assert "physics: nothing drawn" in caplog.text


def scaled(columns: Columns, factor: float) -> Columns:
    """The same events with all jets' momenta scaled."""
    return columns | {name: columns[name] * factor for name in ("Jet_pt", "Jet_E")}


def table(items: list[Plot | Table], name: str) -> list[dict[str, Any]]:
    (found,) = [item for item in items if isinstance(item, Table) and item.name == name]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def plots(items: list[Plot | Table]) -> dict[str, Plot]:
    return {item.name: item for item in items if isinstance(item, Plot)}


def test_shifts_are_exact_where_they_are_known(context: Open) -> None:
    columns = events(2000)
    opened = context(columns, scaled(columns, 1.01))
    items = list(physics.physics_plots(opened))
    rows = {row["quantity"]: row for row in table(items, "physics")}
    for name in ("HT", "leading_jet_pt", "dijet_mass"):
        assert rows[name]["mean shift"] == pytest.approx(0.01, rel=1e-4)
        assert rows[name]["std. dev."] == pytest.approx(0, abs=1e-6)
        assert rows[name]["68 %"] == pytest.approx(0.01, rel=1e-3)
        assert rows[name]["shift"] == "relative"
    assert rows["jet_mass"]["mean shift"] == pytest.approx(0.05, rel=1e-3)  # of 5 GeV, in GeV
    assert rows["jet_mass"]["values before"] == ak.sum(ak.num(columns["Jet_pt"]))
    assert rows["MET"]["mean shift"] == 0
    drawn = plots(items)
    assert "physics_HT_shift" in drawn
    assert "physics_MET" in drawn
    assert "physics_MET_shift" not in drawn
    assert "No value moves" in drawn["physics_MET"].caption
    assert drawn["physics_HT"].histograms["input"].sum(flow=True) == np.isfinite(values_of(opened, "HT")[0]).sum()
    for name in ("physics_HT", "physics_MET", "physics_HT_shift", "physics_selection"):
        with style.active("cms"):
            assert drawn[name].draw() is not None


def test_blocks_and_weights(context: Open, tmp_path: Path) -> None:
    columns = events(500) | {"weight": np.random.default_rng(5).uniform(0.5, 2, 500)}
    after = scaled(columns, 1.01)
    whole = list(physics.physics_plots(context(columns, after, weight="weight")))
    rows = table(whole, "physics")
    small = list(physics.physics_plots(context(columns, after, step=190, weight="weight")))
    for first, second in zip(rows, table(small, "physics"), strict=True):
        if first["quantity"] != "hard_jets":  # its threshold is that of the first block
            for name, cell in first.items():
                assert second[name] == (pytest.approx(cell, rel=1e-9, abs=1e-12) if isinstance(cell, float) else cell)
    ht, weight = values_of(context(columns, after), "HT")[0], columns["weight"]
    (row,) = [row for row in rows if row["quantity"] == "HT"]
    assert row["mean before"] == pytest.approx(np.average(ht[np.isfinite(ht)], weights=weight[np.isfinite(ht)]))
    drawn = plots(whole)
    saved = {f"{name}/{key}": h for name, plot in drawn.items() for key, h in plot.histograms.items()}
    with uproot.open(save_histograms(saved, tmp_path, "all")[1]) as file:
        assert file["physics_HT/input"].values(flow=True).sum() == pytest.approx(weight[np.isfinite(ht)].sum())
        assert file["physics_dijet_mass/peak"].classname == "TProfile"
    histogram = drawn["physics_HT"].histograms["input"]
    assert histogram.values(flow=True).sum() == pytest.approx(weight[np.isfinite(ht)].sum())
    assert histogram.variances(flow=True).sum() == pytest.approx((weight[np.isfinite(ht)] ** 2).sum())


def test_a_selection_counts_what_changes_side(context: Open) -> None:
    columns = events(800) | {"weight": np.random.default_rng(5).uniform(0.5, 2, 800)}
    after = scaled(columns, 1.03) | {"MET_pt": columns["MET_pt"] * 0.98}
    cuts = ["HT > 1.5e2", "MET <= 40", "jets>=2"]
    opened = context(columns, after, step=300, weight="weight", cuts=cuts)
    items = list(physics.physics_plots(opened))
    passes = []
    for side in range(2):
        ht, met, jets = (values_of(opened, name)[side] for name in ("HT", "MET", "jets"))
        passes.append([ht > 150, met <= 40, jets >= 2])
    rows = table(items, "selection")
    assert [row["cut"] for row in rows] == ["HT > 150 GeV", "MET <= 40 GeV", "jets >= 2"] * 2
    assert [row["applied"] for row in rows] == ["alone"] * 3 + ["in turn"] * 3
    for number, row in enumerate(rows):
        chosen = [number] if number < 3 else list(range(number - 2))
        before, later = (np.logical_and.reduce([side[i] for i in chosen]) for side in passes)
        assert row["before"] == before.sum()
        assert row["after"] == later.sum()
        assert row["gained"] == (later & ~before).sum()
        assert row["lost"] == (before & ~later).sum()
        assert row["changed [%]"] == pytest.approx(100 * (before != later).sum() / before.sum())
        assert row["gained (weights)"] == pytest.approx(columns["weight"][later & ~before].sum())
    assert rows[0]["gained"] > 0
    assert rows[2]["gained"] == rows[2]["lost"] == 0
    saved = plots(items)["physics_selection"].histograms
    assert saved["gained"].values().tolist() == [rows[i]["gained"] for i in (0, 1, 2, 5)]


def test_without_cuts_in_the_recipe_medians_are_cut_on(context: Open) -> None:
    columns = events(600)
    opened = context(columns, scaled(columns, 1.01))
    rows = table(list(physics.physics_plots(opened)), "selection")
    names = [row["cut"].split()[0] for row in rows if row["applied"] == "alone"]
    assert names == ["HT", "leading_jet_pt", "MET"]
    ht = values_of(opened, "HT")[0]
    assert float(rows[0]["cut"].split()[2]) == pytest.approx(np.nanmedian(ht), rel=0.06)
    assert rows[0]["cut"] == median_cut(_quantity("HT"), float(np.nanmedian(ht))).text.strip() + " GeV"


def _quantity(name: str) -> event_quantities.Quantity:
    return event_quantities.Quantity(name, name, name, "", lambda event: np.empty(0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HTT > 3", r"no 'HTT'; did you mean 'HT'.*there are HT, MET"),
        ("jet_mass > 3", "no 'jet_mass'"),
        ("HT = 3", "expected NAME OP NUMBER"),
        ("HT > 3 GeV", "expected NAME OP NUMBER"),
        ("HT > 6e", "'6e' is no finite number"),
        ("HT > 1e999", "no finite number"),
        ("> 3", "expected NAME OP NUMBER"),
    ],
)
def test_wrong_cuts_are_refused(text: str, message: str) -> None:
    per_jet = event_quantities.Quantity("jet_mass", "", "", "", lambda event: np.empty(0), per_jet=True)
    with pytest.raises(RecipeError, match=message):
        parse_cuts([text], [_quantity("HT"), _quantity("MET"), per_jet])


def test_cuts_on_what_a_file_has_not_are_refused(context: Open) -> None:
    columns = {"Track_pt": ak.Array([[1.0]])}
    recipe = "collections: {Track: {columns: {pt: {tolerance: {rel: 0.1}}}}}\nplots: {cuts: [HT > 3]}"
    with pytest.raises(RecipeError, match="there are none"):
        list(physics.physics_plots(context(columns, columns, recipe)))


def test_an_event_without_a_value_passes_no_cut() -> None:
    values = {"HT": np.array([np.nan, 1.0, 3.0])}
    assert Cut(_quantity("HT"), "<", 2).passes(values).tolist() == [False, True, False]
    assert Cut(_quantity("HT"), ">=", 3).passes(values).tolist() == [False, False, True]
    assert Cut(_quantity("HT"), "<=", 3).label == "HT \u2264 3"


def test_intervals_of_gains_and_losses() -> None:
    steps = [Step((), Tally(before=200, after=203, gained=8, lost=5)), Step((), Tally(before=50, after=50))]
    shares, low, high = exchanged(steps, "lost")
    one = scipy.stats.norm.cdf(1) - scipy.stats.norm.cdf(-1)
    known = scipy.stats.binomtest(5, 200).proportion_ci(one)
    assert (shares[0], low[0], high[0]) == pytest.approx((25, 1000 * known.low, 1000 * known.high))
    assert (shares[1], low[1]) == (0, 0)
    shares, low, high = exchanged(steps, "gained")
    limits = scipy.stats.chi2.ppf([(1 - one) / 2, (1 + one) / 2], [16, 18]) / 2
    assert (shares[0], low[0], high[0]) == pytest.approx((40, *(1000 * limits / 200)))
    assert (shares[1], low[1]) == (0, 0)
    assert high[1] == pytest.approx(1000 * 1.841 / 50, rel=1e-3)
    shares, *_ = exchanged([Step((), Tally(before=0, after=1, gained=1))], "gained")
    assert np.isnan(shares).all()


def filled_peak(values: np.ndarray, shift: np.ndarray, weights: np.ndarray | None = None) -> hist.Hist:
    profile = peaks.profile(0, 200, "m", weighted=weights is not None)
    profile.fill(values, sample=shift, weight=weights)
    return profile


def test_a_peak_on_a_background_is_found() -> None:
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.normal(91, 3, 20000), rng.uniform(0, 200, 6000)])
    shift = np.where(np.abs(values - 91) < 15, rng.normal(0.2, 1.5, len(values)), -30)
    found = peaks.peak(filled_peak(values, shift))
    assert found is not None
    assert found.position == pytest.approx(91, abs=0.5)
    inside = (values >= found.low) & (values < found.high)
    assert inside.mean() == pytest.approx(0.5, abs=0.02)
    assert found.shift == pytest.approx(shift[inside].mean(), rel=1e-9)
    assert found.error == pytest.approx(shift[inside].std(ddof=1) / np.sqrt(inside.sum()), rel=1e-6)
    assert abs(found.shift - 0.2) < 4 * found.error


def test_peak_with_weights() -> None:
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(60, 2, 5000), rng.normal(120, 2, 5000)])
    weights = np.where(values > 90, 1.0, 0.1)
    shift = np.where(values > 90, 1.0, -1.0)
    found = peaks.peak(filled_peak(values, shift, weights))
    assert found is not None
    assert found.position == pytest.approx(120, abs=0.7)
    assert found.shift == pytest.approx(1)
    unweighted = peaks.peak(filled_peak(values, shift, np.ones_like(values)))
    plain = peaks.peak(filled_peak(values, shift))
    assert unweighted is not None
    assert plain is not None
    assert (unweighted.position, unweighted.low) == pytest.approx((plain.position, plain.low))
    assert unweighted.error == pytest.approx(plain.error, rel=1e-3)


def test_a_peak_on_a_logarithmic_axis_is_where_it_is_drawn() -> None:
    values = np.random.default_rng(6).lognormal(5, 0.8, 40000)
    found = []
    for log in (False, True):
        profile = peaks.profile(1, 3000, "m", log=log)
        profile.fill(values, sample=np.zeros_like(values))
        result = peaks.peak(profile)
        assert result is not None
        found.append(result.position)
    assert found == pytest.approx([math.exp(5 - 0.64), math.exp(5)], rel=0.1)


def test_too_few_have_no_peak() -> None:
    assert peaks.peak(filled_peak(np.empty(0), np.empty(0))) is None
    assert peaks.peak(filled_peak(np.full(10, 91.0), np.zeros(10))) is None
    found = peaks.peak(filled_peak(np.full(100, 91.0), np.full(100, 0.5)))
    assert found is not None
    assert found.position == pytest.approx(91, abs=0.1)
    assert found.shift == pytest.approx(0.5)


@pytest.mark.parametrize("contents", [[1, 5, 1, 1], [0, 0, 4, 4], [3, 0, 0, 3], [8], [0, 0, 0, 9]])
def test_shortest_half_is_that_of_all_pairs(contents: list[int]) -> None:
    first, last = peaks.shortest_half(np.array(contents, float), 0, len(contents))
    spans = [
        (stop - start, -sum(contents[start:stop]))
        for start in range(len(contents))
        for stop in range(start + 1, len(contents) + 1)
        if 2 * sum(contents[start:stop]) >= sum(contents)
    ]
    assert (last - first, -sum(contents[first:last])) == min(spans)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-2447.3, 876.2, "(\u22122450 \u00b1 880) MeV"),
        (1.345e-4, 0.009325, "(0.0001 \u00b1 0.0093) MeV"),
        (12.34, 0.5, "(12.34 \u00b1 0.50) MeV"),
        (1e-9, 2.5e-8, "(1 \u00b1 25) $\\times$ $\\mathrm{10^{-9}}$ MeV"),
        (3.0, 0.0, "3 MeV"),
        (3.0, math.nan, "3 MeV"),
    ],
)
def test_values_with_uncertainties(value: float, error: float, text: str) -> None:
    assert measured(value, error, "MeV") == text


@pytest.mark.parametrize("number", [0, 1, 3])
def test_few_events(number: int, context: Open) -> None:
    columns = {name: array[:number] for name, array in events(50).items()}
    items = list(physics.physics_plots(context(columns, scaled(columns, 1.01))))
    assert bool(plots(items)) == bool(number)
    for plot in plots(items).values():
        with style.active("plain"):
            assert plot.draw() is not None


def test_shared_files(shared_data: Path) -> None:
    path = shared_data / "physlite" / "coffea_PHYSLITE_example.root"
    opened = open_inputs(Inputs([(path, path)], "physlite"))
    view = find(opened.pair.schema, opened.recipe)
    assert view is not None
    assert list(view.objects) == ["jets", "electrons", "muons", "photons"]
    assert view.objects["jets"]["pt"] == "AnalysisJetsAuxDyn.pt"
    assert view.unit == "MeV"
    assert not view.met
    path = shared_data / "nanoaod" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    opened = open_inputs(Inputs([(path, path)], "nanoaod"))
    view = find(opened.pair.schema, opened.recipe)
    assert view is not None
    assert view.objects["electrons"]["charge"] == "Electron_charge"
    assert (view.met, view.unit) == ({"pt": "MET_pt", "phi": "MET_phi"}, "GeV")


def smeared(columns: Columns) -> Columns:
    rng = np.random.default_rng(9)
    factor = ak.unflatten(rng.uniform(0.98, 1.02, int(ak.sum(ak.num(columns["Jet_pt"])))), ak.num(columns["Jet_pt"]))
    return columns | {name: columns[name] * factor for name in ("Jet_pt", "Jet_E")}


@pytest.mark.parametrize("name", ["physics_dijet_mass", "physics_HT_shift", "physics_selection"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture(name: str, context: Open) -> Figure:
    columns = events(3000)
    drawn = plots(list(physics.physics_plots(context(columns, smeared(columns)))))
    with style.active("atlas"):
        figure = drawn[name].draw()
    assert figure is not None
    return figure
