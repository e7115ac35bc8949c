"""Predictable, learned compression of collider events, at home in ROOT and in coffea.

Importing this package is cheap: torch is loaded by `aeplugin.training`, ROOT by `aeplugin.rdf`, uproot by `open`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aeplugin import config
from aeplugin._core import Autoencoder, Model, __version__
from aeplugin.recipe import Recipe

if TYPE_CHECKING:
    from aeplugin.compressed import CompressedFile

__all__ = ["Autoencoder", "Model", "Recipe", "__version__", "open"]

config.find_engine_libraries()


def open(path: str | Path) -> CompressedFile:
    """Open a compressed file for reading, without ROOT:

        >>> with aeplugin.open("compressed.root") as file:
        ...     jets = file.arrays(["Jet_pt", "Jet_eta"], entry_stop=1000)

    See `aeplugin.compressed.CompressedFile`.

    Raises:
        InputError: the file is missing, or no ROOT file.
        CompatibilityError: it is no compressed file, or one of a newer version.
        CorruptionError: it is damaged.
    """
    from aeplugin.compressed import CompressedFile

    return CompressedFile(path)
