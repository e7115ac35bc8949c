"""`aeplugin config`: where the C++ library is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from aeplugin import config, glue
from aeplugin.terminal import Command


@click.command("config", cls=Command)
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
