"""What the benchmarks of the codec `autoregressive` share: recipes, samples, parts of files, and models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from aeplugin import rdf, training
from aeplugin._core import Density, DensityVariable, Model, Quantiser, density_context, density_encode
from aeplugin.recipe import Recipe
from aeplugin.recipe_files import schema_of

EFFORTS = ("fast", "default", "best")
FOUR_VECTOR: dict[str, Any] = {
    "E": {"tolerance": {"rel": 0.02}, "transform": "log10"},
    "pt": {"tolerance": {"rel": 0.02}, "transform": "log10"},
    "eta": {"tolerance": {"abs": 0.01}},
    "phi": {"tolerance": {"abs": 0.01}, "periodic": True},
}
MISSING: dict[str, Any] = {
    "MET_pt": {"tolerance": {"rel": 0.02}},
    "MET_phi": {"tolerance": {"abs": 0.01}, "periodic": True},
}
PARTS = 4  # one of which is held out
HEAD = 64  # bytes of the states before the words of a stream


def recipe(
    collection: str, columns: dict[str, Any], missing: dict[str, Any] | None = None, **density: Any
) -> dict[str, Any]:
    """A recipe for one collection and the missing momentum, mirrored in eta and phi; `density` as in recipes."""
    settings = {"missing": list(missing), "mirror": [["eta"], ["phi", "MET_phi"]]} if missing else {}
    return {
        "collections": {collection: {"columns": columns, "codec": "autoregressive"}},
        "columns": missing or {},
        "density": {**settings, **density},
    }


def jets(**density: Any) -> dict[str, Any]:
    """Jets and missing momentum of a Dark Machines file in the layout nanoaod."""
    return recipe("Jet", FOUR_VECTOR, MISSING, **density)


def objects(**density: Any) -> dict[str, Any]:
    """All objects and missing momentum of one in the layout objects."""
    return recipe("Object", {"kind": {"tolerance": "exact"}, **FOUR_VECTOR}, MISSING, **density)


def convert(path: Path, layout: str, folder: Path) -> Path:
    """A Dark Machines file as a ROOT file in a folder."""
    target = folder / f"{path.name.partition('.')[0]}.{layout}.root"
    if not target.exists():
        rdf.convert(path, target, layout=layout)
    return target


def columns(path: Path, names: Sequence[str] | None = None) -> ak.Array:
    """Columns of a ROOT file, all that are numbers by default; one record per event."""
    with uproot.open(path) as file:
        arrays = file[schema_of(path)[0]].arrays(names)
    return arrays[[name for name in arrays.fields if "string" not in str(arrays[name].type)]]


def held_out(events: int, seed: int = 1) -> np.ndarray:
    """Which events no model is trained on: one in four, at random; bool of shape (events,)."""
    return np.random.default_rng(seed).permutation(events) % PARTS == 0


def split(path: Path, folder: Path) -> tuple[Path, Path]:
    """Write the events to train on and those held out to files of their own."""
    events = columns(path)
    events = events[[name for name in events.fields if name != "event"]]  # numbers with gaps that only this split makes
    rest = held_out(len(events))
    parts = folder / f"{path.stem}.train.root", folder / f"{path.stem}.rest.root"
    for part, chosen in zip(parts, (~rest, rest), strict=True):
        write(part, events[chosen])
    return parts


def write(path: Path, events: ak.Array) -> Path:
    """Write records of events as an RNTuple."""
    with uproot.recreate(path, compression=uproot.ZSTD(5)) as file:
        file.mkrntuple("events", ak.to_packed(events))
    return path


def train(paths: Sequence[Path], content: dict[str, Any], target: Path | None = None) -> Model:
    """Train the density of a recipe."""
    model = training.train(list(paths), Recipe.model_validate(content))
    if target is not None:
        model.save(str(target))
    return model


def coded_bits(model: Model, events: ak.Array) -> dict[str, float]:
    """Bits of all values of each variable of the density, named by column or "number of GROUP"."""
    density = model.density
    assert density is not None  # what it was trained for
    streams = density_encode(density, grids(density, events))
    return {
        variable.column or f"number of {variable.group}": _bits_of(*stream)
        for variable, stream in zip(density.variables, streams, strict=True)
    }


def grids(density: Density, events: ak.Array) -> list[np.ndarray]:
    """The integers of each variable of a density: numbers of objects, grid integers, or the values themselves."""
    return [_integers(density, variable, events) for variable in density.variables]


def entropies(density: Density, events: ak.Array) -> dict[str, float]:
    """Bits of all values of each variable by the frequencies of its integers; of residuals where a formula is known."""
    integers = grids(density, events)
    context = density_context(density, integers)
    bits = {}
    for variable, grid, (_, residuals) in zip(density.variables, integers, context, strict=True):
        values = residuals if variable.location == "formula" else grid
        counts = np.unique(values, return_counts=True)[1]
        name = variable.column or f"number of {variable.group}"
        bits[name] = float(-(counts * np.log2(counts / len(values))).sum())
    return bits


def _integers(density: Density, variable: DensityVariable, events: ak.Array) -> np.ndarray:
    if not variable.column:
        member = next(v.column for v in density.variables if v.group == variable.group and v.column)
        return ak.to_numpy(ak.num(events[member])).astype(np.int32)
    values = ak.to_numpy(ak.flatten(events[variable.column], axis=None))
    if variable.kind == "exact":
        return values.astype(np.int32)
    return Quantiser(variable.kind, variable.tolerance, str(values.dtype)).encode(values)[0]


def _bits_of(stream: bytes, escapes: np.ndarray) -> float:
    """What the symbols of a stream took: beside its words what its eight states hold above their beginning."""
    states = np.frombuffer(stream[:HEAD], np.uint64).astype(np.float64)
    return 8 * (len(stream) - HEAD) + float(np.log2(states / 2**31).sum()) + 32 * len(escapes)


def markdown(rows: Iterable[dict[str, Any]]) -> str:
    """A table of rows with the same keys."""
    rows = list(rows)
    lines = [list(rows[0]), ["---" if isinstance(value, str) else "---:" for value in rows[0].values()]]
    lines += [[_text(value) for value in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
