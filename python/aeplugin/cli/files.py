"""Commands that write ROOT files: `convert`, `compress`, `decompress`, `merge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import click

from aeplugin._core import Model
from aeplugin.cli.options import INPUT, OUTPUT, compression_option, json_option, threads_option
from aeplugin.errors import InputError
from aeplugin.rdf import Compression
from aeplugin.recipe import Codec, Recipe
from aeplugin.terminal import Command, check_output, load_rdf, progress_bar


@click.command(cls=Command)
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


@click.command(cls=Command)
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--recipe", help="How far values may move: a recipe file, or the name of a shipped one.")
@click.option("--model", type=INPUT, help="A model made by `aeplugin train` (or `recipe compile`).")
@click.option("--tree", help="The TTree or RNTuple to compress; default the recipe's, else the only one in the file.")
@click.option(
    "--codec",
    type=click.Choice(["auto", "plain", "autoencoder"]),
    show_default="the recipe's",
    help="How the collections are stored; never changes what is promised.",
)
@compression_option
@threads_option
@json_option
def compress(
    source: Path,
    target: Path,
    recipe: str | None,
    model: Path | None,
    tree: str | None,
    codec: Codec | None,
    compression: tuple[Compression, int],
    threads: int,
    as_json: bool,
) -> None:
    """Compress a TTree or RNTuple, with every value within the tolerance of a recipe.

    Give a recipe, a model, or both: a model brings the recipe that it was trained with and networks that may save
    bits; beside another recipe it only brings the networks. Columns that the recipe does not mention stay exactly as
    they are. Every value is decoded again and compared with its tolerance before the file appears.
    """
    from aeplugin.files import is_compressed
    from aeplugin.readers import other_objects

    if recipe is None and model is None:
        raise click.UsageError("neither --recipe nor --model says how far values may move; give one or both")
    check_output(target, source, *(path for path in (recipe, model) if path is not None))
    if is_compressed(source):
        raise InputError(f"{source}: is a compressed file already; `aeplugin decompress` it first")
    chosen = _chosen_model(source, recipe, model, tree, codec)
    rdf = load_rdf()
    with progress_bar(f"compress {source.name}") as update:
        rdf.compress(
            source,
            target,
            chosen,
            tree=tree or "",
            compression=compression[0],
            level=compression[1],
            threads=threads,
            progress=lambda fraction: update(fraction, ""),
        )
    summary = _summary(source, target)
    left_out = other_objects(source, summary["table"])
    if as_json:
        click.echo(json.dumps({**summary, "left_out": left_out}, indent=2))
        return
    before, after = summary["source_bytes"], summary["target_bytes"]
    click.echo(
        f"{target}: {summary['events']:,} events, {before:,} -> {after:,} bytes, {summary['ratio']:.2f} times smaller"
    )
    if worst := summary["worst"]:
        click.echo(
            f"all {summary['values']:,} values within tolerance; the worst error is "
            f"{worst['max_error'] / worst['tolerance_value']:.6f} of it ({worst['column']}, {worst['tolerance']})"
        )
    if left_out:
        click.echo(f"note: only the events were compressed; not in {target}: {', '.join(left_out)}", err=True)


def _chosen_model(source: Path, recipe: str | None, model: Path | None, tree: str | None, codec: Codec | None) -> Model:
    """The model that the options ask for."""
    from aeplugin.compilation import compile_recipe, with_codec

    networks = None if model is None else Model.from_file(str(model))
    if networks is not None and recipe is None and codec is None:
        return networks
    rules = Recipe.from_file(recipe) if recipe else Recipe.from_text(networks.recipe, str(model))  # type: ignore[union-attr]
    if codec is not None:
        rules = with_codec(rules, codec)
    return compile_recipe(rules, source, tree, networks=networks, where=str(model))


def _summary(source: Path, target: Path) -> dict[str, Any]:
    """What a compression did, as plain data."""
    from aeplugin.inspection import inspect

    about = inspect(target)
    coded = [column for column in about.columns if column.codec and column.values]
    worst = max(coded, key=lambda column: column.max_error / column.tolerance_value, default=None)
    before, after = source.stat().st_size, target.stat().st_size
    return {
        "table": about.table,
        "events": about.events,
        "source_bytes": before,
        "target_bytes": after,
        "ratio": before / after,
        "values": sum(column.values for column in coded),
        "worst": worst
        and {
            "column": worst.name,
            "tolerance": worst.tolerance,
            "tolerance_value": worst.tolerance_value,
            "max_error": worst.max_error,
        },
        "codecs": {column.name: column.codec for column in coded},
    }


@click.command(cls=Command)
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--ttree", is_flag=True, help="Write a TTree instead of an RNTuple.")
@compression_option
@threads_option
def decompress(source: Path, target: Path, ttree: bool, compression: tuple[Compression, int], threads: int) -> None:
    """Give back a plain ROOT file with the original columns; needs nothing but the compressed file."""
    check_output(target, source)
    rdf = load_rdf()
    with progress_bar(f"decompress {source.name}") as update:
        events = rdf.decompress(
            source,
            target,
            ttree=ttree,
            compression=compression[0],
            level=compression[1],
            threads=threads,
            progress=lambda fraction: update(fraction, ""),
        )
    click.echo(f"{target}: {events:,} events")


@click.command(cls=Command)
@click.argument("target", type=OUTPUT)
@click.argument("sources", type=INPUT, nargs=-1, required=True)
@click.option("-f", "--force", is_flag=True, help="Replace TARGET where it exists.")
@compression_option
def merge(target: Path, sources: tuple[Path, ...], force: bool, compression: tuple[Compression, int]) -> None:
    """Put compressed files into one, in the order given, as hadd does; the target comes first.

    Nothing is decoded, so no value changes. The files must come from the same recipe, with the same codecs.
    """
    check_output(target, *sources)
    if target.exists() and not force:
        raise InputError(f"{target}: exists; the target comes first, --force replaces it")
    rdf = load_rdf()
    with progress_bar(f"merge {len(sources)} files") as update:
        events = rdf.merge(
            sources,
            target,
            compression=compression[0],
            level=compression[1],
            progress=lambda fraction: update(fraction, ""),
        )
    click.echo(f"{target}: {events:,} events of {len(sources)} files")
