"""Batches of a table of any size: blocks of it are read when they are needed, and shuffled together in buffers.

A buffer holds as many blocks as fit into the recipe's `memory`. Where all fit, there is one, which is kept: the order
is then a fresh permutation of everything in each epoch. Else blocks come into buffers in another order each epoch, and
rows are shuffled within a buffer. The batches depend on the seed and the number of the epoch alone, not on who reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from aeplugin.errors import Error, InputError
from aeplugin.recipe_training import Training
from aeplugin.training.trainer import Batch

VALIDATION_ROWS = 65536
"""Rows that go through a network at once for the validation loss, to bound the memory."""
_GIGABYTE = 1e9


class Rows(Protocol):
    """A table in blocks, each with rows to train on and rows that are held out. Worker processes get a copy."""

    @property
    def counts(self) -> Sequence[int]:
        """Rows to train on, of each block."""

    @property
    def row_bytes(self) -> int:
        """Memory that a row takes."""

    def training(self, block: int) -> Batch:
        """The rows of a block to train on; as many in each tensor as `counts` says."""

    def validation(self, block: int) -> Batch:
        """The rows of a block that are held out; the same number in each tensor, perhaps none."""


class BlockData:
    """The `Data` of a trainer, from `Rows`."""

    def __init__(self, rows: Rows, settings: Training) -> None:
        self._rows = rows
        self._settings = settings
        self._all = sum(rows.counts)
        self._batch_size = min(settings.batch_size, self._all)
        self._most = max(int(settings.memory * _GIGABYTE / max(rows.row_bytes, 1)), self._batch_size)
        self._kept: Batch | None = None
        self._held_out: list[Batch] | None = None

    @property
    def steps(self) -> int:
        """At most so many batches there are in an epoch."""
        return self._all // self._batch_size

    @property
    def fits(self) -> bool:
        """Whether everything is in memory at once."""
        return self._all <= self._most

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The shuffled batches of an epoch.

        What is left of a buffer and fills no batch goes to the next one; what is left of the last is left out.
        """
        rest: Batch | None = None
        for number, buffer in enumerate(self._buffers(epoch)):
            seed = np.random.SeedSequence([self._settings.seed, epoch, number]).generate_state(1, np.uint64)[0]
            order = torch.randperm(len(buffer[0]), generator=torch.Generator().manual_seed(int(seed >> 1)))
            taken = 0 if rest is None else self._batch_size - len(rest[0])
            for chosen in (order[:taken], *order[taken:].split(self._batch_size)):
                batch = tuple(part[chosen] for part in buffer)
                if rest is not None:
                    batch = _join([rest, batch])
                rest = batch if len(batch[0]) < self._batch_size else None
                if rest is None:
                    yield batch

    def _buffers(self, epoch: int) -> Iterator[Batch]:
        if not self.fits:
            yield from self._read("training", _pack(self._shuffled_blocks(epoch), self._rows.counts, self._most))
            return
        if self._kept is None:
            blocks = [[i] for i, count in enumerate(self._rows.counts) if count]
            self._kept = _join(list(self._read("training", blocks)))
        yield self._kept

    def _shuffled_blocks(self, epoch: int) -> list[int]:
        blocks = [i for i, count in enumerate(self._rows.counts) if count]
        return [blocks[i] for i in np.random.default_rng([self._settings.seed, epoch]).permutation(len(blocks))]

    def validation(self) -> Iterator[Batch]:
        """What is held out, in batches; kept in memory where the rest is, and it takes no more."""
        if self._held_out is not None:
            yield from self._held_out
            return
        kept, rows = [], 0
        for block in self._read("validation", [[i] for i in range(len(self._rows.counts))]):
            rows += len(block[0])
            fits = self.fits and rows <= self._most
            for start in range(0, len(block[0]), VALIDATION_ROWS):
                batch = tuple(part[start : start + VALIDATION_ROWS] for part in block)
                if fits:
                    kept.append(batch)
                yield batch
            if not fits:
                kept.clear()
        if kept:
            self._held_out = kept

    def _read(self, part: str, groups: list[list[int]]) -> Iterator[Batch]:
        """The rows of each group of blocks, in this order; other processes read ahead where the recipe has workers.

        Raises:
            InputError: rows cannot be read, or a process that read them was ended.
        """
        workers = min(self._settings.workers, len(groups))
        loader = DataLoader(
            cast("Dataset[Batch | Error]", _Groups(self._rows, part, groups)),
            batch_size=None,
            num_workers=workers,
            prefetch_factor=1 if workers else None,
            multiprocessing_context="fork" if workers else None,
            generator=torch.Generator(),  # else it would take numbers of those that a network draws
        )
        groups_read = iter(loader)
        while True:
            try:
                group = next(groups_read)
            except StopIteration:
                return
            except RuntimeError as error:
                if not workers:
                    raise
                raise InputError(
                    f"a process that reads ahead was ended ({str(error).splitlines()[0]}), perhaps as memory ran out; "
                    "lower training.workers or training.memory"
                ) from None
            if isinstance(group, Error):
                raise group
            yield tuple(group)


class _Groups:
    """Groups of blocks by their numbers, for torch's DataLoader."""

    def __init__(self, rows: Rows, part: str, groups: list[list[int]]) -> None:
        self._read = rows.training if part == "training" else rows.validation
        self._groups = groups

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, index: int) -> Batch | Error:
        try:
            return _join([self._read(block) for block in self._groups[index]])
        except Error as error:  # torch would put the stack of a worker into its message
            return error


def _join(parts: list[Batch]) -> Batch:
    return parts[0] if len(parts) == 1 else tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))


def _pack(blocks: list[int], counts: Sequence[int], most: int) -> list[list[int]]:
    """Blocks one after the other in groups of at most `most` rows, or of one block."""
    groups: list[list[int]] = []
    rows = 0
    for block in blocks:
        if not groups or rows + counts[block] > most:
            groups.append([])
            rows = 0
        groups[-1].append(block)
        rows += counts[block]
    return groups
