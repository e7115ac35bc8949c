"""The files that a scan leaves: its ranking as tables, and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from aeplugin.jobs.trials import Objective
from aeplugin.plots.drawing import style
from aeplugin.plots.naming import paths
from aeplugin.plots.saving import save_figure, save_table
from aeplugin.recipe import Recipe
from aeplugin.search.ranking import Trial, ranked, ranking_table, varying_fields
from aeplugin.search.scan_figures import draw_curve, draw_pareto

FORMATS = ("png", "pdf")


def write_scan(
    trials: Sequence[Trial], objective: Objective, recipe: Recipe, folder: Path, *, plots: bool = True
) -> list[Path]:
    """Write ``ranking`` (CSV, LaTeX, Markdown), ``scan_pareto`` and, of one field with numbers, ``scan_curve``.

    Args:
        trials: at least one.
        recipe: says how plots look.
        folder: is there.

    Returns:
        What was written.
    """
    written = save_table(ranking_table(trials, objective), folder, "ranking")
    if plots:
        order = ranked(trials, objective)
        look = look_of(recipe)
        written += save_plot(lambda: draw_pareto(order, look), look, folder, "scan_pareto")
        if field := curve_field(trials):
            written += save_plot(lambda: draw_curve(trials, field, look), look, folder, "scan_curve")
    return written


def curve_field(trials: Sequence[Trial]) -> str | None:
    """The only field that varies, if its values are numbers."""
    fields = varying_fields(trials)
    if len(fields) != 1:
        return None
    values = [trial.changes.get(fields[0]) for trial in trials]
    is_numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return fields[0] if is_numeric else None


def look_of(recipe: Recipe) -> style.Look:
    """How plots look, as a recipe says it."""
    plots = recipe.plots
    return style.Look(plots.style, plots.text, plots.energy, plots.luminosity)


def save_plot(draw: Callable[[], Figure], look: style.Look, folder: Path, stem: str) -> list[Path]:
    """Draw and write a picture in the style of the recipe."""
    targets = paths(folder, stem, FORMATS)
    with style.active(look.style):
        save_figure(draw(), targets)
    return targets
