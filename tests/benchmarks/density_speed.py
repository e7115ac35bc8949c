"""How fast densities code jets on one core, what takes the time, and ROOT's RNTuple and `plain` on the same jets.

All generated samples, events shuffled and repeated up to a million jets; E, pt, eta, phi at 2 %, 2 %, 0.01, 0.01. The
densities code numbers of jets and the missing momentum as well, which is not counted as bytes. Seconds are those of the
CPU, and the best of all rounds counts, which other programs slowed down least.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import awkward as ak
import common
import densities
import numpy as np
from compressors import root_peers
from compressors.inputs import Collection
from compressors.root_peers import RootPeer

from aeplugin import rdf
from aeplugin.recipe import Recipe

JETS = 1_000_000
SLOW_EVENTS = 40_000  # for ROOT's lzma, whose speed does not depend on the amount
FILE_EVENTS = 100_000  # from file to file
EPOCHS = 2  # a density of little training is as fast as a good one
BYTES = 16  # of E, pt, eta, phi as float32
STAGES = ("quantise", "ranks", "features", "networks", "entropy")
PEERS = [
    RootPeer("zstd", "ROOT RNTuple zstd 5, lossless", root_peers.ZSTD_5, root_peers.lossless(densities.FOUR_VECTOR)),
    RootPeer("lzma", "ROOT RNTuple lzma 9, lossless", root_peers.LZMA_9, root_peers.lossless(densities.FOUR_VECTOR)),
]


def read_events(folder: Path) -> ak.Array:
    """All samples, in random order, and again in another one until there are enough jets."""
    paths = [densities.convert(path, "nanoaod", folder) for path in common.generated_events()]
    names = [*(f"Jet_{variable}" for variable in densities.FOUR_VECTOR), *densities.MISSING]
    events = ak.concatenate([densities.columns(path, names) for path in paths])
    generator = np.random.default_rng(1)
    copies = -(-JETS // int(ak.sum(ak.num(events["Jet_pt"]))))
    return events[np.concatenate([generator.permutation(len(events)) for _ in range(copies)])]


def describe(folder: Path, events: ak.Array) -> Collection:
    """Write the columns where the C++ programs find them."""
    counts = ak.to_numpy(ak.num(events["Jet_pt"])).astype(np.uint32)
    jets = {variable: ak.to_numpy(ak.flatten(events[f"Jet_{variable}"])) for variable in densities.FOUR_VECTOR}
    collection = Collection(jets, counts)
    peers = [RootPeer(p.key, p.name, p.settings, p.fields, slow=p.key == "lzma") for p in PEERS]
    root_peers.describe(folder, collection, {}, peers, SLOW_EVENTS, "1")
    for name in densities.MISSING:
        ak.to_numpy(events[name]).astype(np.float32).tofile(folder / f"{name}.f32")
    return collection


def train_models(source: Path, folder: Path) -> dict[str, Path]:
    """A model of every effort."""
    paths = {effort: folder / f"{effort}.model" for effort in densities.EFFORTS}
    for effort, path in paths.items():
        if not path.exists():
            densities.train([source], densities.jets(effort=effort, epochs=EPOCHS), path)
    return paths


def file_peers(source: Path, model: Path, folder: Path) -> dict[str, Callable[[], object]]:
    """Whole compressions from ROOT file to ROOT file and back, every value proved."""
    content = densities.jets()
    content["collections"]["Jet"]["codec"] = "plain"
    del content["density"]
    models: dict[str, Any] = {"plain": Recipe.model_validate(content), "autoregressive": model}
    peers: dict[str, Callable[[], object]] = {}
    for codec, what in models.items():
        target = folder / f"{codec}.root"
        peers[f"file|{codec}|encode"] = partial(rdf.compress, source, target, what, threads=1)
        peers[f"file|{codec}|decode"] = partial(rdf.verify, target, threads=1)
    return peers


def measure(
    programs: Sequence[common.Program], others: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of the CPU of every measurement in every round; a first round warms up and does not count."""
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        print(f"round {number} of {rounds}", file=sys.stderr)
        seconds = {name: value for program in programs for name, value in program.round("cpu").items()}
        for name, run in others.items():
            start = time.process_time()
            run()
            seconds[name] = time.process_time() - start
        for name, value in seconds.items() if number > 0 else ():
            times.setdefault(name, []).append(value)
    return times


def speed_rows(best: dict[str, float], objects: dict[str, int]) -> list[dict[str, Any]]:
    """Encoding and decoding of each codec, beside those of ROOT with zstd."""
    names = dict.fromkeys(name.rpartition("|")[0] for name in best if name.endswith(("encode", "press")))
    spelled = {peer.key: peer.name for peer in PEERS}
    reference = {"encode": "zstd|1|compress", "decode": "zstd|1|decompress"}
    rows = []
    for name in names:
        key = name.partition("|")[0]
        row: dict[str, Any] = {"what": spelled.get(key, name.replace("|", ", "))}
        for direction, other in (("encode", "compress"), ("decode", "decompress")):
            full = f"{name}|{other if key in spelled else direction}"
            rate = objects[name] / best[full]
            zstd = objects["zstd|1"] / best[reference[direction]]
            row[f"{direction}, 1e6 jets/s"] = 1e-6 * rate
            row[f"{direction}, MB/s"] = 1e-6 * BYTES * rate
            row[f"{direction} / zstd"] = rate / zstd
        rows.append(row)
    return rows


def profile_rows(best: dict[str, float], facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Nanoseconds per jet of each stage of encoding, and how much of the core's arithmetic the networks use."""
    rows = []
    for name, density in facts["densities"].items():
        ns = {stage: 1e9 * best[f"{name}|{stage}"] / density["objects_per_block"] for stage in STAGES}
        # Networks contain the features, entropy both.
        networks = ns["networks"] - ns["features"]
        instruction_set = name.partition("|")[0]
        peak = 1e-9 * facts["peak_multiply_adds"][instruction_set] / best[f"{instruction_set}|peak"]
        row: dict[str, Any] = {"what": name.replace("|", ", "), **ns}
        row |= {"networks": networks, "entropy": ns["entropy"] - ns["networks"]}
        row["encode, ns/jet"] = 1e9 * best[f"{name}|encode"] / density["objects_per_block"]
        row["multiply-adds"] = density["multiply_adds_per_object"]
        row["networks, % of peak"] = 100 * row["multiply-adds"] / networks / peak
        row["all, % of peak"] = 100 * row["multiply-adds"] / row["encode, ns/jet"] / peak
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print the tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="for data and models; those that are there are used again")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aeplugin-density-")))
        folder.mkdir(parents=True, exist_ok=True)
        events = read_events(folder)
        collection = describe(folder, events)
        source = densities.write(folder / "jets.root", events[:FILE_EVENTS])
        models = train_models(source, folder)
        ours = stack.enter_context(common.running("density_speed", folder, *models.values()))
        theirs = stack.enter_context(common.running("rntuple_peers", folder))
        times = measure([ours, theirs], file_peers(source, models["default"], folder), arguments.rounds)
        facts = {**theirs.facts, **ours.facts}
    best = {name: min(values) for name, values in times.items()}
    objects = {"zstd|1": collection.objects, "lzma|1": collection.first(SLOW_EVENTS).objects}
    objects |= {name: density["objects_per_block"] for name, density in facts["densities"].items()}
    in_file = collection.first(FILE_EVENTS).objects
    objects |= {f"file|{codec}": in_file for codec in ("plain", "autoregressive")}
    speeds, profile = speed_rows(best, objects), profile_rows(best, facts)
    content = {"jets": collection.objects, "rounds": arguments.rounds, **facts, "profile": profile}
    title = f"Jets on one core, the best of {arguments.rounds} rounds"
    common.report(
        "density_speed", title, list(speeds[0]), speeds, {**content, "machine": common.machine(), "seconds": times}
    )
    print(densities.markdown(speeds), densities.markdown(profile), sep="\n\n")


if __name__ == "__main__":
    main()
