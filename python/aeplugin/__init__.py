"""Predictable, learned compression of collider events, at home in ROOT and in coffea.

Importing this package is cheap: torch is loaded by `aeplugin.training`, ROOT by `aeplugin.rdf`.
"""

from aeplugin import config
from aeplugin._core import Autoencoder, Model, __version__
from aeplugin.recipe import Recipe

__all__ = ["Autoencoder", "Model", "Recipe", "__version__"]

config.find_engine_libraries()
