"""How many bits densities take: by variable, effort and data to train on, and in whole ROOT files beside `plain`.

Models are trained on three quarters of the events, chosen at random; all numbers are those of the rest. Bits of
variables are the lengths of the streams without the 64 bytes that each has per block. Files hold all columns of the
sample but the numbers of events, compressed by lzma; the model inside is counted by itself, and columns alone are
without what every ROOT file has.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import awkward as ak
import common
import densities
from compressors import inputs

from aeplugin import rdf
from aeplugin._core import Model
from aeplugin.recipe import Recipe
from aeplugin.rntuples import stored_bytes

AMOUNTS = (10**5, 10**6, 10**8)  # jets over which the bytes of a model are spread
OTHERS = ("atlas",)  # inputs of compressing.py; that of PHYSLITE has too few events to train on


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Sizes:
    """The parts of the measurement, which share a folder."""

    def __init__(self, folder: Path, efforts: Sequence[str], epochs: int) -> None:
        self.folder, self.efforts, self.epochs = folder, efforts, epochs
        self.signal = common.real_events()
        self.generated = {path.name.partition(".")[0]: path for path in common.generated_events()}

    def train(self, name: str, paths: list[Path], content: dict[str, Any]) -> Model:
        """A model, or the one of that name that is there."""
        path = self.folder / f"{name}.model"
        if not path.exists():
            tell(f"training {name}")
            densities.train(paths, content, path)
        return Model.from_file(str(path))

    def parts(self, source: Path, layout: str) -> tuple[Path, Path]:
        return densities.split(densities.convert(source, layout, self.folder), self.folder)

    def by_effort(self, layout: str, content: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
        """Bits by variable of the published events, by effort, alone and with generated events of the same kind."""
        learned, rest = self.parts(self.signal, layout)
        more = densities.convert(self.generated["monojet"], layout, self.folder)
        events = densities.columns(rest)
        rows = []
        for effort in self.efforts:
            for name, paths in (("", [learned]), (" + generated", [learned, more])):
                model = self.train(f"{layout}.{effort}{name}", paths, content(effort=effort, epochs=self.epochs))
                rows.append(_row(f"{effort}{name}", densities.coded_bits(model, events), events, len(model.to_bytes())))
        density = model.density
        assert density is not None  # it was just used
        whole = densities.columns(densities.convert(self.signal, layout, self.folder))
        rows.append(_row("zero-order entropy, whole file", densities.entropies(density, whole), whole, 0))
        return rows

    def files(self) -> list[dict[str, Any]]:
        """ROOT files of each generated sample."""
        rows = []
        for name, source in self.generated.items():
            learned, rest = self.parts(source, "objects")
            content = densities.objects(epochs=self.epochs)
            model = self.train(f"file.{name}", [learned], content)
            rows.append({"sample": name, **self._file(rest, model, content)})
        return rows

    def _file(self, rest: Path, model: Model, content: dict[str, Any]) -> dict[str, Any]:
        collection = next(iter(content["collections"]))
        plain = {**content, "collections": {collection: {**content["collections"][collection], "codec": "plain"}}}
        del plain["density"]
        member = next(name for name in densities.columns(rest).fields if name.startswith(collection))
        objects = int(ak.count(densities.columns(rest, [member])[member]))
        target = self.folder / "target.root"
        rdf.compress(rest, target, Recipe.model_validate(plain), compression="lzma", level=9)
        before, columns_before, _ = _bytes_of(target)
        rdf.compress(rest, target, model, compression="lzma", level=9)
        after, columns_after, stored = _bytes_of(target)
        row = {"objects": objects, "plain + lzma, bytes": before, "autoregressive, bytes": after}
        row |= {"smaller by %": 100 * (1 - after / before)}
        row |= {"columns alone, %": 100 * (1 - columns_after / columns_before), "model, bytes": stored}
        return row | {f"bits/object, {n:.0e}": 8 * (after / objects + stored / n) for n in AMOUNTS}

    def others(self) -> list[dict[str, Any]]:
        """Jets of other kinds: those of compressing.py at its loose tolerances."""
        rows = []
        for name in OTHERS:
            path = inputs.find(name)
            if path is None:
                continue
            data = inputs.read(name, path, 1)
            collection = data.collection
            columns: dict[str, Any] = {}
            for variable, tolerance in data.tolerances("loose").items():
                columns[variable] = {"tolerance": {tolerance.kind: tolerance.value}}
            counts = collection.counts
            jets = {
                f"Jet_{v}": values[:, None] if counts is None else ak.unflatten(values, counts)
                for v, values in collection.columns.items()
            }
            source = densities.write(self.folder / f"{name}.root", ak.zip(jets, depth_limit=1))
            learned, rest = densities.split(source, self.folder)
            content = densities.recipe("Jet", columns, epochs=self.epochs)
            model = self.train(f"file.{name}", [learned], content)
            rows.append({"sample": name, **self._file(rest, model, content)})
        return rows


def _bytes_of(path: Path) -> tuple[int, int, int]:
    """A compressed file without the model inside, the columns of events and blocks alone, and the model."""
    stored = stored_bytes(path)
    about = stored.pop("aeplugin")
    columns = sum(sum(fields.values()) for fields in stored.values())
    model = about.get("model", 0)
    return path.stat().st_size - model, columns, model


def _row(what: str, bits: dict[str, float], events: ak.Array, model_bytes: int) -> dict[str, Any]:
    """Bits per value of each variable, per jet, and per event."""
    row: dict[str, Any] = {"trained": what}
    kinematics = 0.0
    for name, total in bits.items():
        values = len(events) if name not in events.fields else int(ak.count(events[name], axis=None))
        row[name] = total / values
        kinematics += total / values if name.rpartition("_")[2] in densities.FOUR_VECTOR and "MET" not in name else 0
    row["E, pt, eta, phi"] = kinematics
    row["event"] = sum(bits.values()) / len(events)
    return {**row, "model, bytes": model_bytes}


def main() -> None:
    """Measure, print the tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="for data and models; those that are there are used again")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--efforts", nargs="+", choices=densities.EFFORTS, default=densities.EFFORTS)
    parser.add_argument("--parts", nargs="+", choices=["jets", "objects", "files", "others"])
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aeplugin-density-")))
        folder.mkdir(parents=True, exist_ok=True)
        sizes = Sizes(folder, arguments.efforts, arguments.epochs)
        parts: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "jets": lambda: sizes.by_effort("nanoaod", densities.jets),
            "objects": lambda: sizes.by_effort("objects", densities.objects),
            "files": sizes.files,
            "others": sizes.others,
        }
        results = {}
        for name in arguments.parts or parts:
            results[name] = parts[name]()
            print(f"\n{name}\n{densities.markdown(results[name])}", flush=True)
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"machine": common.machine(), "epochs": arguments.epochs, **results}
    (common.RESULTS / "density_sizes.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
