"""A small report for tests: real files of a few hundred events, simple plots, and texts that a stranger might write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from matplotlib.figure import Figure

from aeplugin.plots.drawing import style
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.plot import Plot, Section, Table
from aeplugin.report import Labels

EVIL = '<script>document.title = "stolen"</script> & <b>bold</b> #panic() *stars* $x$ `raw` @ref // "quoted"'
COMMAND = "aeplugin report '<img src=https://example.invalid/x.png>' b.root"
RECIPE = """
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '<script>document.title="stolen"</script>'}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true}
    codec: plain
plots: {topic: test}
"""
EVENTS = 300


def write_jets(path: Path, pt: np.ndarray, phi: np.ndarray, counts: np.ndarray) -> Path:
    """An RNTuple "Events" with an event number, Jet_pt and Jet_phi."""
    jets = {f"Jet_{name}": ak.unflatten(values, counts) for name, values in (("pt", pt), ("phi", phi))}
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", {"event": np.arange(len(counts)), **jets})
    return path


def jets() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of pt and phi, shape (objects,), and numbers of jets, shape (events,)."""
    rng = np.random.default_rng(7)
    counts = rng.poisson(3, EVENTS)
    objects = int(counts.sum())
    return (
        rng.lognormal(11, 0.8, objects).astype(np.float32),
        rng.uniform(-np.pi, np.pi, objects).astype(np.float32),
        counts,
    )


def make_context(folder: Path) -> Context:
    """An original, with a name that is no good one in HTML, and its compressed file; needs ROOT."""
    from aeplugin import Recipe, rdf

    original = write_jets(folder / "tt<i>&'bar.root", *jets())
    compressed = folder / "tt<i>&'bar.compressed.root"
    rdf.compress(original, compressed, Recipe.from_text(RECIPE))
    return open_inputs(Inputs(pairs=[(original, compressed)]))


def make_labels(title: str = "") -> Labels:
    return Labels(title, "2026-02-03", COMMAND)


def contents() -> list[Plot | Table]:
    """Twins, a narrow and a wide plot, one that shows nothing, and two tables; the sections are not in order."""
    wave = np.sin(np.linspace(0, 20, 200))
    columns = tuple(f"column_with_a_long_name_{i}" for i in range(12))
    return [
        Table("wide", Section.outliers, "Many columns", "All of them.", columns, [tuple(range(10**6, 10**6 + 12))]),
        Plot("a_log", Section.variables, "Twin", "On two axes.", drawing(wave, log=True)),
        Plot("b", Section.variables, f"Title {EVIL}", f"Caption {EVIL}.", drawing(wave)),
        Plot("a", Section.variables, "Twin", "On two axes.", drawing(wave)),
        Plot("nothing", Section.kinds, "Nothing", "Never seen.", lambda: None),
        Plot("narrow", Section.variables, "Narrow", "Beside another one.", drawing(-wave)),
        Plot("c", Section.physics, "Wide", "As wide as the page. " * 8, drawing(wave, width=8.0), width=2),
        Table(
            "numbers",
            Section.physics,
            "Numbers",
            "What is known.",
            ("name", "count", "value"),
            [(EVIL, 12345, 0.5), ("b", None, 1e-7)],
        ),
    ]


def drawing(values: np.ndarray, *, log: bool = False, width: float = 3.6) -> Callable[[], Figure]:
    """What draws a line on axes with a title."""

    def draw() -> Figure:
        figure = style.new_figure(width, 2.8)
        ax = figure.subplots()
        ax.plot(np.abs(values) + 0.1 if log else values)
        ax.set_xlabel("x")
        if log:
            ax.set_yscale("log")
        figure.subplots_adjust(left=0.2, bottom=0.2)
        return figure

    return draw
