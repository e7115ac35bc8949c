"""What networks alone do to values, against numpy in double precision, and their bits, against compressed files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from aeplugin import Model, Recipe, network_quality, network_residuals, rdf
from aeplugin._core import Activation, CollectionModel, Transform
from aeplugin.compilation import compile_recipe, with_codec
from aeplugin.errors import ModelError, RecipeError
from aeplugin.evaluation import evaluate

RECIPE = """
collections:
  Jet:
    columns:
      pt: {tolerance: {rel: 0.5}, transform: log10}
      eta: {tolerance: {abs: 1.2}, sentinels: [-999]}
      phi: {tolerance: {abs: 2.0}, periodic: true}
"""
EVENTS = 900


def reconstruct(network: CollectionModel, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decoded and standardised errors of objects, in double precision and with nothing of the core but the weights."""

    def forward(layers: list[Any], x: np.ndarray) -> np.ndarray:
        for layer in layers:
            x = x @ layer.weights.T.astype(float) + layer.biases
            x = np.tanh(x) if layer.activation == Activation.tanh else x
        return x

    logs = [column.transform == Transform.log10 for column in network.columns]
    mean, scale = (np.array([getattr(column, name) for column in network.columns]) for name in ("mean", "scale"))
    x = np.where(logs, np.log10(np.where(logs, values, 1)), values)
    standard = (x - mean) / scale
    decoded = forward(network.decoder, forward(network.encoder, standard))
    out = decoded * scale + mean
    return np.where(logs, 10.0 ** np.where(logs, out, 0), out), ((decoded - standard) ** 2).mean(axis=1)


def numbers(x: np.ndarray, y: np.ndarray, name: str) -> np.ndarray:
    """Residuals in units of the tolerances of RECIPE."""
    if name == "pt":
        return (y - x) / x / 0.5
    difference = y - x
    if name == "phi":
        return np.arctan2(np.sin(difference), np.cos(difference)) / 2.0
    return difference / 1.2


@pytest.fixture(scope="module")
def jets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray], np.ndarray]:
    """A file of jets with special values among them, its values, and the number of jets per event."""
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 5, EVENTS)
    number = int(counts.sum())
    values = {
        "pt": (10 ** rng.normal(4.8, 0.4, number)).astype(np.float32),
        "eta": rng.normal(0, 1.5, number).astype(np.float32),
        "phi": rng.uniform(-np.pi, np.pi, number).astype(np.float32),
    }
    values["pt"][[3, 40]] = np.nan, 0
    values["eta"][[7, 8]] = -999
    path = tmp_path_factory.mktemp("jets") / "jets.root"
    with uproot.recreate(path) as file:
        columns = {
            f"{c}_{v}": ak.unflatten(values[v] * (1 if c == "Jet" else s), counts)
            for c in ("Jet", "Tau")
            for v, s in (("pt", 2), ("eta", 1), ("phi", -1))
        }
        file.mkrntuple("events", columns)
    return path, values, counts


@pytest.fixture
def model(make_model: Callable[..., Model]) -> Model:
    return make_model(hidden=(8,), latents=2, recipe=RECIPE)


def test_residuals_are_those_of_numpy(jets: Any, model: Model) -> None:
    path, values, _ = jets
    found = network_residuals.network_residuals(model, path)["Jet"]
    usable = np.isfinite(values["pt"]) & (values["pt"] > 0) & (values["eta"] != -999)
    before = np.stack([values[name][usable].astype(float) for name in values], axis=1)
    after, errors = reconstruct(model.collections[0], before)
    assert (found.objects, found.left_out) == (usable.sum(), 4)
    assert found.error == pytest.approx(errors.mean(), rel=1e-5)
    everything = np.ones(len(before), bool)
    for i, name in enumerate(values):
        expected = numbers(before[:, i], after[:, i], name)
        column = found.columns[name]
        assert column.rms == pytest.approx(np.sqrt((expected**2).mean()), rel=1e-4)
        assert column.mean == pytest.approx(expected.mean(), rel=1e-3, abs=1e-4)
        low, high = np.quantile(expected, [0.16, 0.84])
        assert column.half68 == pytest.approx((high - low) / 2, rel=2e-3)
        assert column.within == pytest.approx((np.abs(expected) <= 1).mean(), abs=1e-9)
        assert 0.05 < column.within < 0.99  # or the test says nothing
        everything &= np.abs(expected) <= 1
    assert found.within == pytest.approx(everything.mean(), abs=1e-9)
    assert found.values_within == pytest.approx(np.mean([column.within for column in found.columns.values()]))
    widths = [column.half68 for column in found.columns.values()]
    assert found.resolution == pytest.approx(np.sqrt(np.mean(np.square(widths))))


def test_only_the_first_events(jets: Any, model: Model) -> None:
    path, _, counts = jets
    found = network_residuals.network_residuals(model, path, entries=100)["Jet"]
    assert found.objects + found.left_out == counts[:100].sum()
    everything = network_residuals.network_residuals(model, path, entries=10 * EVENTS)["Jet"]
    assert everything == network_residuals.network_residuals(model, path)["Jet"]


def test_blocks_do_not_matter(jets: Any, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _, counts = jets
    whole = network_residuals.network_residuals(model, path)["Jet"]
    iterate = network_residuals.iterate_groups
    monkeypatch.setattr(network_residuals, "iterate_groups", lambda *given: iterate(*given, 97))
    pieces = network_residuals.network_residuals(model, path)["Jet"]
    assert (pieces.objects, pieces.within, pieces.left_out) == (whole.objects, whole.within, whole.left_out)
    assert pieces.columns["eta"].half68 == pytest.approx(whole.columns["eta"].half68, rel=1e-9)
    assert pieces.error == pytest.approx(whole.error)
    first = network_residuals.network_residuals(model, path, entries=100)["Jet"]
    assert first.objects + first.left_out == counts[:100].sum()


def test_strangers_go_through_the_same_network(jets: Any, model: Model) -> None:
    path, values, _ = jets
    found = network_residuals.residuals_on(model, [path, path], ["Tau", "Jet"])
    assert list(found) == [("Jet", "Jet"), ("Jet", "Tau")]
    own = network_residuals.network_residuals(model, path)["Jet"]
    assert found["Jet", "Jet"].objects == 2 * own.objects
    assert found["Jet", "Jet"].within == own.within
    usable = np.isfinite(values["pt"]) & (values["pt"] > 0) & (values["eta"] != -999)
    before = np.stack([(values[v] * s)[usable].astype(float) for v, s in (("pt", 2), ("eta", 1), ("phi", -1))], axis=1)
    after, errors = reconstruct(model.collections[0], before)
    stranger = found["Jet", "Tau"]
    assert stranger.error == pytest.approx(errors.mean(), rel=1e-5)
    expected = (np.abs(numbers(before[:, 0], after[:, 0], "pt")) <= 1).mean()
    assert stranger.columns["pt"].within == pytest.approx(expected, abs=1e-9)
    with pytest.raises(RecipeError, match=r"no column 'Taw_pt'.*Tau_pt"):
        network_residuals.residuals_on(model, [path], ["Taw"])


def test_no_objects_give_no_numbers(jets: Any, model: Model, tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "none.root") as file:
        empty = ak.unflatten(np.empty(0, np.float32), np.zeros(3, int))
        file.mkrntuple("events", {f"Jet_{name}": empty for name in ("pt", "eta", "phi")})
    found = network_residuals.network_residuals(model, tmp_path / "none.root")["Jet"]
    assert found.objects == 0
    plain = found.to_dict()
    assert (plain["within"], plain["resolution"], plain["columns"]["pt"]["rms"]) == (None, None, None)


def test_bits_are_those_of_compressed_files(jets_model: Path, events_file: Path, tmp_path: Path) -> None:
    model = Model.from_file(str(jets_model))
    found = network_quality.network_quality(model, events_file)["Jet"]
    recipe = Recipe.from_text(model.recipe)
    for codec, bits in (("autoencoder", found.bits), ("plain", found.plain_bits)):
        target = tmp_path / f"{codec}.root"
        compiled = compile_recipe(with_codec(recipe, codec), events_file, networks=model)
        rdf.compress(events_file, target, compiled)
        assert bits == pytest.approx(evaluate(events_file, target).bits["Jet"])
    assert found.bits != found.plain_bits
    half = network_quality.network_quality(model, events_file, entries=1500)["Jet"]
    assert half.residuals.objects < found.residuals.objects
    assert half.bits > found.bits  # fewer objects share what a block costs
    network = model.collections[0]
    weights = [layer.weights.size + layer.biases.size for half in (network.encoder, network.decoder) for layer in half]
    assert found.parameters == sum(weights)
    plain = found.to_dict()
    assert plain["bits"] == found.bits
    assert plain["within"] == found.residuals.within


def test_a_model_without_networks_is_refused(events_file: Path, jets_recipe: Recipe) -> None:
    plain = compile_recipe(with_codec(jets_recipe, "plain"), events_file)
    for look in (network_residuals.network_residuals, network_quality.network_quality):
        with pytest.raises(ModelError, match="has no network"):
            look(plain, events_file)
    with pytest.raises(ModelError, match="has no network"):
        network_residuals.residuals_on(plain, [events_file])
