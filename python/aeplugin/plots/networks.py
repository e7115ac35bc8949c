"""The networks of a model, and what a file has for them."""

from __future__ import annotations

from aeplugin._core import CollectionModel
from aeplugin.plots.drawing import style, wording
from aeplugin.plots.inputs import Context
from aeplugin.plots.pairs import Pair


def files_of(collection: CollectionModel) -> dict[str, str]:
    """For each variable of a network its column in the file."""
    return {column.variable: column.column for column in collection.columns}


def missing_columns(collection: CollectionModel, pair: Pair) -> list[str]:
    """Columns of a network that the original of a data set lacks, or has in a form that is no number per object."""
    return [name for name in files_of(collection).values() if name not in pair.schema or pair.schema[name].depth > 1]


def network_name(collection: CollectionModel, named: str) -> str:
    """How file names and plots call a network: ``ae-4-200-200-20-3``, or `named` where that is a name already."""
    if named != "autoencoder":
        return named
    widths = [len(collection.columns), *(layer.weights.shape[0] for layer in collection.encoder)]
    return "-".join(["ae", *map(str, widths)])


def caption_of(collection: CollectionModel, context: Context, objects: str = "") -> style.Caption:
    """What is written on the plots of a network, about its objects if not about others."""
    return style.Caption(
        context.look,
        objects or wording.plural(collection.name),
        network_name(collection, context.named),
        context.pair.weight is not None,
    )
