"""What networks can have beside dense layers of tanh: the same in the engine, in numpy and in all exports."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeplugin import Autoencoder, Model, _core, glue
from aeplugin._core import Activation, CollectionModel, Layer, ModelColumn, Transform
from aeplugin.errors import CompatibilityError, ModelError
from aeplugin.export import HALVES, Half, export
from exported_networks import run_onnx, run_torchscript
from rich_models import CATEGORIES, NO_RULES, Condition, rich_columns, rich_model, rich_objects

CONDITIONS: list[Condition] = ["none", "encoder", "decoder", "both"]
ACTIVATIONS = [activation for name, activation in Activation.__members__.items()]
erf = np.vectorize(math.erf)


def activated(activation: Activation, x: np.ndarray) -> np.ndarray:
    functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "linear": lambda x: x,
        "tanh": np.tanh,
        "relu": lambda x: np.maximum(x, 0),
        "leaky_relu": lambda x: np.where(x < 0, 0.01 * x, x),
        "elu": lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
        "silu": lambda x: x / (1 + np.exp(-x)),
        "gelu": lambda x: x / 2 * (1 + erf(x / np.sqrt(2))),
    }
    return functions[activation.name](x)


def network(layers: list[Layer], x: np.ndarray) -> np.ndarray:
    """In double precision."""
    for layer in layers:
        x = x @ layer.weights.astype(float).T + layer.biases
        if layer.gains is not None:
            x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
            x = layer.gains * x + layer.shifts
        x = activated(layer.activation, x)
    return x


def interpolated(x: np.ndarray, start: np.ndarray, target: np.ndarray) -> np.ndarray:
    """As np.interp, with lines that go on beyond the ends."""
    place = np.clip(np.searchsorted(start, x, side="right") - 1, 0, len(start) - 2)
    slope = np.diff(target.astype(float)) / np.diff(start.astype(float))
    return target[place].astype(float) + (x - start[place]) * slope[place]


def features(columns: list[ModelColumn], values: np.ndarray) -> np.ndarray:
    """What docs/model-file.md says, in double precision."""
    found = []
    for i, column in enumerate(columns):
        if column.transform == Transform.label:
            continue
        x = values[:, i].astype(float)
        if column.transform == Transform.circle:
            found += [np.cos(x - column.mean), np.sin(x - column.mean)]
            continue
        if column.transform == Transform.log10:
            x = np.log10(column.factor * x + column.offset)
        if column.knots is not None:
            x = interpolated(x, *column.knots)
        found.append((x - column.mean) / column.scale)
    return np.stack(found, axis=1)


def told(model: CollectionModel, half: Half, label: np.ndarray) -> np.ndarray:
    """One column for each category that the network of a half is told."""
    known = model.columns[-1].labels if model.condition in (half, "both") else ()
    return label[:, None] == np.array(known, float)[None]


def expected(model: CollectionModel, half: Half, given: np.ndarray) -> np.ndarray:
    """The results of a half without the label, in features for a decoder."""
    layers = model.encoder if half == "encoder" else model.decoder
    without = given[:, :-1] if model.condition != "none" else given
    inputs = features(model.columns, given) if half == "encoder" else without.astype(float)
    return network(layers, np.concatenate([inputs, told(model, half, given[:, -1])], axis=1))


def compare(model: CollectionModel, half: Half, given: np.ndarray, found: np.ndarray) -> None:
    assert found.dtype == np.float32
    right = expected(model, half, given)
    if model.condition != "none":
        np.testing.assert_array_equal(found[:, -1], given[:, -1])
        found = found[:, :-1]
    if half == "encoder":
        np.testing.assert_allclose(found, right, atol=2e-5)
        return
    radius = np.hypot(right[:, 4], right[:, 5])
    right[:, 4:6] /= radius[:, None]
    got = features(model.columns, found)
    tolerance = np.full_like(got, 2e-5)
    tolerance[:, 4:6] /= np.minimum(radius, 1)[:, None]
    for place, column, feature in ((2, model.columns[2], 2), (5, model.columns[5], 6)):
        # Where the value is about -offset / factor, its rounding to float32 hides what was the logarithm.
        argument = column.factor * found[:, place].astype(float) + column.offset
        tolerance[:, feature] += 4e-7 * abs(column.offset) / argument / column.scale
    assert (np.abs(got - right) <= tolerance * (1 + np.abs(right))).all()


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.name)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_engine_agrees_with_numpy(condition: Condition, activation: Activation) -> None:
    model = Model.from_bytes(rich_model(condition, activation).to_bytes()).collection("Object")
    assert (model.condition, model.encoder[0].activation) == (condition, activation)
    autoencoder = Autoencoder(model)
    values = rich_objects(500, condition != "none")
    latents = autoencoder.encoder(values)
    assert latents.shape == (500, len(model.latent_names))
    compare(model, "encoder", values, latents)
    compare(model, "decoder", latents, autoencoder.decoder(latents))
    decoded = expected(model, "decoder", latents)
    errors = ((decoded - features(model.columns, values)) ** 2).mean(axis=1)
    np.testing.assert_allclose(autoencoder.reconstruction_errors(values), errors, rtol=1e-4)


def test_names() -> None:
    model = rich_model("both").collection("Object")
    assert model.latent_names == ["Object_latent_0", "Object_latent_1", "Object_latent_2", "Object_latent_kind"]
    assert model.column_names[-1] == "Object_kind"
    assert [column.features for column in model.columns] == [1, 1, 1, 1, 2, 1, 0]
    assert rich_model("none").collection("Object").latent_names[-1] == "Object_latent_2"


def test_parts_keep_what_they_are_given() -> None:
    layer = Layer(np.ones((2, 1)), np.ones(2), Activation.elu)
    assert layer.gains is layer.shifts is None
    layer = Layer(np.ones((2, 1)), np.ones(2), Activation.elu, [1, 2], shifts=[3, 4])
    np.testing.assert_array_equal(layer.gains, np.array([1, 2], np.float32))
    np.testing.assert_array_equal(layer.shifts, np.array([3, 4], np.float32))
    plain = ModelColumn("x", "x", Transform.linear)
    assert (plain.mean, plain.scale, plain.factor, plain.offset, plain.knots, plain.labels) == (0, 1, 1, 0, None, ())
    pairs = [([1, 2], [3, 4]), (np.array([1.0, 2.0]), (3, 4))]
    for knots in pairs:
        column = ModelColumn("x", "x", Transform.quantile, knots=knots)
        np.testing.assert_array_equal(np.array(column.knots), np.array([[1, 2], [3, 4]], np.float32))
    assert ModelColumn("k", "k", Transform.label, labels=[1, 5]).labels == (1, 5)


def test_standardise_and_restore() -> None:
    columns = rich_columns("Object", labelled=True)
    values = rich_objects(300, labelled=True)
    standardised = _core.standardise(columns, values)
    assert standardised.shape == (300, 7)
    assert standardised.dtype == np.float32
    np.testing.assert_allclose(standardised, features(columns, values), atol=3e-6)
    restored = _core.restore(columns, standardised)
    assert restored.shape == (300, 6)
    np.testing.assert_allclose(features(columns, restored), standardised, atol=3e-3)  # of -offset / factor
    np.testing.assert_allclose(
        features(columns, restored)[:, [0, 1, 3, 4, 5]], standardised[:, [0, 1, 3, 4, 5]], atol=3e-5
    )
    assert _core.standardise(columns, values[:0]).shape == (0, 7)
    with pytest.raises(ModelError, match=r"array of shape \(objects, 7\)"):
        _core.standardise(columns, values[:, :6])
    with pytest.raises(ModelError, match=r"array of shape \(objects, 7\)"):
        _core.restore(columns, values[:, :6])
    with pytest.raises(ModelError, match="columns: has no columns"):
        _core.standardise([], values[:, :0])


def test_standardise_is_what_the_encoder_does() -> None:
    """A network that passes features on gives the bits of `standardise`, also for values outside the domain."""
    columns = rich_columns("Object", labelled=False)
    copy = [Layer(np.eye(7), np.zeros(7), Activation.linear)]
    autoencoder = Autoencoder(CollectionModel("Object", columns, copy, copy))
    values = rich_objects(100, labelled=False)
    values[::7] = [0, -1, -1e30, 1e30, -999, 6]
    values[3] = np.inf
    standardised = _core.standardise(columns, values)
    known = np.isfinite(standardised).all(axis=1)  # others meet the zeros of the unit matrix
    assert autoencoder.encoder(values)[known].tobytes() == (standardised[known] + np.float32(0)).tobytes()
    assert autoencoder.decoder(standardised)[known].tobytes() == _core.restore(columns, standardised)[known].tobytes()


knot_lists = st.lists(st.integers(-1000, 1000), min_size=2, max_size=40, unique=True).map(sorted)


@given(start=knot_lists, seed=st.integers(0, 1000))
def test_quantiles_are_invertible(start: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = np.cumsum(rng.uniform(0.1, 2, len(start))).astype(np.float32)
    column = ModelColumn("x", "x", Transform.quantile, knots=(np.array(start) / 8, target))
    values = rng.uniform(start[0] / 8 - 50, start[-1] / 8 + 50, (200, 1)).astype(np.float32)
    values[: len(start), 0] = np.array(start) / 8
    mapped = _core.standardise([column], values)
    np.testing.assert_array_equal(mapped[: len(start), 0], target)
    assert (np.diff(mapped[np.argsort(values[:, 0], kind="stable"), 0]) >= 0).all()
    span = (start[-1] - start[0]) / 8 + 100
    np.testing.assert_allclose(_core.restore([column], mapped), values, atol=1e-4 * span)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"factor": 0}, "has factor 0"),
        ({"transform": Transform.linear, "factor": 2}, "else 1 and 0"),
        ({"transform": Transform.quantile}, "has knots at 0 values for 0 others; expected 2 to 4096"),
        ({"transform": Transform.quantile, "knots": ([1, 2], [1, 1])}, "knots that do not increase"),
        ({"transform": Transform.circle, "scale": 2}, "a circle or a label has 1"),
        ({"transform": Transform.label}, "has 0 categories"),
        ({"transform": Transform.label, "labels": [2, 1]}, "categories that do not increase"),
        ({"labels": [1]}, "has categories; only a label has some"),
    ],
)
def test_columns_that_are_none(parts: dict[str, Any], message: str) -> None:
    columns = [ModelColumn("y", "y", Transform.linear), ModelColumn("x", "x", **{"transform": Transform.log10} | parts)]
    with pytest.raises(ModelError, match=f"columns: column 'x'.*{message}"):
        _core.standardise(columns, np.ones((1, 2)))


def test_layers_and_conditions_that_are_none() -> None:
    model = rich_model("encoder").collection("Object")
    with pytest.raises(ModelError, match="gains and shifts of shape"):
        Layer(np.ones((2, 1)), np.ones(2), Activation.elu, gains=[1, 2])
    with pytest.raises(ModelError, match="unknown condition 'encoders'; did you mean 'encoder'"):
        CollectionModel("Object", model.columns, model.encoder, model.decoder, "encoders")
    for condition, message in (("none", "has a label that no network is told"), ("both", "decoder, layer 0: takes 3")):
        with pytest.raises(ModelError, match=message):
            Model("", NO_RULES, "", [CollectionModel("Object", model.columns, model.encoder, model.decoder, condition)])


@pytest.fixture(
    scope="module",
    params=[("none", "gelu"), ("encoder", "elu"), ("decoder", "leaky_relu"), ("both", "silu"), ("both", "relu")],
    ids="-".join,
)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file with its exports beside it."""
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    condition, activation = request.param
    path = tmp_path_factory.mktemp("exported") / "rich.model"
    rich_model(condition, getattr(Activation, activation)).save(str(path))
    assert len(export(path, ["onnx", "torchscript"])) == 4
    return path


RUNNERS = [("onnx", run_onnx), ("pt", run_torchscript)]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(("extension", "run"), RUNNERS)
def test_exports_agree(exported: Path, half: Half, extension: str, run: Any) -> None:
    autoencoder = Autoencoder.open(str(exported))
    model = autoencoder.model
    values = rich_objects(700, model.condition != "none")
    values[:3, 3] = [-80, 0, 1000]  # beyond the knots and at one
    given = values if half == "encoder" else autoencoder.encoder(values)
    path = exported.with_suffix(f".Object.{half}.{extension}")
    compare(model, half, given, run(path, given))
    assert run(path, given[:0]).shape == (0, len(model.latent_names if half == "encoder" else model.columns))


@pytest.mark.parametrize(("extension", "run"), RUNNERS)
def test_exports_outside_the_domain(exported: Path, extension: str, run: Any) -> None:
    """As in the engine, arguments of a logarithm that are too small count as the smallest."""
    autoencoder = Autoencoder.open(str(exported))
    values = rich_objects(4, autoencoder.model.condition != "none")
    values[:, 1], values[:, 2], values[:, 5] = [0, -1, -1e30, 1e-40], [-1000, -1001, -1e30, 5], [5, 6, 1e30, 0]
    found = run(exported.with_suffix(f".Object.encoder.{extension}"), values)
    np.testing.assert_allclose(found, autoencoder.encoder(values), rtol=1e-4, atol=1e-4)


def angles(extension: str, run: Any, tmp_path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Points, shape (points, 2), and the angles that an exported decoder gives them, and the engine's."""
    column = ModelColumn("phi", "phi", Transform.circle, 0)
    encoder, decoder = (
        [Layer(np.eye(2), np.zeros(2), Activation.linear)],
        [Layer(np.eye(2), np.zeros(2), Activation.linear)],
    )
    path = tmp_path / "circle.model"
    Model("", NO_RULES, "", [CollectionModel("c", [column], encoder, decoder)]).save(str(path))
    export(path, ["onnx" if extension == "onnx" else "torchscript"])
    points = np.array([[x, y] for x in (-2, -1e-9, 0, 1e-9, 1) for y in (-3, -1e-9, 0, 1e-9, 2)], np.float32)
    return (
        points,
        run(path.with_suffix(f".c.decoder.{extension}"), points)[:, 0],
        Autoencoder.open(str(path)).decoder(points)[:, 0],
    )


@pytest.mark.parametrize(("extension", "run"), RUNNERS)
def test_angles_of_points(extension: str, run: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    points, found, engine = angles(extension, run, tmp_path)
    right = np.arctan2(points[:, 1], points[:, 0])
    for got in (found, engine):
        np.testing.assert_allclose(np.remainder(got - right + np.pi, 2 * np.pi), np.pi, atol=1e-6)
        assert (np.abs(got) < 3.1416).all()


@pytest.mark.parametrize("knots", [2, 3, 4, 5, 8, 9, 1000, 4096])
@pytest.mark.parametrize(("extension", "run"), RUNNERS)
def test_any_number_of_knots(knots: int, extension: str, run: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    rng = np.random.default_rng(knots)
    start, target = np.cumsum(rng.uniform(0.1, 1, knots)), np.cumsum(rng.uniform(0.1, 1, knots)) / knots
    columns = [
        ModelColumn("x", "x", Transform.quantile, knots=(start, target)),
        ModelColumn("y", "y", Transform.linear),
    ]
    copy = [Layer(np.eye(2), np.zeros(2), Activation.linear)]
    path = tmp_path / "knots.model"
    Model("", NO_RULES, "", [CollectionModel("c", columns, copy, copy)]).save(str(path))
    export(path, ["onnx" if extension == "onnx" else "torchscript"])
    values = rng.uniform(-3, start[-1] + 3, (500, 2)).astype(np.float32)
    values[: min(knots, 500), 0] = start[:500]
    engine = Autoencoder.open(str(path))
    found = run(path.with_suffix(f".c.encoder.{extension}"), values)
    np.testing.assert_allclose(found, engine.encoder(values), rtol=1e-5, atol=1e-6)
    back = run(path.with_suffix(f".c.decoder.{extension}"), found)
    np.testing.assert_allclose(back, values, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_other_engines_open_them(exported: Path, engine: str) -> None:
    """They are compared with the reference kernels when they are opened."""
    if engine == "torch":
        try:
            os.environ.setdefault("AEPLUGIN_TORCH", str(glue.library("torch")))
        except CompatibilityError as error:
            pytest.skip(f"no LibTorch engine: {error}")
    autoencoder = Autoencoder.open(str(exported), engine=engine)
    native = Autoencoder.open(str(exported))
    values = rich_objects(50, autoencoder.model.condition != "none")
    latents = autoencoder.encoder(values)
    np.testing.assert_allclose(latents, native.encoder(values), atol=2e-5)
    compare(autoencoder.model, "decoder", latents, autoencoder.decoder(latents))


def test_a_label_changes_what_comes_out() -> None:
    autoencoder = Autoencoder(rich_model("encoder").collection("Object"))
    values = np.repeat(rich_objects(1, labelled=True), 6, axis=0)
    values[:, -1] = [*CATEGORIES, 5, 99]
    latents = autoencoder.encoder(values)[:, 0]
    assert len(set(latents[:5])) == 5
    assert latents[4] == latents[5]  # no categories
