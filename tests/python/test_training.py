"""Training: what it reaches, what it promises about split, seed and best epoch, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from aeplugin import Autoencoder, Model, Recipe
from aeplugin._core import CollectionModel, Transform
from aeplugin.errors import InputError, RecipeError
from aeplugin.event_numbers import event_uniform
from aeplugin.readers import Objects, read_collection
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_training import Loss, LossKind, Training

pytest.importorskip("torch", reason="training needs torch")
from aeplugin import training

RECIPE = Recipe.from_text("""
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}, periodic: true}
    network: {hidden: [12], latents: 2}
    loss: mse
training: {epochs: 3, batch_size: 64}
""")
JETS = RECIPE.collections["Jet"]


def make_jets(counts: list[int] | np.ndarray, seed: int = 1) -> Objects:
    rng = np.random.default_rng(seed)
    counts = np.asarray(counts)
    number = int(counts.sum())
    columns = {
        "pt": rng.lognormal(11, 0.7, number).astype(np.float32),
        "eta": rng.normal(0, 1.5, number).astype(np.float32),
        "phi": rng.uniform(-np.pi, np.pi, number).astype(np.float32),
    }
    return Objects(counts, columns)


def settings(**changes: Any) -> Training:
    return RECIPE.training.model_copy(update=changes)


def with_loss(recipe: Recipe, kind: LossKind) -> Recipe:
    jets = recipe.collections["Jet"].model_copy(update={"loss": Loss(kind=kind)})
    return recipe.model_copy(update={"collections": {"Jet": jets}})


def weights(model: CollectionModel) -> list[bytes]:
    layers = [*model.encoder, *model.decoder]
    return [part.tobytes() for layer in layers for part in (layer.weights, layer.biases)]


def losses(model: CollectionModel, objects: Objects) -> np.ndarray:
    """Squared differences of each object in standardised units, through the C++ engine; shape (objects, columns)."""
    autoencoder = Autoencoder(model)
    values = objects.matrix()
    decoded = autoencoder.decoder(autoencoder.encoder(values))
    squares = []
    for i, column in enumerate(model.columns):
        transform = np.log10 if column.transform == Transform.log10 else np.asarray
        before, after = transform(values[:, i].astype(np.float64)), transform(decoded[:, i].astype(np.float64))
        squares.append(((after - before) / column.scale) ** 2)
    return np.stack(squares, axis=1)


def held_out(objects: Objects, settings: Training) -> np.ndarray:
    """For each object whether its event is in the validation set: events are drawn with the recipe's seed."""
    events = event_uniform(settings.seed, "validation", 0, 0, len(objects.counts)) < settings.validation
    return np.repeat(events, objects.counts)


def test_reaches_the_promised_loss(shared_events_file: Path) -> None:
    """The acceptance test of the method (about half a minute): the published autoencoders reach 2e-5 or worse."""
    recipe = with_loss(Recipe.from_file("darkmachines-jets"), "mse")
    assert recipe.training.epochs <= 60
    model = training.train([shared_events_file], recipe)
    summary = json.loads(model.training)["collections"]["Jet"]
    assert summary["best_validation_loss"] <= 2e-5
    objects = read_collection(shared_events_file, "Jet", recipe.collections["Jet"])
    chosen = held_out(objects, recipe.training)
    found = losses(model.collection("Jet"), objects)[chosen].mean()
    assert found == pytest.approx(summary["best_validation_loss"], rel=1e-3)
    assert found <= 2e-5


def test_model_carries_recipe_and_summary(jets_model: Path, jets_recipe: Recipe, events_file: Path) -> None:
    model = Model.from_file(str(jets_model))
    assert Recipe.from_text(model.recipe) == jets_recipe.resolve(schema_of(events_file)[1])
    about = json.loads(model.training)
    assert events_file.name in json.dumps(about)
    assert {"aeplugin", "torch"} <= set(about)
    summary = about["collections"]["Jet"]
    assert summary["objects"] == 11_166
    assert summary["training_objects"] + summary["validation_objects"] == summary["objects"]
    assert len(summary["training_loss"]) == len(summary["validation_loss"]) == jets_recipe.training.epochs
    assert summary["best_validation_loss"] == min(summary["validation_loss"])
    assert summary["validation_loss"][summary["best_epoch"] - 1] == summary["best_validation_loss"]
    assert summary["validation_loss"][-1] < summary["validation_loss"][0] / 5
    (jets,) = model.collections
    assert jets.column_names == ["Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"]
    assert [layer.weights.shape for layer in jets.encoder] == [(200, 4), (200, 200), (20, 200), (3, 20)]
    assert [layer.weights.shape for layer in jets.decoder] == [(20, 3), (200, 20), (200, 200), (4, 200)]


def test_normalisation_is_that_of_the_training_objects(
    jets_model: Path, jets_recipe: Recipe, events_file: Path
) -> None:
    objects = read_collection(events_file, "Jet", jets_recipe.collections["Jet"])
    chosen = ~held_out(objects, jets_recipe.training)
    for column in Model.from_file(str(jets_model)).collection("Jet").columns:
        values = objects.columns[column.variable][chosen].astype(np.float64)
        assert (column.transform == Transform.log10) == (column.variable in ("E", "pt"))
        if column.transform == Transform.log10:
            values = np.log10(values)
        assert column.mean == pytest.approx(values.mean(), rel=1e-5, abs=1e-6)
        assert column.scale == pytest.approx(values.std(), rel=1e-5)


def test_best_epoch_is_kept() -> None:
    """With a learning rate that is too high, the last epoch is not the best one."""
    objects = make_jets(np.full(200, 5))
    for seed in range(1, 20):
        chosen = settings(epochs=8, learning_rate=0.2, seed=seed)
        model, summary = training.train_collection(objects, "Jet", JETS, chosen)
        if summary.best_epoch < 8:
            break
    assert summary.best_epoch < 8
    assert summary.validation_loss[-1] > summary.best_validation_loss * 1.01
    found = losses(model, objects)[held_out(objects, chosen)].mean()
    assert found == pytest.approx(summary.best_validation_loss, rel=1e-3)


def test_same_seed_same_model() -> None:
    objects = make_jets(np.full(100, 5))
    first, again = (training.train_collection(objects, "Jet", JETS, settings(seed=7)) for _ in range(2))
    other = training.train_collection(objects, "Jet", JETS, settings(seed=8))
    assert weights(first[0]) == weights(again[0])
    assert first[1].validation_loss == again[1].validation_loss
    assert weights(first[0]) != weights(other[0])
    assert first[0].columns[0].mean != other[0].columns[0].mean  # the split differs too


@pytest.mark.parametrize("validation", [0.1, 0.5])
def test_split_is_by_event(validation: float) -> None:
    """With 97 objects in every event, both parts are multiples of 97 only where no event is in both."""
    summary = training.train_collection(make_jets([97] * 40), "Jet", JETS, settings(validation=validation, epochs=1))[1]
    assert summary.training_objects % 97 == summary.validation_objects % 97 == 0
    assert summary.training_objects + summary.validation_objects == 97 * 40
    assert summary.validation_objects / (97 * 40) == pytest.approx(validation, abs=0.2)


def test_values_that_cannot_be_normalised_are_skipped_and_counted() -> None:
    objects = make_jets(np.full(100, 5))
    clean = objects.columns["pt"].copy()
    for i, value in enumerate([0, -1, np.nan, np.inf, -np.inf]):
        objects.columns["pt"][10 * i] = value
    objects.columns["eta"][7] = np.nan
    objects.columns["eta"][8] = -5  # negative values are fine without log10
    model, summary = training.train_collection(objects, "Jet", JETS, settings())
    assert (summary.objects, summary.skipped_objects) == (500, 6)
    assert summary.training_objects + summary.validation_objects == 494
    assert all(np.isfinite(column.mean) for column in model.columns)
    assert model.columns[0].mean == pytest.approx(np.log10(clean).mean(), abs=0.05)
    assert np.isfinite(summary.validation_loss).all()


def test_doubles_beyond_float32_are_skipped_and_counted() -> None:
    objects = make_jets(np.full(100, 5))
    for variable in objects.columns:
        objects.columns[variable] = objects.columns[variable].astype(np.float64)
    objects.columns["pt"][[3, 40]] = 1e300, 1e-320  # infinite, and 0 under a logarithm
    objects.columns["eta"][7] = -1e39
    model, summary = training.train_collection(objects, "Jet", JETS, settings())
    assert (summary.objects, summary.skipped_objects) == (500, 3)
    assert all(np.isfinite([column.mean, column.scale]).all() for column in model.columns)
    assert np.isfinite(summary.validation_loss).all()


def test_sentinels_take_no_part() -> None:
    objects = make_jets(np.full(100, 5))
    objects.columns["eta"][:7] = -999
    columns = JETS.columns | {"eta": JETS.columns["eta"].model_copy(update={"sentinels": [-999, 5]})}
    jets = JETS.model_copy(update={"columns": columns})
    model, summary = training.train_collection(objects, "Jet", jets, settings())
    assert (summary.objects, summary.skipped_objects) == (500, 7)
    assert abs(model.columns[1].mean) < 1
    assert training.train_collection(objects, "Jet", JETS, settings())[1].skipped_objects == 0


def write_jets(path: Path, **more: Any) -> Path:
    objects = make_jets(np.full(60, 3))
    columns = {f"Jet_{name}": ak.unflatten(values, objects.counts) for name, values in objects.columns.items()}
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns | more)
    return path


def test_networks_are_for_what_has_a_tolerance(tmp_path: Path) -> None:
    path = write_jets(tmp_path / "e.root", MET_pt=np.arange(60.0), Jet_id=ak.unflatten(np.arange(180), 3))
    recipe = Recipe.from_text("""
        collections:
          Jet:
            columns: {eta: {tolerance: exact}, id: {tolerance: exact}, '*': {tolerance: {rel: 0.02}}}
            network: {hidden: [4], latents: 1}
          MET: {columns: {pt: {tolerance: {rel: 0.1}}}}
        training: {epochs: 1}
    """)
    model = training.train([path], recipe)
    (jets,) = model.collections  # one variable has no correlations to learn
    assert sorted(jets.column_names) == ["Jet_phi", "Jet_pt"]
    assert Recipe.from_text(model.recipe) == recipe.resolve(schema_of(path)[1])


def test_nothing_to_train(tmp_path: Path) -> None:
    path = write_jets(tmp_path / "e.root")
    plain = RECIPE.model_copy(update={"collections": {"Jet": JETS.model_copy(update={"codec": "plain"})}})
    for recipe in (plain, Recipe.from_text("columns: {Jet_pt: {tolerance: {rel: 0.1}}}")):
        with pytest.raises(RecipeError, match=r"nothing to train: .*`aeplugin compress` needs no model"):
            training.train([path], recipe)
    alone = "collections: {Jet: {columns: {pt: {tolerance: {rel: 0.1}}}, codec: autoencoder}}"
    with pytest.raises(RecipeError, match="'Jet' has the codec autoencoder and 1 variables with a tolerance"):
        training.train([path], Recipe.from_text(alone))


def test_objects_in_all_shapes_of_events() -> None:
    """Events without objects, a batch larger than the sample, one hidden layer of one node."""
    objects = make_jets([0, 5, 0, 30, 1, 0, 20, 3] * 3)
    summary = training.train_collection(objects, "Jet", JETS, settings(batch_size=100_000))[1]
    assert summary.objects == 177
    assert len(summary.training_loss) == 3


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([], "'Jet' has 0 usable objects of 0; training needs at least 10"),
        ([0, 0], "0 usable objects of 0"),
        ([9], "9 usable objects of 9"),
        ([50], "the events are too few to split"),
    ],
)
def test_too_few_objects(counts: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        training.train_collection(make_jets(np.array(counts, np.int64)), "Jet", JETS, settings())


def test_all_skipped() -> None:
    objects = make_jets(np.full(20, 5))
    objects.columns["pt"][:] = -1
    with pytest.raises(InputError, match="0 usable objects of 100"):
        training.train_collection(objects, "Jet", JETS, settings())


@pytest.mark.parametrize("value", [0.0, 0.1, 12345.678, -999.0])
def test_constant_column(value: float) -> None:
    objects = make_jets(np.full(100, 5))
    objects.columns["eta"][:] = value
    with pytest.raises(InputError, match="variable 'eta' of collection 'Jet' is constant; leave it out of the recipe"):
        training.train_collection(objects, "Jet", JETS, settings())


def test_constant_column_under_log10() -> None:
    objects = make_jets(np.full(100, 5))
    objects.columns["pt"][:] = 20_000
    with pytest.raises(InputError, match="variable 'pt' of collection 'Jet' is constant"):
        training.train_collection(objects, "Jet", JETS, settings())


def test_divergence() -> None:
    with pytest.raises(InputError, match=r"the training diverged.*lower the learning rate"):
        training.train_collection(make_jets(np.full(100, 5)), "Jet", JETS, settings(learning_rate=1e38))


def test_divergence_ends_the_training() -> None:
    epochs: list[int] = []
    with pytest.raises(InputError, match="the training diverged"):
        training.train_collection(
            make_jets(np.full(100, 5)),
            "Jet",
            JETS,
            settings(learning_rate=1e38, epochs=50),
            lambda name, progress: epochs.append(progress.epochs),
        )
    assert len(epochs) < 50


def test_no_files() -> None:
    with pytest.raises(InputError, match="got no files; expected at least one"):
        training.train([], RECIPE)


def test_report_and_several_files_and_collections(tmp_path: Path) -> None:
    paths = []
    for i, events in enumerate((60, 40)):
        objects = make_jets(np.full(events, 3), seed=i)
        paths.append(tmp_path / f"{i}.root")
        columns = {f"Jet_{name}": ak.unflatten(values, objects.counts) for name, values in objects.columns.items()}
        with uproot.recreate(paths[-1]) as file:
            file.mkrntuple(
                "events", columns | {"MET_pt": np.arange(1.0, events + 1), "MET_phi": np.arange(events) % 7.0}
            )
    text = RECIPE.to_text() + "tree: events\n"
    recipe = Recipe.from_text(text)
    met = Recipe.from_text("""
        collections:
          MET:
            columns: {pt: {tolerance: {rel: 0.1}, transform: log10}, phi: {tolerance: {abs: 0.1}}}
            network: {hidden: [], latents: 1}
    """)
    recipe = recipe.model_copy(update={"collections": recipe.collections | met.collections})
    reports: list[tuple[str, int]] = []
    model = training.train(paths, recipe, lambda name, progress: reports.append((name, progress.epochs)))
    assert reports == [(name, epoch) for name in ("Jet", "MET") for epoch in (1, 2, 3)]
    assert [collection.name for collection in model.collections] == ["Jet", "MET"]
    summaries = json.loads(model.training)["collections"]
    assert (summaries["Jet"]["objects"], summaries["MET"]["objects"]) == (300, 100)
    assert Recipe.from_text(model.recipe) == recipe


def test_all_collections_are_looked_at_before_the_first_fit(tmp_path: Path) -> None:
    objects = make_jets(np.full(60, 3))
    columns = {f"Jet_{name}": ak.unflatten(values, objects.counts) for name, values in objects.columns.items()}
    none = {f"Muon_{name}": values[:, :0] for name, values in zip(objects.columns, columns.values(), strict=True)}
    with uproot.recreate(tmp_path / "e.root") as file:
        file.mkrntuple("events", columns | none)
    recipe = RECIPE.model_copy(update={"collections": {"Jet": JETS, "Muon": JETS}})
    reports: list[str] = []
    with pytest.raises(InputError, match="'Muon' has 0 usable objects"):
        training.train([tmp_path / "e.root"], recipe, lambda name, progress: reports.append(name))
    assert reports == []


def test_missing_column(events_file: Path) -> None:
    recipe = Recipe.from_text("collections: {Jet: {columns: {mass: {tolerance: {rel: 0.1}}}}}")
    with pytest.raises(RecipeError, match="no column 'Jet_mass' for variable 'mass'"):
        training.train([events_file], recipe)


def test_atlas_jets(shared_data: Path, tmp_path: Path) -> None:
    """A flat TTree whose masses reach below zero; the mass stays linear, so that no jet is skipped."""
    recipe = Recipe.from_file("atlas-jets")
    source = shared_data / "atlas_jets" / "atlas_jets_4d_train.root"
    objects = read_collection(source, "jet", recipe.collections["jet"])
    few = Objects(objects.counts[:6000], {name: values[:6000] for name, values in objects.columns.items()})
    chosen = recipe.training.model_copy(update={"epochs": 4})
    jets = recipe.collections["jet"].model_copy(update={"loss": Loss(kind="mse")})
    model, summary = training.train_collection(few, "jet", jets, chosen)
    assert (summary.objects, summary.skipped_objects) == (6000, 0)
    assert summary.best_validation_loss < 0.05
    assert model.column_names == ["jet_m", "jet_pt", "jet_eta", "jet_phi"]
