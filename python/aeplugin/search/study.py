"""What a study found: one table, and for each network two heat maps of samples trained on against samples tested on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from aeplugin.jobs.parts import Record
from aeplugin.jobs.rounds import TESTS
from aeplugin.plots.plot import Cell, Section, Table
from aeplugin.plots.saving import complete_file, save_table
from aeplugin.recipe import Recipe
from aeplugin.search.heat_maps import draw_heat_map
from aeplugin.search.scan import look_of, save_plot

_OF_COLUMN = ("tolerance", "half68", "rms", "mean", "within")
_OF_OBJECTS = ("all_within", "error", "objects", "left_out")
_HEADINGS = {
    "half68": "resolution",
    "rms": "RMS",
    "mean": "mean residual",
    "within": "share within",
    "all_within": "share with all within",
    "error": "reconstruction error",
    "left_out": "left out",
}


def study_rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What was found, one row for each sample trained on, sample tested on, network, collection and column.

    Keys are train, test, network, collection, column, tolerance; of the column half68, rms and mean (in units of the
    tolerance) and within; of the objects all_within, error, objects and left_out. None where there are no objects.
    """
    rows = []
    for record in records:
        if not record.part.name.startswith(f"{TESTS}/"):
            continue
        _, train, test = record.part.name.split("/")
        for found in record.facts["tests"]:
            names = {"train": train, "test": test, "network": found["network"], "collection": found["collection"]}
            objects = {**{key: found[key] for key in _OF_OBJECTS if key != "all_within"}, "all_within": found["within"]}
            for column, numbers in found["columns"].items():
                rows.append({**names, "column": column, **{key: numbers[key] for key in _OF_COLUMN}, **objects})
    return rows


def study_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows of a study as a table."""
    keys = ["train", "test", "network", "collection", "column", *_OF_COLUMN, *_OF_OBJECTS]
    cells: list[tuple[Cell, ...]] = [tuple(row[key] for key in keys) for row in rows]
    return Table(
        name="study",
        section=Section.training,
        title="Networks on samples that they were and were not trained on",
        caption="Residuals of networks alone, before anything is quantised: resolution is half the central 68 % of the "
        "residuals in units of the tolerance, share within that of values within it; share with all within is that of "
        "objects, and the reconstruction error the mean squared residual of standardised variables.",
        columns=tuple(_HEADINGS.get(key, key) for key in keys),
        rows=cells,
    )


def write_study(rows: Sequence[dict[str, Any]], recipe: Recipe, folder: Path, *, plots: bool = True) -> list[Path]:
    """Write ``study`` (CSV, LaTeX, Markdown, JSON), ``study_NETWORK_resolution`` and ``study_NETWORK_within``.

    Args:
        rows: see `study_rows`; at least one.
        recipe: says how plots look.
        folder: is there.

    Returns:
        What was written.
    """
    written = save_table(study_table(rows), folder, "study")
    written.append(folder / "study.json")
    with complete_file(written[-1]) as part:
        part.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
    if plots:
        for network in dict.fromkeys(row["network"] for row in rows):
            written += _write_maps([row for row in rows if row["network"] == network], network, recipe, folder)
    return written


def _write_maps(rows: Sequence[dict[str, Any]], network: str, recipe: Recipe, folder: Path) -> list[Path]:
    look = look_of(recipe)
    trained = list(dict.fromkeys(row["train"] for row in rows))
    collections = list(dict.fromkeys(row["collection"] for row in rows))  # the network's own first
    known = dict.fromkeys((row["collection"], row["test"]) for row in rows if row["objects"])
    if not known:
        return []  # no sample has an object of this network
    tested = sorted(known, key=lambda place: collections.index(place[0]))
    labels = [test if collection == network else f"{test}\n({collection})" for collection, test in tested]
    gaps = [i for i in range(1, len(tested)) if tested[i][0] != tested[i - 1][0]]
    written = []
    for kind, title, is_share in (
        ("resolution", "Resolution / tolerance", False),
        ("within", "Objects within all tolerances", True),
    ):
        values = study_matrix(rows, trained, tested, kind)
        draw = partial(draw_heat_map, values, trained, labels, gaps, title, [f"network for {network}"], look)
        written += save_plot(partial(draw, is_share=is_share), look, folder, f"study_{network}_{kind}")
    return written


def summary_table(rows: Sequence[dict[str, Any]]) -> Table:
    """All variables together: one row for each sample trained on, sample tested on, network and collection."""
    names = ("train", "test", "network", "collection")
    groups: dict[tuple[Cell, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return Table(
        name="study_summary",
        section=Section.training,
        title="Networks on samples",
        caption="Resolution is the root mean square over variables of half the central 68 % of the residuals in units "
        "of the tolerance.",
        columns=(*names, "objects", "resolution", "share with all within"),
        rows=[(*key, group[0]["objects"], _resolution(group), group[0]["all_within"]) for key, group in groups.items()],
    )


def study_matrix(
    rows: Sequence[dict[str, Any]], trained: Sequence[str], tested: Sequence[tuple[str, str]], kind: str
) -> np.ndarray:
    """A number for each sample trained on and each (collection, sample) tested on; NaN where there is none.

    Args:
        rows: of one network.
        kind: "resolution", the root mean square over columns of half the central 68 %, or "within", the share of
            objects all of whose variables are within their tolerances.
    """
    values = np.full((len(trained), len(tested)), math.nan)
    for i, train in enumerate(trained):
        for j, (collection, test) in enumerate(tested):
            place = (train, test, collection)
            cells = [row for row in rows if (row["train"], row["test"], row["collection"]) == place]
            found = (cells[0]["all_within"] if kind == "within" else _resolution(cells)) if cells else None
            values[i, j] = math.nan if found is None else found
    return values


def _resolution(rows: Sequence[dict[str, Any]]) -> float | None:
    """Of the variables of a collection together; None where there are no objects."""
    widths = [row["half68"] for row in rows]
    if any(width is None for width in widths):
        return None
    return math.sqrt(sum(width**2 for width in widths) / len(widths))
