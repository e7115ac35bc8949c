"""How strange objects and events are: reconstruction errors of a model's autoencoders, and bits by its density."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import awkward as ak
import numpy as np

from aeplugin import rdf
from aeplugin._core import Autoencoder, Model, event_scores
from aeplugin.errors import InputError, ModelError
from aeplugin.files import iterate_groups, number_of_events
from aeplugin.information import EventBits
from aeplugin.readers import Files, Objects

TABLE = "scores"
"""Name of the RNTuple with scores."""
EVENT_BITS = "event_bits"
"""Its column with the bits of events."""
_BESIDE = "event column "  # no collection is called that


def score_objects(autoencoder: Autoencoder, objects: Objects) -> tuple[np.ndarray, np.ndarray]:
    """Reconstruction errors of objects, and their means for events.

    The error of an object is the mean over its variables of the squared difference between reconstructed and original,
    in the standardised units of the network; NaN where the network cannot represent it. All objects go through the
    network at once, in the C++ core, so that RDataFrame gives the same bits (`aeplugin.rdf.define_scores`).

    Returns:
        Of the objects, float32, shape (objects,), and of the events, float32, shape (events,); 0 for an event without
        objects.
    """
    errors = autoencoder.reconstruction_errors(objects.matrix())
    return errors, event_scores(errors, objects.counts)


class Scorer:
    """Scores blocks of events by all that a model has.

    Raises:
        ModelError: the model has neither networks nor a density.
    """

    def __init__(self, model: Model) -> None:
        if not model.collections and model.density is None:
            raise ModelError("the model has no network to score with; `aeplugin train` makes one that has")
        self._autoencoders = [Autoencoder(collection) for collection in model.collections]
        self._bits = None if model.density is None else EventBits(model)

    @property
    def groups(self) -> dict[str, Files]:
        """What a block has to have, as `aeplugin.files.iterate_groups` takes it: columns by their names in the file."""
        groups: dict[str, dict[str, str]] = {}
        for network in self._autoencoders:
            groups[network.model.name] = {column: column for column in network.model.column_names}
        for name, files in ({} if self._bits is None else self._bits.groups).items():
            groups.setdefault(name, {}).update(files)
        return dict(groups)

    def no_events(self) -> dict[str, Objects]:
        """A block without events, so that a file without any gives a table without any."""
        known = {} if self._bits is None else self._bits.no_events()
        columns = {column: values for objects in known.values() for column, values in objects.columns.items()}
        none = np.empty(0, np.float32)
        return {
            name: Objects(np.empty(0, np.int64), {column: columns.get(column, none) for column in files})
            for name, files in self.groups.items()
        }

    def score(self, block: Mapping[str, Objects]) -> dict[str, ak.Array | np.ndarray]:
        """The scores of a block by their names, one entry per event, float32; see `score_file`."""
        scores: dict[str, ak.Array | np.ndarray] = {}
        for network in self._autoencoders:
            name, objects = network.model.name, block[network.model.name]
            own = Objects(objects.counts, {c.variable: objects.columns[c.column] for c in network.model.columns})
            errors, of_events = score_objects(network, own)
            scores[f"{name}_score"] = ak.unflatten(errors, objects.counts)
            scores[f"{name}_event_score"] = of_events
        if self._bits is not None:
            bits, of_objects = self._bits.count(block)
            for name, each in of_objects.items():
                scores[f"{name}_bits"] = ak.unflatten(each.astype(np.float32), block[name].counts)
            scores[EVENT_BITS] = bits.astype(np.float32)
        return scores


def score_file(
    source: str | Path,
    model: Model,
    target: str | Path,
    tree: str | None = None,
    *,
    columns: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
) -> int:
    """Write the scores of a file, compressed or not, as an RNTuple "scores" with one entry for each of its events.

    Its columns are, for each collection that the model has a network for, ``<collection>_score``, one per object, and
    ``<collection>_event_score``; see `score_objects`. Where the model has a density there are ``event_bits``, and
    for each of its collections ``<collection>_bits``, one per object; see `aeplugin.information.EventBits`. Reads the
    file in blocks.

    Args:
        tree: the TTree or RNTuple of a file that is not compressed; default the only one.
        columns: of the file, of one number per event, that are written beside the scores, to compare with.
        progress: called with the fraction that is done.

    Returns:
        The number of events.

    Raises:
        ModelError: the model has neither networks nor a density, or a density of columns of other types.
        InputError: one of `columns` is not of one number per event, or called as a score.
        InputError, RecipeError, CompatibilityError, CorruptionError: see `aeplugin.files.iterate_groups`.
    """
    return rdf.write_table(target, _blocks(source, Scorer(model), tree, columns, progress), table=TABLE)


def _blocks(
    source: str | Path,
    scorer: Scorer,
    tree: str | None,
    columns: Sequence[str],
    progress: Callable[[float], None] | None,
) -> Iterator[ak.Array]:
    total = 0 if progress is None else number_of_events(source, tree)
    done = 0
    groups = {**scorer.groups, **{f"{_BESIDE}{column}": {column: column} for column in columns}}
    for block in iterate_groups(source, groups, tree):
        scores = scorer.score(block)
        for column in columns:
            scores[column] = _single(block[f"{_BESIDE}{column}"], column, scores, str(source))
        yield ak.zip(scores, depth_limit=1)
        done += len(block[next(iter(groups))].counts)
        if progress is not None:
            progress(done / total)
    if not done:
        none = dict.fromkeys(columns, np.empty(0, np.float32))
        yield ak.zip({**scorer.score(scorer.no_events()), **none}, depth_limit=1)


def _single(objects: Objects, column: str, scores: Mapping[str, object], where: str) -> np.ndarray:
    if column in scores:
        raise InputError(f"{where}: column {column!r} is called as one of the scores")
    if not (objects.counts == 1).all():
        raise InputError(f"{where}: column {column!r} has lists; expected one of one number per event")
    return objects.columns[column]
