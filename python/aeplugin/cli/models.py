"""Commands about models: `train`, `export`, `extract`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Literal

import click

from aeplugin.cli.options import INPUT, OUTPUT, Input
from aeplugin.recipe import Recipe
from aeplugin.terminal import Command, check_output, progress_bar


@click.command(cls=Command)
@click.argument("sources", type=INPUT, nargs=-1, required=True)
@click.option("--recipe", required=True, help="A recipe file, or the name of a shipped recipe.")
@click.option("-o", "--output", type=OUTPUT, required=True, help="The model file to write.")
@click.option("--epochs", type=click.IntRange(min=1), help="Override the recipe's number of epochs.")
@click.option("--seed", type=click.IntRange(min=0), help="Override the recipe's seed.")
@click.option(
    "--learning-rate-test",
    is_flag=True,
    help="Try growing learning rates on networks of their own first; the model keeps the result for its plots.",
)
def train(
    sources: tuple[Input, ...],
    recipe: str,
    output: Path,
    epochs: int | None,
    seed: int | None,
    learning_rate_test: bool,
) -> None:
    """Train the autoencoders of a recipe on one or more ROOT files; needs the extra "train".

    A model only predicts: a better one saves bits, and none can break a tolerance. Many recipes compress best without.
    """
    check_output(output, *sources, recipe)
    from aeplugin import training

    given = {"epochs": epochs, "seed": seed, "learning_rate_test": learning_rate_test or None}
    changes = {key: value for key, value in given.items() if value is not None}
    chosen = Recipe.from_file(recipe)
    chosen = chosen.model_copy(update={"training": chosen.training.model_copy(update=changes)})
    started = time.monotonic()
    with progress_bar("train") as update:
        model = training.train(
            sources,
            chosen,
            lambda name, epoch, epochs, loss: update(epoch / epochs, f"{name}: validation MSE {loss:.2e}"),
        )
    seconds = time.monotonic() - started
    model.save(str(output))
    for name, summary in json.loads(model.training)["collections"].items():
        click.echo(
            f"{output}: {name}: validation MSE {summary['best_validation_loss']:.3g} (standardised units) "
            f"in epoch {summary['best_epoch']} of {chosen.training.epochs}, "
            f"{summary['training_objects']:,} + {summary['validation_objects']:,} objects"
        )
        if summary["skipped_objects"]:
            click.echo(f"  {summary['skipped_objects']:,} objects not finite, or not positive under log10, left out")
        if "learning_rate_test" in summary:
            click.echo(
                f"  {_suggestions(summary['learning_rate_test'])}; trained with {chosen.training.learning_rate:g}"
            )
    click.echo(f"{output}: trained in {seconds:.0f} s")


def _suggestions(test: dict[str, Any]) -> str:
    """What a learning-rate test suggests, in words."""
    steepest, tenth = test["steepest"], test["tenth_of_minimum"]
    if steepest is None:
        return "learning-rate test: the loss never falls"
    return f"learning-rate test: steepest descent at {steepest:.1e}, a tenth of the minimum's {tenth:.1e}"


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
    """Write the model inside a compressed file to a file of its own; only the codec autoencoder stores one."""
    import aeplugin
    from aeplugin.errors import ModelError

    check_output(model, compressed)
    inside = aeplugin.open(compressed).model
    if inside is None:
        raise ModelError(f"{compressed}: has no model inside, because none of its codecs needs one")
    inside.save(str(model))
    click.echo(model)
