"""What the commands share on a terminal: errors in one line, progress bars, tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from aeplugin.errors import Error
from aeplugin.evaluation import Evaluation
from aeplugin.recipe import Recipe
from aeplugin.residuals import bound

SHOW_AFTER_SECONDS = 2.0

stderr = Console(stderr=True)
stdout = Console()


class Command(click.Command):
    """A command that reports aeplugin's own errors, and those of missing extras, in one line with exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (Error, ImportError) as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(1)


def load_rdf() -> ModuleType:
    """The module `aeplugin.rdf`, with a word on stderr where its first use compiles for a while."""
    from aeplugin import glue, rdf

    if not glue.is_built("root"):
        click.echo("compiling the ROOT glue for this ROOT (once, about a minute) ...", err=True)
    rdf.load()
    return rdf


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[float, str], None]]:
    """A bar on stderr for work that lasts longer than two seconds; silent where stderr is no terminal.

    Gives a function that takes the fraction done and a note.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=stderr, transient=True)
    task = bar.add_task(description, total=1.0, note="")
    started = time.monotonic()
    shown = False

    def update(fraction: float, note: str = "") -> None:
        nonlocal shown
        bar.update(task, completed=fraction, note=note)
        if not shown and stderr.is_terminal and time.monotonic() - started > SHOW_AFTER_SECONDS:
            bar.start()
            shown = True

    try:
        yield update
    finally:
        if shown:
            bar.stop()


def evaluation_table(evaluation: Evaluation, recipe: Recipe) -> Table:
    """Residuals of every variable in the terms of its tolerance; quantiles of |residual|, in per cent if relative."""
    table = _table("Residuals", ("", "tolerance", "mean", "RMS", "68 %", "95 %", "99.9 %", "max", "within"))
    for name, variables in evaluation.variables.items():
        for variable, summary in variables.items():
            column = recipe.collections[name].columns[variable]
            percent = column.tolerance.rel is not None
            unit = " %" if percent else f" {column.unit}" if column.unit else ""
            factor = 100 if percent else 1
            sizes = (summary.mean, summary.rms, summary.abs68, summary.abs95, summary.abs999, summary.max)
            table.add_row(
                f"{name} {variable}",
                f"{factor * bound(column):g}{unit}",
                *[f"{factor * size:.2g}" for size in sizes],
                f"{100 * summary.within:.2f} %",
            )
    return table


def size_table(evaluation: Evaluation) -> Table:
    """Sizes of the files and bits per object."""
    table = _table("Sizes", ("", "bytes", "bits per object"))
    rows = {
        "original file": evaluation.original_bytes,
        "compressed file": evaluation.compressed_bytes,
        "the model in it, at most": evaluation.model_bytes,
    }
    for label, size in rows.items():
        table.add_row(label, f"{size:,}", f"{evaluation.bits_per_object(size):.1f}")
    return table


def _table(title: str, headings: tuple[str, ...]) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", no_wrap=True)
    return table
