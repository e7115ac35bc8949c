"""Commands that write ROOT files: `convert`, `compress`, `decompress`, `merge`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aeplugin._core import Model
from aeplugin.cli.options import (
    INPUT,
    OUTPUT,
    Input,
    compression_option,
    json_option,
    local_files,
    threads_option,
)
from aeplugin.compression import Compression
from aeplugin.darkmachines import Layout
from aeplugin.errors import InputError
from aeplugin.recipe import Codec, Recipe
from aeplugin.remote import base_name
from aeplugin.terminal import Command, check_output, load_rdf, progress_bar


@click.command(cls=Command)
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--recipe", help="Take layout, tree and what to drop from this recipe (a file, or a shipped one's name).")
@click.option("--tree", help="The TTree or RNTuple of a ROOT file, or the table of an HDF5 file; default the only one.")
@click.option("--drop", metavar="GLOB", multiple=True, help="Leave these columns out; may be repeated. Not for text.")
@click.option(
    "--layout", type=click.Choice(["nanoaod", "objects"]), help="Collections made from text; overrides the recipe's."
)
@click.option("--particles", is_flag=True, help="Keep the particles of LHC Olympics events, beside the jets.")
@click.option("--ttree", is_flag=True, help="Write a TTree instead of an RNTuple.")
@click.option(
    "--on-bad-line",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    help="What a malformed line of text does: stop with its number, or be counted and reported.",
)
@threads_option
def convert(
    source: Input,
    target: Path,
    recipe: str | None,
    tree: str | None,
    drop: tuple[str, ...],
    layout: Layout | None,
    particles: bool,
    ttree: bool,
    on_bad_line: str,
    threads: int,
) -> None:
    """Convert a file of events to a ROOT file with one RNTuple, without compressing it.

    The format is recognised by the content of SOURCE, a file or URL:

    \b
      Dark Machines text, plain or gzip
      LHC Olympics HDF5: particles are clustered to jets (extra "hdf5")
      other tables that pandas wrote to HDF5
      ROOT: one TTree or RNTuple, copied without loss

    For text, the layout "nanoaod" gives the collections Jet (j and b, with Jet_btag), Electron, Muon (with charge) and
    Photon; "objects" gives one collection Object with Object_kind, in file order. Energies stay in the input's unit.
    """
    from aeplugin import formats

    check_output(target, source, *filter(None, [recipe]))
    chosen = Recipe.from_file(recipe) if recipe else None
    with local_files(source) as (local,):
        formats.detect(local)
        load_rdf()
        with progress_bar(f"convert {base_name(source)}") as update:
            converted = formats.convert(
                local,
                target,
                recipe=chosen,
                tree=tree,
                drop=drop,
                layout=layout,
                particles=particles,
                ttree=ttree,
                skip_bad_lines=on_bad_line == "skip",
                threads=threads,
                progress=lambda fraction: update(fraction, ""),
            )
    click.echo(f"{target}: {converted.events:,} events")
    if converted.bad_lines:
        click.echo(f"skipped {converted.bad_lines:,} malformed lines; the first:", err=True)
        for message in converted.first_bad_lines:
            click.echo(f"  {message}", err=True)


@click.command(cls=Command)
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--recipe", help="How far values may move: a recipe file, or the name of a shipped one.")
@click.option("--model", type=INPUT, help="A model made by `aeplugin train` (or `recipe compile`).")
@click.option("--tree", help="The TTree or RNTuple to compress; default the recipe's, else the only one in the file.")
@click.option(
    "--codec",
    type=click.Choice(["auto", "plain", "autoencoder", "autoregressive"]),
    show_default="the recipe's",
    help="How the collections are stored; never changes what is promised.",
)
@compression_option
@threads_option
@json_option
def compress(
    source: Input,
    target: Path,
    recipe: str | None,
    model: Input | None,
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
    from aeplugin.compilation import model_for
    from aeplugin.files import is_compressed
    from aeplugin.inspection import compression_facts
    from aeplugin.readers import other_objects

    if recipe is None and model is None:
        raise click.UsageError("neither --recipe nor --model says how far values may move; give one or both")
    check_output(target, source, *(path for path in (recipe, model) if path is not None))
    with local_files(source, *([] if model is None else [model])) as (local, *models):
        if is_compressed(local):
            raise InputError(f"{local}: is a compressed file already; `aeplugin decompress` it first")
        rules = Recipe.from_file(recipe) if recipe else None
        networks = Model.from_file(str(models[0])) if models else None
        chosen = model_for(local, rules, networks, tree, codec, where=str(model))
        rdf = load_rdf()
        with progress_bar(f"compress {base_name(source)}") as update:
            rdf.compress(
                local,
                target,
                chosen,
                tree=tree or "",
                compression=compression[0],
                level=compression[1],
                threads=threads,
                progress=lambda fraction: update(fraction, ""),
            )
        summary = compression_facts(local, target)
        left_out = other_objects(local, summary["table"])
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


@click.command(cls=Command)
@click.argument("source", type=INPUT)
@click.argument("target", type=OUTPUT)
@click.option("--ttree", is_flag=True, help="Write a TTree instead of an RNTuple.")
@compression_option
@threads_option
def decompress(source: Input, target: Path, ttree: bool, compression: tuple[Compression, int], threads: int) -> None:
    """Give back a plain ROOT file with the original columns; needs nothing but the compressed file."""
    check_output(target, source)
    rdf = load_rdf()
    with local_files(source) as (local,), progress_bar(f"decompress {base_name(source)}") as update:
        events = rdf.decompress(
            local,
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
def merge(target: Path, sources: tuple[Input, ...], force: bool, compression: tuple[Compression, int]) -> None:
    """Put compressed files into one, in the order given, as hadd does; the target comes first.

    Nothing is decoded, so no value changes. The files must come from the same recipe, with the same codecs.
    """
    check_output(target, *sources)
    if target.exists() and not force:
        raise InputError(f"{target}: exists; the target comes first, --force replaces it")
    rdf = load_rdf()
    with local_files(*sources) as local, progress_bar(f"merge {len(sources)} files") as update:
        events = rdf.merge(
            local,
            target,
            compression=compression[0],
            level=compression[1],
            progress=lambda fraction: update(fraction, ""),
        )
    click.echo(f"{target}: {events:,} events of {len(sources)} files")
