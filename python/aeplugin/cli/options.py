"""Kinds of arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, get_args

import click

from aeplugin.compression import Compression, parse_compression
from aeplugin.errors import InputError
from aeplugin.jobs.job import ExecutorKind
from aeplugin.remote import base_name, local_copy
from aeplugin.terminal import INPUT as INPUT
from aeplugin.terminal import Input as Input
from aeplugin.terminal import progress_bar

OUTPUT = click.Path(path_type=Path)


@contextmanager
def local_files(*sources: Input) -> Iterator[list[Path]]:
    """Inputs of a command for what reads local files only: those that are URLs are copied as long as it takes."""
    with ExitStack() as stack:
        yield [stack.enter_context(_local_file(source)) for source in sources]


@contextmanager
def _local_file(source: Input) -> Iterator[Path]:
    with ExitStack() as stack:
        with progress_bar(f"copy {base_name(source)}") as update:
            path = stack.enter_context(local_copy(source, lambda fraction: update(fraction, "")))
        yield path


def _parse_compression(_: click.Context, __: click.Parameter, value: str) -> tuple[Compression, int]:
    try:
        return parse_compression(value)
    except InputError as error:
        raise click.BadParameter(str(error)) from None


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


def folder_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-o/--output`, a folder, of commands that make many files; `text` says which."""
    folder = click.Path(path_type=Path, file_okay=False)
    return click.option("-o", "--output", type=folder, required=True, metavar="FOLDER", help=text)


def executor_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--executor` and `--workers`, of commands that are jobs."""
    kinds = click.option(
        "--executor", type=click.Choice(get_args(ExecutorKind)), default="local", help="Where the parts run."
    )
    workers = click.option("--workers", type=click.IntRange(min=1), default=1, help="Parts at a time.")
    return kinds(workers(command))
