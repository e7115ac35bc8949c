"""`aeplugin score`: how strange events are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from aeplugin.cli.options import INPUT, OUTPUT, Input, json_option
from aeplugin.remote import base_name
from aeplugin.terminal import Command, check_output, load_rdf, progress_bar


@click.command(cls=Command)
@click.argument("source", type=INPUT)
@click.option("--model", required=True, type=click.Path(path_type=Path), help="A model file, or an event model.")
@click.option("-o", "--output", required=True, type=OUTPUT, help="The ROOT file to write.")
@click.option("--tree", help="The TTree or RNTuple to read; default the recipe's, else the only one.")
@click.option("--column", "columns", multiple=True, help="Column of the events to write beside; may be repeated.")
@json_option
def score(source: Input, model: Path, output: Path, tree: str | None, columns: tuple[str, ...], as_json: bool) -> None:
    """Write how strange each event of a file is, as an RNTuple "scores" with one entry per event.

    A model of `aeplugin train` gives, where it has networks, COLLECTION_score, one per object, and
    COLLECTION_event_score: reconstruction errors in standardised units. Where it has a density it gives event_bits, how
    many bits an event takes, and COLLECTION_bits, one per object. A model for whole events gives event_score: the
    reconstruction loss, or of a flow the bits that the event takes. Larger is stranger. In JSON null stands for what is
    no number.
    """
    check_output(output, source, model)
    events, facts = _write(source, model, output, tree, columns)
    scores = _summaries(output)
    if as_json:
        click.echo(json.dumps({"events": events, **facts, "scores": scores}, indent=2, allow_nan=False))
        return
    click.echo(f"{output}: {events:,} events")
    for name, summary in scores.items():
        numbers = ", ".join(f"{what} {_shown(number)}" for what, number in summary.items())
        click.echo(f"  {name}: {numbers}")
    for what, groups in facts.items():
        left_out = ", ".join(f"{number:,} of {name}" for name, number in groups.items() if number)
        if left_out:
            click.echo(f"  objects left out, {what}: {left_out}")


def _write(
    source: Input, model: Path, output: Path, tree: str | None, columns: tuple[str, ...]
) -> tuple[int, dict[str, dict[str, int]]]:
    """Score with whatever a model is; the number of events, and how many objects took no part in them."""
    from aeplugin import Model
    from aeplugin.event_models import is_event_model

    if not is_event_model(model):
        networks = Model.from_file(str(model))
        load_rdf()
        from aeplugin.scores import score_file

        with progress_bar(f"score {base_name(source)}") as update:
            events = score_file(
                source, networks, output, tree, columns=columns, progress=lambda fraction: update(fraction, "")
            )
        return events, {}
    if columns:
        raise click.UsageError("--column takes a model file; the scores of an event model stand alone")
    from aeplugin.training.events import EventModel

    network = EventModel.load(model)
    load_rdf()
    from aeplugin.training.events.scores import score_file as score_events

    events = score_events(source, network, output, tree)
    return events, {"beyond": network.counts.beyond, "unusable": network.counts.unusable}


def _summaries(path: Path) -> dict[str, dict[str, float | None]]:
    """The distribution of every score per event in a file."""
    from aeplugin.readers import iterate_columns
    from aeplugin.recipe_files import schema_of
    from aeplugin.scores import EVENT_BITS, TABLE
    from aeplugin.statistics import Sample

    names = [name for name in schema_of(path, TABLE)[1] if name.endswith("event_score") or name == EVENT_BITS]
    samples = {name: Sample() for name in names}
    for block in iterate_columns(path, TABLE, {name: name for name in names}, TABLE):
        for name, sample in samples.items():
            sample.update(block.columns[name])
    return {name: _summary(sample) for name, sample in samples.items()}


def _summary(sample: Any) -> dict[str, float | None]:
    if not sample.count:
        return {"not finite": sample.nonfinite}
    numbers = {
        "mean": sample.mean,
        "median": sample.quantile(0.5),
        "99 %": sample.quantile(0.99),
        "largest": sample.max,
    }
    finite = {what: number if math.isfinite(number) else None for what, number in numbers.items()}
    return {**finite, "not finite": sample.nonfinite}


def _shown(number: float | None) -> str:
    return "none" if number is None else f"{number:.4g}"
