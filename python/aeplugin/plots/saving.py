"""Files of plots: pictures, tables in three formats, and every histogram in UHI JSON and ROOT."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hist
import uhi.io.json
import uproot
from matplotlib.figure import Figure

from aeplugin.errors import InputError
from aeplugin.plots.plot import Table
from aeplugin.plots.tables import to_csv, to_latex, to_markdown

RESOLUTION = 200
"""Of PNG files, in dots per inch."""

_TABLE_WRITERS: dict[str, Callable[[Table], str]] = {"csv": to_csv, "tex": to_latex, "md": to_markdown}


def make_folder(folder: Path) -> None:
    """Make the folder where it is missing.

    Raises:
        InputError: that cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot make the folder for plots ({error.strerror})") from None


@contextmanager
def complete_file(path: Path) -> Iterator[Path]:
    """A hidden name to write to; the file gets its real name when everything went well."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Write `figure` to each path, in the format of its suffix."""
    for path in paths:
        kind = path.suffix.lstrip(".")
        # Without a date two runs on the same data give the same bytes.
        metadata = {"CreationDate": None} if kind == "pdf" else None
        with complete_file(path) as part:
            figure.savefig(part, format=kind, dpi=RESOLUTION, metadata=metadata)


def save_table(table: Table, folder: Path, stem: str) -> list[Path]:
    """Write a table as CSV, LaTeX and Markdown."""
    paths = []
    for suffix, write in _TABLE_WRITERS.items():
        paths.append(folder / f"{stem}.{suffix}")
        with complete_file(paths[-1]) as part:
            part.write_text(write(table), encoding="utf-8")
    return paths


def save_histograms(histograms: Mapping[str, hist.Hist], folder: Path, stem: str) -> list[Path]:
    """Write histograms, by names that may have slashes, as one UHI JSON file and one ROOT file with folders.

    Contents with flow and variances are in both; `uhi.io.json.object_hook` reads the former. The tolerance of a
    residual is among the metadata of its axis in JSON, and a text beside the histogram, NAME_tolerance, in ROOT.
    """
    paths = [folder / f"{stem}.json", folder / f"{stem}.root"]
    with complete_file(paths[0]) as part:
        text = json.dumps(dict(histograms), default=uhi.io.json.default, separators=(",", ":"))
        part.write_text(text + "\n", encoding="utf-8")
    with complete_file(paths[1]) as part, uproot.recreate(part) as file:
        for name, histogram in histograms.items():
            file[name] = _for_root(histogram)
            if (tolerance := getattr(histogram.axes[0], "tolerance", None)) is not None:
                file[f"{name}_tolerance"] = f"{tolerance:.17g}"
    return paths


def _for_root(histogram: hist.Hist) -> Any:
    """ROOT has no histograms of 64-bit integers: the same contents in double precision."""
    if histogram.storage_type is not hist.storage.Int64:
        return histogram
    double = hist.Hist(*histogram.axes, storage=hist.storage.Double())
    double.view(flow=True)[...] = histogram.view(flow=True)
    return double
