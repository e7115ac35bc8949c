"""Networks: what was trained in torch is what the C++ engine runs, with every activation, norm and condition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aeplugin import Autoencoder as Engine
from aeplugin._core import CollectionModel, ModelColumn, Transform
from aeplugin.errors import RecipeError
from aeplugin.readers import Objects
from aeplugin.recipe import Recipe
from aeplugin.recipe_training import PRESETS, Network

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin import training
from aeplugin.torch_export import ACTIVATIONS
from aeplugin.training import folding
from aeplugin.training.networks import NORMS, Autoencoder

LABELS = [1, 2, 5]


def used(network: Network, seed: int = 1) -> Autoencoder:
    """A network that has seen a few batches, so that its norms have moved away from where they begin."""
    torch.manual_seed(seed)
    module = Autoencoder(3, network)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.LayerNorm):
            torch.nn.init.uniform_(part.weight, 0.5, 2)
            torch.nn.init.normal_(part.bias)
    module.train()
    for _ in range(5):
        labels = one_hot(torch.randint(3, (64,)))
        module.decode(module.encode(3 * torch.randn(64, 3) + 1, labels), labels)
    return module.eval()


def one_hot(labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(labels, len(LABELS)).float()


def as_model(module: Autoencoder, network: Network) -> CollectionModel:
    columns = [ModelColumn(name, f"Jet_{name}", Transform.linear, 0, 1) for name in "abc"]
    condition = network.condition
    if condition is not None:
        columns.append(ModelColumn("kind", "Jet_kind", Transform.label, labels=LABELS))
    halves = folding.layers(module.encoder), folding.layers(module.decoder)
    return CollectionModel("Jet", columns, *halves, condition.to if condition else "none")


@pytest.mark.parametrize("norm", list(NORMS))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_engine_runs_what_was_trained(activation: Any, norm: Any) -> None:
    network = Network(hidden=[9, 7], latents=2, activation=activation, norm=norm)
    module = used(network)
    values = 3 * torch.randn(200, 3) + 1
    none = torch.empty(200, 0)
    engine = Engine(as_model(module, network))
    with torch.inference_mode():
        latents = module.encode(values, none)
        decoded = module.decode(latents, none)
    assert decoded.std() > 0.01
    np.testing.assert_allclose(engine.encoder(values.numpy()), latents.numpy(), rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(engine.decoder(latents.numpy()), decoded.numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("to", ["encoder", "decoder", "both"])
def test_condition_enters_where_it_should(to: Any) -> None:
    network = Network(hidden=[8], latents=2, condition={"label": "kind", "values": LABELS, "to": to})
    module = used(network)
    values, chosen = torch.randn(60, 3), torch.arange(60) % 3
    labels = np.array(LABELS)[chosen.numpy()]
    engine = Engine(as_model(module, network))
    with torch.inference_mode():
        latents = module.encode(values, one_hot(chosen))
        decoded = module.decode(latents, one_hot(chosen))
        others = one_hot((chosen + 1) % 3)
        moves = (
            bool((module.encode(values, others) != latents).any()),
            bool((module.decode(latents, others) != decoded).any()),
        )
    assert moves == (to != "decoder", to != "encoder")
    given = np.column_stack([values.numpy(), labels]).astype(np.float32)
    encoded = engine.encoder(given)
    np.testing.assert_array_equal(encoded[:, -1], labels)  # the label goes along, for the decoder
    np.testing.assert_allclose(encoded[:, :-1], latents.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(engine.decoder(encoded)[:, :-1], decoded.numpy(), rtol=1e-4, atol=1e-5)


def test_presets_are_the_published_networks() -> None:
    assert set(PRESETS) >= {f"27-200-200-200-{latents}" for latents in (20, 18, 16, 14, 12, 10, 8)}
    network = Network(preset="4-400-400-3")
    assert (network.hidden, network.latents, network.norm, network.activation) == ([400, 400], 3, "batch", "leaky_relu")
    module = Autoencoder(4, network)
    shapes = [tuple(part.weight.shape) for part in module.encoder if isinstance(part, torch.nn.Linear)]
    assert shapes == [(400, 4), (400, 400), (3, 400)]
    kinds = [type(part) for part in module.encoder]
    linear, norm, activation = torch.nn.Linear, torch.nn.BatchNorm1d, torch.nn.LeakyReLU
    assert kinds == [linear, norm, activation, linear, norm, activation, linear]
    for name in PRESETS:
        widths = [int(width) for width in name.split("-")]
        network = Network(preset=name)
        assert network.hidden in (widths[1:-1], [200, 200, 20])
        assert network.latents == widths[-1]
    assert Network(preset="27-200-200-200-8", latents=5).latents == 5


RECIPE = """
collections:
  Jet:
    columns: {a: {tolerance: {abs: 0.1}}, b: {tolerance: {abs: 0.1}}, c: {tolerance: {abs: 0.1}}}
    network: {hidden: [6], latents: 2}
training: {epochs: 3, batch_size: 32}
"""


def toys(**more: np.ndarray) -> Objects:
    rng = np.random.default_rng(3)
    columns = {name: rng.normal(size=900).astype(np.float32) for name in "abc"}
    return Objects(np.full(300, 3), {**columns, **more})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("network: {preset: 4-200-200-20-3}", "'Jet' has 3 variables .* network 4-200-200-20-3 is for 4"),
        ("loss: {kind: mse, columns: {pt: 2}}", "weighs 'pt', which is no variable .* expected some of a, b, c"),
        ("loss: {kind: mse, kinds: {1: 2}}", "weighs kinds of objects; expected a condition"),
        ("loss: {kind: mse, columns: {a: 0, b: 0, c: 0}}", "'Jet' weighs every variable with 0"),
        (
            "network: {condition: {label: kind, values: [1, 2]}}\n    loss: {kinds: {3: 2}}",
            "weighs the kind 3, which the network is not told; expected some of 1, 2",
        ),
        ("network: {condition: {label: b, values: [1, 2]}}", "is told 'b', which it also codes"),
    ],
)
def test_what_does_not_go_together(changes: str, message: str) -> None:
    recipe = Recipe.from_text(RECIPE.replace("network: {hidden: [6], latents: 2}", changes))
    with pytest.raises(RecipeError, match=message):
        training.train_collection(toys(), "Jet", recipe.collections["Jet"], recipe.training)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{preset: 4-200-200-20-4}", "unknown preset '4-200-200-20-4'; did you mean '4-200-200-20-3'"),
        ("{activation: sigmoid}", "sigmoid|activation"),
        ("{latent: {kind: variational, bata: 3}}", "bata"),
        ("{condition: {label: kind, values: []}}", "values"),
        ("{condition: {label: kind, values: [2, 1]}}", "expected each label once, in increasing order"),
        ("{condition: {label: kind, values: [1, 1]}}", "expected each label once, in increasing order"),
        ("{condition: {label: kind, values: [16777217]}}", "less than or equal to 16777216"),
    ],
)
def test_networks_that_are_none(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Recipe.from_text(RECIPE.replace("{hidden: [6], latents: 2}", text))


def test_batch_norm_needs_batches() -> None:
    recipe = Recipe.from_text(RECIPE.replace("latents: 2", "latents: 2, norm: batch").replace("32", "1"))
    with pytest.raises(RecipeError, match=r"norm batch, .* training.batch_size is 1; expected at least 2"):
        training.train_collection(toys(), "Jet", recipe.collections["Jet"], recipe.training)


def test_objects_with_another_label_take_no_part() -> None:
    condition = "latents: 2, condition: {label: kind, values: [1, 2]}"
    recipe = Recipe.from_text(RECIPE.replace("latents: 2", condition))
    objects = toys(kind=np.arange(900) % 3)
    _, summary = training.train_collection(objects, "Jet", recipe.collections["Jet"], recipe.training)
    assert (summary.objects, summary.skipped_objects) == (900, 300)
    assert summary.training_objects + summary.validation_objects == 600


def test_a_condition_is_learnt_and_travels_with_the_model() -> None:
    """What the kind decides needs no latent: with the label, one latent is enough for two values."""
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 2, 3000)
    a = rng.normal(size=3000)
    columns = {"a": a, "b": np.where(kind == 1, a, -a) + 0.001 * rng.normal(size=3000)}
    objects = Objects(np.full(1000, 3), {name: x.astype(np.float32) for name, x in columns.items()} | {"kind": kind})
    losses = {}
    for label in (False, True):
        condition = {"condition": {"label": "kind", "values": [0, 1]}} if label else {}
        network = Network(hidden=[16], latents=1, **condition)
        jets = Recipe.from_text(
            "collections: {Jet: {columns: {a: {tolerance: {abs: 0.1}}, b: {tolerance: {abs: 0.1}}}}}"
        ).collections["Jet"]
        jets = jets.model_copy(update={"network": network})
        settings = Recipe.from_text(RECIPE).training.model_copy(update={"epochs": 15, "learning_rate": 0.01})
        model, summary = training.train_collection(objects, "Jet", jets, settings)
        losses[label] = summary.best_validation_loss
    assert losses[True] < 0.1 * losses[False]
    assert model.column_names == ["Jet_a", "Jet_b", "Jet_kind"]
    assert model.condition == "both"
