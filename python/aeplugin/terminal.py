"""What the commands share on a terminal: errors in one line, progress bars, tables."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from aeplugin.errors import Error, InputError
from aeplugin.evaluation import Evaluation
from aeplugin.recipe import Recipe
from aeplugin.residuals import bound

SHOW_AFTER_SECONDS = 2.0

stderr = Console(stderr=True)
stdout = Console(width=1000, markup=False, highlight=False)
"""For tables: the terminal wraps a long line, where rich would cut numbers; and text of a recipe is no markup."""


class Command(click.Command):
    """A command that reports errors of aeplugin, of files and of missing extras in one line with exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `| head`: click ends quietly
            raise
        except (Error, ImportError, OSError, UnicodeError) as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(130)


def check_output(output: Path, *inputs: str | Path) -> None:
    """Refuse, before any work, an output that cannot be written or would replace an input.

    Raises:
        InputError: `output` is one of the `inputs` or a directory, or its folder is missing or not writable.
    """
    for path in inputs:
        if output.exists() and os.path.exists(path) and os.path.samefile(output, path):
            raise InputError(f"{output}: is the input itself; give the output another name")
    if output.is_dir():
        raise InputError(f"{output}: is a directory; expected the name of a file to write")
    if not output.parent.is_dir():
        raise InputError(f"{output}: there is no folder {output.parent}; make it first")
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"{output}: the folder {output.parent} is not writable")


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
    what, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    columns = (what, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), note)
    bar = Progress(*columns, console=stderr, transient=True)
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
            relative = column.tolerance.rel is not None
            unit = " %" if relative else f" {column.unit}" if column.unit else ""
            factor = 100 if relative else 1
            sizes = (summary.mean, summary.rms, summary.abs68, summary.abs95, summary.abs999, summary.max)
            table.add_row(
                f"{name} {variable}",
                f"{factor * bound(column):g}{unit}",
                *[_short(factor * size) for size in sizes],
                percent(summary.within),
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
        bits = evaluation.bits_per_object(size)
        table.add_row(label, f"{size:,}", _or_dash(bits, f"{bits:.1f}"))
    return table


def percent(fraction: float) -> str:
    """A fraction in per cent; a dash where there is none."""
    return _or_dash(fraction, f"{100 * fraction:.2f} %")


def _short(value: float) -> str:
    """Two digits, and no exponent where the number is large."""
    return _or_dash(value, f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}")


def _or_dash(value: float, text: str) -> str:
    return "\N{EN DASH}" if math.isnan(value) else text


def _table(title: str, headings: tuple[str, ...]) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", no_wrap=True)
    return table
