"""`aeplugin outliers`: the worst objects and events."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
from rich.table import Table as RichTable

from aeplugin.cli.options import json_option
from aeplugin.cli.plot_options import input_options, inputs_of
from aeplugin.terminal import Command, progress_bar, stdout


@click.command(cls=Command)
@input_options
@click.option("-n", "--number", type=click.IntRange(min=1, max=10_000), default=10, help="How many of each to list.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for plots of them, and for the tables.")
@json_option
def outliers(number: int, output: Path | None, as_json: bool, **options: Any) -> None:
    """List the objects and events that the compression changes most, and those that the model finds strangest.

    The worst by each residual, over its tolerance, and by the reconstruction error of the model's network, with their
    kinematics before and after. Objects and events are counted from 0; null in JSON stands for what is no number.
    """
    from aeplugin.plots import Section, Table, collect, write_plots

    inputs = inputs_of(options, worst=number)
    with progress_bar("outliers") as update:
        context, contents = collect(inputs, [Section.outliers.name], lambda what, done: update(0.5 * done, what))
        if output is not None:
            write_plots(context, contents, output, progress=lambda what, done: update(0.5 + 0.5 * done, what))
    tables = [item for item in contents if isinstance(item, Table)]
    if as_json:
        plain = {table.name: [_plain(table.columns, row) for row in table.rows] for table in tables}
        click.echo(json.dumps(plain, indent=2, allow_nan=False))
        return
    for table in tables:
        click.echo(table.caption)
        stdout.print(_rich(table))


def _plain(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """A row for JSON, which knows neither NaN nor infinities."""
    finite = (None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in row)
    return dict(zip(columns, finite, strict=True))


def _rich(table: Any) -> RichTable:
    from aeplugin.plots.tables import shown

    rich = RichTable(box=None, padding=(0, 2, 0, 0))
    for heading in table.columns:
        rich.add_column(heading, justify="right", no_wrap=True)
    for row in table.rows:
        rich.add_row(*map(shown, row))
    return rich
