"""`aeplugin report`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from aeplugin.cli.options import OUTPUT
from aeplugin.cli.plot_options import input_options, inputs_of
from aeplugin.remote import without_secrets
from aeplugin.terminal import Command, progress_bar


class _Recording(Command):
    """A command that keeps what was typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["typed"] = list(args)
        return super().parse_args(ctx, args)


@click.command(cls=_Recording)
@input_options
@click.option("-o", "--output", type=OUTPUT, default="report.html", help="The page to write.")
@click.option("--pdf", type=OUTPUT, help='Also typeset this PDF; needs the extra "report".')
@click.option("--title", help="Title [default: Compression of and the data sets].")
@click.option("--sections", help="Some of the plots only, with commas: variables,physics [default: all].")
@click.pass_context
def report(
    ctx: click.Context, /, output: Path, pdf: Path | None, title: str | None, sections: str | None, **options: Any
) -> None:
    """Put everything about a compression into one HTML page: verdict, plots, tables, recipe, provenance.

    RECONSTRUCTED is the compressed file, or what `aeplugin decompress` made of it. The first pair is drawn in full;
    further ones stand beside it where data sets are compared. The page needs no network and no other file; it can be
    sent, read on a phone and printed.
    """
    from aeplugin.report import make_report

    with progress_bar("report") as update:
        written = make_report(
            inputs_of(options),
            output,
            pdf=pdf,
            title=title,
            sections=[name.strip().lower() for name in (sections or "").split(",") if name.strip()],
            command=shlex.join(["aeplugin", "report", *map(without_secrets, ctx.meta["typed"])]),
            progress=lambda what, fraction: update(fraction, what),
        )
    for path in written:
        click.echo(f"{path}: {path.stat().st_size:,} bytes")
