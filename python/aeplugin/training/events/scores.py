"""The scores of the events of a file, as a table beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np

from aeplugin import rdf
from aeplugin.scores import TABLE
from aeplugin.training.events.model import EventModel

COLUMN = "event_score"


def score_file(source: str | Path, model: EventModel, target: str | Path, tree: str | None = None) -> int:
    """Write the scores of a file, compressed or not, as an RNTuple "scores" with one entry for each of its events.

    Its one column is `COLUMN`; see `EventModel.scores`. Reads the file in blocks.

    Args:
        tree: the TTree or RNTuple of a file that is not compressed; default the recipe's, else the only one.

    Returns:
        The number of events.

    Raises:
        InputError, RecipeError, CompatibilityError, CorruptionError: see `aeplugin.files.iterate_groups`.
    """
    return rdf.write_table(target, _blocks(source, model, tree), table=TABLE)


def _blocks(source: str | Path, model: EventModel, tree: str | None) -> Iterator[ak.Array]:
    for scores in model.scores(source, tree):
        yield ak.zip({COLUMN: scores})
    yield ak.zip({COLUMN: np.empty(0, np.float32)})  # so that a file without events gives a table without any
