"""Encoding jets (4 -> 200 -> 200 -> 20 -> 3, tanh): the engines alone, in an RDataFrame, and their peers in Python."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import awkward as ak
import common
import numpy as np
import onnxruntime
import torch

import aeplugin.darkmachines
from aeplugin import config, export, glue, onnx_export, torch_export, training
from aeplugin._core import CollectionModel, Model
from aeplugin.readers import Objects
from aeplugin.recipe import Recipe

COLLECTION = "Jet"
BATCHES = (64, 512, 4096)
PYTHON_JETS = 100_000
EPOCHS = 2
REFERENCE = "native: alone, 4096"


def train(objects: Objects, path: Path) -> CollectionModel:
    """Train the shipped recipe for a moment, save the model and export its networks beside it."""
    recipe = Recipe.from_file("darkmachines-jets")
    settings = recipe.training.model_copy(update={"epochs": EPOCHS})
    model, _ = training.train_collection(objects, COLLECTION, recipe.collections[COLLECTION], settings)
    Model(recipe.to_text(), json.dumps({"epochs": EPOCHS}), [model]).save(str(path))
    export.export(path, ["onnx", "torchscript"])
    return model


def python_peers(model: CollectionModel, jets: np.ndarray) -> dict[str, Callable[[], None]]:
    """The encoder in onnxruntime and torch, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        onnx_export.onnx_bytes(model, "encoder"), options, providers=["CPUExecutionProvider"]
    )
    torch.set_num_threads(1)
    module = torch_export.torch_module(model, "encoder").eval()

    def batches(size: int) -> Iterator[np.ndarray]:
        return (jets[first : first + size] for first in range(0, len(jets), size))

    def run_onnxruntime(size: int) -> None:
        for batch in batches(size):
            session.run(None, {"input": batch})

    def run_torch(size: int) -> None:
        with torch.inference_mode():
            for batch in batches(size):
                module(torch.from_numpy(batch)).numpy()

    peers: dict[str, Callable[[], None]] = {}
    for engine, run in (("onnxruntime", run_onnxruntime), ("torch", run_torch)):
        for size in BATCHES:
            peers[f"{engine} (Python): {size}"] = partial(run, size)
    return peers


def find_libraries() -> None:
    """Tell the C++ program where its engines' libraries are, unless the user did so."""
    config.find_engine_libraries()
    built = common.BUILD / "cxx" / "torch" / "libaeplugin_torch.so"
    if "AEPLUGIN_TORCH" not in os.environ:
        os.environ["AEPLUGIN_TORCH"] = str(built if built.exists() else glue.library("torch"))


def acceptance(ns: dict[str, float], facts: dict[str, Any], peak_seconds: float) -> dict[str, Any]:
    """The ratios that the project promises, and how much of the CPU's arithmetic the native engine uses."""
    onnx = {name: value for name, value in ns.items() if "onnx" in name}
    best_onnx = min(onnx, key=lambda name: onnx[name])
    define = ns["native: Define, 1 thread"]
    result: dict[str, Any] = {
        "native_over_best_onnxruntime": ns[REFERENCE] / ns[best_onnx],
        "best_onnxruntime": best_onnx,
        "define_over_alone": define / ns[REFERENCE],
        "define_without_reading_over_alone": (define - ns["reading alone: RNTuple, 1 thread"]) / ns[REFERENCE],
    }
    if facts["peak_multiply_adds"]:
        result["peak_multiply_adds_per_ns"] = 1e-9 * facts["peak_multiply_adds"] / peak_seconds
        result["multiply_adds_per_ns"] = facts["multiply_adds"] / ns[REFERENCE]
        result["fraction_of_peak"] = result["multiply_adds_per_ns"] / result["peak_multiply_adds_per_ns"]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds

    find_libraries()
    source = common.real_events()
    events = aeplugin.darkmachines.read(source)[COLLECTION]
    variables = Recipe.from_file("darkmachines-jets").collections[COLLECTION].columns
    objects = Objects(ak.to_numpy(ak.num(events)), {name: ak.to_numpy(ak.flatten(events[name])) for name in variables})
    jets = np.resize(objects.matrix(), (PYTHON_JETS, len(variables)))
    with tempfile.TemporaryDirectory(prefix="aeplugin-engines-") as folder:
        model_path = Path(folder) / "jets.model"
        model = train(objects, model_path)
        with common.running("engines", model_path, source, folder) as program:
            times = common.measure(program, python_peers(model, jets), rounds)
            facts = program.facts

    seconds = {name: common.median_and_spread(values) for name, values in times.items()}
    peak_seconds, _ = seconds.pop("peak")
    counts = {name: PYTHON_JETS if "(Python)" in name else facts["jets"] for name in seconds}
    ns = {name: 1e9 * middle / counts[name] for name, (middle, _) in seconds.items()}
    rows = []
    for name, value in ns.items():
        engine, _, place = name.partition(": ")
        row = {"engine": engine, "place": place, "ns/jet": value, "ratio": value / ns[REFERENCE]}
        rates = {"jets/s": 1e9 / value, "MB/s of float32": 1e3 * 4 * len(variables) / value}
        fastest = {"fastest ns/jet": 1e9 * min(times[name]) / counts[name], "spread %": 100 * seconds[name][1]}
        rows.append({**row, **rates, **fastest})

    ratios = acceptance(ns, facts, peak_seconds)
    per_event = facts["jets"] / facts["events"]
    title = (
        f"Encoding by event ({per_event:.2g} jets), in batches of jets, and by event in a Define on an RNTuple\n"
        f"{facts['instruction_set']}; medians of {rounds} rounds; ratio to {REFERENCE}"
    )
    content = {"source": source.name, "rounds": rounds, **facts, "acceptance": ratios}
    content["machine"] = common.machine("onnxruntime", "torch")
    common.report("engines", title, list(rows[0]), rows, {**content, "seconds": times})
    print(f"native alone, 4096 / {ratios['best_onnxruntime']}: {ratios['native_over_best_onnxruntime']:.2f} (aim: 1)")
    print(f"native Define by event / native alone, 4096: {ratios['define_over_alone']:.2f} (aim: 1.25)")
    if "fraction_of_peak" in ratios:
        print(
            f"native alone, 4096: {ratios['multiply_adds_per_ns']:.1f} multiply-adds per ns, "
            f"{100 * ratios['fraction_of_peak']:.0f} % of the peak of {ratios['peak_multiply_adds_per_ns']:.1f}"
        )


if __name__ == "__main__":
    main()
