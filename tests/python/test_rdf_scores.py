"""Reconstruction errors and event scores: the core against numpy, RDataFrame against the core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Autoencoder, Model, _core, rdf
from aeplugin._core import Activation, CollectionModel, Transform
from aeplugin.errors import InputError, ModelError, RecipeError


def errors_in_double(model: CollectionModel, objects: np.ndarray) -> np.ndarray:
    """What `Autoencoder.reconstruction_errors` means, in double precision."""
    columns = []
    for column, values in zip(model.columns, objects.T.astype(np.float64), strict=True):
        transformed = np.log10(values) if column.transform == Transform.log10 else values
        columns.append((transformed - column.mean) / column.scale)
    given = np.stack(columns, axis=1)
    values = given
    for layer in [*model.encoder, *model.decoder]:
        values = values @ layer.weights.astype(np.float64).T + layer.biases
        values = np.tanh(values) if layer.activation == Activation.tanh else values
    return np.mean((values - given) ** 2, axis=1)


def event_scores(errors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    parts = np.split(errors.astype(np.float64), np.cumsum(counts)[:-1])
    sums = [sum(part.tolist()) / len(part) if len(part) else 0.0 for part in parts]
    return np.array(sums, np.float32)


@pytest.fixture
def model(make_model: Callable[..., Model]) -> Model:
    return make_model(hidden=(30, 20), latents=2, seed=5)


def objects_of(n: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    return np.stack([10 ** rng.normal(4.8, 0.4, n), rng.normal(0, 2, n), rng.uniform(-3, 3, n)], 1).astype(np.float32)


def test_errors_are_those_of_numpy(model: Model) -> None:
    objects = objects_of(1000)
    errors = Autoencoder(model.collection("Jet")).reconstruction_errors(objects)
    assert errors.shape == (1000,)
    assert errors.dtype == np.float32
    np.testing.assert_allclose(errors, errors_in_double(model.collection("Jet"), objects), rtol=2e-5, atol=1e-6)
    assert Autoencoder(model.collection("Jet")).reconstruction_errors(objects[:0]).shape == (0,)


def test_errors_have_the_same_bits_everywhere(model: Model) -> None:
    objects = objects_of(1000)
    expected = Autoencoder(model.collection("Jet")).reconstruction_errors(objects)
    for instruction_set in _core.instruction_sets():
        autoencoder = Autoencoder(model.collection("Jet"), instruction_set)
        assert autoencoder.reconstruction_errors(objects).tobytes() == expected.tobytes()
        for batch in (1, 7, 193):
            parts = [autoencoder.reconstruction_errors(objects[i : i + batch]) for i in range(0, 1000, batch)]
            assert np.concatenate(parts).tobytes() == expected.tobytes()


def test_objects_that_the_network_cannot_have(model: Model) -> None:
    objects = objects_of(9)
    objects[1, 0], objects[2, 1], objects[3, 2] = np.nan, np.inf, -np.inf
    objects[4, 0], objects[5, 0], objects[6, 1] = 0, -5, -1e30
    errors = Autoencoder(model.collection("Jet")).reconstruction_errors(objects)
    assert np.isnan(errors).tolist() == [False, True, True, True, True, True, False, False, False]
    assert errors[6] > 1e30  # finite, and as far from everything as can be
    clean = Autoencoder(model.collection("Jet")).reconstruction_errors(objects_of(9))
    assert errors[[0, 7, 8]].tobytes() == clean[[0, 7, 8]].tobytes()
    with pytest.raises(ModelError, match=r"shape \(objects, 3\)"):
        Autoencoder(model.collection("Jet")).reconstruction_errors(objects[:, :2])


def test_scores_of_events() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 6, 500)
    errors = rng.lognormal(0, 3, counts.sum()).astype(np.float32)
    scores = _core.event_scores(errors, counts)
    assert scores.dtype == np.float32
    assert scores.tobytes() == event_scores(errors, counts).tobytes()
    assert np.all(scores[counts == 0] == 0)
    assert np.isnan(_core.event_scores(np.array([1, np.nan], np.float32), np.array([0, 2]))).tolist() == [False, True]
    assert _core.event_scores(np.empty(0, np.float32), np.empty(0, np.int64)).shape == (0,)
    for wrong in ([2, -1], [3], [1], [2**62, 2**62]):
        with pytest.raises(InputError, match="objects"):
            _core.event_scores(np.ones(2, np.float32), np.array(wrong, np.int64))
    with pytest.raises(InputError, match="flat arrays"):
        _core.event_scores(np.ones((2, 2), np.float32), np.array([4]))


# RDataFrame


def in_order(frame: Any, names: list[str]) -> dict[str, list[Any]]:
    found = frame.AsNumpy(["rdfentry_", *names])
    order = np.argsort(found["rdfentry_"])
    return {name: [np.asarray(found[name][i]) for i in order] for name in names}


@pytest.mark.usefixtures("threads")
def test_steps_and_functors_give_what_the_core_gives(events_file: Path, jets_model: Path, root: Any) -> None:
    autoencoder = aeplugin.Autoencoder.open(str(jets_model))
    names = autoencoder.model.column_names
    events = uproot.open(events_file)["events"].arrays()
    objects = np.stack([ak.to_numpy(ak.flatten(events[name])) for name in names], axis=1)
    counts = ak.to_numpy(ak.num(events[names[0]]))
    errors = autoencoder.reconstruction_errors(objects)

    jets = rdf.open_autoencoder(jets_model)
    root.gInterpreter.Declare(
        """
        #ifndef AEPLUGIN_TEST_SCORES
        #define AEPLUGIN_TEST_SCORES
        ROOT::RDF::RNode WithScore(ROOT::RDF::RNode node, const aeplugin::Autoencoder &jets) {
           return node.Define("by_functor", aeplugin::rdf::Score<4>(jets), jets.fModel.ColumnNames());
        }
        #endif
        """
    )
    frame = rdf.define_scores(root.WithScore(root.RDF.AsRNode(root.RDataFrame("events", str(events_file))), jets), jets)
    found = in_order(frame, ["Jet_score", "by_functor", "Jet_event_score"])
    assert np.concatenate(found["Jet_score"]).tobytes() == errors.tobytes()
    assert np.concatenate(found["by_functor"]).tobytes() == errors.tobytes()
    scores = _core.event_scores(errors, counts)
    assert np.array(found["Jet_event_score"], np.float32).tobytes() == scores.tobytes()


def test_one_object_per_entry(make_model: Callable[..., Model], tmp_path: Path, root: Any) -> None:
    objects = objects_of(50)
    columns = dict(zip(["Jet_pt", "Jet_eta", "Jet_phi"], objects.T, strict=True))
    rdf.write_table(tmp_path / "flat.root", [ak.Array(columns)])
    make_model().save(str(tmp_path / "flat.model"))
    expected = aeplugin.Autoencoder.open(str(tmp_path / "flat.model")).reconstruction_errors(objects)
    frame = rdf.define_scores(
        root.RDataFrame("events", str(tmp_path / "flat.root")), rdf.open_autoencoder(tmp_path / "flat.model")
    )
    found = frame.AsNumpy(["Jet_score", "Jet_event_score"])
    assert found["Jet_score"].tobytes() == expected.tobytes()
    assert found["Jet_event_score"].tobytes() == expected.tobytes()


def test_frames_and_functors_that_do_not_fit(jets_model: Path, root: Any) -> None:
    jets = rdf.open_autoencoder(jets_model)
    with pytest.raises(RecipeError, match="Jet_E"):
        rdf.define_scores(root.RDataFrame(3).Define("x", "1."), jets)
    with pytest.raises(Exception, match="has 4 columns; it is given 3"):
        root.aeplugin.rdf.Score[3](jets)


def test_other_engines_score_on_the_reference_kernels(jets_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from aeplugin import export

    path = tmp_path / "jets.model"
    path.write_bytes(jets_model.read_bytes())
    export.export(path, ["onnx"])
    columns = aeplugin.Model.from_file(str(path)).collection("Jet").columns
    objects = np.stack(
        [10 ** np.full(4, c.mean) if c.transform == Transform.log10 else np.full(4, c.mean) for c in columns], 1
    ).astype(np.float32)
    native, onnx = (Autoencoder.open(str(path), engine=engine) for engine in ("native", "onnx"))
    assert native.reconstruction_errors(objects).tobytes() == onnx.reconstruction_errors(objects).tobytes()
