"""What compressed files of one original take: per column and object, per file, and how far their values moved."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aeplugin.evaluation import Evaluation, ResidualSummary, count_bytes, evaluate
from aeplugin.inspection import ColumnFacts, Inspection, inspect
from aeplugin.plots.drawing.shortening import shorten
from aeplugin.plots.inputs import Context
from aeplugin.plots.pairs import Group
from aeplugin.readers import BLOCKS, open_table, reading
from aeplugin.remote import base_name, file_size
from aeplugin.rntuples import RNTUPLE_CLASS, stored_bytes

_log = logging.getLogger(__name__)
LATENTS, SPECIAL, COUNTS = "latents", "special values", "objects per event"
"""What a collection takes besides its columns."""


@dataclass(frozen=True)
class Stored:
    """A compressed file of the first original.

    Attributes:
        about: what it tells about itself.
        fields: bytes of the fields of its RNTuple of blocks.
    """

    original: str | Path
    path: str | Path
    about: Inspection
    fields: Mapping[str, int]

    @cached_property
    def evaluation(self) -> Evaluation:
        """How far its values moved, for which both files are read.

        Raises:
            InputError: the file is not of this original.
        """
        return evaluate(self.original, self.path)

    @property
    def name(self) -> str:
        return base_name(self.path)

    @property
    def compression(self) -> str:
        """What ROOT compressed the file with: ``zstd 5``."""
        return ", ".join(self.about.compression).replace(":", " ")

    def facts(self, group: Group) -> dict[str, ColumnFacts]:
        """What the file says of each variable of a group that it has."""
        columns = {column.name: column for column in self.about.columns}
        return {variable: columns[name] for variable, name in group.files.items() if name in columns}

    def codec(self, group: Group) -> str:
        """How the file stores a group: the name of the codec, or "exact" where it keeps all of it."""
        codecs = dict.fromkeys(column.codec or "exact" for column in self.facts(group).values())
        return " and ".join(codecs) or "nothing"


@dataclass(frozen=True)
class Bar:
    """The bits per object of a group in one file.

    Attributes:
        label: of what it is.
        columns: by variable.
        others: latents, special values and numbers of objects, where there are any.
    """

    label: str
    columns: dict[str, float]
    others: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.columns.values()) + sum(self.others.values())


def read_stored(context: Context) -> list[Stored]:
    """The compressed files of the first original; none, with a message, where there is none."""
    if not context.compressed:
        _log.info("compression: there is no compressed file to tell the sizes of")
    original = context.pair.original
    return [Stored(original, path, inspect(path), stored_bytes(path)[BLOCKS]) for path in context.compressed]


def objects_of(group: Group, files: Sequence[Stored]) -> int:
    """How many objects a group has; 0 where no file codes a column of it."""
    return max((column.values for file in files for column in file.facts(group).values()), default=0)


def original_bytes(path: str | Path, tree: str | None) -> dict[str, int]:
    """Stored bytes of the columns of a TTree or RNTuple; what cannot be told is not in it."""
    table = open_table(path, tree)
    with reading(path):
        if table.classname == RNTUPLE_CLASS:
            return stored_bytes(path)[table.name]
        return {branch.name: int(branch.compressed_bytes) for branch in table.itervalues(recursive=True)}


def bars(group: Group, objects: int, files: Sequence[Stored], original: Mapping[str, int]) -> list[Bar]:
    """The bits per object of a group: of the original, where its columns' sizes are known, and of each file.

    Args:
        objects: of the group, in each file.
        original: bytes of the original's columns.
    """
    found = []
    if all(name in original for name in group.files.values()):
        sizes = {variable: 8 * original[name] / objects for variable, name in group.files.items()}
        found.append(Bar("original, lossless", sizes, {}))
    labels = _labels(group, files)
    for label, file in zip(labels, files, strict=True):
        facts = file.facts(group)
        columns = {variable: 8 * column.integer_bytes / objects for variable, column in facts.items()}
        others = {
            LATENTS: sum(8 * column.latent_bytes / objects for column in facts.values()),
            SPECIAL: sum(8 * column.special_bytes / objects for column in facts.values()),
            COUNTS: 8 * count_bytes([group.name, *group.files.values()], file.fields) / objects,
        }
        found.append(Bar(label, columns, {name: bits for name, bits in others.items() if bits > 0}))
    return found


def summaries(group: Group, file: Stored) -> dict[str, ResidualSummary]:
    """The residuals of each variable of a group that moves in a file."""
    known = file.evaluation.variables
    if group.name in known:
        return {variable: each for variable, each in known[group.name].items() if variable in group.files}
    outside = {variable: known.get(column, {}) for variable, column in group.files.items()}
    return {variable: next(iter(each.values())) for variable, each in outside.items() if each}


def tolerances(group: Group, file: Stored) -> dict[str, str]:
    """What a file promises for each variable of a group, in words such as "rel 0.02"."""
    return {variable: column.tolerance for variable, column in file.facts(group).items()}


def _labels(group: Group, files: Sequence[Stored]) -> list[str]:
    """Codec and compression of each file, and what else it takes to tell them apart: tolerances, then names."""
    labels = [f"{file.codec(group)}, {file.compression}" for file in files]
    promised = [tolerances(group, file) for file in files]
    if any(promise != promised[0] for promise in promised):
        labels = [f"{label}\n{in_short(promise)}" for label, promise in zip(labels, promised, strict=True)]
    both = list(zip(labels, files, strict=True))
    return [f"{label}\n{shorten(file.name)}" if labels.count(label) > 1 else label for label, file in both]


def in_short(promise: Mapping[str, str]) -> str:
    """The different ones among some tolerances: ``rel 0.02, abs 0.01``."""
    different = list(dict.fromkeys(promise.values()))
    return ", ".join(different[:3]) + (" ..." if len(different) > 3 else "")


def file_parts(path: str | Path, sizes: Mapping[str, int], coded: Sequence[str]) -> dict[str, int]:
    """Where the bytes of an original are, in the words of `Inspection.sizes`.

    Args:
        sizes: bytes of its columns.
        coded: those that the compressed files code.
    """
    parts = {
        "kept columns": sum(size for name, size in sizes.items() if name not in coded),
        "coded columns": sum(sizes.get(name, 0) for name in coded),
    }
    parts["the rest"] = max(file_size(path) - sum(parts.values()), 0)
    return parts
