"""Networks for whole events by network and loss: how well they reconstruct, and how well they find a signal.

    python tests/benchmarks/event_networks.py njets.root ttbar.root z_jets.root zz.root ww.root --signal monojet.root

Files are those of `aeplugin convert` in the layout nanoaod. Each network is trained on the mix of the first files; the
area under the ROC curve is that of its score for all events of the signal against the events of the mix that are held
out, and MET_pt alone stands beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from aeplugin import Recipe
from aeplugin.readers import Objects, iterate_columns
from aeplugin.recipe_files import schema_of
from aeplugin.roc import Scores, roc
from aeplugin.training.events import EventModel, train_events
from aeplugin.training.events.source import EventRows

FOUR_VECTOR = {
    "E": {"tolerance": {"rel": 0.02}, "transform": "log10"},
    "pt": {"tolerance": {"rel": 0.02}, "transform": "log10"},
    "eta": {"tolerance": {"abs": 0.01}},
    "phi": {"tolerance": {"abs": 0.01}, "periodic": True},
}
OBJECTS = {"Jet": 8, "Electron": 2, "Muon": 2, "Photon": 2}
LOSSES = {
    "dense": ["mse", "l1", "huber", "tolerance", "chamfer", "energy-flow"],
    "per-kind": ["mse", "tolerance"],
    "deep-sets": ["mse", "tolerance", "chamfer", "energy-flow"],
    "attention": ["mse", "tolerance", "chamfer", "energy-flow"],
    "flow": ["nsf", "maf"],
}


def make_recipe(network: str, loss: str, epochs: int) -> Recipe:
    """58 numbers of an event -> 20 latents; of an object 4 -> 3."""
    which = {"flow": loss} if network == "flow" else {"loss": loss, "latents": 3 if network == "per-kind" else 20}
    return Recipe.model_validate(
        {
            "collections": {name: {"columns": FOUR_VECTOR} for name in OBJECTS},
            "columns": {
                "MET_pt": {"tolerance": {"rel": 0.02}},
                "MET_phi": {"tolerance": {"abs": 0.01}, "periodic": True},
            },
            "training": {"epochs": epochs, "batch_size": 128, "learning_rate": 0.002, "clip": 10, "device": "cpu"},
            "events": {"network": network, "objects": OBJECTS, "hidden": [128, 64], **which},
        }
    )


def held_out(paths: list[Path], recipe: Recipe) -> list[dict[str, Objects]]:
    """The events that no network is trained on."""
    rows = EventRows(paths, recipe.resolve(schema_of(paths[0])[1]))
    return list(rows.held_out_objects())


def auc(signal: Iterator[np.ndarray], background: Iterator[np.ndarray]) -> float:
    """The area under the ROC curve of blocks of scores."""
    samples = Scores(), Scores()
    for sample, blocks in zip(samples, (signal, background), strict=True):
        for block in blocks:
            sample.update(block)
    curve = roc(*samples)
    assert curve is not None  # there are events
    return curve.auc


def measure(network: str, loss: str, paths: list[Path], signal: Path, epochs: int) -> dict[str, Any]:
    """One row of the table."""
    recipe = make_recipe(network, loss, epochs)
    started = time.perf_counter()
    model: EventModel = train_events(paths, recipe)
    seconds = time.perf_counter() - started
    background = held_out(paths, recipe)
    within = model.summary.get("within", {})
    return {
        "network": network,
        "loss": loss,
        "parameters": model.summary["parameters"],
        "validation loss": model.summary["best_validation_loss"],
        "within": {f"Jet {v}": share for v, share in within.get("Jet", {}).items()},
        "AUC": auc(model.scores(signal), map(model.scores_of, background)),
        "seconds": seconds,
    }


def missing_energy(paths: list[Path], signal: Path) -> float:
    """The area under the ROC curve of MET_pt alone."""
    column = {"MET_pt": "MET_pt"}
    of_signal = (block.columns["MET_pt"] for block in iterate_columns(signal, "event", column, None))
    met = (block["event"].columns["MET_pt"] for block in held_out(paths, make_recipe("dense", "mse", 1)))
    return auc(of_signal, met)


def main() -> None:
    """Train, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("background", type=Path, nargs="+")
    parser.add_argument("--signal", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--networks", nargs="+", choices=list(LOSSES), default=list(LOSSES))
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    arguments = parser.parse_args()
    variables = [f"Jet {variable}" for variable in FOUR_VECTOR]
    table = Table("network", "loss", "parameters", "validation loss", *variables, "AUC", "seconds", box=None)
    rows = []
    for network in arguments.networks:
        for loss in LOSSES[network]:
            row = measure(network, loss, arguments.background, arguments.signal, arguments.epochs)
            rows.append(row)
            shares = (f"{row['within'][v]:.1%}" if row["within"] else "" for v in variables)
            numbers = f"{row['validation loss']:.4g}", *shares, f"{row['AUC']:.3f}", f"{row['seconds']:.0f}"
            table.add_row(network, loss, f"{row['parameters']:,}", *numbers)
    console = Console(width=160)
    console.print(table)
    met = missing_energy(arguments.background, arguments.signal)
    console.print(f"MET_pt alone: AUC {met:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "MET_pt": met}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
