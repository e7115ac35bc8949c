"""Models and the native engine: files that come back whole or not at all, and the same bits in every batch."""

from __future__ import annotations

import pickle
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from aeplugin import Autoencoder, Model, errors
from aeplugin._core import Activation, CollectionModel, Layer, ModelColumn, Transform, instruction_sets
from aeplugin.errors import CompatibilityError, CorruptionError, Error, InputError, ModelError

MakeModel = Callable[..., Model]
NO_RULES: dict[str, Any] = {"collections": [], "dropped": []}


def same_layers(first: list[Layer], second: list[Layer]) -> bool:
    return len(first) == len(second) and all(
        a.activation == b.activation
        and a.weights.tobytes() == b.weights.tobytes()
        and a.weights.shape == b.weights.shape
        and a.biases.tobytes() == b.biases.tobytes()
        for a, b in zip(first, second, strict=True)
    )


def assert_same(first: Model, second: Model) -> None:
    assert (first.recipe, first.training) == (second.recipe, second.training)
    assert len(first.collections) == len(second.collections)
    for a, b in zip(first.collections, second.collections, strict=True):
        assert (a.name, a.column_names, a.latent_names) == (b.name, b.column_names, b.latent_names)
        for c, d in zip(a.columns, b.columns, strict=True):
            assert (c.variable, c.column, c.transform, c.mean, c.scale) == (
                d.variable, d.column, d.transform, d.mean, d.scale,
            )  # fmt: skip
        assert same_layers(a.encoder, b.encoder)
        assert same_layers(a.decoder, b.decoder)


def jets(number: int, seed: int = 2) -> np.ndarray:
    """Values of pt, eta, phi in the units of the file."""
    rng = np.random.default_rng(seed)
    columns = [rng.lognormal(11, 0.9, number), rng.normal(0, 1.5, number), rng.uniform(-np.pi, np.pi, number)]
    return np.stack(columns, axis=1).astype(np.float32)


def run(layers: list[Layer], values: np.ndarray) -> np.ndarray:
    """The reference: numpy in double precision."""
    for layer in layers:
        values = values @ layer.weights.astype(np.float64).T + layer.biases
        if layer.activation == Activation.tanh:
            values = np.tanh(values)
    return values


def standardise(model: CollectionModel, values: np.ndarray) -> np.ndarray:
    columns = []
    for i, column in enumerate(model.columns):
        x = values[:, i].astype(np.float64)
        columns.append(((np.log10(x) if column.transform == Transform.log10 else x) - column.mean) / column.scale)
    return np.stack(columns, axis=1)


def test_round_trip(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model(recipe="tolerance: µ", training='{"a": 1}')
    assert_same(Model.from_bytes(model.to_bytes()), model)
    path = tmp_path / "a.model"
    model.save(str(path))
    assert path.read_bytes() == model.to_bytes()
    assert_same(Model.from_file(str(path)), model)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.model"]  # no temporary file is left
    (jets,) = model.collections
    assert jets.latent_names == ["Jet_latent_0", "Jet_latent_1"]
    assert jets.column_names == ["Jet_pt", "Jet_eta", "Jet_phi"]
    assert model.collection("Jet").name == model.collection("").name == "Jet"
    with pytest.raises(ModelError, match=r"no collection 'jet'; did you mean 'Jet'"):
        model.collection("jet")


def test_collection_outlives_its_model(make_model: MakeModel) -> None:
    collection = make_model().collection("Jet")
    assert collection.columns[0].column == "Jet_pt"


def with_column(jet: CollectionModel, mean: float, scale: float) -> dict[str, Any]:
    return {"columns": [ModelColumn("pt", "Jet_pt", Transform.log10, mean, scale), *jet.columns[1:]]}


def with_weight(jet: CollectionModel, value: float) -> dict[str, Any]:
    first, *others = jet.encoder
    return {"encoder": [Layer(np.full_like(first.weights, value), first.biases, first.activation), *others]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda jet: {"encoder": []}, "encoder: has 0 layers"),
        (lambda jet: {"columns": []}, "column"),
        (lambda jet: {"name": ""}, "name"),
        (lambda jet: {"decoder": jet.encoder}, "decoder, layer 0: takes 3 inputs; expected 2"),
        (lambda jet: {"decoder": jet.decoder[:1]}, "decoder gives 4 values for 3 features of columns"),
        (lambda jet: {"columns": [jet.columns[0], *jet.columns[:2]]}, "column 'Jet_pt' is empty or stands twice"),
        (lambda jet: {"columns": jet.columns[:2]}, "encoder, layer 0: takes 3 inputs; expected 2"),
        (lambda jet: with_column(jet, 1, 0), r"scale 0\.0.*expected finite ones and a scale above 0"),
        (lambda jet: with_column(jet, 1, -1), r"scale -1\.0"),
        (lambda jet: with_column(jet, float("nan"), 1), "mean nan"),
        (lambda jet: with_column(jet, 1, float("inf")), "scale inf"),
        (lambda jet: with_weight(jet, float("nan")), "encoder, layer 0: holds a weight that is not finite"),
        (lambda jet: with_weight(jet, float("-inf")), "encoder, layer 0: holds a weight that is not finite"),
    ],
)
def test_impossible_models(
    make_model: MakeModel, change: Callable[[CollectionModel], dict[str, Any]], message: str
) -> None:
    jet = make_model().collection("Jet")
    parts = {"name": jet.name, "columns": jet.columns, "encoder": jet.encoder, "decoder": jet.decoder}
    with pytest.raises(ModelError, match=message):
        Model("", NO_RULES, "", [CollectionModel(**parts | change(jet))])


def test_no_or_equal_collections(make_model: MakeModel) -> None:
    without = Model("columns: {}", NO_RULES)  # what a recipe alone gives
    assert Model.from_bytes(without.to_bytes()).collections == []
    assert Model.from_bytes(without.to_bytes()).recipe == "columns: {}"
    jet = make_model().collection("Jet")
    with pytest.raises(ModelError, match="'Jet' stands twice"):
        Model("", NO_RULES, "", [jet, jet])


def test_layer_shapes() -> None:
    good = np.zeros((2, 3), np.float32)
    for weights, biases in [(good[0], good[:, 0]), (good, good)]:
        with pytest.raises(ModelError, match=r"weights of shape \(outputs, inputs\)"):
            Layer(weights, biases, Activation.tanh)
    # The number of biases is checked where the layers come together.
    column = ModelColumn("x", "x", Transform.linear, 0.0, 1.0)
    bad = Layer(np.zeros((1, 1)), np.zeros(2), Activation.linear)
    with pytest.raises(ModelError, match="1 weights and 2 biases; expected 1 x 1 and 1"):
        Model("", NO_RULES, "", [CollectionModel("c", [column], [bad], [bad])])


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 4), (2, 2, 3), ()])
def test_wrong_input_shapes(make_model: MakeModel, shape: tuple[int, ...]) -> None:
    encoder = Autoencoder(make_model().collection("Jet")).encoder
    with pytest.raises(ModelError, match=r"array of shape \(objects, 3\); it is given one of"):
        encoder(np.ones(shape, np.float32))


def test_no_objects_and_other_layouts(make_model: MakeModel) -> None:
    autoencoder = Autoencoder(make_model().collection("Jet"))
    assert autoencoder.encoder(np.empty((0, 3), np.float32)).shape == (0, 2)
    values = jets(50)
    expected = autoencoder.encoder(values)
    assert autoencoder.encoder(values.astype(np.float64)).tobytes() == expected.tobytes()
    assert autoencoder.encoder(np.asfortranarray(values)).tobytes() == expected.tobytes()
    assert autoencoder.encoder(np.repeat(values, 2, axis=0)[::2]).tobytes() == expected.tobytes()


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_no_model(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "pickle.model"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "ran"), protocol))
    words = "it looks like a Python pickle, which is never loaded" if protocol >= 2 else "not an aeplugin model"
    with pytest.raises(ModelError, match=rf"pickle\.model: .*{words}"):
        Model.from_file(str(path))
    assert not (tmp_path / "ran").exists()


def test_other_files_are_no_models(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "other.model"

    def refuse(kind: type[Error], message: str) -> None:
        with pytest.raises(kind, match=message) as caught:
            Model.from_file(str(path))
        assert str(path) in str(caught.value)

    refuse(InputError, "no such file; expected a model made by `aeplugin train`")
    torch.save({"weight": torch.zeros(3)}, path)
    refuse(ModelError, "zip archive, perhaps from torch.save")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    refuse(ModelError, "zip archive")
    path.write_bytes(b"")
    refuse(Error, "is empty")
    path.write_text("collections: {}")
    refuse(ModelError, "its first bytes are not those of one; `aeplugin train` makes models")
    path.unlink()
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": np.float32})
    refuse(ModelError, "looks like a ROOT file")
    path.unlink()
    path.mkdir()
    refuse(InputError, "is no file")


def test_text_mode_transfer(make_model: MakeModel) -> None:
    content = make_model().to_bytes().replace(b"\r\n", b"\n")
    with pytest.raises(ModelError, match="line ends were changed; copy it in binary mode"):
        Model.from_bytes(content)


def test_newer_version(make_model: MakeModel) -> None:
    content = bytearray(make_model().to_bytes())
    content[8] = 5
    with pytest.raises(CompatibilityError, match=r"here: model file of version 5; this aeplugin reads versions 2 to 4"):
        Model.from_bytes(bytes(content), "here")


def test_truncation_at_every_byte(make_model: MakeModel) -> None:
    content = make_model(hidden=(3,), recipe="r", training="t").to_bytes()
    for size in range(len(content)):
        with pytest.raises(ModelError if size < 8 else CorruptionError):
            Model.from_bytes(content[:size])
    with pytest.raises(CorruptionError, match="1 bytes after the last section"):
        Model.from_bytes(content + b"\0")


def test_every_flipped_bit_is_found(make_model: MakeModel) -> None:
    content = make_model(hidden=(3,), recipe="r", training="t").to_bytes()
    for position in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            with pytest.raises((ModelError, CompatibilityError, CorruptionError)):
                Model.from_bytes(bytes(damaged))


def test_unwritable_target(make_model: MakeModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing"):
        make_model().save(str(tmp_path / "missing" / "a.model"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"folder"):
        make_model().save(str(tmp_path / "folder"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_errors_are_one_tree() -> None:
    for name in ("RecipeError", "InputError", "CompatibilityError", "CorruptionError", "ModelError", "OutputError"):
        kind = getattr(errors, name)
        assert issubclass(kind, errors.Error)
        assert kind.__doc__
    assert issubclass(errors.Error, RuntimeError)


@pytest.mark.parametrize("hidden", [(), (1,), (200, 200, 20), (17, 33)])
@pytest.mark.parametrize("instruction_set", ["", *instruction_sets()])
def test_engine_agrees_with_numpy(make_model: MakeModel, hidden: tuple[int, ...], instruction_set: str) -> None:
    model = make_model(hidden=hidden).collection("Jet")
    autoencoder = Autoencoder(model, instruction_set)
    values = jets(1000)
    latents = autoencoder.encoder(values)
    np.testing.assert_allclose(latents, run(model.encoder, standardise(model, values)), atol=1e-5, rtol=0)
    decoded = standardise(model, autoencoder.decoder(latents))
    np.testing.assert_allclose(decoded, run(model.decoder, latents.astype(np.float64)), atol=1e-5, rtol=0)


def test_trained_engine_agrees_with_numpy(jets_model: Path, events_file: Path) -> None:
    autoencoder = Autoencoder.open(str(jets_model))
    model = autoencoder.model
    with uproot.open(events_file) as file:
        table = file["events"].arrays(model.column_names)
    values = np.stack([np.concatenate(table[name].to_list()) for name in model.column_names], axis=1)
    latents = autoencoder.encoder(values)
    expected = run(model.encoder, standardise(model, values.astype(np.float32)))
    np.testing.assert_allclose(latents, expected, atol=1e-5, rtol=0)
    decoded = standardise(model, autoencoder.decoder(latents))
    np.testing.assert_allclose(decoded, run(model.decoder, latents.astype(np.float64)), atol=1e-5, rtol=0)


def test_batches_and_instruction_sets_give_the_same_bits(make_model: MakeModel) -> None:
    model = make_model(hidden=(200, 20)).collection("Jet")
    values = jets(300)
    expected: dict[str, bytes] = {}
    for instruction_set in instruction_sets():
        autoencoder = Autoencoder(model, instruction_set)
        latents = autoencoder.encoder(values)
        for half, engine, given in (
            ("encoder", autoencoder.encoder, values),
            ("decoder", autoencoder.decoder, latents),
        ):
            whole = engine(given).tobytes()
            assert expected.setdefault(half, whole) == whole
            for size in (1, 5, 47, 48, 49):
                parts = [engine(given[start : start + size]).tobytes() for start in range(0, len(given), size)]
                assert b"".join(parts) == whole


def test_unknown_instruction_set_and_engine(make_model: MakeModel, tmp_path: Path) -> None:
    with pytest.raises(Error, match="sse17"):
        Autoencoder(make_model().collection("Jet"), "sse17")
    path = tmp_path / "a.model"
    make_model().save(str(path))
    with pytest.raises(ModelError, match="unknown engine 'onxn'; did you mean 'onnx'"):
        Autoencoder.open(str(path), engine="onxn")


def test_threads_give_the_same_bits(make_model: MakeModel) -> None:
    model = make_model(hidden=(50, 50)).collection("Jet")
    autoencoder = Autoencoder(model)
    batches = [jets(20_000, seed) for seed in range(8)]
    alone = [autoencoder.encoder(batch).tobytes() for batch in batches]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda batch: autoencoder.encoder(batch).tobytes(), batches))
    assert together == alone


def test_other_threads_run_meanwhile(make_model: MakeModel) -> None:
    """Were the interpreter locked during a call, no other thread could note the time in the middle of it."""
    encoder = Autoencoder(make_model(hidden=(200, 200)).collection("Jet")).encoder
    values = jets(200_000)
    times: list[float] = []

    def work() -> None:
        for _ in range(2):
            times.append(time.monotonic())
            encoder(values)
        times.append(time.monotonic())

    worker = threading.Thread(target=work)
    worker.start()
    noted = []
    while worker.is_alive():
        noted.append(time.monotonic())
        time.sleep(0.001)
    worker.join()
    start, middle, end = times
    for begin, stop in ((start, middle), (middle, end)):
        length = stop - begin
        assert any(begin + 0.1 * length < moment < stop - 0.1 * length for moment in noted)
