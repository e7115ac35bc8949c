"""Exports: ONNX, TorchScript and the native engine are the same network, from Python and through the C++ engines."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aeplugin import Autoencoder, Model, Recipe, config, glue
from aeplugin._core import CollectionModel, Transform
from aeplugin.errors import CompatibilityError, InputError, ModelError
from aeplugin.export import HALVES, Half, export
from aeplugin.readers import read_collection
from aeplugin.torch_export import dense_module
from exported_networks import run_onnx, run_torchscript

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
config.find_engine_libraries()  # no report home, also from the onnxruntime imported here
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(jets_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file with all exports beside it."""
    path = tmp_path_factory.mktemp("exported") / "jets.model"
    shutil.copy(jets_model, path)
    written = export(path, ["onnx", "torchscript"])
    names = [f"jets.Jet.{half}.{extension}" for half in HALVES for extension in ("onnx", "pt")]
    assert [file.name for file in written] == names
    assert {file.name for file in path.parent.iterdir()} == {"jets.model", *names}
    return path


@pytest.fixture(scope="module")
def values(events_file: Path) -> np.ndarray:
    return read_collection(events_file, "Jet", Recipe.from_file("darkmachines-jets").collections["Jet"]).matrix()[:2000]


@pytest.fixture(scope="module")
def torch_library() -> str:
    """The LibTorch engine, compiled once into the cache."""
    try:
        return os.environ.setdefault("AEPLUGIN_TORCH", os.environ.get("AEPLUGIN_TORCH") or str(glue.library("torch")))
    except CompatibilityError as error:
        pytest.skip(f"no LibTorch engine: {error}")


def standardise(model: CollectionModel, values: np.ndarray) -> np.ndarray:
    result = values.astype(np.float64)
    for i, column in enumerate(model.columns):
        x = np.log10(result[:, i]) if column.transform == Transform.log10 else result[:, i]
        result[:, i] = (x - column.mean) / column.scale
    return result


def expected(model: CollectionModel, half: Half, values: np.ndarray) -> np.ndarray:
    """The network as torch computes it in double precision, in standardised units."""
    network = dense_module(model, half).double()
    given = standardise(model, values) if half == "encoder" else values.astype(np.float64)
    with torch.no_grad():
        return network(torch.from_numpy(given)).numpy()


def standardised_output(model: CollectionModel, half: Half, found: np.ndarray) -> np.ndarray:
    assert found.dtype == np.float32
    return standardise(model, found) if half == "decoder" else found


def inputs(exported: Path, values: np.ndarray, half: Half) -> np.ndarray:
    return values if half == "encoder" else Autoencoder.open(str(exported)).encoder(values)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(("extension", "run"), [("onnx", run_onnx), ("pt", run_torchscript)])
def test_exports_agree(exported: Path, values: np.ndarray, half: Half, extension: str, run: Any) -> None:
    model = Model.from_file(str(exported)).collection("Jet")
    given = inputs(exported, values, half)
    found = run(exported.with_suffix(f".Jet.{half}.{extension}"), given)
    assert found.shape == (len(values), 3 if half == "encoder" else 4)
    difference = standardised_output(model, half, found) - expected(model, half, given)
    np.testing.assert_allclose(difference, 0, atol=1e-5)


@pytest.mark.parametrize("engine", ["native", "onnx", "torch"])
@pytest.mark.parametrize("half", HALVES)
def test_engines_agree(exported: Path, values: np.ndarray, half: Half, engine: str, torch_library: str) -> None:
    autoencoder = Autoencoder.open(str(exported), engine=engine)
    given = inputs(exported, values, half)
    found = (autoencoder.encoder if half == "encoder" else autoencoder.decoder)(given)
    model = autoencoder.model
    difference = standardised_output(model, half, found) - expected(model, half, given)
    np.testing.assert_allclose(difference, 0, atol=1e-5)
    assert autoencoder.encoder(values[:0]).shape == (0, 3)


def test_values_outside_the_logarithm(exported: Path, values: np.ndarray, torch_library: str) -> None:
    """Zero and negative energies give something finite, and the same everywhere."""
    odd = values[:6].copy()
    odd[:, 0] = [0, -1, -1e30, 1e-40, np.finfo(np.float32).tiny, -0.0]
    reference = Autoencoder.open(str(exported)).encoder(odd)
    assert np.isfinite(reference).all()
    found = {
        "onnx": run_onnx(exported.with_suffix(".Jet.encoder.onnx"), odd),
        "torchscript": run_torchscript(exported.with_suffix(".Jet.encoder.pt"), odd),
        "onnx engine": Autoencoder.open(str(exported), engine="onnx").encoder(odd),
        "torch engine": Autoencoder.open(str(exported), engine="torch").encoder(odd),
    }
    for name, latents in found.items():
        np.testing.assert_allclose(latents, reference, rtol=1e-4, atol=1e-4, err_msg=name)


def test_onnx_model_is_described(exported: Path) -> None:
    model = onnx.load(exported.with_suffix(".Jet.encoder.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 17
    assert model.producer_name == "aeplugin"
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    assert (dimensions[0].dim_param, dimensions[1].dim_value) == ("objects", 4)


def test_exports_can_be_repeated(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "jets.model"
    shutil.copy(exported, path)
    (tmp_path / "jets.Jet.encoder.onnx").write_text("old")
    assert len(export(path, ["onnx"])) == 2
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert set(first) == {"jets.model", "jets.Jet.encoder.onnx", "jets.Jet.decoder.onnx"}
    assert first["jets.Jet.encoder.onnx"] == exported.with_suffix(".Jet.encoder.onnx").read_bytes()


def test_export_that_cannot_be_written(exported: Path, tmp_path: Path) -> None:
    shutil.copy(exported, tmp_path / "jets.model")
    (tmp_path / "jets.Jet.encoder.onnx").mkdir()
    with pytest.raises(InputError, match=r"jets\.Jet\.encoder\.onnx: cannot be written"):
        export(tmp_path / "jets.model", ["onnx"])
    assert {file.name for file in tmp_path.iterdir()} == {"jets.model", "jets.Jet.encoder.onnx"}


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AEPLUGIN_CACHE", str(tmp_path / "file"))
    with pytest.raises(CompatibilityError, match="set AEPLUGIN_CACHE to a folder"):
        glue.library("torch")


def test_export_of_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.model").write_bytes(b"something")
    with pytest.raises(ModelError, match="not an aeplugin model"):
        export(tmp_path / "a.model", ["onnx"])


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_missing_export(jets_model: Path, tmp_path: Path, engine: str, torch_library: str) -> None:
    path = tmp_path / "jets.model"
    shutil.copy(jets_model, path)
    with pytest.raises(
        ModelError, match=r"jets\.Jet\.encoder\.(onnx|pt): no such network; .*aeplugin export .*jets\.model"
    ):
        Autoencoder.open(str(path), engine=engine)


@pytest.mark.parametrize(("engine", "extension"), [("onnx", "onnx"), ("torch", "pt")])
@pytest.mark.parametrize("half", HALVES)
def test_wrong_exports(
    exported: Path, tmp_path: Path, engine: str, extension: str, half: Half, torch_library: str
) -> None:
    """The other half in its place, damaged ones and other files are refused when they are opened."""
    for file in exported.parent.iterdir():
        shutil.copy(file, tmp_path)
    path = tmp_path / "jets.model"
    target = path.with_suffix(f".Jet.{half}.{extension}")
    Autoencoder.open(str(path), engine=engine)
    good = target.read_bytes()
    other = path.with_suffix(f".Jet.{'decoder' if half == 'encoder' else 'encoder'}.{extension}").read_bytes()
    for wrong in (other, b"", b"garbage" * 100, good[: len(good) // 2]):
        target.write_bytes(wrong)
        with pytest.raises(ModelError, match=rf"jets\.Jet\.{half}\.{extension}"):
            Autoencoder.open(str(path), engine=engine)
