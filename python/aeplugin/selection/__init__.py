"""Which events and objects a network learns from: the recipe's `training.selection`, carried out on blocks of events.

docs/selection.md has the grammar of its expressions, the channels, and examples.
"""

from aeplugin.selection.cut_flow import Cut, cut_flow
from aeplugin.selection.selector import Selector

__all__ = ["Cut", "Selector", "cut_flow"]
