"""Recipes: what to compress, how far each value may move, and how the model is trained.

A recipe is a YAML file; `Recipe.from_file` reads and checks it. Unknown keys are refused and the nearest known key is
named, so a misspelt tolerance never goes unnoticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from aeplugin.errors import RecipeError, nearest


def _refuse_boolean(value: Any) -> Any:
    """YAML reads yes, on and true as booleans, which would pass for 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


Positive = Annotated[float, BeforeValidator(_refuse_boolean), Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[Positive, Field(lt=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Names of collections and variables become parts of column names, C++ expressions and file names."""
Count = Annotated[int, BeforeValidator(_refuse_boolean), Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tolerance(_Strict):
    """How far a value may move: exactly one of `abs` (in the column's unit) and `rel` (a fraction of the value)."""

    abs: Positive | None = None
    rel: Fraction | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Tolerance:
        if (self.abs is None) == (self.rel is None):
            raise ValueError("a tolerance has exactly one of 'abs' and 'rel', as in {rel: 0.02}")
        return self


class Column(_Strict):
    """One variable of a collection."""

    tolerance: Tolerance
    column: str | None = Field(default=None, description="name in the file; default <collection>_<variable>")
    transform: Literal["linear", "log10"] = Field(default="linear", description="applied before standardising")
    unit: str = Field(default="", description="for axis labels; values are never rescaled")
    label: str | None = Field(default=None, description="axis label (mathtext); default the variable's name")
    periodic: bool = Field(default=False, description="an angle in radians: differences are wrapped to [-pi, pi)")


class Network(_Strict):
    """A fully connected autoencoder; the decoder mirrors the encoder."""

    hidden: list[Annotated[int, Field(ge=1, le=4096)]] = Field(default=[200, 200, 20], max_length=16)
    latents: Annotated[int, Field(ge=1, le=1024)] = 3
    activation: Literal["tanh"] = "tanh"


class Collection(_Strict):
    """A group of columns with one length per event, such as the jets."""

    columns: dict[Name, Column] = Field(min_length=1)
    network: Network = Network()

    def file_columns(self, name: str) -> dict[str, str]:
        """The column in the file of each variable, for a collection called `name`."""
        return {variable: column.column or f"{name}_{variable}" for variable, column in self.columns.items()}


class Training(_Strict):
    """How the networks are trained: AdamW with a one-cycle learning rate."""

    epochs: Count = 60
    batch_size: Count = 128
    learning_rate: Positive = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-6
    validation: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.2, description="fraction of events held out")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1


class Plots(_Strict):
    """Names and labels of plots."""

    name: str = Field(default="{date}_{topic}_{network}_{variable}", description="pattern of file names")
    topic: str = Field(default="aeplugin", description="what the plots are about, for file names")
    text: str = Field(default="Simulation", description="in the place of an experiment's name")
    energy: Positive = Field(default=13, description="centre-of-mass energy in TeV")


class Recipe(_Strict):
    """A whole recipe."""

    tree: str | None = Field(default=None, description="name of the TTree or RNTuple; default the only one in the file")
    layout: Literal["nanoaod", "objects"] = Field(default="nanoaod", description="collections made from a CSV file")
    collections: dict[Name, Collection] = Field(min_length=1)
    training: Training = Training()
    plots: Plots = Plots()

    @staticmethod
    def from_file(path: str | Path) -> Recipe:
        """Read a recipe from a YAML file, or a shipped one by its name (``"darkmachines-jets"``).

        Raises:
            RecipeError: the file is missing, not YAML, or breaks the schema.
        """
        text = Recipe.source(path)
        return Recipe.from_text(text, where=str(path))

    @staticmethod
    def source(path: str | Path) -> str:
        """The text of a recipe file, or of a shipped recipe given by its name.

        Raises:
            RecipeError: there is no such recipe.
        """
        shipped = SHIPPED / f"{path}.yaml"
        chosen = shipped if shipped.exists() and not Path(path).exists() else Path(path)
        if not chosen.exists():
            hint = nearest(str(path), shipped_recipes())
            raise RecipeError(f"{path}: no such recipe file, and no shipped recipe of that name{hint}")
        try:
            return chosen.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: cannot read the recipe ({error})") from None

    @staticmethod
    def from_text(text: str, where: str = "recipe") -> Recipe:
        """Read a recipe from YAML (or JSON) text; `where` names it in errors.

        Raises:
            RecipeError: the text is not YAML or breaks the schema.
        """
        try:
            content = yaml.load(text, Loader=_Loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-13-01
            raise RecipeError(f"{where}: not valid YAML: {error}") from None
        if not isinstance(content, dict):
            raise RecipeError(f"{where}: got {type(content).__name__}, expected a mapping with 'collections'")
        try:
            return Recipe.model_validate(content)
        except ValidationError as error:
            problems = [_explain(cast(dict[str, Any], problem)) for problem in error.errors()]
            raise RecipeError("\n".join(f"{where}: {problem}" for problem in problems)) from None

    def to_text(self) -> str:
        """The recipe as YAML, with every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # A scalar's text decides: `1` and `01` cannot both be names of anything in a recipe.
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep)


SHIPPED = Path(__file__).parent / "recipes"


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def _explain(problem: dict[str, Any]) -> str:
    """One line for one problem that pydantic found: where, what, and the nearest key for a misspelt one."""
    where = ".".join(str(part) for part in problem["loc"]) or "top level"
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key{nearest(str(problem['loc'][-1]), _keys_at(problem['loc'][:-1]))}"
    if problem["type"] == "string_pattern_mismatch":
        return f"{where}: names consist of letters, digits and _, and do not begin with a digit"
    got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
    return f"{where}: {problem['msg']}{got}"


def _keys_at(location: tuple[Any, ...]) -> list[str]:
    """The keys that the schema knows at a location of a recipe, given as the keys on the way there."""
    model: type[BaseModel] = Recipe
    keys = iter(location)
    for key in keys:
        annotation: Any = model.model_fields[key].annotation
        if get_origin(annotation) is dict:
            next(keys, None)  # a name that the user chose
        model = next((t for t in (annotation, *get_args(annotation)) if _is_model(t)), model)
    return list(model.model_fields)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
