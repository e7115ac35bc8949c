"""Options that `python -m aeplugin.plots`, `aeplugin report` and `aeplugin outliers` share; plots are loaded on use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aeplugin.terminal import INPUT, Input

if TYPE_CHECKING:
    from aeplugin.plots import Inputs


def _pairs(_: click.Context, __: click.Parameter, value: tuple[Input, ...]) -> list[tuple[Input, Input]]:
    if len(value) % 2:
        number = "1 file" if len(value) == 1 else f"{len(value)} files"
        raise click.UsageError(
            f"got {number}, expected pairs: ORIGINAL RECONSTRUCTED, for one data set after the other"
        )
    return list(zip(value[::2], value[1::2], strict=True))


_OPTIONS = (
    click.argument(
        "pairs", metavar="ORIGINAL RECONSTRUCTED [...]", type=INPUT, nargs=-1, required=True, callback=_pairs
    ),
    click.option("--recipe", help="Recipe (YAML) or the name of a shipped one [default: the one in RECONSTRUCTED]."),
    click.option("--model", type=INPUT, help="Model for latents and scores [default: the one in RECONSTRUCTED]."),
    click.option(
        "--compare", type=INPUT, multiple=True, help="Another compressed file of the first ORIGINAL; may be repeated."
    ),
    click.option(
        "--benchmark",
        type=click.Path(path_type=Path),
        help="JSON file of tests/benchmarks/compressing.py: sizes and speeds of peers.",
    ),
    click.option(
        "--signal", "signals", multiple=True, help="Data set that is signal, for ROC curves; may be repeated."
    ),
    click.option(
        "--network",
        default="autoencoder",
        help="The model in file names; 'autoencoder' gives its layers, as in ae-4-200-200-20-3, or the codec plain.",
    ),
    click.option("--style", type=click.Choice(["atlas", "cms", "plain"]), help="Looks [default: the recipe's]."),
    click.option("--label", help="Text beside the energy [default: the recipe's]."),
    click.option(
        "--energy",
        type=click.FloatRange(min=0, min_open=True),
        help="Centre-of-mass energy in TeV [default: the recipe's].",
    ),
    click.option(
        "--luminosity",
        type=click.FloatRange(min=0, min_open=True),
        help="Integrated luminosity in 1/fb [default: the recipe's].",
    ),
    click.option("--weight", help="Column with one weight per event [default: the recipe's]."),
    click.option("--date", help="Date in file names and on reports, YYYY-MM-DD [default: today]."),
)


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the arguments and options that `inputs_of` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def inputs_of(options: dict[str, Any], **more: Any) -> Inputs:
    """The options as `Inputs`, taken out of `options`, with `more` of them."""
    from aeplugin.plots import Inputs

    looks = {
        key: options.pop(option)
        for key, option in (
            ("style", "style"),
            ("text", "label"),
            ("energy", "energy"),
            ("luminosity", "luminosity"),
            ("weight", "weight"),
        )
    }
    return Inputs(
        looks={key: value for key, value in looks.items() if value is not None},
        **more,
        **{
            key: options.pop(key)
            for key in ("pairs", "recipe", "model", "compare", "benchmark", "signals", "network", "date")
        },
    )
