"""A recipe, matched with the columns of a file and joined by networks, is the model that a file is compressed with."""

from __future__ import annotations

from pathlib import Path

from aeplugin._core import DensityVariable, Model, Transform
from aeplugin.errors import ModelError, RecipeError, nearest
from aeplugin.recipe import Codec, LooseColumn, Recipe
from aeplugin.recipe_density import CODECS
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_resolution import to_rules


def compile_recipe(
    recipe: Recipe, path: str | Path, tree: str | None = None, *, networks: Model | None = None, where: str = "model"
) -> Model:
    """The model that a recipe means for the columns of a file.

    Args:
        tree: the TTree or RNTuple; default the recipe's, else the only one in the file.
        networks: a trained model, whose networks and density go along; without it the codec is `plain`.
        where: names `networks` in errors.

    Raises:
        InputError: the file is missing or damaged, or there is no such tree.
        RecipeError: the recipe does not fit the file.
        ModelError: a network is for columns that the recipe does not make lossy, or a density for others than it codes.
    """
    tree = tree or recipe.tree
    resolved = recipe.resolve(schema_of(path, tree)[1], str(path)).model_copy(update={"tree": tree})
    if networks is None:
        return Model(resolved.to_text(), to_rules(resolved))
    _check_fit(resolved, networks, where)
    if networks.density is not None and any(c.codec in CODECS for c in resolved.collections.values()):
        for variable in networks.density.variables:
            if variable.variable:  # else it is a number of objects
                _check_coded(resolved, variable, where)
    return Model(resolved.to_text(), to_rules(resolved), networks.training, networks.collections, networks.density)


def model_for(
    path: str | Path,
    recipe: Recipe | None,
    networks: Model | None,
    tree: str | None = None,
    codec: Codec | None = None,
    where: str = "model",
) -> Model:
    """The model that a file is compressed with, from a recipe, a trained model, or both.

    Args:
        recipe: default the one that the model was trained with.
        networks: a trained model, or None.
        tree: the TTree or RNTuple; default the recipe's, else the only one in the file.
        codec: for all collections; default the recipe's.
        where: names `networks` in errors.

    Raises:
        RecipeError: there is neither recipe nor model; also see `compile_recipe`.
        InputError, ModelError: see `compile_recipe`.
    """
    if recipe is None:
        if networks is None:
            raise RecipeError("neither a recipe nor a model says how far values may move; give one or both")
        if codec is None:
            return networks
        recipe = Recipe.from_text(networks.recipe, where)
    if codec is not None:
        recipe = with_codec(recipe, codec)
    return compile_recipe(recipe, path, tree, networks=networks, where=where)


def with_codec(recipe: Recipe, codec: Codec) -> Recipe:
    """The recipe with another codec for all its collections."""
    collections = {name: c.model_copy(update={"codec": codec}) for name, c in recipe.collections.items()}
    return recipe.model_copy(update={"collections": collections})


def _check_fit(recipe: Recipe, networks: Model, where: str) -> None:
    for network in networks.collections:
        if network.name not in recipe.collections:
            known = nearest(network.name, list(recipe.collections))
            raise ModelError(f"{where}: has a network for {network.name!r}, no collection of the recipe{known}")
        collection = recipe.collections[network.name]
        files = collection.file_columns(network.name)
        lossy = {variable: files[variable] for variable in collection.lossy_columns()}
        for column in network.columns:
            if column.transform == Transform.label:
                continue  # which the network is told, and does not code
            if lossy.get(column.variable) != column.column:
                raise ModelError(
                    f"{where}: the network for {network.name!r} takes column {column.column!r} as "
                    f"{column.variable!r}; the recipe has no such variable with a tolerance, only "
                    f"{', '.join(f'{v} ({c})' for v, c in lossy.items()) or 'none'}; train with this recipe"
                )


def _check_coded(recipe: Recipe, variable: DensityVariable, where: str) -> None:
    """Whether a recipe codes a variable as the density of a model does."""
    collection = recipe.collections.get(variable.group)
    rule: LooseColumn | None = recipe.columns.get(variable.column)
    if collection is not None:
        is_known = collection.file_columns(variable.group).get(variable.variable) == variable.column
        rule = collection.columns[variable.variable] if is_known else None
    found = "no such column" if rule is None else str(rule.tolerance)
    known = "exact" if variable.kind == "exact" else f"{variable.kind} {variable.tolerance:g}"
    if found != known:
        raise ModelError(
            f"{where}: the density codes column {variable.column!r} with tolerance {known}; the recipe has {found}; "
            "train with this recipe, or compress with --codec plain"
        )
