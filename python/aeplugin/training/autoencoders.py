"""Train the autoencoder of one collection: from its objects to the part of a model file that is about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from aeplugin._core import CollectionModel, ModelColumn, Transform
from aeplugin.errors import InputError, RecipeError
from aeplugin.network_residuals import Meter
from aeplugin.recipe import Collection
from aeplugin.recipe_training import PRESETS, Selection, Training
from aeplugin.training import checkpoints
from aeplugin.training.data import BlockData
from aeplugin.training.folding import layers
from aeplugin.training.normalisations import make_plans
from aeplugin.training.object_rows import ObjectRows
from aeplugin.training.rates import learning_rate_test
from aeplugin.training.reconstruction import Reconstruction
from aeplugin.training.sources import Source
from aeplugin.training.summary import ColumnErrors, TrainingSummary
from aeplugin.training.trainer import Hooks, Progress, Trainer, one_thread

MINIMUM_OBJECTS = 10

EpochReport = Callable[[str, Progress], None]
"""Called after each epoch with the collection and what there is to tell."""


class CollectionTraining:
    """The training of one collection, in steps: look at the data first, fit later."""

    def __init__(self, source: Source, name: str, collection: Collection, settings: Training) -> None:
        """
        Args:
            source: of the objects.
            collection: all of its variables have a tolerance.

        Raises:
            RecipeError: the network and the variables do not go together.
        """
        self._name, self._collection, self._settings = name, collection, settings
        _check(name, collection, settings)
        self._rows = ObjectRows(source, collection, make_plans(collection, name))

    def prepare(self) -> None:
        """Read everything once.

        Raises:
            InputError: there are too few objects, or a variable is constant.
        """
        rows = self._rows
        rows.survey()
        usable = rows.objects - rows.skipped
        selected = " that training.selection leaves" if self._settings.selection != Selection() else ""
        if usable < MINIMUM_OBJECTS:
            raise InputError(
                f"collection {self._name!r} has {usable} usable objects of {rows.objects}{selected}; "
                f"training needs at least {MINIMUM_OBJECTS}"
            )
        if not sum(rows.counts) or not rows.held_out:
            raise InputError(f"collection {self._name!r}: the events{selected} are too few to split for validation")
        rows.fit(self._name)

    def fit(
        self, report: EpochReport | None = None, checkpoint: Path | None = None, resume: bool = False, of: str = ""
    ) -> tuple[CollectionModel, TrainingSummary]:
        """Train, from the beginning or from a checkpoint.

        Args:
            checkpoint: a file for the state of the training; none is written without.
            resume: go on from that file, if it is there.
            of: what all must be the same for that, as a checksum.

        Raises:
            InputError: the training diverges; the checkpoint is of another training.
            CorruptionError: the checkpoint is damaged.
        """
        rows, settings = self._rows, self._settings
        summary = TrainingSummary(
            rows.objects, rows.skipped, sum(rows.counts), rows.held_out, self._collection.loss.kind
        )
        data = BlockData(rows, settings)

        def make() -> Reconstruction:
            return Reconstruction(self._collection, rows.columns)

        torch.manual_seed(settings.seed)
        objective = make()
        summary.parameters = sum(weight.numel() for weight in objective.network.parameters())
        if settings.learning_rate_test:
            with one_thread():
                summary.learning_rate_test = learning_rate_test(make, data, settings)
        hooks = Hooks(
            epoch=lambda progress: report(self._name, progress) if report else None,
            checkpoint=None if checkpoint is None else lambda state: checkpoints.save(checkpoint, state, of),
        )
        state = checkpoints.load(checkpoint, of) if checkpoint is not None and resume else None
        summary.progress = Trainer(objective, data, settings, hooks).fit(state)
        model = self._model(objective)
        self._judge(model, summary)
        return model, summary

    def _model(self, objective: Reconstruction) -> CollectionModel:
        """The trained network with its normalisation; labels are a column, too, the last one."""
        network, condition = objective.network.cpu(), self._collection.network.condition
        columns = list(self._rows.columns)
        if condition is not None:
            in_file = label_column(self._name, self._collection)
            columns.append(ModelColumn(condition.label, in_file, Transform.label, labels=condition.values))
        return CollectionModel(
            self._name,
            columns,
            layers(network.encoder, outputs=network.latents),
            layers(network.decoder),
            condition.to if condition is not None else "none",
        )

    def _judge(self, model: CollectionModel, summary: TrainingSummary) -> None:
        """Decode what is held out with the engine that others will use."""
        meter = Meter(model, self._collection.columns)
        for block in range(self._rows.blocks):
            meter.update(self._rows.held_out_objects(block))
        found = meter.result()
        summary.columns = {v: ColumnErrors(c.rms, c.half68, c.within) for v, c in found.columns.items()}
        summary.within = found.within


def label_column(name: str, collection: Collection) -> str:
    """The column in the file with the labels that condition the network of a collection."""
    condition = collection.network.condition
    assert condition is not None
    listed = collection.columns.get(condition.label)
    return (listed.column if listed else None) or f"{name}_{condition.label}"


def _check(name: str, collection: Collection, settings: Training) -> None:
    network, variables = collection.network, list(collection.columns)
    if network.preset is not None:
        wanted = int(network.preset.split("-")[0])
        assert network.preset in PRESETS
        if wanted != len(variables):
            raise RecipeError(
                f"recipe: collection {name!r} has {len(variables)} variables with a tolerance, and the network "
                f"{network.preset} is for {wanted}; name hidden layers and latents instead of a preset"
            )
    if network.condition is not None and collection.codec == "autoencoder":
        raise RecipeError(
            f"recipe: collection {name!r} has the codec autoencoder, which cannot use a network with a condition: it "
            "knows no labels when it decodes; expected the codec auto, for scores and studies, or no condition"
        )
    if network.condition is not None and network.condition.label in variables:
        raise RecipeError(
            f"recipe: the network of collection {name!r} is told {network.condition.label!r}, which it also codes; "
            "expected a variable without a tolerance"
        )
    if network.norm == "batch" and settings.batch_size == 1:
        raise RecipeError(
            f"recipe: the network of collection {name!r} has the norm batch, which is over the objects of a batch, and "
            "training.batch_size is 1; expected at least 2, or the norm layer"
        )
    for variable in collection.loss.columns:
        if variable not in variables:
            raise RecipeError(
                f"recipe: the loss of collection {name!r} weighs {variable!r}, which is no variable with a tolerance; "
                f"expected some of {', '.join(variables)}"
            )
    if all(collection.loss.columns.get(variable) == 0 for variable in variables):
        raise RecipeError(
            f"recipe: the loss of collection {name!r} weighs every variable with 0; expected one with more than that"
        )
    if collection.loss.kind == "rate" and network.latent.kind != "plain":
        raise RecipeError(
            f"recipe: the loss rate of collection {name!r} has a penalty of its own for latents, and the network asks "
            f"for {network.latent.kind}; expected the latent kind plain"
        )
    if collection.loss.kinds and network.condition is None:
        raise RecipeError(
            f"recipe: the loss of collection {name!r} weighs kinds of objects; expected a condition of the network, "
            "whose label says the kind"
        )
    for kind in collection.loss.kinds:
        if network.condition is not None and kind not in network.condition.values:
            raise RecipeError(
                f"recipe: the loss of collection {name!r} weighs the kind {kind}, which the network is not told; "
                f"expected some of {', '.join(map(str, network.condition.values))}"
            )
