"""The command ``aeplugin``: one subcommand for each step from events to plots."""

from __future__ import annotations

import click

from aeplugin import __version__
from aeplugin.cli.config import show_config
from aeplugin.cli.fetch import fetch
from aeplugin.cli.files import compress, convert, decompress, merge
from aeplugin.cli.generate import generate
from aeplugin.cli.models import export, extract
from aeplugin.cli.outliers import outliers
from aeplugin.cli.recipes import recipe
from aeplugin.cli.report import report
from aeplugin.cli.reports import evaluate, inspect, verify
from aeplugin.cli.roc import roc
from aeplugin.cli.run import run_job
from aeplugin.cli.scan import scan
from aeplugin.cli.score import score
from aeplugin.cli.study import study
from aeplugin.cli.train import train
from aeplugin.terminal import Group


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="aeplugin")
def main() -> None:
    """Predictable, learned compression of collider events.

    \b
    A first run on a file of your own:
      aeplugin recipe init events.root -o mine.yaml
      aeplugin compress events.root compressed.root --recipe mine.yaml
      aeplugin verify compressed.root --against events.root
      aeplugin inspect compressed.root
      aeplugin decompress compressed.root decompressed.root

    Exit status: 0 success, 1 an error that the message explains, 2 wrong usage.
    """


for command in (
    *(fetch, convert, compress, decompress, merge, verify, inspect, evaluate, outliers, report),
    *(train, scan, study, score, roc, export, extract, recipe, generate, run_job, show_config),
):
    main.add_command(command)
