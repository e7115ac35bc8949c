"""What the benchmark drivers share: data, rounds in which all peers take turns, machine, table and JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "bench"
RESULTS = REPOSITORY / "build" / "benchmarks"


def real_events() -> Path:
    """Dark Machines events: the published ones where this machine has them, else those of the repository."""
    for shared in (REPOSITORY.parent / "shared", REPOSITORY / "shared"):
        found = sorted((shared / "data" / "darkmachines").glob("*.csv"))
        if found:
            return found[0]
    return REPOSITORY / "data" / "monojet.csv.gz"


def generated_events() -> list[Path]:
    """The generated samples: all events where this machine has them, else those of the repository."""
    for folder in (REPOSITORY.parent / "shared" / "data" / "generated", REPOSITORY / "data"):
        if found := sorted(folder.glob("*.csv.gz")):
            return found
    return []


class Program:
    """A C++ benchmark that times one pass of each of its measurements per round (rounds.hxx)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.facts: dict[str, Any] = json.loads(self._line())
        self.names: list[str] = self.facts.pop("measurements")

    def round(self, clock: Literal["wall", "cpu"] = "wall") -> dict[str, float]:
        """Seconds of one pass of each measurement; those of the CPU hardly know of other programs."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(zip(self.names, json.loads(self._line())[clock], strict=True))

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the benchmark program stopped")  # it has told why
        return line


@contextmanager
def running(program: str, *arguments: str | Path) -> Iterator[Program]:
    """Run a program of the preset `bench`; it ends with the block."""
    path = BUILD / "tests" / "benchmarks" / program
    if not path.exists():
        sys.exit(f"{path} is not built: cmake --preset bench && cmake --build --preset bench")
    with subprocess.Popen([path, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Program(process)
        finally:
            assert process.stdin
            process.stdin.close()


def measure(program: Program, others: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every measurement in every round. All take turns; a first round warms up and does not count."""
    times: dict[str, list[float]] = {}
    console = Console(stderr=True)
    with console.status("") as status:
        for number in range(rounds + 1):
            status.update(f"round {number} of {rounds}")
            seconds = program.round()
            for name, run in others.items():
                start = time.perf_counter()
                run()
                seconds[name] = time.perf_counter() - start
            if number > 0:
                for name, value in seconds.items():
                    times.setdefault(name, []).append(value)
    return times


def median_and_spread(values: list[float]) -> tuple[float, float]:
    """The median, and half the range of the middle half relative to it."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    middle = median(ordered)
    return middle, (ordered[-1 - quarter] - ordered[quarter]) / 2 / middle


def machine(*packages: str) -> dict[str, Any]:
    """CPU, cores and versions."""
    fields: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text().split("\n\n")[0].splitlines())
        fields = {key.strip(): value.strip() for key, _, value in lines}
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": fields.get("model name") or platform.processor() or platform.machine(),
        "cpu_family_and_model": f"{fields.get('cpu family')}, {fields.get('model')}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in ("aeplugin", "numpy", *packages)},
    }


def report(name: str, title: str, columns: list[str], rows: list[dict[str, Any]], content: dict[str, Any]) -> None:
    """Print `columns` of `rows` as a table, and write everything to build/benchmarks/NAME.json."""
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right" if isinstance(rows[0][column], (int, float)) else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_text(row[column]) for column in columns))
    # Wide enough for the table also where the output is no terminal.
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**content, "results": rows}, indent=1) + "\n", encoding="utf-8")
    print(path)


def _text(value: Any) -> str:
    """Three significant digits at least, and no decimals where they mean nothing."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
