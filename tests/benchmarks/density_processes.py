"""Bits per event by the process that a density was trained on and the one it codes: table, JSON, and a heat map.

Models are trained on three quarters of the events of each generated sample, and on the mix of these; tested on
the rest.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import common
import densities
import numpy as np

from aeplugin._core import Model
from aeplugin.plots.drawing.style import Look
from aeplugin.search.heat_maps import draw_heat_map

MIX = "mix"


def measure(folder: Path, epochs: int) -> tuple[list[str], np.ndarray]:
    """Bits per event, shape (trained on, tested on), the former with the mix as the last."""
    files = [densities.convert(path, "objects", folder) for path in common.generated_events()]
    names = [path.name.partition(".")[0] for path in files]
    parts = [densities.split(path, folder) for path in files]
    sources = {**{name: [part[0]] for name, part in zip(names, parts, strict=True)}, MIX: [part[0] for part in parts]}
    held_out = [densities.columns(rest) for _, rest in parts]
    bits = np.empty((len(sources), len(names)))
    for i, (name, paths) in enumerate(sources.items()):
        path = folder / f"file.{name}.model"
        if not path.exists():
            print(f"training on {name}", file=sys.stderr, flush=True)
            densities.train(paths, densities.objects(epochs=epochs), path)
        model = Model.from_file(str(path))
        for j, events in enumerate(held_out):
            bits[i, j] = sum(densities.coded_bits(model, events).values()) / len(events)
    return names, bits


def main() -> None:
    """Measure, print the table, write JSON and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="for data and models; those that are there are used again")
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aeplugin-density-")))
        folder.mkdir(parents=True, exist_ok=True)
        names, bits = measure(folder, arguments.epochs)
    trained = [*names, MIX]
    rows = [
        {"trained on": t, **dict(zip(names, map(float, row), strict=True))}
        for t, row in zip(trained, bits, strict=True)
    ]
    print(densities.markdown(rows))
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"machine": common.machine(), "epochs": arguments.epochs, "results": rows}
    (common.RESULTS / "density_processes.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    figure = draw_heat_map(
        bits, trained, names, [], "Bits per event", ["Dark Machines events"], Look("plain", "Simulation", 13)
    )
    figure.savefig(common.RESULTS / "density_processes.png", dpi=150)


if __name__ == "__main__":
    main()
