"""Networks that are told the kind of an object: in RDataFrame steps, scores of files and compression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Autoencoder, Model, Recipe, rdf
from aeplugin._core import Activation, CollectionModel, ModelColumn, Transform, event_scores
from aeplugin.compilation import compile_recipe
from aeplugin.errors import RecipeError
from aeplugin.scores import score_file
from rich_models import NO_RULES, Condition, rich_network

KINDS = (0, 1, 2, 3, 4, 5)
COLUMNS = ("Object_pt", "Object_eta", "Object_phi", "Object_kind")


def kinds_model(condition: Condition = "both") -> Model:
    rng = np.random.default_rng(8)
    columns = [
        ModelColumn("pt", "Object_pt", Transform.log10, 4.6, 0.5),
        ModelColumn("eta", "Object_eta", Transform.linear, 0, 1.5),
        ModelColumn("phi", "Object_phi", Transform.circle),
        ModelColumn("kind", "Object_kind", Transform.label, labels=KINDS),
    ]
    told = {half: len(KINDS) if condition in (half, "both") else 0 for half in ("encoder", "decoder")}
    encoder = rich_network([4 + told["encoder"], 9, 2], Activation.gelu, rng)
    decoder = rich_network([2 + told["decoder"], 9, 4], Activation.silu, rng)
    return Model("", NO_RULES, "{}", [CollectionModel("Object", columns, encoder, decoder, condition)])


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "kinds.model"
    kinds_model().save(str(path))
    return path


@pytest.fixture(scope="module")
def events(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events with Object_kind, an int32."""
    path = tmp_path_factory.mktemp("events") / "zz.root"
    pytest.importorskip("ROOT", reason="needs ROOT", exc_type=ImportError)
    rdf.convert(data / "zz.csv.gz", path, layout="objects")
    return path


@pytest.fixture(scope="module")
def objects(events: Path) -> np.ndarray:
    """float32, shape (objects, columns)."""
    with uproot.open(events) as file:
        arrays = file["events"].arrays(list(COLUMNS))
    assert str(arrays["Object_kind"].type.content.content) == "int32"
    assert len(set(ak.flatten(arrays["Object_kind"]))) > 2
    return np.stack([ak.to_numpy(ak.flatten(arrays[name])) for name in COLUMNS], axis=1).astype(np.float32)


def column(frame: Any, name: str) -> np.ndarray:
    """In the order of the events."""
    values = frame.AsNumpy([name])[name]
    return np.concatenate([np.atleast_1d(np.asarray(value)) for value in values])


@pytest.mark.parametrize("kind", ["std::int32_t", "std::int8_t", "std::uint64_t"])
def test_steps_give_what_the_core_gives(events: Path, model_file: Path, objects: np.ndarray, kind: str) -> None:
    autoencoder = Autoencoder.open(str(model_file))
    latents = autoencoder.encoder(objects)
    decoded = autoencoder.decoder(latents)
    root, kinds = rdf.load(), rdf.open_autoencoder(model_file)
    frame = root.RDataFrame("events", str(events))
    frame = frame.Redefine("Object_kind", f"ROOT::RVec<{kind}>(Object_kind.begin(), Object_kind.end())")
    frame = rdf.define_latents(frame, kinds)
    names = ["Object_latent_0", "Object_latent_1", "Object_latent_kind"]
    for i, name in enumerate(names):
        assert column(frame, name).tobytes() == latents[:, i].tobytes()
    np.testing.assert_array_equal(latents[:, 2], objects[:, 3])
    both = rdf.define_reconstructed(rdf.define_decoded(frame, kinds, "_decoded"), kinds)
    for i, name in enumerate(COLUMNS):
        assert column(both, f"{name}_decoded").tobytes() == decoded[:, i].tobytes()
        assert column(both, f"{name}_reco").tobytes() == decoded[:, i].tobytes()
    errors = autoencoder.reconstruction_errors(objects)
    assert column(rdf.define_scores(frame, kinds), "Object_score").tobytes() == errors.tobytes()


@pytest.mark.parametrize("kind", ["int", "std::int8_t", "long", "unsigned short", "float"])
def test_single_objects_with_labels_of_any_type(model_file: Path, kind: str) -> None:
    root = rdf.load()
    frame = root.RDataFrame(5).Define("Object_pt", "20e3f + rdfentry_").Define("Object_eta", "0.1f * rdfentry_")
    frame = frame.Define("Object_phi", "1.5f - rdfentry_").Define("Object_kind", f"static_cast<{kind}>(rdfentry_ + 1)")
    found = rdf.define_reconstructed(frame, rdf.open_autoencoder(model_file))
    entry = np.arange(5)
    values = np.stack([20e3 + entry, np.float32(0.1) * entry.astype(np.float32), 1.5 - entry, entry + 1], axis=1)
    autoencoder = Autoencoder.open(str(model_file))
    decoded = autoencoder.decoder(autoencoder.encoder(values.astype(np.float32)))
    for i, name in enumerate(COLUMNS):
        np.testing.assert_array_equal(column(found, f"{name}_reco"), decoded[:, i])


def test_shared_models_in_expressions(events: Path, model_file: Path, objects: np.ndarray) -> None:
    """What a distributed RDataFrame runs."""
    root = rdf.load()
    root.gInterpreter.Declare("#include <aeplugin/rdf/shared_model.hxx>")
    root.aeplugin.rdf.ShareModel("kinds", model_file.read_bytes(), "Object")
    packed = f"aeplugin::rdf::Pack({', '.join(COLUMNS)})"
    frame = root.RDataFrame("events", str(events))
    frame = frame.Define("latents", f'aeplugin::rdf::Shared("kinds").Latents({packed})')
    frame = frame.Define("decoded", 'aeplugin::rdf::Shared("kinds").Decoded(latents)')
    frame = frame.Define("phi", "decoded[2]").Define("kind", "latents[2]")
    autoencoder = Autoencoder.open(str(model_file))
    decoded = autoencoder.decoder(autoencoder.encoder(objects))
    assert column(frame, "phi").tobytes() == decoded[:, 2].tobytes()
    np.testing.assert_array_equal(column(frame, "kind"), objects[:, 3])


def test_scores_of_a_file(events: Path, model_file: Path, objects: np.ndarray, tmp_path: Path) -> None:
    target = tmp_path / "scores.root"
    score_file(events, Model.from_file(str(model_file)), target)
    with uproot.open(target) as file:
        found = file["scores"].arrays()
    errors = Autoencoder.open(str(model_file)).reconstruction_errors(objects)
    assert ak.to_numpy(ak.flatten(found["Object_score"])).tobytes() == errors.tobytes()
    scores = event_scores(errors, ak.to_numpy(ak.num(found["Object_score"])))
    assert ak.to_numpy(found["Object_event_score"]).tobytes() == scores.tobytes()


def test_codecs(events: Path, tmp_path: Path) -> None:
    """No codec uses such a network: `auto` does without, `autoencoder` says why it cannot."""
    columns = [
        {"variable": v, "column": f"Object_{v}", "kind": "abs", "tolerance": t, "sentinels": [], "formula": ""}
        for v, t in (("pt", 1000.0), ("eta", 0.01), ("phi", 0.01))
    ]
    for codec in ("auto", "autoencoder"):
        rules = {"collections": [{"name": "Object", "codec": codec, "columns": columns}], "dropped": []}
        recipe = f"collections: {{Object: {{codec: {codec}, columns: {{pt: {{tolerance: {{abs: 1000}}}}}}}}}}"
        model = Model(recipe, rules, "{}", kinds_model().collections)
        if codec == "autoencoder":
            with pytest.raises(RecipeError, match=r"'Object': .* told a label, 'kind'; take the codec plain or auto"):
                rdf.compress(events, tmp_path / "b.root", model)
            assert not (tmp_path / "b.root").exists()
        else:
            rdf.compress(events, tmp_path / "a.root", model)
            assert list(aeplugin.open(tmp_path / "a.root").metadata[0]["group_codecs"]) == ["plain"]


def test_a_label_may_be_exact(events: Path) -> None:
    """A network is told it, and does not code it."""
    rules = ", ".join(f"{variable}: {{tolerance: {{abs: 0.01}}}}" for variable in ("pt", "eta", "phi"))
    recipe = Recipe.from_text(f"collections: {{Object: {{columns: {{{rules}, kind: {{tolerance: exact}}}}}}}}")
    assert compile_recipe(recipe, events, networks=kinds_model()).collections[0].condition == "both"
