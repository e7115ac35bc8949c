"""Makes the golden files of the format: compressed files and the values that every reader must give for them.

    python tools/make_golden.py [FOLDER]

Tables are generated from a seed; nothing in them is anybody's data. See tests/golden/README.md before running it.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from aeplugin import Model, Recipe, rdf
from aeplugin._core import Activation, CollectionModel, Density, Layer, ModelColumn, Transform
from aeplugin.compilation import compile_recipe
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_resolution import to_rules

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "tests" / "python"), str(REPOSITORY / "tools")]

import golden_density  # noqa: E402

from format_reader import Column, flat  # noqa: E402 (stands beside the tests)

SEED = 20221204
GOLDEN = REPOSITORY / "tests" / "golden"
TABLE = "events"

PLAIN = """
collections:
  Jet:
    codec: plain
    columns:
      pt: {tolerance: {rel: 0.02}}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}}
      m: {tolerance: {abs: 0.5}}
      E: {tolerance: {rel: 0.02}, predict: "sqrt((pt * cosh(eta)) * (pt * cosh(eta)) + m * m)"}
      px: {tolerance: {abs: 0.05}, predict: "pt * cos(phi)"}
      counts: {tolerance: {abs: 0.25}}
      tag: {tolerance: {abs: 0.125}, sentinels: [-1, -10]}
  Trk:
    codec: plain
    columns:
      d: {tolerance: {rel: 1.0e-7}}
      x: {tolerance: {abs: 1.0e-7}}
      y: {tolerance: {rel: 1.0e-7}, predict: "-exp(log(abs(x) + 1e-3) / 2) + sinh(x / 7.5) * 1.e1 - sin(x) / (.5 + x)"}
columns:
  MET_pt: {tolerance: {rel: 0.02}, sentinels: [-999]}
  events: {tolerance: {abs: 0.01}}
  anything32: {tolerance: {rel: 0.01}}
  anything64: {tolerance: {rel: 0.001}}
  anything_abs: {tolerance: {abs: 1000}}
  vertex: {tolerance: {abs: 0.001}}
  "bits_*": {tolerance: {abs: 0.5}}
"""
# So tight that the last bit of the network's output matters.
AUTOENCODER = """
collections:
  Jet:
    codec: autoencoder
    columns:
      pt: {tolerance: {rel: 2.0e-7}, transform: log10}
      eta: {tolerance: {abs: 1.0e-7}}
      phi: {tolerance: {abs: 0.01}}
      E: {tolerance: {rel: 0.02}, predict: "pt * cosh(eta)"}
columns:
  MET_pt: {tolerance: {rel: 0.02}, sentinels: [-999]}
  weight: {tolerance: {abs: 0.001}}
"""
# Likewise, with a network that has all that one can have.
NETWORKS = """
collections:
  Jet:
    codec: autoencoder
    columns:
      pt: {tolerance: {rel: 2.0e-7}}
      eta: {tolerance: {abs: 1.0e-7}}
      phi: {tolerance: {abs: 1.0e-7}}
      E: {tolerance: {rel: 2.0e-7}}
"""
BLOCKS = """
collections:
  Hit:
    columns:
      x: {tolerance: {rel: 0.01}}
columns:
  rare: {tolerance: {abs: 0.5}}
"""


def jagged(values: NDArray[Any], counts: NDArray[np.int64]) -> ak.Array:
    return ak.unflatten(values, counts)


def four_vectors(rng: np.random.Generator, n: int) -> dict[str, NDArray[np.float32]]:
    """Jets, some with values that no grid has."""
    pt = (20 + rng.exponential(40, n)).astype(np.float32)
    eta = rng.normal(0, 1.5, n).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    m = rng.exponential(5, n).astype(np.float32)
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + m * m) * rng.normal(1, 0.01, n).astype(np.float32)
    special = np.array([np.nan, np.inf, -np.inf, 0, -0.0, -7, 1e-42], np.float32)
    for values in (pt, eta, energy):
        chosen = rng.random(n) < 0.03
        values[chosen] = rng.choice(special, chosen.sum())
    return {"pt": pt, "eta": eta, "phi": phi, "m": m, "E": energy, "px": pt * np.cos(phi)}


def any_bits(rng: np.random.Generator, dtype: str, n: int) -> NDArray[Any]:
    """Half of them any bit pattern, and some of those that matter: NaN with payloads, zeros, the ends of the range."""
    unsigned = np.dtype(f"u{dtype[1:]}")
    bits = rng.integers(0, 2 ** (8 * unsigned.itemsize), n, dtype=unsigned).view(dtype)
    values = np.where(rng.random(n) < 0.5, bits, np.exp(rng.uniform(-20, 20, n)).astype(dtype))
    limits = np.finfo(dtype)
    ends = [limits.smallest_subnormal, limits.smallest_normal, limits.max, 0, np.inf]
    one = np.array(ends + [-end for end in ends], dtype)
    infinity = np.array([np.inf], dtype).view(unsigned)
    quiet, sign = unsigned.type(1) << (limits.nmant - 1), unsigned.type(1) << (8 * unsigned.itemsize - 1)
    nans = np.concatenate([infinity | payload for payload in (1, quiet, quiet | 77, sign | quiet, sign | 5)])
    special = np.concatenate([one, nans.astype(unsigned).view(dtype)])
    values[rng.permutation(n)[: len(special)]] = special
    return values


def plain_table(seed: int, events: int = 300) -> dict[str, Any]:
    """Columns of every kind that the format has, kept and compressed."""
    rng = np.random.default_rng(seed)
    jets, tracks = rng.poisson(3, events), rng.integers(0, 3, events)
    n, m = int(jets.sum()), int(tracks.sum())
    cells = np.bincount(rng.integers(0, max(n, 1), m), minlength=n)
    table: dict[str, Any] = {"event": np.arange(events, dtype=np.uint64)}
    for dtype in ("i1", "u1", "i2", "u2", "i4", "u4", "i8"):
        info = np.iinfo(dtype)
        table[np.dtype(dtype).name] = rng.integers(info.min, info.max, events, dtype=dtype, endpoint=True)
    table |= {
        "is_signal": rng.random(events) < 0.5,
        "weight": any_bits(rng, "f4", events),
        "precise": any_bits(rng, "f8", events),
        "process": ak.Array(rng.choice(np.array(["ttbar", "", "Z + jets, \u00fcnlikely"]), events)),
        "triggers": jagged(rng.choice(np.array(["L1", "HLT_mu", ""]), m), tracks),
        "flags": jagged(rng.random(n) < 0.5, jets),
        "cells": jagged(jagged(rng.integers(0, 99, m, dtype=np.int16), cells), jets),
        "matrix": ak.to_regular(ak.Array(rng.normal(0, 1, (events, 2)).astype(np.float32))),
    }
    tag = rng.random(n).astype(np.float32)
    tag[rng.random(n) < 0.2] = -1
    tag[rng.random(n) < 0.1] = -10
    tag[rng.random(n) < 0.1] = np.nan
    vectors = {**four_vectors(rng, n), "counts": rng.normal(0, 1, n).astype(np.float32), "tag": tag}
    table |= {f"Jet_{name}": jagged(values, jets) for name, values in vectors.items()}
    x = rng.uniform(-50, 50, m)
    table |= {
        "Trk_d": jagged(np.exp(rng.normal(0, 0.1, m)), tracks),
        "Trk_x": jagged(x, tracks),
        "Trk_y": jagged(np.sinh(x / 7.5) * 10 - np.sqrt(np.abs(x)), tracks),
        "MET_pt": np.where(rng.random(events) < 0.1, -999, rng.exponential(50, events)).astype(np.float32),
        "events": rng.normal(0, 1, events).astype(np.float32),
        "anything32": any_bits(rng, "f4", events),
        "anything64": any_bits(rng, "f8", events),
        "anything_abs": any_bits(rng, "f8", events),
        "vertex": ak.to_regular(ak.Array(rng.normal(0, 0.1, (events, 3)))),
    }
    for bits in (1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 14, 16, 17, 20, 24, 25):
        table[f"bits_{bits}"] = np.round(rng.uniform(0, 2**bits - 1, events))
    return table


def jet_table(seed: int, events: int, scale: float) -> dict[str, Any]:
    """Jets for the autoencoder, and columns whose range, and so whose fields, depend on `scale`."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, events)
    vectors = four_vectors(rng, int(counts.sum()))
    return {
        "event": np.arange(events, dtype=np.int32),
        "Jet": ak.zip({name: jagged(vectors[name], counts) for name in ("pt", "eta", "phi", "E")}),
        "MET_pt": rng.exponential(50, events).astype(np.float32),
        "weight": scale * rng.normal(0, 1, events),
    }


def block_table(seed: int, events: int = 2500) -> dict[str, Any]:
    """So much in memory that it takes several blocks, and next to nothing in the file; with rare values and counts."""
    rng = np.random.default_rng(seed)
    counts, rare = rng.integers(0, 2, events), rng.integers(0, 5, events).astype(np.float32)
    counts[7], rare[11], rare[events - 5] = 100, 1e6, -1e7
    padding = np.zeros((events, 8000), np.bool_)
    return {
        "rare": rare,
        "Hit_x": jagged(rng.choice([0.25, 0.5, 3.0], int(counts.sum())), counts),
        "padding": ak.to_regular(ak.Array(padding)),
    }


def rough_network(seed: int) -> CollectionModel:
    """An autoencoder that gives roughly what it gets, with three latents; nobody has trained it."""
    rng = np.random.default_rng(seed)

    def layer(outputs: int, inputs: int, gain: float, activation: Activation) -> Layer:
        weights = gain * (np.eye(outputs, inputs) + rng.normal(0, 0.02, (outputs, inputs)))
        biases = rng.normal(0, 0.02, outputs)
        return Layer(weights.astype(np.float32), biases.astype(np.float32), activation)

    def half() -> list[Layer]:
        return [layer(5, 3, 0.25, Activation.tanh), layer(3, 5, 4, Activation.linear)]

    columns = [
        ModelColumn("pt", "Jet_pt", Transform.log10, 1.7, 0.2),
        ModelColumn("eta", "Jet_eta", Transform.linear, 0.0, 1.5),
        ModelColumn("phi", "Jet_phi", Transform.linear, 0.0, 1.8),
    ]
    return CollectionModel("Jet", columns, half(), half())


def rich_network(seed: int) -> CollectionModel:
    """A network with every transform that a codec takes and every activation, with and without layer norm."""
    rng = np.random.default_rng(seed)

    def network(widths: list[int]) -> list[Layer]:
        activations = [*(a for a in Activation.__members__.values() if a != Activation.linear), Activation.linear]
        layers = []
        for number, (inputs, outputs) in enumerate(pairwise(widths)):
            weights, biases = rng.uniform(-0.7, 0.7, (outputs, inputs)), rng.uniform(-0.3, 0.3, outputs)
            norm = (rng.uniform(0.5, 1.5, outputs), rng.uniform(-0.3, 0.3, outputs)) if number % 2 else (None, None)
            layers.append(Layer(weights, biases, activations[number], *norm))
        return layers

    knots = np.array([-6, -2, -1, -0.25, 0, 0.5, 1, 2.5, 6]), np.linspace(-2, 2, 9)
    columns = [
        ModelColumn("pt", "Jet_pt", Transform.log10, 1.7, 0.3, factor=0.5, offset=1),
        ModelColumn("eta", "Jet_eta", Transform.quantile, knots=knots),
        ModelColumn("phi", "Jet_phi", Transform.circle, 0.5),
        ModelColumn("E", "Jet_E", Transform.linear, 120, 150),
    ]
    widths = [5, 9, 8, 7, 9, 6, 7, 3]
    return CollectionModel("Jet", columns, network(widths), network(widths[::-1]))


def learned_model(text: str, source: Path, networks: list[CollectionModel], density: Density | None = None) -> Model:
    recipe = Recipe.from_text(text, "make_golden").resolve(schema_of(source, TABLE)[1], str(source))
    return Model(recipe.to_text(), to_rules(recipe), "{}", networks, density)


def write_ntuple(path: Path, table: dict[str, Any]) -> Path:
    with uproot.recreate(path) as file:
        file.mkrntuple(TABLE, table)
    return path


def write_tree(path: Path, table: dict[str, Any]) -> Path:
    """With C arrays and their counters."""
    with uproot.recreate(path) as file:
        tree = file.mktree(TABLE, {name: _type_of(values) for name, values in table.items()})
        if len(table["event"]):
            tree.extend(table)
    return path


def write_snapshot(path: Path, table: dict[str, Any]) -> Path:
    """An RNTuple with ROOT's own vectors, as RDataFrame writes it."""
    root = rdf.load()
    options = root.RDF.RSnapshotOptions()
    options.fOutputFormat = root.RDF.ESnapshotOutputFormat.kRNTuple
    tree = write_tree(path.with_suffix(".tree.root"), table)
    root.RDataFrame(TABLE, str(tree)).Snapshot(TABLE, str(path), "", options)
    return path


def _type_of(values: Any) -> Any:
    return values.type.content if isinstance(values, ak.Array) else values.dtype


def compress(source: Path, target: Path, model: Model) -> Path:
    rdf.compress(source, target, model, tree=TABLE)
    for column in rdf.verify(target, [source]):
        assert column.violations == 0, column.first
    return target


def values_of(path: Path) -> dict[str, Column]:
    """What a compressed file decompresses to, under the original names of the columns."""
    with uproot.open(path) as file:
        names = file["aeplugin"].arrays()[0]["column_names"].to_list()
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.root"
        rdf.decompress(path, plain)
        with uproot.open(plain) as file:
            arrays, types = file[TABLE].arrays(), file[TABLE].typenames(recursive=False)
    columns = [flat(arrays[field], types[field]) for field in arrays.fields]
    return dict(zip(names, columns, strict=True))


def save_values(path: Path, columns: dict[str, Column]) -> None:
    """Under the name of each column its values, and under NAME/0, NAME/1 the offsets of its levels."""
    arrays = {}
    for name, column in columns.items():
        arrays[name] = np.array(column.values) if isinstance(column.values, list) else column.values
        arrays |= {f"{name}/{level}": offsets for level, offsets in enumerate(column.offsets)}
    np.savez_compressed(path, **arrays)


def make(folder: Path, seed: int = SEED) -> list[Path]:
    """Make all files in `folder`; gives the compressed ones."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("plain", "autoencoder", "merged", "blocks", "empty", "networks", "autoregressive")
    plain, autoencoder, merged, blocks, empty, networks, autoregressive = targets = [
        folder / f"{name}.root" for name in names
    ]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for target, write, table, text in (
            (plain, write_ntuple, plain_table(seed), PLAIN),
            (blocks, write_ntuple, block_table(seed), BLOCKS),
            (empty, write_tree, jet_table(seed, 0, 1), AUTOENCODER.replace("codec: autoencoder", "codec: plain")),
        ):
            source = write(work / target.name, table)
            compress(source, target, compile_recipe(Recipe.from_text(text, "make_golden"), source, TABLE))
        source = write_snapshot(work / autoencoder.name, jet_table(seed, 300, 1))
        compress(source, autoencoder, learned_model(AUTOENCODER, source, [rough_network(seed)]))
        source = write_tree(work / networks.name, jet_table(seed, 200, 1))
        compress(source, networks, learned_model(NETWORKS, source, [rich_network(seed)]))
        table = golden_density.event_table(seed)
        source = write_tree(work / autoregressive.name, table)
        density = golden_density.golden_density(seed, table)
        compress(source, autoregressive, learned_model(golden_density.RECIPE, source, [], density))
        parts = []
        # The second and the fourth have the model of the part before them; the third has no events.
        for number, (events, scale, network) in enumerate([(60, 1, 1), (50, 1000, 1), (0, 1, 2), (40, 0.01, 2)]):
            triggers = {name: np.arange(events) % 7 == number for name in ("HLT.mu", "HLT_mu")}
            table = jet_table(seed + number, events, scale) | triggers
            source = write_tree(work / f"source{number}.root", table)
            model = learned_model(AUTOENCODER, source, [rough_network(seed + network)])
            parts.append(compress(source, work / f"part{number}.root", model))
        rdf.merge(parts, merged)
    for target in targets:
        save_values(target.with_suffix(".npz"), values_of(target))
    return targets


if __name__ == "__main__":
    for made in make(Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN):
        print(f"{made}: {made.stat().st_size} bytes")
