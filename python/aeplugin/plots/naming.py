"""File names of plots, from the recipe's pattern ``{date}_{topic}_{network}_{variable}``."""

from __future__ import annotations

import datetime
import string
from collections.abc import Iterable, Sequence
from pathlib import Path

from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe import Collection, Plots

PLACEHOLDERS = ("date", "topic", "network", "variable")


def network_name(collection: Collection, network: str = "autoencoder") -> str:
    """How file names call the network: ``ae-4-200-200-20-3`` (variables that move, hidden layers, latents) for an
    autoencoder, ``plain`` or ``autoregressive`` where the codec is that.

    Any other `network` is taken as it is.
    """
    if network != "autoencoder":
        return network
    if collection.codec in ("plain", "autoregressive"):
        return collection.codec
    sizes = [len(collection.lossy_columns()), *collection.network.hidden, collection.network.latents]
    return "-".join(["ae", *map(str, sizes)])


def file_stem(plots: Plots, network: str, variable: str, date: datetime.date | str | None = None) -> str:
    """The file name, without suffix, of the plot called `variable` (such as ``Jet_pt_residual``).

    Args:
        plots: the recipe's pattern and topic.
        network: see `network_name`.
        variable: collection, variable and kind of the plot.
        date: default today; a text must be YYYY-MM-DD.

    Raises:
        RecipeError: the pattern is malformed, has an unknown placeholder or gives no plain file name.
    """
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(plots.name) if field is not None]
    except ValueError as error:
        raise RecipeError(f"plots.name: malformed pattern {plots.name!r}: {error}") from None
    for field in fields:
        if field not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            hint = nearest(field, PLACEHOLDERS) if field else ""
            raise RecipeError(
                f"plots.name: unknown placeholder {{{field}}} in {plots.name!r}{hint} (placeholders are {known})"
            )
    try:
        stem = plots.name.format(date=iso_date(date), topic=plots.topic, network=network, variable=variable)
    except ValueError as error:
        raise RecipeError(f"plots.name: malformed pattern {plots.name!r}: {error}") from None
    if not stem or "/" in stem or "\\" in stem:
        raise RecipeError(f"plots.name: {plots.name!r} gives {stem!r}, expected a file name without folders")
    return stem


def check_unique(stems: Iterable[str], pattern: str) -> None:
    """Refuse a pattern that gives two plots one name.

    Raises:
        RecipeError: naming the file name that occurs twice.
    """
    seen = set()
    for stem in stems:
        if stem in seen:
            raise RecipeError(f"plots.name: {pattern!r} gives two plots the name {stem!r}; use {{variable}} in it")
        seen.add(stem)


def paths(output: Path, stem: str, formats: Sequence[str]) -> list[Path]:
    """One path per format. The stem may hold dots, so the suffix is appended, never replaced."""
    return [output / f"{stem}.{suffix}" for suffix in formats]


def iso_date(date: datetime.date | str | None) -> str:
    """A date as YYYY-MM-DD; default today.

    Raises:
        RecipeError: a text is none.
    """
    if date is None:
        return datetime.date.today().isoformat()
    if isinstance(date, str):
        try:
            return datetime.date.fromisoformat(date).isoformat()
        except ValueError:
            raise RecipeError(f"date: got {date!r}, expected YYYY-MM-DD") from None
    return date.isoformat()
