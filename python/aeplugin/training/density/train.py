"""Train the density of a recipe: one small network for each variable, by the bits that the variable takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from aeplugin._core import Density
from aeplugin.recipe import Recipe
from aeplugin.recipe_density import SLICES, WIDTHS
from aeplugin.recipe_density import Density as Settings
from aeplugin.recipe_training import Training
from aeplugin.training import checkpoints
from aeplugin.training.data import VALIDATION_ROWS, BlockData
from aeplugin.training.density.columns import coded_groups, mirrored_columns, missing_columns
from aeplugin.training.density.conditional import Conditional, Scaling
from aeplugin.training.density.context import joined
from aeplugin.training.density.events import Events, event_blocks, read_events
from aeplugin.training.density.plan import Plan, Trained
from aeplugin.training.density.summary import DensitySummary, VariableSummary
from aeplugin.training.event_blocks import TrainingFile
from aeplugin.training.trainer import Batch, Hooks, Progress, State, Trainer, one_thread

LEAST_WIDTH = 8
STEPS = 100
"""An epoch has about so many at least, in smaller batches where values are few ..."""
LEAST_BATCH = 64
"""... but not smaller than this."""
_NORM = 1.0
"""Of gradients, at most."""

DensityReport = Callable[[str, Progress], None]
"""Called after each epoch with the name of a variable and what there is to tell; losses are bits per value."""


class DensityTraining:
    """The training of a density, in steps: look at the data first, fit later.

    Attributes:
        idle: expressions of the selection that are about objects which the density does not code.
        summary: what there is to tell, after `fit` all of it.
    """

    def __init__(self, files: list[TrainingFile], resolved: Recipe) -> None:
        """Read events and plan what the density is told.

        Raises:
            InputError: there are too few events.
            RecipeError: there is nothing to code, or the recipe names columns that are not coded.
        """
        settings = resolved.wanted_density
        assert settings is not None  # else there is nothing to train
        groups = coded_groups(resolved, files[0].schema)
        missing = missing_columns(groups, settings) or ()
        flips = mirrored_columns(groups, settings)
        others = {name: collection.file_columns(name) for name, collection in resolved.collections.items()}
        blocks = event_blocks(files, groups, resolved.training, settings.events, others)
        self.idle = blocks.idle
        self._training, self._validation = read_events(blocks, groups)
        self._images = min(2 ** len(flips), max(settings.events // len(self._training), 1))
        self._flips = flips
        self._settings, self._seed, self._device = settings, resolved.training.seed, resolved.training.device
        self._plan = Plan(groups, missing, self._training)
        self.summary = DensitySummary(settings.effort, (len(self._training), len(self._validation)), self._images)

    def fit(
        self, report: DensityReport | None = None, folder: Path | None = None, resume: bool = False, of: str = ""
    ) -> Density:
        """Train the network of every variable, one after the other.

        Args:
            folder: for checkpoints; none are written without.
            resume: go on from those that are there.
            of: what all must be the same for that, as a checksum.

        Raises:
            InputError: a training diverges; a checkpoint is of another training.
            CorruptionError: a checkpoint is damaged.
        """
        trained = {}
        for index, variable in enumerate(self._plan.layout.variables):
            hooks = Hooks(epoch=_told_about(variable.name, report))
            state = None
            if folder is not None:
                path = folder / f"density.{index}.checkpoint"
                hooks.checkpoint = partial(checkpoints.save, path, of=of)
                state = checkpoints.load(path, of) if resume else None
            trained[index] = self._fit(index, hooks, state)
        return self._plan.density(trained)

    def _fit(self, index: int, hooks: Hooks, state: State | None) -> Trained:
        plan = self._plan
        parts = [plan.context(index, self._image(image)) for image in range(self._images)]
        seen, held_out = joined(parts), plan.context(index, self._validation)
        scaling = Scaling.standard(seen.raw)
        torch.manual_seed(self._seed * 100_003 + index)
        features = len(plan.features[index])
        width, slices = _width(self._settings, features), SLICES[self._settings.effort]
        conditional = Conditional(features, width, slices, plan.shapes[index])
        rows = _Rows(*(conditional.batch(context, scaling) for context in (seen, held_out)))
        conditional.start_from(rows.training(0)[1])
        parameters = sum(parameter.numel() for parameter in conditional.parameters())
        summary = VariableSummary(plan.layout.variables[index].name, features, parameters)
        settings = _trainer_settings(self._settings, self._seed + index, self._device, len(seen))
        if len(seen) and len(held_out):
            summary.progress = Trainer(conditional, BlockData(rows, settings), settings, hooks).fit(state)
        conditional.cpu().round_to_half()
        summary.values = (len(seen) // self._images, len(held_out))
        summary.bits = (_mean_bits(conditional, rows.training(0)), _mean_bits(conditional, rows.validation(0)))
        self.summary.variables.append(summary)
        return Trained(scaling, conditional.layers())

    def _image(self, image: int) -> Events:
        return self._training.mirrored(self._flips, image)


def _told_about(name: str, report: DensityReport | None) -> Callable[[Progress], None]:
    """What to do after each epoch of the network of a variable."""
    return lambda progress: report(name, progress) if report else None


class _Rows:
    """The values of a variable as one block of `aeplugin.training.data.Rows`."""

    def __init__(self, training: Batch, held_out: Batch) -> None:
        self._training, self._held_out = training, held_out
        self.counts = [len(training[0])]
        self.row_bytes = sum(part[0].nbytes for part in training) if self.counts[0] else 1

    def training(self, block: int) -> Batch:
        return self._training

    def validation(self, block: int) -> Batch:
        return self._held_out


def _width(settings: Settings, features: int) -> int:
    """Of hidden layers: as the effort says, or less for variables with few features."""
    return min(WIDTHS[settings.effort], max(LEAST_WIDTH, 8 * -(-features // 4)))


def _trainer_settings(settings: Settings, seed: int, device: str, rows: int) -> Training:
    return Training(
        epochs=settings.epochs,
        batch_size=min(settings.batch_size, max(LEAST_BATCH, rows // STEPS)),
        learning_rate=settings.learning_rate,
        schedule="one-cycle",
        weight_decay=settings.weight_decay,
        clip=_NORM,
        early_stopping=settings.patience,
        seed=seed % 2**32,
        device=device,
    )


def _mean_bits(conditional: Conditional, batch: Batch) -> float:
    total = 0.0
    with one_thread(), torch.inference_mode():
        for part in _parts(batch):
            total += float(conditional.bits(part).double().sum())
    return total / max(len(batch[0]), 1)


def _parts(batch: Batch) -> Iterator[Batch]:
    for start in range(0, len(batch[0]), VALIDATION_ROWS):
        yield tuple(tensor[start : start + VALIDATION_ROWS] for tensor in batch)
