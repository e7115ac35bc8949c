"""`aeplugin roc`: which score finds a signal best."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aeplugin.cli.options import INPUT, Input, folder_option, json_option
from aeplugin.cli.tables import plain_table
from aeplugin.terminal import Command, stdout


@click.command(cls=Command)
@click.argument("signal", type=INPUT)
@click.argument("backgrounds", metavar="BACKGROUND [...]", type=INPUT, nargs=-1, required=True)
@folder_option("Folder for the table (csv, tex, md) and the ROC curves (png, pdf).")
@click.option("--score", "scores", multiple=True, help="A column to compare; may be repeated. Default all.")
@json_option
def roc(signal: Input, backgrounds: tuple[Input, ...], output: Path, scores: tuple[str, ...], as_json: bool) -> None:
    """Compare how well scores tell the events of SIGNAL from those of all BACKGROUNDs together.

    The files are those of `aeplugin score`. Every column of one number per event is compared, also those that
    `aeplugin score --column` wrote beside the scores: area under the ROC curve, and signal efficiency at background
    efficiencies of 1e-2, 1e-3 and 1e-4.
    """
    from aeplugin.plots.anomaly.score_files import compare_scores, write_comparison

    comparison = compare_scores(signal, backgrounds, scores)
    written = write_comparison(comparison, output)
    table = comparison.table
    if as_json:
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        click.echo(json.dumps(rows, indent=2, allow_nan=False))
        return
    click.echo(table.title)
    stdout.print(plain_table(table))
    click.echo(f"{len(written)} files in {output}")
