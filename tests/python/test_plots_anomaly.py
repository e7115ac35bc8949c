"""Anomaly plots: scores, distributions and figures of merit against numpy, what is too few, pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from matplotlib.figure import Figure

from aeplugin import Autoencoder, Model, Recipe
from aeplugin.plots.anomaly import SCORE, anomaly_plots, displayed, missing_momentum, read_scores
from aeplugin.plots.drawing import style
from aeplugin.plots.drawing.shortening import shorten, shorten_all
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.pairs import Pair
from aeplugin.plots.plot import Plot, Table
from aeplugin.readers import Objects
from aeplugin.scores import score_objects
from pictures import PICTURE

RECIPE = """
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true}
"""
Columns = dict[str, Any]
Item = Plot | Table


def events(number: int, seed: int, spread: float = 0.3) -> Columns:
    """Events with Poisson numbers of jets, some without any, and missing momentum."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3, number)
    jets = int(counts.sum())
    columns = {
        "pt": rng.lognormal(11, spread, jets),
        "eta": rng.normal(0, 1 + spread, jets),
        "phi": rng.uniform(-3, 3, jets),
    }
    made: Columns = {f"Jet_{name}": ak.unflatten(v.astype(np.float32), counts) for name, v in columns.items()}
    return made | {"MET_pt": rng.exponential(1e4 * (1 + spread), number).astype(np.float32)}


@pytest.fixture
def context(tmp_path: Path, make_model: Callable[..., Model]) -> Callable[..., Context]:
    """A context of data sets, by their names, and a model with random weights."""

    def make(
        samples: dict[str, Columns], signals: tuple[str, ...] = (), step: int = 10_000, **looks: object
    ) -> Context:
        paths = []
        for name, columns in samples.items():
            paths.append(tmp_path / f"{name}.root")
            with uproot.recreate(paths[-1]) as file:
                file.mkrntuple("events", columns)
        model = tmp_path / "jets.model"
        make_model(hidden=(12,), latents=2).save(str(model))
        pairs = [(path, path) for path in paths]
        return open_inputs(
            Inputs(pairs, Recipe.from_text(RECIPE), model=model, signals=signals, step=step, looks=looks)
        )

    return make


def made(context: Context) -> tuple[dict[str, Plot], dict[str, Table]]:
    items = list(anomaly_plots(context))
    plots = {item.name: item for item in items if isinstance(item, Plot)}
    return plots, {item.name: item for item in items if isinstance(item, Table)}


def drawn(plot: Plot) -> Figure:
    with style.active("atlas"):
        figure = plot.draw()
    assert figure is not None
    return figure


def rows_of(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def scores_of(columns: Columns, context: Context) -> np.ndarray:
    assert context.model is not None
    counts = ak.to_numpy(ak.num(columns["Jet_pt"]))
    flat = {name: ak.to_numpy(ak.flatten(columns[f"Jet_{name}"])) for name in ("pt", "eta", "phi")}
    return score_objects(Autoencoder(context.model.collections[0]), Objects(counts, flat))[1]


def auc(signal: np.ndarray, background: np.ndarray) -> float:
    above = (signal[:, None] > background).mean()
    return float(above + 0.5 * (signal[:, None] == background).mean())


def efficiency(signal: np.ndarray, background: np.ndarray, share: float) -> float:
    """By trying every threshold that selects at most a share of the background."""
    allowed = [t for t in np.unique(np.concatenate([signal, background])) if (background >= t).mean() <= share]
    return float((signal >= min(allowed)).mean()) if allowed else 0.0


@pytest.mark.parametrize("step", [13, 10_000])
def test_scores_are_those_of_all_events_at_once(step: int, context: Callable[..., Context]) -> None:
    columns = events(500, 1)
    opened = context({"qcd": columns}, step=step)
    assert opened.model is not None
    found = read_scores(opened.model.collections[0], opened.pair)
    expected = scores_of(columns, opened)
    np.testing.assert_array_equal(
        np.repeat(found.scores[SCORE].values, found.scores[SCORE].weights.astype(int)), np.sort(expected)
    )
    np.testing.assert_array_equal(found.scores["MET_pt"].values, np.sort(columns["MET_pt"]))
    sums = np.sort(ak.to_numpy(ak.sum(ak.values_astype(columns["Jet_pt"], np.float64), axis=1)))
    pt = found.scores["sum of Jet pt"]
    np.testing.assert_allclose(np.repeat(pt.values, pt.weights.astype(int)), sums, rtol=1e-6)
    assert found.histogram.sum(flow=True) == 500
    without = (ak.num(columns["Jet_pt"]) == 0).to_numpy().mean()
    assert found.no_objects == pytest.approx(without)
    assert found.histogram.values(flow=True)[0] == 500 * without


def test_figures_of_merit_by_brute_force(context: Callable[..., Context]) -> None:
    samples = {"qcd": events(1200, 1), "ttbar": events(900, 2, 0.5), "odd": events(400, 3, 1.0)}
    opened = context(samples, signals=("odd",))
    plots, tables = made(opened)
    assert list(plots) == ["anomaly_score_Jet", "anomaly_roc_Jet"]
    assert list(tables) == ["anomaly_scores_Jet", "anomaly_Jet"]
    scores = {name: scores_of(columns, opened) for name, columns in samples.items()}
    signal, others = scores["odd"], np.concatenate([scores["qcd"], scores["ttbar"]])
    backgrounds = {"all others": others, "qcd": scores["qcd"], "ttbar": scores["ttbar"]}
    rows = [row for row in rows_of(tables["anomaly_Jet"]) if row["score"] == SCORE]
    assert [row["background"] for row in rows] == list(backgrounds)
    for row in rows:
        background = backgrounds[row["background"]]
        assert (row["signal events"], row["background events"]) == (400, len(background))
        assert row["AUC"] == pytest.approx(auc(signal, background), abs=1e-9)
        assert 0.005 < row["AUC uncertainty"] < 0.05
        if len(background) >= 1000:
            assert row["efficiency at 1e-02"] == pytest.approx(efficiency(signal, background, 0.01))
            assert 0 < row["uncertainty at 1e-02"] < 0.1
        else:
            assert row["efficiency at 1e-02"] is None
        assert row["efficiency at 1e-03"] is row["uncertainty at 1e-04"] is None  # of 2100 events
    by_met = next(row for row in rows_of(tables["anomaly_Jet"]) if row["score"] == "MET_pt")
    met = np.concatenate([samples["qcd"]["MET_pt"], samples["ttbar"]["MET_pt"]])
    assert by_met["AUC"] == pytest.approx(auc(samples["odd"]["MET_pt"], met), abs=1e-9)


def test_scores_in_numbers(context: Callable[..., Context]) -> None:
    columns = events(600, 4)
    opened = context({"qcd": columns})
    (row,) = rows_of(made(opened)[1]["anomaly_scores_Jet"])
    expected = np.sort(scores_of(columns, opened))
    for share in (50, 90, 99):
        assert row[f"{share} %"] == expected[share * 6 - 1]


def test_curve_is_drawn_where_it_means_something(context: Callable[..., Context]) -> None:
    opened = context({"qcd": events(500, 1), "odd": events(400, 3, 1.0)}, signals=("odd",))
    (ax,) = drawn(made(opened)[0]["anomaly_roc_Jet"]).axes
    assert ax.get_xlim() == (pytest.approx(10 / 500), 1)
    chance, network, *references = ax.lines[:4]
    np.testing.assert_array_equal(chance.get_xdata(), chance.get_ydata())
    assert network.get_xdata()[0] == pytest.approx(10 / 500)
    assert (np.diff(network.get_ydata()) >= 0).all()
    assert network.get_ydata()[-1] == 1
    assert {line.get_color() for line in references} == {style.GREY}


def test_several_signals(context: Callable[..., Context]) -> None:
    samples = {name: events(300, k, 0.2 * k) for k, name in enumerate(("a", "b", "c-d"))}
    plots, tables = made(context(samples, signals=("b", "c-d")))
    assert list(plots) == ["anomaly_score_Jet", "anomaly_roc_Jet_b", "anomaly_roc_Jet_c_d"]
    assert {row["background"] for row in rows_of(tables["anomaly_Jet"])} == {"a"}


def test_weights_are_as_good_as_repetition(context: Callable[..., Context]) -> None:
    rng = np.random.default_rng(9)
    samples = {"qcd": events(300, 1), "odd": events(300, 2, 0.8)}
    weighted, repeated = {}, {}
    for name, columns in samples.items():
        weights = rng.integers(1, 4, 300)
        weighted[name] = columns | {"weight": weights.astype(np.float32)}
        repeated[name] = {key: values[np.repeat(np.arange(300), weights)] for key, values in columns.items()}
    one = rows_of(made(context(weighted, ("odd",), weight="weight"))[1]["anomaly_Jet"])
    two = rows_of(made(context(repeated, ("odd",)))[1]["anomaly_Jet"])
    for first, second in zip(one, two, strict=True):
        assert first["AUC"] == pytest.approx(second["AUC"])
        assert first["AUC uncertainty"] > second["AUC uncertainty"]  # as there are fewer events than it seems


def test_too_few_events_have_no_curve(context: Callable[..., Context], caplog: pytest.LogCaptureFixture) -> None:
    plots, tables = made(context({"qcd": events(3, 1), "odd": events(50, 2)}, ("odd",)))
    assert list(plots) == ["anomaly_score_Jet"]
    assert list(tables) == ["anomaly_scores_Jet"]
    assert "it takes 10 events of each kind" in caplog.text
    drawn(plots["anomaly_score_Jet"])


def test_signal_alone_has_no_curve(context: Callable[..., Context], caplog: pytest.LogCaptureFixture) -> None:
    assert list(made(context({"odd": events(50, 2)}, ("odd",)))[0]) == ["anomaly_score_Jet"]
    assert "it takes a signal and another data set" in caplog.text


def test_events_without_objects_alone(context: Callable[..., Context], caplog: pytest.LogCaptureFixture) -> None:
    nothing = {f"Jet_{name}": ak.Array(np.empty((4, 0), np.float32)) for name in ("pt", "eta", "phi")}
    nothing = {name: ak.from_regular(values) for name, values in nothing.items()}
    plots, tables = made(context({"nothing": nothing}))
    assert plots == {}
    assert "every score is 0" in caplog.text
    assert rows_of(tables["anomaly_scores_Jet"])[0]["events"] == 4


def test_data_set_of_other_columns(context: Callable[..., Context], caplog: pytest.LogCaptureFixture) -> None:
    other = {"MET_pt": np.ones(5, np.float32), "Jet_pt": ak.Array([[1.0]] * 5), "Jet_eta": ak.Array([[1.0]] * 5)}
    plots, tables = made(context({"qcd": events(50, 2), "other": other}))
    assert [row["data set"] for row in rows_of(tables["anomaly_scores_Jet"])] == ["qcd"]
    assert list(plots["anomaly_score_Jet"].histograms) == ["qcd"]
    assert "other not drawn, it has no column 'Jet_phi'" in caplog.text


def test_scores_that_are_not_finite_are_counted(context: Callable[..., Context]) -> None:
    columns = events(40, 2)
    counts = ak.to_numpy(ak.num(columns["Jet_pt"]))
    flat = ak.to_numpy(ak.flatten(columns["Jet_eta"])).copy()
    flat[0] = np.nan
    columns["Jet_eta"] = ak.unflatten(flat, counts)
    plots, tables = made(context({"qcd": columns}))
    row = rows_of(tables["anomaly_scores_Jet"])[0]
    assert (row["events"], row["without score"]) == (39, 1)
    assert plots["anomaly_score_Jet"].histograms["qcd"].sum(flow=True) == 39


def test_no_model_no_plots(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with uproot.recreate(tmp_path / "events.root") as file:
        file.mkrntuple("events", events(10, 1))
    paths = (tmp_path / "events.root",) * 2
    with caplog.at_level(logging.INFO):
        assert list(anomaly_plots(open_inputs(Inputs([paths], Recipe.from_text(RECIPE))))) == []
    assert "no model" in caplog.text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["MET_phi", "MET_pt"], "MET_pt"),
        (["MET_sumEt", "met_et"], "met_et"),
        (["MET_significance", "PuppiMET_pt"], "MET_significance"),
        (["MET_phi", "jet_pt"], None),
        ([], None),
    ],
)
def test_which_column_is_missing_momentum(names: list[str], expected: str | None, tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "events.root") as file:
        columns: Columns = {name: np.ones(2, np.float32) for name in names}
        file.mkrntuple("events", columns | {"METs": ak.Array([[1.0], [2.0]]), "MET_flag": np.ones(2, np.int32)})
    assert missing_momentum(Pair("e", tmp_path / "events.root", tmp_path / "events.root")) == expected


def test_displayed_histograms_lose_nothing() -> None:
    rng = np.random.default_rng(4)
    values = rng.lognormal(-9, 1, 5000)
    values[0] = 1e-11
    axis = hist.axis.Regular(900, 1e-12, 1e6, transform=hist.axis.transform.log)
    filled = hist.Hist(axis, storage=hist.storage.Int64()).fill(values)
    for number in (3, 5000, 1e9):
        shown = displayed([filled, filled], number)
        assert shown is not None
        edges = shown[0].axes[0].edges
        assert shown[0].sum(flow=True) == 5000
        assert shown[0].values(flow=True)[-1] == 0  # no value lies above
        assert shown[0].values(flow=True)[0] <= 5 + 5000 / 50
        inside = np.histogram(values, edges)[0]
        assert np.abs(shown[0].values() - inside).sum() <= 2  # rounding at edges
        assert 10 <= len(edges) - 1 <= 60
    assert displayed([hist.Hist(axis, storage=hist.storage.Int64())], 5) is None


def test_long_names() -> None:
    assert shorten("short") == "short"
    assert len(shorten("x" * 50 + "y" * 50)) == 32
    assert shorten_all(["a", "b"]) == {"a": "a", "b": "b"}
    names = [f"mc20_13TeV.some_generator_with_a_long_name_{k}.root" for k in range(12)]
    short = shorten_all(names)
    assert len(set(short.values())) == 12
    assert max(map(len, short.values())) <= 32
    assert shorten_all(["same" * 20]) == {"same" * 20: shorten("same" * 20)}


@pytest.mark.parametrize("name", ["anomaly_score_Jet", "anomaly_roc_Jet"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture(name: str, context: Callable[..., Context]) -> Figure:
    samples = {"multijet": events(4000, 1), "ttbar": events(3000, 2, 0.5), "monojet": events(2000, 3, 0.9)}
    return drawn(made(context(samples, signals=("monojet",)))[0][name])
