"""Reading Dark Machines events: the C++ reader, and all the way to awkward, beside fread and pandas.read_csv.

Pandas only splits the lines at semicolons, as a user would begin: an object ("j,947383,824498,...") stays text.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from pathlib import Path

import common
import pandas

import aeplugin.darkmachines

BYTES = 100_000_000


def repeat_events(source: Path, target: Path) -> int:
    """Write a plain file of at least BYTES; gives the largest number of fields of a line."""
    text = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
    with target.open("wb") as file:
        for _ in range(BYTES // len(text) + 1):
            file.write(text)
    return max(line.count(b";") for line in text.splitlines()) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds

    source = common.real_events()
    with tempfile.TemporaryDirectory(prefix="aeplugin-parsing-") as folder:
        path = Path(folder) / "events.csv"
        fields = repeat_events(source, path)
        others = {
            "aeplugin.darkmachines.read, 1 thread": lambda: aeplugin.darkmachines.read(path, threads=1),
            "aeplugin.darkmachines.read, 2 threads": lambda: aeplugin.darkmachines.read(path, threads=2),
            "pandas.read_csv, split only": lambda: pandas.read_csv(
                path, sep=";", header=None, names=range(fields), engine="c"
            ),
        }
        with common.running("parse_darkmachines", path) as program:
            times = common.measure(program, others, rounds)
            facts = program.facts

    seconds = {name: common.median_and_spread(values) for name, values in times.items()}
    rows = [
        {
            "what": name,
            "MB/s": 1e-6 * facts["bytes"] / middle,
            "events/s": facts["events"] / middle,
            "speed / pandas": seconds["pandas.read_csv, split only"][0] / middle,
            "speed / fread": seconds["fread"][0] / middle,
            "spread %": 100 * spread,
        }
        for name, (middle, spread) in seconds.items()
    ]
    title = f"Reading {facts['bytes'] / 1e6:.0f} MB, {facts['events']} events; medians of {rounds} rounds"
    content = {"source": source.name, "rounds": rounds, **facts, "machine": common.machine("awkward", "pandas")}
    common.report("parsing", title, list(rows[0]), rows, {**content, "seconds": times})


if __name__ == "__main__":
    main()
