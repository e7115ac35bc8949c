"""Plots of trainings and latents: numbers against numpy, summaries that are nonsense, pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import awkward as ak
import numpy as np
import pytest
import uproot
from matplotlib.figure import Figure

from aeplugin import Autoencoder, Model, Recipe
from aeplugin.plots.drawing import style
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.plot import Plot, Table
from aeplugin.plots.training import Summary, curves, latents, losses, summaries, training_plots
from aeplugin.recipe_events import EventLoss
from aeplugin.recipe_training import LossKind
from pictures import PICTURE

RECIPE = r"""
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '$p_\mathrm{T}$'}
      eta: {tolerance: {abs: 0.01}, sentinels: [-999], label: '$\eta$'}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true}
"""
Columns = dict[str, np.ndarray]
MakeContext = Callable[..., Context]

EPOCHS = np.arange(1, 41)
RATES = np.geomspace(1e-6, 0.03, 240)
SUMMARY: dict[str, Any] = {
    "objects": 900,
    "skipped_objects": 3,
    "training_objects": 700,
    "validation_objects": 197,
    "best_epoch": 37,
    "best_validation_loss": 1.1e-4,
    "training_loss": (np.exp(-EPOCHS / 4) + 1e-4).tolist(),
    "validation_loss": (0.8 * np.exp(-EPOCHS / 4) + 1.1e-4 + 1e-5 * (EPOCHS - 37) ** 2 / 100).tolist(),
    "learning_rate_test": {
        "rates": RATES.tolist(),
        "losses": (0.05 + 0.95 / (1 + (RATES / 5e-4) ** 2) + (RATES / 0.03) ** 6).tolist(),
        "steepest": 3e-4,
        "tenth_of_minimum": 1e-3,
    },
}
NEW: dict[str, Any] = SUMMARY | {
    "loss": "tolerance",
    "parameters": 1234,
    "learning_rate": (2e-3 * np.cos(EPOCHS / 40 * 1.5) ** 2).tolist(),
    "columns": {
        "pt": {"rms": 0.8, "half68": 0.7, "within": 0.79},
        "eta": {"rms": 1.3, "half68": 1.2, "within": float("nan")},
        "phi": {"rms": float("inf"), "half68": 0.1, "within": 1.0},
    },
    "within": 0.61,
}
"""What a training tells since there are several losses."""


def told(**changes: Any) -> str:
    return json.dumps({"collections": {"Jet": SUMMARY | changes}})


def jets(events: int = 400, seed: int = 3) -> tuple[np.ndarray, Columns]:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3, events)
    number = int(counts.sum())
    columns = {
        "pt": rng.lognormal(11, 0.7, number).astype(np.float32),
        "eta": rng.normal(0, 1.5, number).astype(np.float32),
        "phi": rng.uniform(-3.1, 3.1, number).astype(np.float32),
    }
    return counts, columns


@pytest.fixture
def context(tmp_path: Path, make_model: Callable[..., Model]) -> MakeContext:
    """A context of events on both sides and a model with random weights."""

    def make(
        counts: np.ndarray,
        columns: Columns,
        model: Model | None = None,
        step: int = 10_000,
        more: Columns | None = None,
        **looks: object,
    ) -> Context:
        events, file_of_model = tmp_path / "events.root", tmp_path / "jets.model"
        with uproot.recreate(events) as file:
            flat = {f"Jet_{name}": ak.unflatten(values, counts) for name, values in columns.items()}
            file.mkrntuple("events", flat | (more or {}))
        (model or make_model(hidden=(6,), latents=2, training=told())).save(str(file_of_model))
        recipe = Recipe.from_text(RECIPE)
        return open_inputs(Inputs([(events, events)], recipe, model=file_of_model, step=step, looks=looks))

    return make


def plots_of(context: Context) -> dict[str, Plot]:
    return {item.name: item for item in training_plots(context) if isinstance(item, Plot)}


def drawn(plot: Plot) -> Figure:
    with style.active("atlas"):
        figure = plot.draw()
    assert figure is not None
    return figure


def encoded(model: Model, columns: Columns) -> np.ndarray:
    values = np.stack(list(columns.values()), axis=1)
    return np.asarray(Autoencoder(model.collections[0]).encoder(values))


def test_plots_and_table(context: MakeContext) -> None:
    made = context(*jets())
    names = ["training_loss_Jet", "training_rates_Jet", "latents_Jet", "latents_Jet_correlation"]
    assert list(plots_of(made)) == names
    assert {plot.network for plot in plots_of(made).values()} == {"ae-3-6-2"}
    (table,) = (item for item in training_plots(made) if isinstance(item, Table))
    assert len(table.columns) == len(table.rows[0])
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["collection"], row["objects"], row["left out"], row["epochs"], row["best epoch"]) == (
        "Jet",
        900,
        3,
        40,
        37,
    )
    assert row["steepest descent at rate"] == 3e-4


def test_losses_are_drawn_as_they_are(context: MakeContext) -> None:
    changes = {"training_loss": [1.0, float("inf"), 0.2, 0.0], "validation_loss": [2.0, 0.5, 0.3, 0.4], "best_epoch": 3}
    model = context(*jets()).model
    assert model is not None
    other = Model(model.recipe, {"collections": [], "dropped": []}, told(**changes), model.collections)
    figure = drawn(plots_of(context(*jets(), other))["training_loss_Jet"])
    (ax,) = figure.axes
    training, validation, best = ax.lines
    np.testing.assert_array_equal(training.get_xdata(), [1, 3])  # what a logarithmic axis cannot show is left out
    np.testing.assert_array_equal(training.get_ydata(), [1.0, 0.2])
    np.testing.assert_array_equal(validation.get_ydata(), [2.0, 0.5, 0.3, 0.4])
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (3, 0.3)
    assert ax.get_yscale() == "log"


def test_a_loss_is_called_by_its_name(context: MakeContext, make_model: Callable[..., Model]) -> None:
    """Models of before do not tell it: it was the MSE."""
    for summary, axis, begin in (
        (SUMMARY, "Mean squared error (standardised)", "Mean squared error in standardised units after each epoch"),
        (NEW, "Loss (errors in tolerances)", "Half the mean squared error in units of the tolerances"),
        (NEW | {"loss": "l1"}, "Mean absolute error (normalised)", "Mean absolute error"),
        (NEW | {"loss": "one of $the future"}, "Loss", "The loss after each epoch"),
    ):
        plots = plots_of(context(*jets(), make_model(hidden=(6,), training=told(**summary))))
        assert plots["training_loss_Jet"].caption.startswith(begin)
        for name in ("training_loss_Jet", "training_rates_Jet"):
            assert drawn(plots[name]).axes[0].get_ylabel() == axis
    assert {*losses.NAMES} == {*get_args(LossKind), *get_args(EventLoss), "bits"}


def test_learning_rates_are_drawn_below(context: MakeContext, make_model: Callable[..., Model]) -> None:
    plot = plots_of(context(*jets(), make_model(hidden=(6,), training=told(**NEW))))["training_loss_Jet"]
    above, below = drawn(plot).axes
    np.testing.assert_array_equal(below.lines[0].get_ydata(), NEW["learning_rate"])
    assert (below.get_ylabel(), below.get_xlabel(), above.get_xlabel()) == ("Learning rate", "Epoch", "")
    assert above.get_xlim() == below.get_xlim()
    assert "learning rate" in plot.caption


def test_bits_may_be_negative() -> None:
    """A density is no probability: its logarithm has either sign, and the axis is linear."""
    caption = style.Caption(style.Look("atlas", "Simulation", 13), "Events", "flow")
    values = [30.0, 4.0, -2.0, -2.5]
    with style.active("atlas"):
        summary = Summary(loss="bits", training_loss=values, validation_loss=values, best_epoch=4)
        (ax,) = curves.draw_losses(summary, caption).axes
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), values)
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] < -2.5
    assert ax.get_ylim()[1] > 30


def test_numbers_of_new_models_are_in_tables(context: MakeContext, make_model: Callable[..., Model]) -> None:
    made = context(*jets(), make_model(hidden=(6,), training=told(**NEW)))
    table, columns = (item for item in training_plots(made) if isinstance(item, Table))
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["loss"], row["parameters"], row["within tolerances"]) == ("tolerance", 1234, 0.61)
    assert columns.name == "training_columns"
    assert columns.rows == [
        ("Jet", "pt", 0.8, 0.7, 0.79),
        ("Jet", "eta", 1.3, 1.2, None),
        ("Jet", "phi", None, 0.1, 1.0),
    ]
    (table,) = (item for item in training_plots(context(*jets())) if isinstance(item, Table))
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["loss"], row["parameters"], row["within tolerances"]) == ("mse", None, None)


def test_suggestions_are_marked(context: MakeContext) -> None:
    (ax,) = drawn(plots_of(context(*jets()))["training_rates_Jet"]).axes
    curve, *marks = ax.lines
    np.testing.assert_array_equal(curve.get_ydata(), SUMMARY["learning_rate_test"]["losses"])
    assert [mark.get_xdata()[0] for mark in marks] == [3e-4, 1e-3, 0.002]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"collections": 3}',
        '{"collections": {"Other": {}}}',
        '{"collections": {"Jet": 5}}',
        told(training_loss="much"),
        told(validation_loss=[1, "two"]),
        told(training_loss=[0.0], validation_loss=[-1.0], learning_rate_test=None),
        told(best_epoch="first"),
        told(loss=["mse"]),
        told(loss="x" * 1000),
        told(learning_rate=["high"]),
        told(columns={"pt": 1}),
        "[" * 100_000,
    ],
)
def test_summaries_that_are_nonsense(text: str, context: MakeContext, make_model: Callable[..., Model]) -> None:
    """Models come from strangers: nothing but their latents is drawn."""
    model = make_model(hidden=(6,), latents=2, training=text or "{}")
    assert list(plots_of(context(*jets(), model))) == ["latents_Jet", "latents_Jet_correlation"]


def test_rate_tests_that_are_nonsense(context: MakeContext, make_model: Callable[..., Model]) -> None:
    for test in ({"rates": [1.0], "losses": [1.0, 2.0]}, {"rates": [], "losses": []}):
        model = make_model(hidden=(6,), training=told(learning_rate_test=test))
        assert "training_rates_Jet" not in plots_of(context(*jets(), model))
    outside = SUMMARY["learning_rate_test"] | {"steepest": None, "tenth_of_minimum": 1e9}
    model = make_model(hidden=(6,), training=told(learning_rate_test=outside))
    (ax,) = drawn(plots_of(context(*jets(), model))["training_rates_Jet"]).axes
    assert len(ax.lines) == 2


def test_best_epoch_out_of_range_is_not_marked(context: MakeContext, make_model: Callable[..., Model]) -> None:
    for best in (0, 41, -3):
        model = make_model(hidden=(6,), training=told(best_epoch=best))
        (ax,) = drawn(plots_of(context(*jets(), model))["training_loss_Jet"]).axes
        assert len(ax.lines) == 2


def test_no_model_no_plots(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with uproot.recreate(tmp_path / "events.root") as file:
        file.mkrntuple("events", {f"Jet_{v}": ak.Array([[1.0], [2.0]]) for v in ("pt", "eta", "phi")})
    paths = (tmp_path / "events.root",) * 2
    with caplog.at_level(logging.INFO):
        assert list(training_plots(open_inputs(Inputs([paths], Recipe.from_text(RECIPE))))) == []
    assert "no model" in caplog.text


@pytest.mark.parametrize("step", [7, 10_000])
def test_latents_are_those_of_the_encoder(step: int, context: MakeContext) -> None:
    counts, columns = jets()
    made = context(counts, columns, step=step)
    assert made.model is not None
    found = latents.read_latents(made.model.collections[0], made)
    assert found is not None
    expected = encoded(made.model, columns).astype(np.float64)
    assert (found.objects, found.skipped, found.latents) == (len(expected), 0, 2)
    for k in range(2):
        assert found.samples[k].mean == pytest.approx(expected[:, k].mean(), rel=1e-6)
        assert found.samples[k].deviation == pytest.approx(expected[:, k].std(), rel=1e-6)
        edges = found.histograms[k].axes[0].edges
        counted = np.histogram(expected[:, k], edges)[0]
        np.testing.assert_array_equal(found.histograms[k].values()[:-1], counted[:-1])  # numpy's last bin is closed
        assert found.histograms[k].sum(flow=True) == len(expected)
    inputs = [np.log10(columns["pt"].astype(np.float64)), columns["eta"], columns["phi"]]
    matrix = np.corrcoef(np.concatenate([np.stack(inputs), expected.T]))
    np.testing.assert_allclose(found.correlation, matrix, atol=1e-9)
    assert found.labels[0] == r"$\mathrm{log_{10}}$ $p_\mathrm{T}$"


def test_objects_that_the_network_cannot_represent_are_left_out(context: MakeContext) -> None:
    counts, columns = jets()
    clean = np.ones(len(columns["pt"]), bool)
    for i, (variable, value) in enumerate([("pt", 0), ("pt", -5), ("pt", np.nan), ("eta", np.inf), ("eta", -999)]):
        columns[variable][i] = value
        clean[i] = False
    columns["eta"][5] = columns["phi"][6] = 0  # which is a value as any other
    made = context(counts, columns)
    assert made.model is not None
    found = latents.read_latents(made.model.collections[0], made)
    assert found is not None
    assert (found.objects, found.skipped) == (clean.sum(), 5)
    expected = encoded(made.model, {name: values[clean] for name, values in columns.items()})
    assert found.samples[0].mean == pytest.approx(expected[:, 0].astype(float).mean(), rel=1e-6)


def test_latents_have_the_weights_of_their_events(context: MakeContext) -> None:
    counts, columns = jets()
    weights = np.arange(len(counts)) % 3.0
    made = context(counts, columns, more={"weight": weights}, weight="weight")
    assert made.model is not None
    found = latents.read_latents(made.model.collections[0], made)
    assert found is not None
    each = np.repeat(weights, counts)
    values = encoded(made.model, columns)[:, 1].astype(np.float64)
    assert found.samples[1].mean == pytest.approx(np.average(values, weights=each), rel=1e-6)
    assert found.histograms[1].sum(flow=True).value == pytest.approx(each.sum())
    assert found.correlation[1, 4] == pytest.approx(
        np.cov(columns["eta"], values, aweights=each, ddof=0)[0, 1]
        / np.sqrt(np.cov(columns["eta"], aweights=each, ddof=0) * np.cov(values, aweights=each, ddof=0)),
        abs=1e-6,
    )


def test_only_the_first_of_many_latents_are_shown(context: MakeContext, make_model: Callable[..., Model]) -> None:
    made = plots_of(context(*jets(), make_model(hidden=(20,), latents=14)))
    assert len(made["latents_Jet"].histograms) == 12
    assert "first 12 of 14" in made["latents_Jet"].caption
    panels = [ax for ax in drawn(made["latents_Jet"]).axes if ax.axison]
    assert [ax.get_xlabel() for ax in panels] == [f"Latent {k}" for k in range(1, 13)]


def test_what_never_varies_has_no_correlation_to_draw(context: MakeContext, caplog: pytest.LogCaptureFixture) -> None:
    columns = {name: np.full(20, values[0]) for name, values in jets()[1].items()}
    assert "latents_Jet_correlation" not in plots_of(context(np.full(10, 2), columns))
    assert "nothing varies" in caplog.text


@pytest.mark.parametrize(("counts", "columns"), [(np.zeros(5, int), 0), (np.array([1]), 1), (np.array([2, 0, 1]), 3)])
def test_few_objects(counts: np.ndarray, columns: int, context: MakeContext) -> None:
    values = {name: values[:columns] for name, values in jets()[1].items()}
    made = plots_of(context(counts, values))
    assert ("latents_Jet" in made) == bool(columns)
    for plot in made.values():
        drawn(plot)


def test_model_of_other_columns(context: MakeContext, caplog: pytest.LogCaptureFixture) -> None:
    counts, columns = jets()
    made = context(counts, columns)
    assert made.model is not None
    (collection,) = made.model.collections
    other = made.pair.schema
    other.pop("Jet_phi")
    assert latents.read_latents(collection, made) is None
    assert "no column 'Jet_phi'" in caplog.text


def test_trained_model(jets_model: Path, events_file: Path) -> None:
    """What `aeplugin train` writes is what is read."""
    model = Model.from_file(str(jets_model))
    found = summaries(model)["Jet"]
    assert len(found.training_loss) == len(found.validation_loss) == 6
    assert found.learning_rate_test is None
    made = open_inputs(Inputs([(events_file, events_file)], "darkmachines-jets", model=jets_model))
    assert list(plots_of(made)) == ["training_loss_Jet", "latents_Jet", "latents_Jet_correlation"]


@pytest.mark.parametrize("name", ["training_loss_Jet", "training_rates_Jet", "latents_Jet", "latents_Jet_correlation"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_training(name: str, context: MakeContext) -> Figure:
    return drawn(plots_of(context(*jets(3000)))[name])


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_training_with_learning_rates(context: MakeContext, make_model: Callable[..., Model]) -> Figure:
    model = make_model(hidden=(6,), latents=2, training=told(**NEW))
    return drawn(plots_of(context(*jets(), model))["training_loss_Jet"])
