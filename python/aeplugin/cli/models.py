"""Commands about models: `export`, `extract`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from aeplugin.cli.options import INPUT, OUTPUT, Input
from aeplugin.terminal import Command, check_output


@click.command(cls=Command)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    type=click.Choice(["onnx", "torchscript"]),
    multiple=True,
    default=["onnx", "torchscript"],
    help="What to write; may be repeated.",
)
def export(model: Path, formats: tuple[Literal["onnx", "torchscript"], ...]) -> None:
    """Write a model's networks as ONNX and TorchScript, beside it, for the engines of those names."""
    from aeplugin import export as exports

    for path in exports.export(model, list(formats)):
        click.echo(path)


@click.command(cls=Command)
@click.argument("compressed", type=INPUT)
@click.argument("model", type=OUTPUT)
def extract(compressed: Input, model: Path) -> None:
    """Write the model inside a compressed file to a file of its own; the codec plain stores none."""
    import aeplugin
    from aeplugin.errors import ModelError

    check_output(model, compressed)
    inside = aeplugin.open(compressed).model
    if inside is None:
        raise ModelError(f"{compressed}: has no model inside, because none of its codecs needs one")
    inside.save(str(model))
    click.echo(model)
