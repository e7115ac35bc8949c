"""How well scores tell a signal from a mix of others: bits by a density, reconstruction errors, and MET_pt.

    python tests/benchmarks/anomaly.py njets.root ttbar.root z_jets.root zz.root ww.root --signal monojet.root

Files are those of `aeplugin convert` in the layout nanoaod. One model, a density of whole events and an autoencoder of
jets, is trained on every second event of the first files; the others, and all events of the signal, are scored as
`aeplugin score` does it and compared as by `aeplugin roc`. A folder keeps the model, the scores, table and figure.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from rich.console import Console
from rich.table import Table

from aeplugin import Recipe, rdf
from aeplugin.plots.anomaly.score_files import COLUMNS, compare_scores, write_comparison
from aeplugin.recipe_density import Density
from aeplugin.scores import EVENT_BITS, TABLE, score_file
from aeplugin.training import train

REFERENCE = "MET_pt"
ONCE = ("MET_pt", "MET_phi")
VALUES = {"Jet": 5, "Electron": 5, "Muon": 5, "Photon": 4}
"""Columns of the density: of events, and how many of each collection."""


def make_recipe(epochs: int, density_epochs: int) -> Recipe:
    """Whole events of the density, with jets that an autoencoder is trained on, too."""
    events, jets = Recipe.from_file("darkmachines-events"), Recipe.from_file("darkmachines-jets")
    density = (events.density or Density()).model_copy(update={"epochs": density_epochs})
    training = jets.training.model_copy(update={"epochs": epochs})
    collections = {**events.collections, "Jet": jets.collections["Jet"].model_copy(update={"codec": "auto"})}
    return events.model_copy(update={"collections": collections, "density": density, "training": training})


def halves(source: Path, folder: Path) -> tuple[Path, Path]:
    """The events of even and of odd number, as files of their own."""
    table = uproot.open(source)["events"]
    events = table.arrays([name for name in table.keys(recursive=False) if name != "process"])  # of numbers alone
    targets = folder / f"{source.stem}.train.root", folder / f"{source.stem}.test.root"
    for first, target in enumerate(targets):
        rdf.write_table(target, [events[first::2]])
    return targets


def add_parts(path: Path) -> None:
    """Write beside the bits of events those of what an event has once, and bits by the number of coded integers."""
    table = uproot.open(path)[TABLE]
    scores = table.arrays()
    once = scores[EVENT_BITS]
    integers = np.zeros(len(scores))
    for name, values in VALUES.items():
        once = once - ak.sum(scores[f"{name}_bits"], axis=1)
        integers = integers + values * ak.num(scores[f"{name}_bits"])
    integers = integers + len(VALUES) + len(ONCE)  # numbers of objects are coded, too
    scores = ak.with_field(scores, once, f"{EVENT_BITS}_once")
    scores = ak.with_field(scores, scores[EVENT_BITS] / integers, f"{EVENT_BITS}_per_value")
    rdf.write_table(path, [scores], table=TABLE)


def measure(backgrounds: list[Path], signal: Path, folder: Path, recipe: Recipe) -> dict[str, Any]:
    """The figures of merit, and what they were made from."""
    parts = [halves(path, folder) for path in backgrounds]
    started = time.perf_counter()
    model = train([train_half for train_half, _ in parts], recipe)
    seconds = time.perf_counter() - started
    model.save(str(folder / "events.model"))
    scored = []
    for path in [signal, *(test_half for _, test_half in parts)]:
        scored.append(folder / f"{path.stem}.scores.root")
        score_file(path, model, scored[-1], columns=[REFERENCE])
        add_parts(scored[-1])
    comparison = compare_scores(scored[0], scored[1:])
    write_comparison(comparison, folder)
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in comparison.table.rows]
    return {"rows": rows, "seconds of training": seconds, "training": json.loads(model.training)}


def main() -> None:
    """Train, score, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("background", type=Path, nargs="+")
    parser.add_argument("--signal", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=30, help="of the autoencoder")
    parser.add_argument("--density-epochs", type=int, default=30)
    parser.add_argument("-o", "--output", type=Path, default=Path("anomaly"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    recipe = make_recipe(arguments.epochs, arguments.density_epochs)
    found = measure(arguments.background, arguments.signal, arguments.output, recipe)
    (arguments.output / "anomaly.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    table = Table(*COLUMNS, box=None)
    for row in found["rows"]:
        table.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row.values()))
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
