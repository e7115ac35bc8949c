"""Dark Machines events (arXiv:2105.14027) as awkward arrays, through the C++ parser."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any, Literal

import awkward as ak
import numpy as np
import vector

from aeplugin._core import DarkMachinesReader, no_events, object_kinds

_LOGGER = logging.getLogger(__name__)

Layout = Literal["nanoaod", "objects"]

OBJECT_KINDS: list[str] = object_kinds()
"""The object names in the order of the codes in ``Object_kind``."""


def read(
    path: str | os.PathLike[str], layout: Layout = "nanoaod", *, threads: int = 0, skip_bad_lines: bool = False
) -> ak.Array:
    """All events of a file (plain or gzip).

    Gives an array of records with the fields event, process, weight, MET_pt, MET_phi and one field per collection: Jet
    (j and b, with btag), Electron, Muon (with charge) and Photon, or, with `layout` "objects", Object (with kind, an
    index in `OBJECT_KINDS`). The objects have the behaviours of vector's Momentum4D; energies are in MeV.

    Raises:
        InputError: the file is missing, empty or not text, or has a malformed line, unless `skip_bad_lines`.
    """
    blocks = list(iterate(path, layout, threads=threads, skip_bad_lines=skip_bad_lines))
    return ak.concatenate(blocks)


def iterate(
    path: str | os.PathLike[str], layout: Layout = "nanoaod", *, threads: int = 0, skip_bad_lines: bool = False
) -> Iterator[ak.Array]:
    """The same block by block, each of some ten thousand events, for files larger than memory; at least one block.

    Malformed lines that were skipped are counted in a warning of this module's logger.
    """
    vector.register_awkward()
    reader = DarkMachinesReader(
        os.fspath(path), objects=layout == "objects", threads=threads, skip_bad_lines=skip_bad_lines
    )
    block = reader.next()
    if block is None:
        yield _to_awkward(no_events(objects=layout == "objects"), reader.columns)
    while block is not None:
        yield _to_awkward(block, reader.columns)
        block = reader.next()
    bad_lines, first = reader.bad_lines
    if bad_lines:
        _LOGGER.warning("%d malformed lines skipped; the first: %s", bad_lines, first[0])


def _to_awkward(block: dict[str, Any], columns: list[tuple[str, str | None]]) -> ak.Array:
    events: dict[str, Any] = {}
    objects: dict[str, dict[str, np.ndarray]] = {}
    for name, collection in columns:
        values = block["columns"][name]
        if collection is None:
            events[name] = values
        else:
            objects.setdefault(collection, {})[name.removeprefix(f"{collection}_")] = values
    for collection, fields in objects.items():
        records = ak.zip(fields, with_name="Momentum4D")
        offsets = ak.index.Index64(block["offsets"][collection].astype(np.int64))
        events[collection] = ak.Array(ak.contents.ListOffsetArray(offsets, records.layout))
    return ak.zip(events, depth_limit=1)
