"""Pairs of small files whose residuals are known, for tests of plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.recipe import Recipe

Columns = Mapping[str, np.ndarray]
RECIPE = r"""
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '$p_\mathrm{T}$'}
      eta: {tolerance: {abs: 0.01}, label: '$\eta$'}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true, label: '$\phi$'}
"""


def jets(objects: int, seed: int = 1) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Jets, and what became of them: pt with tails, eta with a slope, phi across +-pi; each of shape (objects,)."""
    rng = np.random.default_rng(seed)
    original = {
        "pt": rng.lognormal(11, 0.8, objects).astype(np.float32),
        "eta": rng.normal(0, 1.5, objects).astype(np.float32),
        "phi": rng.uniform(-np.pi, np.pi, objects).astype(np.float32),
    }
    moved = {
        "pt": original["pt"] * (1 + 0.005 * rng.standard_t(4, objects)),
        "eta": original["eta"] * 1.0005 + 0.003 * rng.normal(size=objects),
        "phi": (original["phi"] + 0.003 * rng.normal(size=objects) + np.pi) % (2 * np.pi) - np.pi,
    }
    return original, {name: values.astype(np.float32) for name, values in moved.items()}


def write(path: Path, counts: np.ndarray, collections: Mapping[str, Columns], events: Columns | None = None) -> Path:
    """A file with collections of one length per event, and columns with one value per event."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = dict(events or {})
    for collection, columns in collections.items():
        for name, values in columns.items():
            content[f"{collection}_{name}"] = ak.unflatten(values, counts)
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", content)
    return path


def open_pair(
    folder: Path,
    counts: np.ndarray,
    original: Columns,
    reconstructed: Columns,
    *,
    recipe: str = RECIPE,
    weights: np.ndarray | None = None,
    step: int = 100,
    name: str = "toy",
) -> Context:
    """A context of one data set with a collection Jet, read in blocks of `step` events."""
    events = {} if weights is None else {"weight": weights}
    sides = {"original": original, "reconstructed": reconstructed}
    paths = [write(folder / side / f"{name}.root", counts, {"Jet": columns}, events) for side, columns in sides.items()]
    looks = {} if weights is None else {"weight": "weight"}
    return open_inputs(Inputs([(paths[0], paths[1])], recipe=Recipe.from_text(recipe), looks=looks, step=step))
