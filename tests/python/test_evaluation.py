"""Evaluation of a compressed file, which is written here without ROOT, and of files that are none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from aeplugin import Autoencoder, Model, Recipe, darkmachines
from aeplugin.errors import CompatibilityError, CorruptionError, InputError
from aeplugin.evaluation import evaluate
from aeplugin.files import is_compressed, read_metadata, recipe_of
from aeplugin.readers import METADATA, read_collection


def one_entry(value: Any) -> ak.Array:
    if isinstance(value, np.ndarray):  # bytes stay bytes
        return ak.from_regular(ak.Array(value[np.newaxis]))
    return ak.Array([value])


def write_compressed(path: Path, original: Path, model_path: Path, events: int | None = None, **changes: Any) -> Path:
    """A compressed file as docs/compressed-file.md describes it, of the first `events` events.

    `changes` of the metadata; None leaves a field out.
    """
    model = Model.from_file(str(model_path))
    (jets,) = model.collections
    collection = Recipe.from_text(model.recipe).collections["Jet"]
    objects = read_collection(original, "Jet", collection)
    latents = Autoencoder(jets).encoder(objects.matrix())
    columns = {name: ak.unflatten(latents[:, i], objects.counts)[:events] for i, name in enumerate(jets.latent_names)}
    metadata: dict[str, Any] = {
        "format_version": 1,
        "aeplugin_version": "0.1.0",
        "root_version": "6.40",
        "table": "events",
        "column_names": jets.column_names,
        "column_types": ["ROOT::VecOps::RVec<float>"] * 4,
        "recipe": model.recipe,
        "model": np.frombuffer(model.to_bytes(), np.uint8),
        "input_name": original.name,
        "input_bytes": original.stat().st_size,
        "input_md5": "0" * 32,
    } | changes
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
        file.mkrntuple(METADATA, {k: one_entry(v) for k, v in metadata.items() if v is not None})
    return path


@pytest.fixture(scope="module")
def compressed(events_file: Path, jets_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_compressed(tmp_path_factory.mktemp("compressed") / "c.root", events_file, jets_model)


def test_numbers_are_those_of_numpy(events_file: Path, compressed: Path, jets_model: Path) -> None:
    found = evaluate(events_file, compressed)
    collection = Recipe.from_file("darkmachines-jets").collections["Jet"]
    original = read_collection(events_file, "Jet", collection).matrix()
    autoencoder = Autoencoder.open(str(jets_model))
    decoded = autoencoder.decoder(autoencoder.encoder(original))
    original, decoded = original.astype(np.float64), decoded.astype(np.float64)
    residuals = decoded - original
    residuals[:, :2] /= original[:, :2]
    residuals[:, 3] = (residuals[:, 3] + np.pi) % (2 * np.pi) - np.pi
    within = np.abs(residuals) <= [0.02, 0.02, 0.01, 0.01]
    assert found.objects == {"Jet": len(original)} == {"Jet": 11_166}
    assert 0 < found.within["Jet"] < 1
    assert found.within["Jet"] == pytest.approx(within.all(axis=1).mean())
    assert list(found.variables["Jet"]) == ["E", "pt", "eta", "phi"]
    for i, summary in enumerate(found.variables["Jet"].values()):
        values = residuals[:, i]
        assert summary.mean == pytest.approx(values.mean(), abs=1e-12)
        assert summary.rms == pytest.approx(np.sqrt(np.mean(values**2)))
        assert summary.max == np.abs(values).max()
        assert summary.within == pytest.approx(within[:, i].mean())
        assert summary.not_finite == 0
        for q, quantile in ((0.68, summary.abs68), (0.95, summary.abs95), (0.999, summary.abs999)):
            assert quantile == pytest.approx(np.quantile(np.abs(values), q), rel=1e-3)
    assert found.original_bytes == events_file.stat().st_size
    assert found.compressed_bytes == compressed.stat().st_size
    assert found.model_bytes == len(Model.from_file(str(jets_model)).to_bytes())


def test_as_json(events_file: Path, compressed: Path) -> None:
    found = evaluate(events_file, compressed)
    numbers = json.loads(json.dumps(found.to_dict()))
    assert numbers["variables"]["Jet"]["pt"]["rms"] == found.variables["Jet"]["pt"].rms
    assert numbers["compressed_bits_per_object"] == pytest.approx(8 * compressed.stat().st_size / 11_166)
    assert numbers["original_bits_per_object"] == pytest.approx(8 * events_file.stat().st_size / 11_166)


def test_metadata(compressed: Path, events_file: Path, jets_model: Path) -> None:
    metadata = read_metadata(compressed)
    assert metadata.model.to_bytes() == Model.from_file(str(jets_model)).to_bytes()
    assert metadata.recipe == Recipe.from_text(metadata.model.recipe)
    assert (metadata.table, metadata.input_name) == ("events", events_file.name)
    assert metadata.column_names == ["Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"]
    assert recipe_of(compressed) == metadata.recipe
    assert is_compressed(compressed)
    assert not is_compressed(events_file)


def test_no_objects(events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    empty = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.zeros(4, int)), ak.to_layout(np.empty(0, "f4"))))
    original = tmp_path / "o.root"
    with uproot.recreate(original) as file:
        file.mkrntuple("events", {f"Jet_{name}": empty for name in ("E", "pt", "eta", "phi")})
    found = evaluate(original, write_compressed(tmp_path / "c.root", original, jets_model))
    assert found.objects == {"Jet": 0}
    assert math.isnan(found.within["Jet"])
    assert math.isnan(found.variables["Jet"]["pt"].max)
    assert math.isnan(found.bits_per_object(100))


def test_other_events(events_file: Path, jets_model: Path, compressed: Path, tmp_path: Path, data: Path) -> None:
    short = write_compressed(tmp_path / "short.root", events_file, jets_model, events=2999)
    with pytest.raises(InputError, match=r"short\.root: ends after 2999 events, but .*monojet\.root has more"):
        evaluate(events_file, short)
    jets = darkmachines.read(data / "njets.csv.gz").Jet
    other = tmp_path / "njets.root"
    with uproot.recreate(other) as file:
        file.mkrntuple("events", {f"Jet_{name}": jets[name] for name in ("E", "pt", "eta", "phi")})
    with pytest.raises(
        InputError, match=r"c\.root: collection 'Jet' has \d+ objects in event \d+ .* as in .*njets\.root"
    ):
        evaluate(other, compressed)


def test_no_compressed_files(events_file: Path, jets_model: Path, compressed: Path, tmp_path: Path) -> None:
    with pytest.raises(CompatibilityError, match=r"monojet\.root: not a compressed file: .*aeplugin compress"):
        evaluate(events_file, events_file)
    with pytest.raises(InputError, match=r"not a|no ROOT file"):
        evaluate(events_file, jets_model)
    newer = write_compressed(tmp_path / "newer.root", events_file, jets_model, events=5, format_version=2)
    with pytest.raises(
        CompatibilityError, match=r"newer\.root: compressed file of version 2; this aeplugin reads version 1"
    ):
        evaluate(events_file, newer)
    content = bytearray(Model.from_file(str(jets_model)).to_bytes())
    content[-1] ^= 1
    damaged = np.frombuffer(bytes(content), np.uint8)
    broken = write_compressed(tmp_path / "broken.root", events_file, jets_model, events=5, model=damaged)
    with pytest.raises(CorruptionError, match=r"broken\.root: the checksum"):
        evaluate(events_file, broken)
    for field in ("format_version", "model", "input_md5"):
        lacking = write_compressed(tmp_path / "lacking.root", events_file, jets_model, **{field: None})
        with pytest.raises(CorruptionError, match=rf"lacking\.root: its metadata (lack {field}|are empty)"):
            read_metadata(lacking)
    recipe = Recipe.from_file("darkmachines-jets").to_text()
    for text in (recipe.replace("Jet:", "Muon:"), recipe.replace("eta:", "rapidity:")):
        other = write_compressed(tmp_path / "other.root", events_file, jets_model, recipe=text)
        with pytest.raises(CorruptionError, match=r"other\.root: the recipe inside does not fit collection 'Jet'"):
            read_metadata(other)
    cut = tmp_path / "cut.root"
    whole = compressed.read_bytes()
    for size in np.linspace(100, len(whole) - 1, 8, dtype=int).tolist():
        cut.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"cut\.root: .*truncated"):
            evaluate(events_file, cut)
