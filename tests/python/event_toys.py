"""Small events for the tests of event networks: in tensors, and as a recipe for the generated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import uproot
import yaml

from aeplugin import Recipe, darkmachines
from aeplugin._core import ModelColumn, Transform
from aeplugin.readers import Objects
from aeplugin.recipe import Column
from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.features import Events, in_slots
from aeplugin.training.events.layout import INPUTS, Group, Layout

ABSOLUTE = {"tolerance": {"abs": 0.1}}


def column(variable: str, transform: Transform = Transform.linear, mean: float = 0, scale: float = 1) -> ModelColumn:
    return ModelColumn(variable, f"file_{variable}", transform, mean, scale)


def group(name: str, slots: int, *columns: ModelColumn) -> Group:
    rules = {c.variable: Column.model_validate(ABSOLUTE) for c in columns}
    return Group(name, slots, rules, {c.variable: c.column for c in columns}, columns)


def toy_layout() -> Layout:
    """Three jets of (pt, eta, phi), two tracks of (x, y), and one event variable."""
    jets = group("Jet", 3, column("pt", Transform.log10, 1, 0.5), column("eta", scale=1.5), column("phi", scale=1.8))
    tracks = group("Track", 2, column("x"), column("y", mean=0.5, scale=2))
    return Layout((jets, tracks, group(INPUTS, 1, column("met"))))


def labelled_layout() -> Layout:
    """Four objects of (pt, eta, phi) of the kinds 2, 5 and 7, and one event variable."""
    objects = group("Object", 4, column("pt", Transform.log10, 1, 0.5), column("eta"), column("phi"))
    return Layout((objects, group(INPUTS, 1, column("met"))), label="kind", labels=(2, 5, 7))


def toy_block(layout: Layout, events: int, seed: int = 1) -> dict[str, Objects]:
    """Random objects, up to one more than there are slots for."""
    rng = np.random.default_rng(seed)
    block = {}
    for each in layout.groups:
        most = each.slots + 1
        counts = np.ones(events, np.int64) if each.name == INPUTS else rng.integers(0, most, events, endpoint=True)
        columns = {}
        for c in each.columns:
            values = rng.normal(size=counts.sum()).astype(np.float32)
            columns[c.variable] = 10**values if c.transform == Transform.log10 else values
        if layout.label is not None and each.name != INPUTS:
            columns[layout.label] = rng.choice(layout.labels, counts.sum()).astype(np.int32)
        block[each.name] = Objects(counts, columns)
    return block


def toy_events(layout: Layout, events: int, seed: int = 1) -> Events:
    return in_slots(toy_block(layout, events, seed), layout)[0]


def toy_settings(**changes: Any) -> EventNetwork:
    return EventNetwork.model_validate({"objects": {"Jet": 3}, "hidden": [16, 8], "latents": 4, **changes})


def events_recipe(epochs: int = 2, **changes: Any) -> Recipe:
    """For the generated events: up to four jets, and the missing energy."""
    content: dict[str, Any] = {
        "collections": {
            "Jet": {
                "columns": {
                    "pt": {"tolerance": {"rel": 0.02}, "transform": "log10"},
                    "eta": {"tolerance": {"abs": 0.01}},
                    "phi": {"tolerance": {"abs": 0.01}, "periodic": True},
                }
            }
        },
        "columns": {"MET_pt": {"tolerance": {"rel": 0.02}}},
        "training": {"epochs": epochs, "batch_size": 64, "learning_rate": 3e-3, "device": "cpu"},
        "events": {"objects": {"Jet": 4}, "hidden": [16, 8], **changes},
    }
    if changes.get("network") != "flow":
        content["events"].setdefault("latents", 6)
    return Recipe.from_text(yaml.safe_dump(content))


def write_first(source: Path, target: Path, entries: int) -> Path:
    """The first events of a file with jets and missing energy."""
    columns = ("MET_pt", "Jet_pt", "Jet_eta", "Jet_phi")
    table = uproot.open(source)["events"]
    with uproot.recreate(target) as file:
        file.mkrntuple("events", {name: table[name].array(entry_stop=entries) for name in columns})
    return target


def write_objects(source: Path, target: Path, entries: int) -> Path:
    """Generated events with all objects in one collection, by way of uproot."""
    events = darkmachines.read(source, layout="objects")[:entries]
    objects = {f"Object_{name}": events.Object[name] for name in ("pt", "eta", "phi", "kind")}
    with uproot.recreate(target) as file:
        file.mkrntuple("events", {"MET_pt": events.MET_pt, **objects})
    return target
