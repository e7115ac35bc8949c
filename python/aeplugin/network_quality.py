"""What networks are worth: how well they decode, and the bits that they save."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aeplugin import rdf
from aeplugin._core import CollectionModel, Model
from aeplugin.compilation import compile_recipe
from aeplugin.errors import InputError
from aeplugin.evaluation import count_bytes
from aeplugin.inspection import inspect
from aeplugin.network_residuals import Residuals, known, network_residuals, ratio
from aeplugin.readers import BLOCKS, number_of_entries
from aeplugin.recipe import Codec, Recipe
from aeplugin.remote import local_copy
from aeplugin.rntuples import stored_bytes


@dataclass(frozen=True)
class NetworkQuality:
    """A network's residuals, and what it is worth.

    Attributes:
        bits: per object of the collection in a file of the codec autoencoder, without the model: integers, latents,
            special values and numbers of objects. NaN for a network that is told labels, which that codec cannot use.
        plain_bits: the same of the codec plain.
        parameters: weights and biases of encoder and decoder.
    """

    residuals: Residuals
    bits: float
    plain_bits: float
    parameters: int

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, for JSON; those of the residuals stand beside the others."""
        own = {"bits": self.bits, "plain_bits": self.plain_bits, "parameters": self.parameters}
        return {**self.residuals.to_dict(), **known(own)}


def network_quality(
    model: Model,
    source: str | Path,
    tree: str | None = None,
    entries: int | None = None,
    threads: int = 0,
) -> dict[str, NetworkQuality]:
    """How well each network of a model does on a file, by collection.

    Args:
        source: no compressed file.
        tree: the TTree or RNTuple; default the recipe's, else the only one.
        entries: how many events to look at, from the first; default all.
        threads: to compress with; 0: one per core, at most 8.

    Raises:
        ModelError: the model has no network, or one that does not fit the file.
        InputError, RecipeError: the file cannot be read, or lacks a column.
    """
    recipe = Recipe.from_text(model.recipe, "the model's recipe")
    tree = tree or recipe.tree
    with local_copy(source) as path:
        residuals = network_residuals(model, path, tree, entries)
        bits, plain = (_bits(model, recipe, codec, path, tree, entries, threads) for codec in _CODECS)
    return {
        network.name: NetworkQuality(
            residuals[network.name],
            bits.get(network.name, math.nan),
            plain[network.name],
            number_of_parameters(network),
        )
        for network in model.collections
    }


_CODECS: tuple[Codec, Codec] = ("autoencoder", "plain")


def number_of_parameters(network: CollectionModel) -> int:
    """Weights and biases of encoder and decoder, with those of layer norms."""
    layers = [*network.encoder, *network.decoder]
    norms = sum(2 * layer.gains.size for layer in layers if layer.gains is not None)
    return norms + sum(layer.weights.size + layer.biases.size for layer in layers)


def _bits(
    model: Model, recipe: Recipe, codec: Codec, path: Path, tree: str | None, entries: int | None, threads: int
) -> dict[str, float]:
    """Bits per object of each collection with a network, where that has the given codec."""
    usable = codec == "plain"
    names = [network.name for network in model.collections if usable or network.condition == "none"]
    changed = {name: recipe.collections[name].model_copy(update={"codec": codec}) for name in names}
    wanted = recipe.model_copy(update={"collections": {**recipe.collections, **changed}})
    networks = model if codec == "autoencoder" else None
    compiled = compile_recipe(wanted, path, tree, networks=networks)
    first = None if entries is None else (0, min(entries, number_of_entries(path, tree)))
    with tempfile.TemporaryDirectory(prefix="aeplugin-") as folder:
        target = Path(folder) / "compressed.root"
        rdf.compress(path, target, compiled, tree=tree or "", entries=first, threads=threads)
        return {name: _bits_per_object(target, changed[name].file_columns(name), name) for name in names}


def _bits_per_object(compressed: Path, files: Mapping[str, str], name: str) -> float:
    """Stored bits per object of the columns of a collection that may move."""
    facts = [column for column in inspect(compressed).columns if column.name in files.values() and column.codec]
    if not facts:
        raise InputError(f"collection {name!r}: no column of it is compressed")
    size = sum(column.bytes for column in facts) + count_bytes([name], stored_bytes(compressed)[BLOCKS])
    return ratio(8 * size, facts[0].values)
