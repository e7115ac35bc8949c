"""How unlike the training data events are: reconstruction errors and bits by a model, chunk by chunk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
from coffea.processor import ProcessorABC

from aeplugin._core import Autoencoder, Model
from aeplugin.coffea.bad_files import needed
from aeplugin.coffea.chunks import Chunk, flat_columns
from aeplugin.coffea.root_lock import ROOT_LOCK
from aeplugin.errors import ModelError, nearest
from aeplugin.information import EventBits
from aeplugin.scores import EVENT_BITS, TABLE, score_objects

LOWEST, HIGHEST = 1e-6, 1e4
"""The range of the axes; scores are squared differences in standardised units, so that 1 is a standard deviation."""


@dataclass(frozen=True)
class ScorePart:
    """A ROOT file with the scores of a range of entries of a file, one entry for each, in their order.

    Attributes:
        path: the file with the scores.
        source, start, stop: a file and its entries.
    """

    path: str
    source: str
    start: int
    stop: int


class ScoreProcessor(ProcessorABC):  # type: ignore[misc]
    """Scores objects and events by all that a model has: reconstruction errors of autoencoders, bits by a density.

        >>> score = ScoreProcessor("jets.model", output="scores")
        >>> found = Runner(FuturesExecutor(workers=4), schema=CompressedSchema)(fileset, score, treename="events")
        >>> found["ttbar"]["Jet"]["events"].plot()

    The score of an object is the mean over its columns of (reconstructed - given)^2 in standardised units; that of an
    event the mean over its objects, 0 where it has none. They are those of `rdf.define_scores`, bit for bit, and the
    bits of events and objects those of `rdf.define_information`.

    Gives for every dataset and every collection of the model a dict: `objects` and `events`, histograms of the scores
    on a logarithmic axis (0 is in the underflow), and `not_finite`, the number of objects without a score, which spoil
    that of their event; these are in no histogram. A density gives histograms `event_bits` and, for each of its
    collections, COLLECTION_bits. With `output` also `parts`, the set of the files with the scores.

    Args:
        model: path of a model, which all workers can read.
        collections: those to score by autoencoders; default all that the model has.
        output: folder for files with the scores, which all workers can write to; it is made. Each has an RNTuple
            `scores` with entry (in the source), COLLECTION_event_score and COLLECTION_score (one per object),
            event_bits and COLLECTION_bits.
        bins: of every histogram.

    Raises:
        ModelError: the file is no model, or has neither networks nor a density, or no network for such a collection.
        InputError: there is no such file.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        collections: Sequence[str] | None = None,
        output: str | os.PathLike[str] | None = None,
        *,
        bins: int = 100,
    ) -> None:
        self._model = os.path.abspath(model)
        self._collections = None if collections is None else tuple(collections)
        self._output = None if output is None else os.path.abspath(output)
        self._bins = bins
        self._scorers()

    def process(self, events: Any) -> dict[str, dict[str, Any]]:
        """Score a chunk.

        Raises:
            InputError: the events lack a column of the model.
        """
        chunk = Chunk.of(events)
        found: dict[str, Any] = {}
        columns: dict[str, Any] = {"entry": np.arange(chunk.start, chunk.stop, dtype=np.uint64)}
        networks, bits = self._scorers()
        for name, network in networks.items():
            objects = flat_columns(events, {c.variable: c.column for c in network.model.columns}, chunk.source)
            errors, scores = score_objects(network, objects)
            found[name] = self._summary(errors, scores)
            columns[f"{name}_event_score"] = scores
            columns[f"{name}_score"] = ak.unflatten(errors, objects.counts)
        if bits is not None:
            block = {name: flat_columns(events, dict(files), chunk.source) for name, files in bits.groups.items()}
            of_events, of_objects = bits.count(block)
            found |= {EVENT_BITS: self._histogram(of_events)}
            columns[EVENT_BITS] = of_events.astype(np.float32)
            for name, each in of_objects.items():
                found[f"{name}_bits"] = self._histogram(each)
                columns[f"{name}_bits"] = ak.unflatten(each.astype(np.float32), block[name].counts)
        if self._output is not None:
            found["parts"] = {self._write(chunk, columns)}
        return {chunk.dataset: found}

    def postprocess(self, accumulator: Any) -> None:
        """Nothing is left to do."""

    def _scorers(self) -> tuple[dict[str, Autoencoder], EventBits | None]:
        facts = Path(self._model).stat() if Path(self._model).exists() else None
        known, bits = _load(self._model, None if facts is None else (facts.st_mtime_ns, facts.st_size))
        if not known and bits is None:
            raise ModelError(f"{self._model}: has no networks; train one with `aeplugin train`")
        for name in self._collections or ():
            if name not in known:
                raise ModelError(f"{self._model}: no network for collection {name!r}{nearest(name, list(known))}")
        return {name: known[name] for name in self._collections or known}, bits

    def _summary(self, errors: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
        return {
            "objects": self._histogram(errors),
            "events": self._histogram(scores),
            "not_finite": int((~np.isfinite(errors)).sum()),
        }

    def _histogram(self, scores: np.ndarray) -> hist.Hist:
        logarithmic = hist.axis.transform.log
        axis = hist.axis.Regular(self._bins, LOWEST, HIGHEST, name="score", transform=logarithmic)
        return hist.Hist(axis, storage=hist.storage.Int64()).fill(scores[np.isfinite(scores)])

    def _write(self, chunk: Chunk, columns: dict[str, Any]) -> ScorePart:
        from aeplugin import rdf

        with needed(self._model):
            content = Path(self._model).read_bytes()
        path = Path(str(self._output)) / chunk.part_name(hashlib.sha256(content).hexdigest(), *columns)
        with needed(str(self._output)):
            path.parent.mkdir(parents=True, exist_ok=True)
        with ROOT_LOCK:
            rdf.write_table(path, [ak.zip(columns, depth_limit=1)], table=TABLE)
        return ScorePart(str(path), chunk.source, chunk.start, chunk.stop)


@lru_cache(maxsize=4)
def _load(path: str, version: tuple[int, int] | None) -> tuple[dict[str, Autoencoder], EventBits | None]:
    """The networks of a model file and its density, once per process and version of the file."""
    model = Model.from_file(path)
    networks = {collection.name: Autoencoder(collection) for collection in model.collections}
    return networks, None if model.density is None else EventBits(model)
