"""Sizes and speeds of compressed collections: ROOT, SZ3, pcodec, float latents and aeplugin, at the same tolerances.

Sizes are those of the real data; speeds are measured on the same events, repeated in random order until they fill
memory like a production file does. Prints tables in markdown and writes JSON.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import common
from compressors import grids, inputs, latents, root_peers, tables
from compressors.inputs import Input
from compressors.results import Measure, Tolerances
from compressors.root_peers import RootPeer
from compressors.sz3 import Sz3
from compressors.tables import THREADS, Row

WHICH = ("loose", "tight")
SLOW_BYTES = 8_000_000  # for peers of a few MB/s, whose speed does not depend on the amount
PROGRAM = "rntuple_peers"
OURS = "compressors.ours"
OURS_VARIANTS = [("plain", "zstd"), ("plain", "lzma"), ("autoencoder", "zstd")]


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def python_peers(data: Input, tolerances: Tolerances) -> list[tuple[Measure, tuple[int, ...]]]:
    """The peers in this process, and the numbers of threads on which their speed is measured."""
    columns = data.collection.columns
    peers: list[tuple[Measure, tuple[int, ...]]] = []
    for predicts in (False, True) if grids.can_predict(columns) else (False,):
        peers.append((Sz3(columns, tolerances, predicts).measure, (1,)))
        peers.append((partial(grids.measure_pcodec, predicts=predicts), THREADS))
        peers.append((partial(grids.measure_entropy, predicts=predicts), ()))
    if importlib.util.find_spec(OURS) is not None:
        ours = importlib.import_module(OURS)
        peers += [(partial(ours.measure, codec=codec, compression=kind), THREADS) for codec, kind in OURS_VARIANTS]
    return peers


def rntuple_peers(data: Input, latent_columns: list[str], name: str) -> list[RootPeer]:
    """The peers in ROOT; those with tolerances have them in their keys."""
    columns = data.collection.columns
    floats = root_peers.lossless(columns)
    peers = [
        RootPeer("zstd", "ROOT RNTuple zstd 5, lossless", root_peers.ZSTD_5, floats),
        RootPeer("copy", "ROOT copy zstd 5, file to file", root_peers.ZSTD_5, floats, kind="copy"),
        RootPeer("lzma", "ROOT RNTuple lzma 9, lossless", root_peers.LZMA_9, floats, slow=True),
    ]
    for which in WHICH:
        fields = root_peers.low_precision(columns, data.tolerances(which))
        peers.append(RootPeer(which, "ROOT Real32Quant/Real32Trunc, zstd 5", root_peers.ZSTD_5, fields))
    if latent_columns:
        fields = root_peers.lossless(latent_columns)
        peers.append(RootPeer("latents", name, root_peers.ZSTD_5, fields, slow=True))
    return peers


class Comparison:
    """All peers on one input."""

    def __init__(self, data: Input, model_path: Path) -> None:
        self.data = data
        self.tolerances = {which: data.tolerances(which) for which in WHICH}
        self.latents = latents.make(data, model_path)
        names = self.latents.columns if self.latents else []
        self.root = rntuple_peers(data, names, self.latents.name if self.latents else "")
        self.python = {which: python_peers(data, self.tolerances[which]) for which in WHICH}
        self.rows: dict[str, dict[str, Row]] = {which: {} for which in WHICH}
        self.python_rows: list[tuple[Row, Measure, Tolerances, tuple[int, ...]]] = []
        self.facts: dict[str, Any] = {}

    def measure_sizes(self) -> None:
        """Every peer once on the real data; the ROOT peers get their rows first."""
        collection = self.data.collection
        encoded = self.latents.encode(collection)[0] if self.latents else {}
        with tempfile.TemporaryDirectory(prefix="aeplugin-compressing-", dir=_memory()) as name:
            folder = Path(name)
            root_peers.describe(folder, collection, encoded, self.root, collection.events, "1")
            with common.running(PROGRAM, folder, "decode") as program:
                self.facts = program.facts
            for peer in self.root:
                result = root_peers.result(peer, self.facts["peers"][peer.key], folder)
                if peer.key == "latents" and self.latents:
                    decoded, _ = self.latents.decode(dict(result.decoded or {}))
                    total = sum(result.column_bytes.values())
                    result = replace(result, column_bytes={}, other_bytes=total, decoded=decoded)
                for which in (peer.key,) if peer.key in WHICH else WHICH:
                    self._add(which, peer.key, tables.make_row(self.data, self.tolerances[which], result))
        for which, tolerances in self.tolerances.items():
            for measure, threads in self.python[which]:
                result = measure(collection.columns, collection.counts, tolerances, 1)
                row = tables.make_row(self.data, tolerances, result)
                self._add(which, result.name, row)
                self.python_rows.append((row, measure, tolerances, threads))

    def _add(self, which: str, key: str, row: Row) -> None:
        self.rows[which][key] = row
        bits = 8 * row.result.total_bytes / self.data.collection.objects
        progress(f"{self.data.name}, {which}: {row.result.name}: {bits:.2f} bits per object")

    def measure_speeds(self, rounds: int) -> None:
        """All peers take turns; a first round warms up and does not count."""
        whole = self.data.repeated
        slow_events = max(1, whole.events * SLOW_BYTES // whole.bytes)
        part = whole.first(slow_events)
        encoded = self.latents.encode(part)[0] if self.latents else {}
        for rows in self.rows.values():
            for key, row in rows.items():
                row.objects = part.objects if key in ("lzma", "latents") else whole.objects
        with tempfile.TemporaryDirectory(prefix="aeplugin-compressing-", dir=_memory()) as name:
            threads = " ".join(map(str, THREADS))
            root_peers.describe(Path(name), whole, encoded, self.root, slow_events, threads)
            with common.running(PROGRAM, name) as program:
                for number in range(rounds + 1):
                    progress(f"{self.data.name}: speeds, round {number} of {rounds}")
                    counts = number > 0
                    self._root_round(program.round(), counts, part)
                    self._python_round(counts)

    def _root_round(self, seconds: Mapping[str, float], counts: bool, part: inputs.Collection) -> None:
        network: dict[tuple[int, str], float] = {}
        if self.latents:
            for threads in THREADS:
                encoded, network[threads, "compress"] = self.latents.encode(part, threads)
                _, network[threads, "decompress"] = self.latents.decode(encoded, threads)
        if not counts:
            return
        for name, value in seconds.items():
            key, threads_text, direction = name.split("|")
            threads = int(threads_text)
            total = value + (network[threads, direction] if key == "latents" else 0)
            row = self.rows[key if key in WHICH else WHICH[0]][key]
            row.add(threads, direction, total)
            if key == "copy":  # from file to file both ways
                row.add(threads, "decompress", total)
        for key in {"zstd", "copy", "lzma", "latents"} & set(self.rows[WHICH[0]]):  # the same at all tolerances
            for which in WHICH[1:]:
                self.rows[which][key].seconds = self.rows[WHICH[0]][key].seconds

    def _python_round(self, counts: bool) -> None:
        whole = self.data.repeated
        for row, measure, tolerances, numbers in self.python_rows:
            for threads in numbers:
                result = measure(whole.columns, whole.counts, tolerances, threads)
                if counts:
                    row.add(threads, "compress", result.seconds_compress)
                    row.add(threads, "decompress", result.seconds_decompress)

    def print(self) -> None:
        data = self.data
        print(
            f"\n## {data.name}: {data.source}, {data.collection.events} events, {data.collection.objects} objects, "
            f"{len(data.collection.columns)} columns, {data.collection.bytes / 1e6:.2f} MB of float32\n\n"
            f"Sizes of these. Speeds in MB of float32 per second (million objects per second), on the events repeated "
            f"in random order, {data.repeated.bytes / 1e6:.0f} MB ({SLOW_BYTES / 1e6:.0f} MB for lzma and latents)."
        )
        for which in WHICH:
            rows = list(self.rows[which].values())
            listed = ", ".join(f"{name} {value}" for name, value in self.tolerances[which].items())
            print(f"\n### {data.name}, {which}: {listed}\n")
            print(tables.main_table(data, rows))
            print("\nPeers by number, in the order above:\n")
            print(tables.column_table(data, self.tolerances[which], rows))

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.data.source,
            "events": self.data.collection.events,
            "objects": self.data.collection.objects,
            "repeated objects": self.data.repeated.objects,
            "root": self.facts.get("root"),
            "encodings of ROOT": {peer.key: dict(peer.fields) for peer in self.root if peer.key in WHICH},
            "tolerances": {
                which: {name: str(value) for name, value in tolerances.items()}
                for which, tolerances in self.tolerances.items()
            },
            "peers": {
                which: [tables.as_json(self.data, row) for row in rows.values()] for which, rows in self.rows.items()
            },
        }


def _memory() -> str | None:
    """A folder in memory where there is one: disks are not what is compared."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inputs", default=",".join(inputs.READERS), help="of " + ", ".join(inputs.READERS))
    parser.add_argument("--megabytes", type=int, default=64, help="of float32, at least, for the speeds")
    parser.add_argument("--model", type=Path, default=common.REPOSITORY / "demo-output" / "jets.model")
    parser.add_argument("--json", type=Path, default=common.RESULTS / "compressing.json")
    options = parser.parse_args()
    names = options.inputs.split(",")
    if unknown := [name for name in names if name not in inputs.READERS]:
        parser.error(f"no input {unknown[0]!r}; expected some of {', '.join(inputs.READERS)}")

    content: dict[str, Any] = {"machine": common.machine("pcodec", "pysz"), "rounds": options.rounds, "inputs": {}}
    if importlib.util.find_spec(OURS) is None:
        print(f"Without aeplugin's own codecs: there is no module {OURS}.")
    for name in names:
        path = inputs.find(name)
        if path is None:
            print(f"\n## {name}: left out, {inputs.READERS[name][0]} is not on this machine")
            continue
        comparison = Comparison(inputs.read(name, path, 1_000_000 * options.megabytes), options.model)
        comparison.measure_sizes()
        comparison.measure_speeds(options.rounds)
        comparison.print()
        content["inputs"][name] = comparison.as_json()

    machine = content["machine"]
    print(
        f"\n{machine['cpu']} ({machine['cpu_family_and_model']}), {machine['cores']} cores, load at the start "
        f"{machine['load']:.1f}; medians of {options.rounds} rounds; files in {_memory() or tempfile.gettempdir()}"
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(options.json)


if __name__ == "__main__":
    main()
