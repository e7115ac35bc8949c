"""``python -m aeplugin.plots original.root compressed.root -o plots/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aeplugin.cli.plot_options import input_options, inputs_of
from aeplugin.plots import FORMATS, Section, make_plots
from aeplugin.terminal import Command, progress_bar


def _among(*known: str) -> Any:
    """A callback for a list of some of the `known` words, separated by commas."""

    def split(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(name.strip().lower() for name in value.split(",") if name.strip()))
        if not names or any(name not in known for name in names):
            raise click.BadParameter(f"got {value!r}, expected a comma-separated list of {', '.join(known)}")
        return names

    return split


_SECTIONS = [section.name for section in Section]


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@input_options
@click.option("-o", "--output", type=click.Path(path_type=Path), default="plots", help="Folder for the plots.")
@click.option(
    "--format", "formats", default=",".join(FORMATS), callback=_among(*FORMATS), help="Kinds of pictures, with commas."
)
@click.option(
    "--sections",
    default=",".join(_SECTIONS),
    show_default="all",
    callback=_among(*_SECTIONS),
    help=f"Some of the plots only, with commas: {', '.join(_SECTIONS)}.",
)
def main(output: Path, formats: tuple[str, ...], sections: tuple[str, ...], **options: Any) -> None:
    """Plot what compression does to events: residuals, correlations, kinds of objects, physics, bits, scores.

    RECONSTRUCTED is the compressed file, or what `aeplugin decompress` made of it. The first pair is drawn in full;
    further ones stand beside it where data sets are compared. Writes pictures, tables, and every histogram as UHI JSON
    and in a ROOT file.
    """
    with progress_bar("plots") as update:
        written = make_plots(
            inputs_of(options),
            output,
            sections=sections,
            formats=formats,
            progress=lambda what, fraction: update(fraction, what),
        )
    click.echo(f"{len(written)} files in {output}")


if __name__ == "__main__":
    main()
