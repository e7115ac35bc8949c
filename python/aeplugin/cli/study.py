"""`aeplugin study`: networks trained on some samples of events, tested on others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from aeplugin.cli.options import executor_options, folder_option, json_option
from aeplugin.cli.run import print_summary, raise_failures
from aeplugin.cli.tables import plain_table
from aeplugin.jobs.job import ExecutorKind
from aeplugin.jobs.running import run
from aeplugin.remote import base_name
from aeplugin.terminal import Command, progress_bar, stdout


def _parse_samples(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, list[str]]:
    samples: dict[str, list[str]] = {}
    for text in given:
        found = re.match(r"([A-Za-z_]\w*)=", text)
        files = [file for file in text[found.end() if found else 0 :].split(",") if file]
        if not files:
            raise click.BadParameter(f"{text!r}: expected FILE, or NAME=FILE,FILE")
        stem = re.sub(r"\W", "_", base_name(files[0]).split(".")[0], flags=re.ASCII)
        name = found[1] if found else stem if re.match(r"[A-Za-z_]", stem) else f"_{stem}"
        if name in samples:
            raise click.BadParameter(f"two samples are called {name}; name them, as in NAME=FILE,FILE")
        samples[name] = files
    return samples


def _samples(name: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        name, multiple=True, required=True, metavar="[NAME=]FILE,...", callback=_parse_samples, help=text
    )


def _parse_names(_: click.Context, __: click.Parameter, text: str) -> list[str]:
    return [name for name in text.split(",") if name]


@click.command(cls=Command)
@click.argument("recipe")
@_samples("--train", "A sample to train on; may be repeated.")
@_samples("--test", "A sample to test every network on; may be repeated.")
@click.option(
    "--strangers",
    default="",
    show_default=False,
    metavar="NAME,...",
    callback=_parse_names,
    help="Collections with the same variables that no network was trained on, as in Electron,Muon for Jet.",
)
@folder_option("For models, the table and the heat maps.")
@executor_options
@click.option("--plots/--no-plots", default=True, help="Draw heat maps.")
@json_option
def study(
    recipe: str,
    train: dict[str, list[str]],
    test: dict[str, list[str]],
    strangers: list[str],
    output: Path,
    executor: ExecutorKind,
    workers: int,
    plots: bool,
    as_json: bool,
) -> None:
    """Train on each of some samples, test each network on each of others.

    \b
    Networks for jets, on other processes and on leptons, which they never saw:
      aeplugin study darkmachines-jets --train ttbar.root --train zz.root \\
        --test ttbar.root --test zz.root --strangers Electron,Muon -o study

    Of every network on every sample: resolution and share of values within the tolerance for each variable, share of
    objects with all of them, reconstruction error; as a table and as two heat maps. Run the command again after any
    interruption, or with more samples: what is complete stays. Needs the extra "train"; see docs/scan.md.
    """
    from aeplugin.recipe import Recipe
    from aeplugin.search.starting import full_name, recipe_name, start_job
    from aeplugin.search.study import study_rows, summary_table, write_study

    content = {
        "task": "study",
        "recipe": recipe_name(recipe),
        "train": {name: [full_name(file) for file in files] for name, files in train.items()},
        "test": {name: [full_name(file) for file in files] for name, files in test.items()},
        "strangers": strangers,
        "executor": {"kind": executor, "workers": workers},
    }
    job = start_job(content, output, "study.yaml")
    with progress_bar("study") as update:
        summary = run(job, update)
    rows = study_rows(summary.records)
    samples = list(train), list(test)  # those that were tested before come first in the summary
    rows.sort(key=lambda row: (samples[0].index(row["train"]), samples[1].index(row["test"])))
    written = write_study(rows, Recipe.from_file(recipe), output, plots=plots) if rows else []
    if as_json:
        click.echo(json.dumps({**summary.to_dict(), "rows": rows}, indent=2))
    else:
        print_summary(summary, job)
        if rows:
            stdout.print(plain_table(summary_table(rows)))
        for path in written:
            click.echo(path)
    raise_failures(summary)
