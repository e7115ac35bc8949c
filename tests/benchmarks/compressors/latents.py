"""The classic autoencoder: latents as float32, no bound."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from aeplugin import training
from aeplugin._core import Autoencoder, CollectionModel, Engine, Model
from aeplugin.readers import Objects
from aeplugin.recipe import Recipe
from compressors.inputs import Collection, Input

EPOCHS = 5
RECIPES = {
    "monojet": ("darkmachines-jets", "Jet"),
    "ttbar": ("darkmachines-jets", "Jet"),
    "atlas": ("atlas-jets", "jet"),
}


class Latents:
    """An autoencoder of the columns of one input."""

    def __init__(self, model: CollectionModel, origin: str) -> None:
        self._autoencoder = Autoencoder(model)
        self._variables = [column.variable for column in model.columns]
        self.name = f"latents as float32, zstd 5 ({origin})"

    @property
    def columns(self) -> list[str]:
        return [f"latent_{k}" for k in range(len(self._autoencoder.model.latent_names))]

    def encode(self, collection: Collection, threads: int = 1) -> tuple[dict[str, np.ndarray], float]:
        """The latents as columns, and the seconds that it took."""
        values = np.stack([collection.columns[name] for name in self._variables], axis=1)
        latents, seconds = _run(self._autoencoder.encoder, values, threads)
        return dict(zip(self.columns, latents.T, strict=True)), seconds

    def decode(self, latents: dict[str, np.ndarray], threads: int = 1) -> tuple[dict[str, np.ndarray], float]:
        """The columns again, and the seconds that it took."""
        values, seconds = _run(self._autoencoder.decoder, np.stack(list(latents.values()), axis=1), threads)
        return dict(zip(self._variables, values.T, strict=True)), seconds


def _run(engine: Engine, values: np.ndarray, threads: int) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(engine, np.array_split(values, threads)))
    return np.concatenate(parts), time.perf_counter() - start


def make(data: Input, model_path: Path) -> Latents | None:
    """The model at `model_path` where it has the columns of the data, else one trained for EPOCHS epochs.

    None for data that no shipped recipe is for.
    """
    if data.name not in RECIPES:
        return None
    recipe_name, collection_name = RECIPES[data.name]
    columns = dict(data.collection.columns)
    if model_path.exists():
        for model in Model.from_file(str(model_path)).collections:
            if {column.variable for column in model.columns} == set(columns):
                return Latents(model, model_path.name)
    recipe = Recipe.from_file(recipe_name)
    settings = recipe.training.model_copy(update={"epochs": EPOCHS})
    collection = recipe.collections[collection_name]
    counts = data.collection.counts
    counts = np.ones(data.collection.events, np.uint32) if counts is None else counts
    objects = Objects(counts, {name: columns[name] for name in collection.columns})
    model, _ = training.train_collection(objects, collection_name, collection, settings)
    return Latents(model, f"{EPOCHS} epochs")
