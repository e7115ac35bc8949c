"""`aeplugin scan`: a recipe trained with many values of its fields."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import click
import yaml

from aeplugin.cli.options import INPUT, Input, executor_options, folder_option, json_option
from aeplugin.cli.run import print_summary, raise_failures
from aeplugin.jobs.job import ExecutorKind
from aeplugin.jobs.running import run
from aeplugin.jobs.trials import Objective, Search
from aeplugin.terminal import Command, progress_bar

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(:log)?")


def parse_values(text: str) -> list[Any] | dict[str, Any]:
    """Values as `--set` has them: "1,2,3" as a list in YAML without its brackets, "1e-4..1e-2:log" as a range.

    Raises:
        ValueError: it is neither.
    """
    if found := _RANGE.fullmatch(text.strip()):
        low, high, log = found.groups()
        ends = [_number(end) for end in (low, high)]
        flags = {"log": bool(log), "integer": all(isinstance(end, int) for end in ends)}
        return {"low": ends[0], "high": ends[1], **{name: True for name, is_set in flags.items() if is_set}}
    try:
        values = yaml.safe_load(f"[{text}]")
    except yaml.YAMLError:
        values = None
    if not values:
        raise ValueError("expected values with commas between them, as in 1,2,3, or a range, as in 1e-4..1e-2:log")
    return [_number(value) if isinstance(value, str) else value for value in values]


def _number(text: str) -> Any:
    """A number where the text is one: YAML takes 1e-4 for a text."""
    if re.fullmatch(_NUMBER, text):
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    return text


def _parse_fields(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for text in given:
        field, equals, values = text.partition("=")
        if not equals or not field:
            raise click.BadParameter(f"{text!r}: expected FIELD=VALUES")
        if field in fields:
            raise click.BadParameter(f"{field} stands twice; give all its values at once")
        try:
            fields[field] = parse_values(values)
        except ValueError as error:
            raise click.BadParameter(f"{text!r}: {error}") from None
    return fields


@click.command(cls=Command)
@click.argument("recipe")
@click.argument("sources", type=INPUT, nargs=-1, required=True, metavar="FILES...")
@folder_option("For models, compressed files, the ranking and its pictures.")
@click.option(
    "--set",
    "fields",
    multiple=True,
    required=True,
    metavar="FIELD=VALUES",
    callback=_parse_fields,
    help="A field of the recipe and what to try: 1,2,3, or a range, as in 1e-4..1e-2:log. May be repeated.",
)
@click.option(
    "--search",
    type=click.Choice(get_args(Search)),
    default="grid",
    help="All combinations, some of them by chance, or those that Optuna suggests.",
)
@click.option("--trials", type=click.IntRange(min=1), help="How many, for random and optuna.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Of random and optuna.")
@click.option(
    "--objective",
    type=click.Choice(get_args(Objective)),
    default="bits",
    help="What ranks the trials: stored bits per object, the validation loss, or the fraction of objects within all "
    "tolerances.",
)
@click.option("--validate-on", type=INPUT, metavar="FILE", help="The file to compress [default: the first of FILES].")
@executor_options
@click.option("--plots/--no-plots", default=True, help="Draw size against error.")
@json_option
def scan(
    recipe: str,
    sources: tuple[Input, ...],
    output: Path,
    fields: dict[str, Any],
    search: Search,
    trials: int | None,
    seed: int,
    objective: Objective,
    validate_on: Input | None,
    executor: ExecutorKind,
    workers: int,
    plots: bool,
    as_json: bool,
) -> None:
    """Train a recipe with many values of its fields, and rank the networks.

    \b
    FIELD is any path in the recipe, with * for every name:
      --set collections.Jet.network.latents=1,2,3
      --set training.learning_rate=1e-4..1e-2:log
      --set 'collections.*.normalisation=standard,quantile'

    Each combination is a trial: a training on all FILES, a compression, and a look at what the network alone does.
    Trials that cannot be trained are counted and left out. Run the command again after any interruption: trials that
    are complete stay. Needs the extra "train", and "scan" for Optuna; see docs/scan.md.
    """
    from aeplugin.recipe import Recipe
    from aeplugin.search import ranked, trials_of, write_scan
    from aeplugin.search.starting import full_name, recipe_name, start_job

    content: dict[str, Any] = {
        "task": "scan",
        "inputs": [full_name(source) for source in sources],
        "recipe": recipe_name(recipe),
        "scan": fields,
        "search": search,
        "objective": objective,
        "on_bad_input": "skip",
        "executor": {"kind": executor, "workers": workers},
    }
    if search != "grid":
        content["seed"] = seed
    if trials is not None:
        content["trials"] = trials
    if validate_on is not None:
        content["validate_on"] = full_name(validate_on)
    job = start_job(content, output, "scan.yaml")
    with progress_bar("scan") as update:
        summary = run(job, update)
    found = trials_of(summary.records, objective)
    written = write_scan(found, objective, Recipe.from_file(recipe), output, plots=plots) if found else []
    if as_json:
        order = [trial.to_dict() for trial in ranked(found, objective)]
        click.echo(json.dumps({**summary.to_dict(), "trials": order}, indent=2))
    else:
        print_summary(summary, job)
        for path in written:
            click.echo(path)
    raise_failures(summary)
