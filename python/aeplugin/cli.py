"""The command ``aeplugin``: one subcommand for each step from events to plots."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from aeplugin import __version__, config, glue
from aeplugin._core import Model
from aeplugin.recipe import Recipe, shipped_recipes
from aeplugin.terminal import (
    Command,
    check_output,
    evaluation_table,
    load_rdf,
    percent,
    progress_bar,
    size_table,
    stdout,
)

INPUT = click.Path(path_type=Path)
OUTPUT = click.Path(path_type=Path)


class Group(click.Group):
    command_class = Command


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="aeplugin")
def main() -> None:
    """Predictable, learned compression of collider events.

    \b
    A first run:
      aeplugin convert events.csv.gz events.root
      aeplugin train events.root --recipe darkmachines-jets -o jets.model
      aeplugin compress events.root compressed.root --model jets.model
      aeplugin evaluate events.root compressed.root
      aeplugin decompress compressed.root decompressed.root
      python -m aeplugin.plots events.root decompressed.root -o plots

    Exit status: 0 success, 1 an error that the message explains, 2 wrong usage.
    """


@main.command()
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--recipe", help="Take the layout from this recipe (a file or the name of a shipped one).")
@click.option("--layout", type=click.Choice(["nanoaod", "objects"]), help="Collections; overrides the recipe's.")
@click.option("--ttree", is_flag=True, help="Write a TTree instead of an RNTuple.")
@click.option(
    "--on-bad-line",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    help="What a malformed line does: stop with its number, or be counted and reported.",
)
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Parsing threads; 0: one per core.")
def convert(
    source: Path,
    target: Path,
    recipe: str | None,
    layout: Literal["nanoaod", "objects"] | None,
    ttree: bool,
    on_bad_line: str,
    threads: int,
) -> None:
    """Convert Dark Machines events (plain or gzip) to a ROOT file.

    The layout "nanoaod" gives the collections Jet (j and b, with Jet_btag), Electron, Muon (with charge) and Photon;
    "objects" gives one collection Object with Object_kind, in file order. Energies stay in MeV.
    """
    check_output(target, source, *filter(None, [recipe]))
    rdf = load_rdf()
    layout = layout or (Recipe.from_file(recipe).layout if recipe else "nanoaod")
    with progress_bar(f"convert {source.name}") as update:
        events, bad, messages = rdf.convert(
            source,
            target,
            layout=layout,
            ttree=ttree,
            skip_bad_lines=on_bad_line == "skip",
            threads=threads,
            progress=lambda fraction: update(fraction, ""),
        )
    click.echo(f"{target}: {events:,} events")
    if bad:
        click.echo(f"skipped {bad:,} malformed lines; the first:", err=True)
        for message in messages:
            click.echo(f"  {message}", err=True)


@main.command()
@click.argument("sources", type=INPUT, nargs=-1, required=True)
@click.option("--recipe", required=True, help="A recipe file, or the name of a shipped recipe.")
@click.option("-o", "--output", type=OUTPUT, required=True, help="The model file to write.")
@click.option("--epochs", type=click.IntRange(min=1), help="Override the recipe's number of epochs.")
@click.option("--seed", type=click.IntRange(min=0), help="Override the recipe's seed.")
def train(sources: tuple[Path, ...], recipe: str, output: Path, epochs: int | None, seed: int | None) -> None:
    """Train the autoencoders of a recipe on one or more ROOT files; needs the extra "train"."""
    check_output(output, *sources, recipe)
    from aeplugin import training

    changes = {key: value for key, value in {"epochs": epochs, "seed": seed}.items() if value is not None}
    chosen = Recipe.from_file(recipe)
    chosen = chosen.model_copy(update={"training": chosen.training.model_copy(update=changes)})
    with progress_bar("train") as update:
        model = training.train(
            sources,
            chosen,
            lambda name, epoch, epochs, loss: update(epoch / epochs, f"{name}: validation MSE {loss:.2e}"),
        )
    model.save(str(output))
    for name, summary in json.loads(model.training)["collections"].items():
        click.echo(
            f"{output}: {name}: validation MSE {summary['best_validation_loss']:.3g} (standardised units) "
            f"in epoch {summary['best_epoch']} of {chosen.training.epochs}, "
            f"{summary['training_objects']:,} + {summary['validation_objects']:,} objects, {summary['seconds']:.0f} s"
        )
        if summary["skipped_objects"]:
            click.echo(f"  {summary['skipped_objects']:,} objects not finite, or not positive under log10, left out")


@main.command()
@click.argument("model", type=INPUT)
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


@main.command()
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--model", type=INPUT, required=True, help="A model made by `aeplugin train`.")
@click.option("--tree", help="The TTree or RNTuple to compress; default the only one in the file.")
def compress(source: Path, target: Path, model: Path, tree: str | None) -> None:
    """Replace the columns of the model's collections by latents; the model goes into the file."""
    from aeplugin.files import read_metadata
    from aeplugin.readers import other_objects

    check_output(target, source, model)
    rdf = load_rdf()
    tree = tree or Recipe.from_text(Model.from_file(str(model)).recipe, where=str(model)).tree or ""
    with progress_bar(f"compress {source.name}") as update:
        entries = rdf.compress(source, target, model, tree=tree, progress=lambda fraction: update(fraction, ""))
    before, after = source.stat().st_size, target.stat().st_size
    click.echo(f"{target}: {entries:,} events, {before:,} -> {after:,} bytes")
    left_out = other_objects(source, read_metadata(target).table)
    if left_out:
        click.echo(f"note: only the events were compressed; not in {target}: {', '.join(left_out)}", err=True)


@main.command()
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--ttree", is_flag=True, help="Write a TTree instead of an RNTuple.")
def decompress(source: Path, target: Path, ttree: bool) -> None:
    """Give back a plain ROOT file with the original columns; needs nothing but the compressed file."""
    check_output(target, source)
    rdf = load_rdf()
    with progress_bar(f"decompress {source.name}") as update:
        entries = rdf.decompress(source, target, ttree=ttree, progress=lambda fraction: update(fraction, ""))
    click.echo(f"{target}: {entries:,} events")


@main.command()
@click.argument("original", type=INPUT)
@click.argument("compressed", type=INPUT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def evaluate(original: Path, compressed: Path, as_json: bool) -> None:
    """Compare a compressed file with its original: residuals, fractions within tolerance, sizes, bits per object."""
    from aeplugin.evaluation import evaluate as run
    from aeplugin.files import read_metadata

    result = run(original, compressed)
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=2))
        return
    stdout.print(evaluation_table(result, read_metadata(compressed).recipe))
    for name, fraction in result.within.items():
        objects = f"{result.objects[name]:,} objects"
        click.echo(f"{name}: {objects}, {percent(fraction)} with every variable within tolerance")
    stdout.print(size_table(result))


@main.command()
@click.argument("compressed", type=INPUT)
@click.argument("model", type=OUTPUT)
def extract(compressed: Path, model: Path) -> None:
    """Write the model inside a compressed file to a file of its own."""
    from aeplugin.files import read_metadata

    check_output(model, compressed)
    read_metadata(compressed).model.save(str(model))
    click.echo(model)


@main.command()
@click.argument("name", required=False)
def recipe(name: str | None) -> None:
    """Print a shipped recipe to start from, or their names."""
    if name is None:
        click.echo("\n".join(shipped_recipes()))
    else:
        click.echo(Recipe.source(name), nl=False)


@main.command("config")
@click.option("--cmake", is_flag=True, help="Folder of the CMake files, for aeplugin_DIR.")
@click.option("--incdir", is_flag=True, help="Folder of the headers.")
@click.option("--libdir", is_flag=True, help="Folder of the core library.")
@click.option("--cflags", is_flag=True, help="Compiler flags.")
@click.option("--libs", is_flag=True, help="Linker flags.")
@click.option("--macros", is_flag=True, help="Folder of the ROOT macros.")
@click.option("--setup", is_flag=True, help='Shell lines for C++ macros: eval "$(aeplugin config --setup)".')
@click.option(
    "--build",
    type=click.Choice(["root", "torch"]),
    multiple=True,
    help="Compile the ROOT glue or the LibTorch engine for the ROOT or torch at hand, if it is not yet.",
)
def show_config(**chosen: Any) -> None:
    """Tell compilers, CMake and ROOT where the C++ library is.

    \b
    c++ $(aeplugin config --cflags) analysis.cxx $(aeplugin config --libs)
    cmake -Daeplugin_DIR=$(aeplugin config --cmake) ...
    """
    answers: dict[str, Callable[[], object]] = {
        "cmake": lambda: config.CMAKE_DIR,
        "incdir": lambda: config.INCLUDE_DIR,
        "libdir": lambda: config.LIBRARY_DIR,
        "cflags": config.cflags,
        "libs": config.libs,
        "macros": lambda: config.SHARE_DIR / "macros",
        "setup": lambda: config.setup([glue.library("root").parent]),
    }
    if not any(chosen.values()):
        click.echo(click.get_current_context().get_help())
    for component in chosen.pop("build"):
        click.echo(glue.library(component))
    for name, is_asked in chosen.items():
        if is_asked:
            click.echo(answers[name]())
