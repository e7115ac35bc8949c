"""Scores of the same events against each other: figures of merit and ROC curves from the files of `aeplugin score`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aeplugin.errors import InputError, nearest
from aeplugin.plots.anomaly.figures import Curve, draw_rocs
from aeplugin.plots.anomaly.merit import CAPTION, HEADINGS, figures_of_merit
from aeplugin.plots.drawing import style
from aeplugin.plots.plot import Cell, Plot, Section, Table
from aeplugin.plots.saving import make_folder, save_figure, save_table
from aeplugin.readers import iterate_columns
from aeplugin.recipe import Plots
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_types import parse_type
from aeplugin.roc import Scores, roc
from aeplugin.scores import EVENT_BITS, TABLE

NAME = "anomaly_roc"
COLUMNS = ("score", "signal events", "background events", *HEADINGS)


@dataclass(frozen=True)
class Comparison:
    """How well each score tells a signal from the background: a table, and the curves that it was made from."""

    table: Table
    plot: Plot


def compare_scores(
    signal: str | Path,
    backgrounds: Sequence[str | Path],
    columns: Sequence[str] = (),
    looks: Plots | None = None,
) -> Comparison:
    """Compare scores that are larger for events of a signal than for those of the background, taken together.

    Args:
        signal, backgrounds: files of `aeplugin.scores.score_file`.
        columns: those to compare, of one number per event, in this order; default all, ``event_bits`` first. What is no
            score, such as the missing momentum that was written beside them, is drawn in grey.
        looks: of the figure.

    Raises:
        InputError: a file has no scores, or not that column; or no events of one kind have finite ones.
    """
    names = _columns(signal, backgrounds, columns)
    of_signal = _read([signal], names)
    of_background = _read(backgrounds, names)
    curves: list[Curve] = []
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        made = roc(of_signal[name], of_background[name])
        if made is None:
            raise InputError(f"{signal}: {name!r} is finite for no event of the signal, or of the background")
        events = of_signal[name].events, of_background[name].events
        rows.append((name, *events, *figures_of_merit(made)))
        curves.append(Curve("background", name, made, is_reference=not _is_score(name), label=name))
    title = _title(signal)
    background = ", ".join(map(_title, backgrounds))
    table = Table(NAME, Section.anomaly, f"{title} against {background}", CAPTION, COLUMNS, rows)
    look = _look(looks or Plots())
    draw = partial(draw_rocs, curves, style.Caption(look, "Events", ""), title, {title: title}, legend="Score: AUC")
    return Comparison(table, Plot(NAME, Section.anomaly, table.title, f"ROC curves against {background}.", draw))


def write_comparison(
    comparison: Comparison, folder: Path, formats: Sequence[str] = ("png", "pdf"), looks: Plots | None = None
) -> list[Path]:
    """Write table and figure into a folder, which is made.

    Raises:
        InputError: the folder cannot be made.
    """
    make_folder(folder)
    written = save_table(comparison.table, folder, NAME)
    with style.active((looks or Plots()).style):
        figure = comparison.plot.draw()
        assert figure is not None  # there are curves
        paths = [folder / f"{NAME}.{suffix}" for suffix in formats]
        save_figure(figure, paths)
    return [*written, *paths]


def _columns(signal: str | Path, backgrounds: Sequence[str | Path], wanted: Sequence[str]) -> list[str]:
    """Those to compare, which every file must have."""
    found = _scores_in(signal)
    for name in wanted:
        if name not in found:
            raise InputError(f"{signal}: no column {name!r} of one number per event{nearest(name, found)}")
    names = list(wanted) or sorted(found, key=lambda name: (not _is_score(name), name != EVENT_BITS))
    if not names:
        raise InputError(f"{signal}: its table {TABLE!r} has no column of one number per event")
    for path in backgrounds:
        known = _scores_in(path)
        for name in names:
            if name not in known:
                raise InputError(f"{path}: no column {name!r}, which {signal} has{nearest(name, known)}")
    return names


def _scores_in(path: str | Path) -> list[str]:
    kinds = {name: parse_type(typename) for name, typename in schema_of(path, TABLE)[1].items()}
    return [name for name, kind in kinds.items() if kind and not kind.depth and kind.value != "std::string"]


def _is_score(name: str) -> bool:
    return name.startswith(EVENT_BITS) or name.endswith("event_score")


def _read(paths: Sequence[str | Path], names: Sequence[str]) -> dict[str, Scores]:
    samples = {name: Scores() for name in names}
    for path in paths:
        for block in iterate_columns(path, TABLE, {name: name for name in names}, TABLE):
            for name, sample in samples.items():
                sample.update(block.columns[name])
    return samples


def _title(path: str | Path) -> str:
    """What a file of scores is called: monojet of ``monojet.scores.root``."""
    return Path(path).name.split(".")[0]


def _look(plots: Plots) -> style.Look:
    return style.Look(plots.style, plots.text, plots.energy, plots.luminosity)
