"""Models with all that networks can have: every transform, activation, layer norm, and a label."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np

from aeplugin import Model
from aeplugin._core import Activation, CollectionModel, Layer, ModelColumn, Transform

Condition = Literal["none", "encoder", "decoder", "both"]
CATEGORIES = (-1, 0, 2, 7)
NO_RULES: dict[str, Any] = {"collections": [], "dropped": []}


def rich_columns(name: str, labelled: bool) -> list[ModelColumn]:
    """Seven features: eta, pt, m, timing, phi (two), left; and the label kind."""
    knots = np.array([-50, -2, -1.5, 0, 0.1, 3, 400]), np.array([-3, -1, -0.5, 0, 0.01, 0.7, 3])
    columns = [
        ModelColumn("eta", f"{name}_eta", Transform.linear, 0.0123, 1.71),
        ModelColumn("pt", f"{name}_pt", Transform.log10, 4.87, 0.437),
        ModelColumn("m", f"{name}_m", Transform.log10, 0.5, 1.8, factor=0.001, offset=1),
        ModelColumn("timing", f"{name}_timing", Transform.quantile, knots=knots),
        ModelColumn("phi", f"{name}_phi", Transform.circle, 0.25),
        ModelColumn("left", f"{name}_left", Transform.log10, -0.2, 0.7, factor=-1, offset=5),
    ]
    label = ModelColumn("kind", f"{name}_kind", Transform.label, labels=CATEGORIES)
    return [*columns, label] if labelled else columns


def rich_network(widths: list[int], activation: Activation, rng: np.random.Generator) -> list[Layer]:
    """Random weights; layer norm and the activation in every layer but the last."""
    layers = []
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        weights, biases = rng.uniform(-0.4, 0.4, (outputs, inputs)), rng.uniform(-0.4, 0.4, outputs)
        if i == len(widths) - 2:
            layers.append(Layer(weights, biases, Activation.linear))
        else:
            gains, shifts = rng.uniform(0.5, 1.5, outputs), rng.uniform(-0.5, 0.5, outputs)
            layers.append(Layer(weights, biases, activation, gains, shifts))
    return layers


def rich_model(condition: Condition, activation: Activation = Activation.silu, name: str = "Object") -> Model:
    rng = np.random.default_rng(4)
    told = {half: len(CATEGORIES) if condition in (half, "both") else 0 for half in ("encoder", "decoder")}
    encoder = rich_network([7 + told["encoder"], 23, 3], activation, rng)
    decoder = rich_network([3 + told["decoder"], 17, 7], activation, rng)
    collection = CollectionModel(name, rich_columns(name, condition != "none"), encoder, decoder, condition)
    return Model("", NO_RULES, "{}", [collection])


def rich_objects(number: int, labelled: bool) -> np.ndarray:
    """Objects in the domain of `rich_columns`; float32, shape (number, columns). One label of five is no category."""
    rng = np.random.default_rng(5)
    columns = [
        rng.normal(0, 1, number),
        10 ** rng.normal(4.5, 0.4, number),
        10 ** rng.normal(3.5, 0.8, number),
        10 * rng.normal(0, 1, number) * rng.normal(0, 1, number),
        rng.uniform(-3.14159, 3.14159, number),
        np.minimum(4.99, rng.normal(0, 3, number)),
    ]
    if labelled:
        columns.append(rng.choice([*CATEGORIES, 5], number))
    return np.stack(columns, axis=1).astype(np.float32)
