"""The collections that are compressed, and their tolerances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import common
import numpy as np
import uproot

import aeplugin.darkmachines
from compressors.results import Columns, Tolerance, Tolerances

FOUR_VECTOR: Mapping[str, Mapping[str, Tolerance]] = {
    "loose": {
        "E": Tolerance("rel", 0.02),
        "pt": Tolerance("rel", 0.02),
        "eta": Tolerance("abs", 0.01),
        "phi": Tolerance("abs", 0.01),
        "m": Tolerance("abs", 500),  # MeV; the mass may be zero or negative
    },
    "tight": {
        "E": Tolerance("rel", 1e-3),
        "pt": Tolerance("rel", 1e-3),
        "eta": Tolerance("abs", 1e-3),
        "phi": Tolerance("abs", 1e-3),
    },
}
"""Tolerances by variable; energies in MeV. What is not listed has that of `_by_values`."""

OTHERS = {"loose": (0.02, 0.01), "tight": (1e-3, 1e-3)}
"""Of other columns: relative where all values are positive, else absolute, in standard deviations."""


@dataclass(frozen=True)
class Collection:
    """Columns of the objects of many events.

    Attributes:
        columns: float32 values per variable, shape (objects,).
        counts: objects per event, uint32 of shape (events,); None for one object per event.
    """

    columns: Columns
    counts: np.ndarray | None

    @property
    def objects(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def events(self) -> int:
        return self.objects if self.counts is None else len(self.counts)

    @property
    def bytes(self) -> int:
        """Of the values as float32."""
        return 4 * self.objects * len(self.columns)

    def first(self, events: int) -> Collection:
        """The first events."""
        objects = events if self.counts is None else int(self.counts[:events].sum())
        columns = {name: values[:objects] for name, values in self.columns.items()}
        return Collection(columns, None if self.counts is None else self.counts[:events])

    def repeated(self, least_bytes: int) -> Collection:
        """All events again and again, in another order each time: a compressor must not find the repetition."""
        generator = np.random.default_rng(1)
        counts = np.ones(self.events, np.uint32) if self.counts is None else self.counts
        starts = np.concatenate([[0], np.cumsum(counts[:-1], dtype=np.int64)])
        orders = [generator.permutation(self.events) for _ in range(-(-least_bytes // self.bytes))]
        order = np.concatenate(orders)
        new_counts = counts[order]
        new_starts = np.concatenate([[0], np.cumsum(new_counts[:-1], dtype=np.int64)])
        index = np.repeat(starts[order] - new_starts, new_counts) + np.arange(int(new_counts.sum()))
        columns = {name: values[index] for name, values in self.columns.items()}
        return Collection(columns, None if self.counts is None else new_counts)


@dataclass(frozen=True)
class Input:
    """One set of data: `collection` for the sizes, `repeated` for the speeds."""

    name: str
    source: str
    collection: Collection
    repeated: Collection

    def tolerances(self, which: str) -> Tolerances:
        """The tolerances "loose" or "tight" of every column."""
        columns = self.collection.columns
        if "phi" in columns and len(columns) == 4:
            listed = FOUR_VECTOR[which]
            return {name: listed.get(name) or _by_values(values, which) for name, values in columns.items()}
        return {
            name: FOUR_VECTOR[which][name] if which == "tight" and name in ("eta", "phi") else _by_values(values, which)
            for name, values in columns.items()
        }


def _by_values(values: np.ndarray, which: str) -> Tolerance:
    relative, deviations = OTHERS[which]
    if values.min() > 0:
        return Tolerance("rel", relative)
    return Tolerance("abs", float(f"{deviations * values.std(dtype=np.float64):.2g}"))


def _dark_machines(path: Path) -> Collection:
    jets = aeplugin.darkmachines.read(path)["Jet"]
    columns = {name: ak.to_numpy(ak.flatten(jets[name])) for name in ("E", "pt", "eta", "phi")}
    return Collection(columns, ak.to_numpy(ak.num(jets)).astype(np.uint32))


def _atlas(path: Path) -> Collection:
    with uproot.open(path) as file:
        arrays = file["jets"].arrays([f"jet_{name}" for name in ("m", "pt", "eta", "phi")], library="np")
    return Collection({name.removeprefix("jet_"): values.astype(np.float32) for name, values in arrays.items()}, None)


def _physlite(path: Path) -> Collection:
    prefix = "AnalysisJetsAuxDyn."
    with uproot.open(path) as file:
        tree = file["CollectionTree"]
        names = tree.keys(filter_name=f"{prefix}*", filter_typename="std::vector<float>")
        arrays = tree.arrays(names, how=dict)
    counts = ak.to_numpy(ak.num(arrays[names[0]])).astype(np.uint32)
    columns = {name.removeprefix(prefix): ak.to_numpy(ak.flatten(arrays[name])).astype(np.float32) for name in names}
    return Collection(columns, counts)


READERS: dict[str, tuple[str, Callable[[Path], Collection]]] = {
    "monojet": ("darkmachines/monojet_Zp2000.0_DM_50.0_chan3.csv", _dark_machines),
    "atlas": ("atlas_jets/atlas_jets_4d_train.root", _atlas),
    "ttbar": ("generated/ttbar.csv.gz", _dark_machines),
    "physlite": ("physlite/coffea_PHYSLITE_example.root", _physlite),
}


def find(name: str) -> Path | None:
    """Where the data of an input are on this machine."""
    relative = READERS[name][0]
    candidates = [folder / "shared" / "data" / relative for folder in (common.REPOSITORY.parent, common.REPOSITORY)]
    candidates.append(common.REPOSITORY / "data" / Path(relative).name)  # the generated ones are in the repository
    return next((path for path in candidates if path.exists()), None)


def read(name: str, path: Path, least_bytes: int) -> Input:
    """An input, its repetition at least `least_bytes` of float32."""
    collection = READERS[name][1](path)
    return Input(name, path.name, collection, collection.repeated(least_bytes))
