"""Kinds of arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click

from aeplugin.errors import InputError
from aeplugin.rdf import Compression, compression_number

INPUT = click.Path(path_type=Path)
OUTPUT = click.Path(path_type=Path)

_DEFAULT_LEVELS = {"zstd": 5, "lzma": 9, "zlib": 5, "lz4": 4}


def _parse_compression(_: click.Context, __: click.Parameter, value: str) -> tuple[Compression, int]:
    """What "zstd:5" says; the level may be left out."""
    algorithm, colon, text = value.partition(":")
    problem = ""
    if colon and not text.isdecimal():
        problem = f"the level {text!r} is no number"
    level = int(text) if colon and not problem else _DEFAULT_LEVELS.get(algorithm, 1)
    try:
        compression_number(algorithm, level)
    except InputError as error:
        problem = str(error)
    if problem:
        raise click.BadParameter(f"got {value!r}, expected one such as zstd:5: {problem}")
    return cast(Compression, algorithm), level


def compression_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--compression`, given to the command as a pair of algorithm and level."""
    return click.option(
        "--compression",
        metavar="ALGORITHM[:LEVEL]",
        default="zstd:5",
        callback=_parse_compression,
        help="What ROOT compresses the file with: zstd, lzma, zlib or lz4, level 1 to 9; lzma is smallest and slowest.",
    )(command)


def threads_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--threads`."""
    text = "Threads to work with; 0: one per core, at most 8."
    return click.option("--threads", type=click.IntRange(min=0), default=0, help=text)(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`, given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)
