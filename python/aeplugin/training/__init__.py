"""Training of the autoencoders of a recipe; needs torch.

The network is the classic fully connected autoencoder of the ATLAS jet-compression studies (E. Wulff, Lund University
master's thesis, 2020; E. Wallin, bachelor's thesis, 2020): 4 -> 200 -> 200 -> 20 -> 3 and back, tanh, on standardised
variables. E and pt go through log10 first, each on its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from aeplugin import __version__
from aeplugin._core import Activation, CollectionModel, Layer, Model, ModelColumn, Transform
from aeplugin.errors import InputError, RecipeError
from aeplugin.readers import Objects, concatenate, read_collection
from aeplugin.recipe import Collection, Network, Recipe, Training
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_resolution import to_rules
from aeplugin.residuals import is_missing

try:
    import torch
except ImportError:
    raise ImportError("training needs torch: pip install 'aeplugin[train]'") from None

from aeplugin.training_rates import RateTest, learning_rate_test

EpochReport = Callable[[str, int, int, float], None]
"""Called after each epoch with collection, epoch (from 1), number of epochs and validation loss."""

MINIMUM_OBJECTS = 10
MINIMUM_VARIABLES = 2
"""One variable alone has no correlations to learn."""
VALIDATION_ROWS = 65536
"""Rows that go through the network at once for the validation loss, to bound the memory."""


@dataclass
class TrainingSummary:
    """What the model file says about the training of one collection. Losses are MSE in standardised units."""

    objects: int
    skipped_objects: int
    training_objects: int
    validation_objects: int
    best_epoch: int = 0
    best_validation_loss: float = float("inf")
    training_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate_test: RateTest | None = None
    """Where the recipe asks for it."""

    def to_dict(self) -> dict[str, Any]:
        """Everything that there is as plain data, for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def train(paths: Sequence[str | Path], recipe: Recipe, report: EpochReport | None = None) -> Model:
    """Train an autoencoder for every collection of `recipe` that may use one, on the events of one or more ROOT files.

    Those are the collections of the codecs `auto` and `autoencoder` with two variables or more that have a tolerance;
    the networks know these variables only. The recipe is matched with the columns of the first file. Objects that the
    normalisation cannot represent (not finite, a sentinel, or not positive under log10) take no part; the summary
    counts them.

    Raises:
        InputError: there are too few objects to train on, or a column is constant.
        RecipeError: a file lacks a column of the recipe, or no collection needs a network.
    """
    resolved = recipe.resolve(schema_of(paths[0], recipe.tree)[1], str(paths[0]))
    trained = {name: networked for name, c in resolved.collections.items() if (networked := _networked(c, name))}
    if not trained:
        raise RecipeError(
            "recipe: nothing to train: no collection has the codec auto or autoencoder and two variables with a "
            "tolerance; `aeplugin compress` needs no model for this recipe"
        )
    samples = {}  # of all collections before the first fit: what cannot be trained on is told at once
    for name, collection in trained.items():
        objects = concatenate([read_collection(path, name, collection, resolved.tree) for path in paths])
        samples[name] = _prepare(objects, name, collection, resolved.training)
    collections = []
    summaries = {}
    for name, collection in trained.items():
        model, summary = _train(samples.pop(name), name, collection, resolved.training, report)
        collections.append(model)
        summaries[name] = summary.to_dict()
    training = {
        "aeplugin": __version__,
        "torch": torch.__version__,
        "inputs": [Path(path).name for path in paths],
        "collections": summaries,
    }
    return Model(resolved.to_text(), to_rules(resolved), json.dumps(training), collections)


def _networked(collection: Collection, name: str) -> Collection | None:
    """The collection with the variables that a network is for; None where there is to be none.

    Raises:
        RecipeError: the codec asks for a network that there cannot be.
    """
    lossy = collection.lossy_columns()
    if collection.codec == "autoencoder" and len(lossy) < MINIMUM_VARIABLES:
        raise RecipeError(
            f"recipe: collection {name!r} has the codec autoencoder and {len(lossy)} variables with a tolerance; "
            f"expected at least {MINIMUM_VARIABLES}, or the codec plain"
        )
    if collection.codec == "plain" or len(lossy) < MINIMUM_VARIABLES:
        return None
    return collection.model_copy(update={"columns": lossy})


def train_collection(
    objects: Objects, name: str, collection: Collection, settings: Training, report: EpochReport | None = None
) -> tuple[CollectionModel, TrainingSummary]:
    """Train the autoencoder of one collection, all of whose variables have a tolerance; see `train`."""
    return _train(_prepare(objects, name, collection, settings), name, collection, settings, report)


@dataclass
class _Sample:
    """Standardised objects of one collection, shape (objects, columns) each, split by event."""

    columns: list[ModelColumn]
    training: torch.Tensor
    validation: torch.Tensor
    summary: TrainingSummary


def _prepare(objects: Objects, name: str, collection: Collection, settings: Training) -> _Sample:
    columns = list(collection.columns.items())
    transforms = [Transform.log10 if column.transform == "log10" else Transform.linear for _, column in columns]
    values = objects.matrix()
    usable = _usable(values, transforms) & ~_has_missing(objects, collection)
    transformed = _transform(values[usable], transforms)
    if len(transformed) < MINIMUM_OBJECTS:
        raise InputError(
            f"collection {name!r} has {len(transformed)} usable objects of {len(values)}; "
            f"training needs at least {MINIMUM_OBJECTS}"
        )

    rng = np.random.default_rng(settings.seed)
    held_out_event = rng.random(len(objects.counts)) < settings.validation
    held_out = np.repeat(held_out_event, objects.counts)[usable]
    if held_out.all() or not held_out.any():
        raise InputError(f"collection {name!r}: {len(objects.counts)} events are too few to split for validation")
    mean = transformed[~held_out].mean(axis=0).astype(np.float32)
    scale = transformed[~held_out].std(axis=0).astype(np.float32)
    spread = np.ptp(transformed[~held_out], axis=0)  # the deviation of equal values may be some rounding above 0
    for (variable, _), width in zip(columns, np.minimum(spread, scale), strict=True):
        if not width > 0:
            raise InputError(
                f"variable {variable!r} of collection {name!r} is constant; leave it out of the recipe, or give the "
                "collection the codec plain"
            )
    standardised = ((transformed - mean) / scale).astype(np.float32)

    in_file = collection.file_columns(name)
    model_columns = [
        ModelColumn(variable, in_file[variable], transform, float(m), float(s))
        for (variable, _), transform, m, s in zip(columns, transforms, mean, scale, strict=True)
    ]
    return _Sample(
        model_columns,
        torch.from_numpy(standardised[~held_out]),
        torch.from_numpy(standardised[held_out]),
        TrainingSummary(len(values), int((~usable).sum()), int((~held_out).sum()), int(held_out.sum())),
    )


def _train(
    sample: _Sample, name: str, collection: Collection, settings: Training, report: EpochReport | None
) -> tuple[CollectionModel, TrainingSummary]:
    def make() -> torch.nn.Sequential:
        return make_network(len(sample.columns), collection.network)

    torch.manual_seed(settings.seed)
    network = make()
    with _one_thread():
        if settings.learning_rate_test:
            sample.summary.learning_rate_test = learning_rate_test(make, sample.training, settings)
        _fit(
            network,
            sample.training,
            sample.validation,
            settings,
            sample.summary,
            lambda epoch, loss: report(name, epoch, settings.epochs, loss) if report else None,
        )
    encoder, decoder = network
    return CollectionModel(name, sample.columns, _layers(encoder), _layers(decoder)), sample.summary


def make_network(columns: int, network: Network) -> torch.nn.Sequential:
    """Encoder and decoder as two `torch.nn.Sequential`; latents and outputs are linear."""
    widths = [columns, *network.hidden, network.latents]
    return torch.nn.Sequential(_dense(widths), _dense(widths[::-1]))


def _dense(widths: list[int]) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Batches this small run as fast on one thread, and do not stall where another process holds a core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fit(
    network: torch.nn.Module,
    training: torch.Tensor,
    validation: torch.Tensor,
    settings: Training,
    summary: TrainingSummary,
    report: Callable[[int, float], None],
) -> None:
    """AdamW with a one-cycle learning rate; leaves the weights of the epoch with the lowest validation loss."""
    batch_size = min(settings.batch_size, len(training))
    batches = len(training) // batch_size
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * batches
    )
    loss_of = torch.nn.MSELoss()
    generator = torch.Generator().manual_seed(settings.seed)
    best: dict[str, torch.Tensor] = {}
    for epoch in range(1, settings.epochs + 1):
        total = 0.0
        order = torch.randperm(len(training), generator=generator)[: batches * batch_size]
        for chosen in order.view(batches, batch_size):
            batch = training[chosen]
            loss = loss_of(network(batch), batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        validation_loss = _mean_squared_error(network, validation)
        summary.training_loss.append(total / batches)
        summary.validation_loss.append(validation_loss)
        if validation_loss < summary.best_validation_loss:
            summary.best_epoch, summary.best_validation_loss = epoch, validation_loss
            best = {name: weight.clone() for name, weight in network.state_dict().items()}
        report(epoch, validation_loss)
    if not best:
        raise InputError("the training diverged: no epoch has a finite validation loss; lower the learning rate")
    network.load_state_dict(best)


def _mean_squared_error(network: torch.nn.Module, values: torch.Tensor) -> float:
    """Every value weighs the same, whatever chunk it is in."""
    sum_of_squares = torch.nn.MSELoss(reduction="sum")
    total = 0.0
    with torch.inference_mode():
        for chunk in torch.split(values, VALIDATION_ROWS):
            total += sum_of_squares(network(chunk), chunk).item()
    return float(total / values.numel())


def _usable(values: np.ndarray, transforms: list[Transform]) -> np.ndarray:
    """For each object whether all its values are finite and in the domain of their transform."""
    usable = np.isfinite(values).all(axis=1)
    for i, transform in enumerate(transforms):
        if transform == Transform.log10:
            usable &= values[:, i] > 0
    return np.asarray(usable)


def _has_missing(objects: Objects, collection: Collection) -> np.ndarray:
    """For each object whether any of its values stands for something else."""
    missing = [is_missing(objects.columns[variable], column) for variable, column in collection.columns.items()]
    return np.asarray(np.any(missing, axis=0))


def _transform(values: np.ndarray, transforms: list[Transform]) -> np.ndarray:
    result = values.astype(np.float64)
    for i, transform in enumerate(transforms):
        if transform == Transform.log10:
            result[:, i] = np.log10(result[:, i])
    return result


def _layers(network: torch.nn.Sequential) -> list[Layer]:
    layers = []
    modules = list(network)
    for i, module in enumerate(modules):
        if isinstance(module, torch.nn.Linear):
            activation = Activation.tanh if i + 1 < len(modules) else Activation.linear
            weights, biases = module.weight.detach().numpy(), module.bias.detach().numpy()
            layers.append(Layer(weights, biases, activation))
    return layers
