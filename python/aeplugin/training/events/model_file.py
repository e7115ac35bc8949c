"""Files of event models: tensors, and plain data as JSON text. They are read without running code."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field, ValidationError, model_validator

from aeplugin._core import ModelColumn, Transform, write_atomically
from aeplugin.documents import Strict
from aeplugin.errors import CompatibilityError, CorruptionError, Error, InputError, ModelError
from aeplugin.event_models import MAGIC
from aeplugin.recipe import Recipe
from aeplugin.recipe_events import EventNetwork
from aeplugin.training.events.layout import Layout, make_layout

KIND = "aeplugin event model"
VERSION = 1
MAX_BYTES = 1 << 30

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Label = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
_Numbers = Annotated[list[_Finite], Field(min_length=2, max_length=4096)]


class StoredColumn(Strict):
    """A `ModelColumn` as plain data."""

    variable: str
    column: str
    transform: Literal["linear", "log10", "quantile", "circle"]
    mean: _Finite
    scale: Annotated[_Finite, Field(gt=0)]
    factor: _Finite = 1
    offset: _Finite = 0
    knots: tuple[_Numbers, _Numbers] | None = None

    @model_validator(mode="after")
    def _rises(self) -> StoredColumn:
        if (self.knots is not None) != (self.transform == "quantile"):
            raise ValueError("knots are for the transform quantile, which needs them")
        if self.knots is not None:
            parts = [np.array(part, np.float32) for part in self.knots]
            if len(parts[0]) != len(parts[1]) or not all((np.diff(part) > 0).all() for part in parts):
                raise ValueError("knots must be as many values as deviations, both increasing")
        return self

    @staticmethod
    def of(column: ModelColumn) -> StoredColumn:
        """The plain data of a column."""
        knots = None if column.knots is None else tuple(part.tolist() for part in column.knots)
        return StoredColumn(
            variable=column.variable,
            column=column.column,
            transform=column.transform.name,  # type: ignore[arg-type]
            mean=column.mean,
            scale=column.scale,
            factor=column.factor,
            offset=column.offset,
            knots=knots,
        )

    def column_of_model(self) -> ModelColumn:
        """The column again."""
        numbers = self.mean, self.scale, self.factor, self.offset
        return ModelColumn(
            self.variable, self.column, Transform.__members__[self.transform], *numbers, knots=self.knots
        )


class Content(Strict):
    """All but the weights.

    Attributes:
        recipe: its text, resolved.
        columns: of each group of the layout.
        labels: values of the label, ascending.
        summary: what is told of the training.
    """

    recipe: str
    columns: dict[str, list[StoredColumn]]
    labels: Annotated[list[_Label], Field(max_length=64)]
    summary: dict[str, Any]

    @model_validator(mode="after")
    def _ascend(self) -> Content:
        if any(first >= second for first, second in pairwise(self.labels)):
            raise ValueError("labels must be different and ascending")
        return self

    @staticmethod
    def of(recipe: Recipe, layout: Layout, summary: dict[str, Any]) -> Content:
        """What there is to write of a model."""
        columns = {group.name: [StoredColumn.of(column) for column in group.columns] for group in layout.groups}
        return Content(recipe=recipe.to_text(), columns=columns, labels=list(layout.labels), summary=summary)


def make_objective(layout: Layout, settings: EventNetwork) -> torch.nn.Module:
    """What a recipe trains.

    Raises:
        RecipeError: it does not go together.
        ImportError: the network is a flow, and zuko is not there.
    """
    if settings.network == "flow":
        from aeplugin.training.events.flow import EventFlow

        return EventFlow(layout, settings)
    from aeplugin.training.events.objective import EventReconstruction

    return EventReconstruction(layout, settings)


def save(path: str | Path, content: Content, weights: Mapping[str, torch.Tensor]) -> None:
    """Write a model.

    Raises:
        OutputError: it cannot be written.
    """
    plain = {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}
    buffer = io.BytesIO()
    torch.save({"kind": KIND, "version": VERSION, "about": content.model_dump_json(), "weights": plain}, buffer)
    write_atomically(str(path), buffer.getvalue())


def load(path: str | Path) -> tuple[Recipe, Layout, torch.nn.Module, dict[str, Any]]:
    """Recipe, layout, objective in evaluation, and summary of a model; see `EventModel.load`."""
    about, weights = _read(path)
    try:
        content = Content.model_validate_json(about)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise CorruptionError(f"{path}: damaged event model: {where}: {problem['msg']}") from None
    try:
        recipe = Recipe.from_text(content.recipe, where=f"{path}: recipe")
        if recipe.events is None:
            raise CorruptionError(f"{path}: damaged event model: its recipe has no 'events'")
        layout = _layout(path, content, recipe)
        objective = _filled(path, layout, recipe.events, weights)
    except CorruptionError:
        raise
    except Error as error:
        raise CorruptionError(f"{path}: damaged event model: {error}") from None
    return recipe, layout, objective.eval(), content.summary


def _read(path: str | Path) -> tuple[str, dict[str, torch.Tensor]]:
    """The text and the tensors of a file."""
    data = _bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
        # torch stores members as they are; what is deflated may be a thousand times larger than the file.
        if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > len(data):
            raise zipfile.BadZipFile("its members are compressed or overlap")
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, AttributeError) as error:
        raise CorruptionError(f"{path}: no event model, or a damaged one ({_reason(error)})") from None
    except (TypeError, ValueError, IndexError, NotImplementedError, AssertionError) as error:
        raise CorruptionError(f"{path}: no event model, or a damaged one ({_reason(error)})") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ModelError(f"{path}: is another file of torch; expected an event model, as `aeplugin train` writes it")
    if content.get("version") != VERSION:
        raise CompatibilityError(
            f"{path}: event model of version {content.get('version')!r}; this aeplugin reads {VERSION}"
        )
    about, weights = content.get("about"), content.get("weights")
    if not isinstance(about, str) or not isinstance(weights, dict):
        raise CorruptionError(f"{path}: damaged event model: it lacks its description or its weights")
    return about, weights


def _bytes(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > MAX_BYTES:
        raise ModelError(f"{path}: larger than {MAX_BYTES:,} bytes; expected an event model, which is never that large")
    if not data.startswith(MAGIC):
        raise ModelError(f"{path}: is no event model, or its beginning is damaged")
    return data


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _layout(path: str | Path, content: Content, recipe: Recipe) -> Layout:
    layout = make_layout(recipe)
    expected = {group.name: list(group.rules) for group in layout.groups}
    found = {name: [column.variable for column in columns] for name, columns in content.columns.items()}
    if found != expected or (layout.label is not None) != bool(content.labels):
        raise CorruptionError(f"{path}: damaged event model: its columns or labels are not those of its recipe")
    columns = {name: tuple(c.column_of_model() for c in stored) for name, stored in content.columns.items()}
    return layout.fitted(columns, tuple(content.labels))


def _filled(
    path: str | Path, layout: Layout, settings: EventNetwork, weights: dict[str, torch.Tensor]
) -> torch.nn.Module:
    """The objective of a recipe with these weights."""
    if settings.network != "flow":  # whose size is limited, for zuko cannot make it without memory
        with torch.device("meta"):
            _check_weights(path, make_objective(layout, settings), weights)
    with torch.random.fork_rng(devices=[]):
        objective = make_objective(layout, settings)
    _check_weights(path, objective, weights)
    objective.load_state_dict(weights)
    return objective


def _check_weights(path: str | Path, objective: torch.nn.Module, weights: dict[str, Any]) -> None:
    expected = objective.state_dict()
    if weights.keys() != expected.keys():
        raise CorruptionError(f"{path}: damaged event model: it lacks weights of its network, or has others")
    for name, wanted in expected.items():
        found = weights[name]
        if not isinstance(found, torch.Tensor) or found.layout != torch.strided or found.device.type != "cpu":
            raise CorruptionError(f"{path}: damaged event model: {name} is no plain tensor")
        if found.shape != wanted.shape or found.dtype != wanted.dtype or not found.is_contiguous():
            shapes = f"{tuple(found.shape)} {found.dtype}; expected {tuple(wanted.shape)} {wanted.dtype}"
            raise CorruptionError(f"{path}: damaged event model: {name} is {shapes}")
        if found.is_floating_point() and not bool(found.isfinite().all()):
            raise CorruptionError(f"{path}: damaged event model: {name} holds NaN or infinities")
    stored = [weights[name].untyped_storage().data_ptr() for name, wanted in expected.items() if wanted.numel()]
    if len(set(stored)) < len(stored):  # a small file could ask for much memory
        raise CorruptionError(f"{path}: damaged event model: some of its weights are the same numbers in the file")
