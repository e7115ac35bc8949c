"""Recipes: what to compress, how far each value may move, and how the model is trained.

A recipe is a YAML file; `Recipe.from_file` reads and checks it. Unknown keys are refused and the nearest known key is
named, so a misspelt tolerance never goes unnoticed. `Recipe.resolve` matches it with the columns of a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from aeplugin.documents import Strict, from_yaml, refuse_boolean
from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe_density import Density
from aeplugin.recipe_events import EventNetwork
from aeplugin.recipe_resolution import NAME, is_glob, resolve
from aeplugin.recipe_training import Loss, Network, Normalisation, Positive, Training

Fraction = Annotated[Positive, Field(ge=9e-8, lt=1)]
Name = Annotated[str, StringConstraints(pattern=NAME)]
"""Names of collections and variables become parts of column names, C++ expressions and file names."""
NameOrGlob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_*?][A-Za-z0-9_*?]*$")]
ColumnName = Annotated[str, StringConstraints(min_length=1)]
MAX_SENTINELS = 16
_TOLERANCE_SCHEMA = {
    "description": "How far a value may move: in the column's unit, as a fraction of the value, or not at all.",
    "anyOf": [
        {"const": "exact"},
        {
            "type": "object",
            "properties": {"abs": {"type": "number", "exclusiveMinimum": 0}},
            "required": ["abs"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"rel": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}},
            "required": ["rel"],
            "additionalProperties": False,
        },
    ],
}


class Tolerance(Strict):
    """How far a value may move: `abs` (in the column's unit), `rel` (a fraction of the value), or not at all.

    In YAML `{abs: x}`, `{rel: x}` or the word `exact`; both fields are None for the latter.
    """

    abs: Positive | None = None
    rel: Fraction | None = None

    @property
    def is_exact(self) -> bool:
        """Whether values do not move at all."""
        return self.abs is None and self.rel is None

    def __str__(self) -> str:
        kind, value = ("abs", self.abs) if self.rel is None else ("rel", self.rel)
        return "exact" if value is None else f"{kind} {value:g}"

    @model_validator(mode="wrap")
    @classmethod
    def _one_of_three(cls, content: Any, validate: ModelWrapValidatorHandler[Tolerance]) -> Tolerance:
        if isinstance(content, str) and content == "exact":
            return validate({})
        if not isinstance(content, dict | Tolerance):
            raise ValueError("a tolerance is {abs: x}, {rel: x} or exact")
        tolerance = validate(content)
        if isinstance(content, dict) and (tolerance.abs is None) == (tolerance.rel is None):
            raise ValueError("a tolerance has exactly one of 'abs' and 'rel', as in {rel: 0.02}, or is exact")
        return tolerance

    @model_serializer
    def _plain(self) -> dict[str, float] | str:
        values = {"abs": self.abs, "rel": self.rel}
        return {kind: value for kind, value in values.items() if value is not None} or "exact"


def _none_twice(sentinels: list[float]) -> list[float]:
    """By their representation, since 0 and -0 are two values of a column."""
    for i, sentinel in enumerate(sentinels):
        if repr(sentinel) in map(repr, sentinels[:i]):
            raise ValueError(f"sentinel {sentinel:g} stands twice")
    return sentinels


def _formula(content: Any) -> Any:
    if content == "none" or content is False:
        return False
    if not (content is None or isinstance(content, str)):
        raise ValueError("expected a formula, as in 'pt * cosh(eta)', or none")
    if isinstance(content, str) and not content.strip():
        raise ValueError("the formula is empty; to predict nothing say none")
    return content


Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(refuse_boolean)]
Sentinels = Annotated[list[Number], Field(max_length=MAX_SENTINELS), AfterValidator(_none_twice)]
Predict = Annotated[
    Annotated[str, StringConstraints(max_length=1000)] | Literal[False] | None,
    BeforeValidator(_formula),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": 1000}, {"const": False}]}),
]


class LooseColumn(Strict):
    """A column outside collections, such as an event variable, or all that a glob matches."""

    tolerance: Annotated[Tolerance, WithJsonSchema(_TOLERANCE_SCHEMA)]
    sentinels: Sentinels = Field(default=[], description="values that stand for something else and are kept exactly")
    unit: str = Field(default="", description="for axis labels; values are never rescaled")
    label: str | None = Field(default=None, description="axis label (mathtext); default the variable's name")
    periodic: bool = Field(default=False, description="an angle in radians: differences are wrapped to [-pi, pi)")


class Column(LooseColumn):
    """One variable of a collection, or all that a glob matches."""

    column: str | None = Field(default=None, description="name in the file; default <collection>_<variable>")
    transform: Literal["linear", "log10"] = Field(default="linear", description="applied before standardising")
    predict: Predict = Field(
        default=None, description="formula in other variables of the collection; none switches off the automatic one"
    )


Codec = Literal["auto", "plain", "autoencoder", "autoregressive"]


class Collection(Strict):
    """A group of columns with one length per event, such as the jets."""

    columns: dict[NameOrGlob, Column] = Field(min_length=1)
    codec: Codec = Field(default="auto", description="how grid integers are stored; auto takes what needs fewest bits")
    network: Network = Network()
    normalisation: Normalisation = Field(default="standard", description="how values become inputs of the network")
    circular: bool = Field(default=False, description="periodic variables enter the network as cosine and sine")
    loss: Loss = Loss()

    @model_validator(mode="after")
    def _globs_name_nothing(self) -> Collection:
        for variable, column in self.columns.items():
            for key in ("column", "label", "predict"):
                if is_glob(variable) and getattr(column, key):
                    raise ValueError(f"the glob {variable!r} stands for several variables and cannot have {key!r}")
        return self

    def file_columns(self, name: str) -> dict[str, str]:
        """The column in the file of each variable, for a collection called `name`; of a resolved recipe."""
        return {variable: column.column or f"{name}_{variable}" for variable, column in self.columns.items()}

    def lossy_columns(self) -> dict[str, Column]:
        """The variables that may move: all but those whose tolerance is exact."""
        return {variable: column for variable, column in self.columns.items() if not column.tolerance.is_exact}


Cut = Annotated[str, StringConstraints(pattern=r"^\s*[A-Za-z_][A-Za-z0-9_]*\s*(<=|>=|<|>)\s*[-+0-9.eE]+\s*$")]
PlotStyle = Literal["atlas", "cms", "plain"]


class Plots(Strict):
    """Names, labels and looks of plots."""

    name: str = Field(default="{date}_{topic}_{network}_{variable}", description="pattern of file names")
    topic: str = Field(default="aeplugin", description="what the plots are about, for file names")
    text: str = Field(default="Simulation", description="in the place of an experiment's name")
    energy: Positive = Field(default=13, description="centre-of-mass energy in TeV")
    luminosity: Positive | None = Field(default=None, description="integrated luminosity in 1/fb")
    style: PlotStyle = Field(default="atlas", description="of mplhep")
    weight: ColumnName | None = Field(default=None, description="column with one weight per event, for all histograms")
    cuts: list[Cut] = Field(default=[], description="selection whose result is compared before and after: HT > 600e3")


class Recipe(Strict):
    """A whole recipe."""

    tree: str | None = Field(default=None, description="name of the TTree or RNTuple; default the only one in the file")
    layout: Literal["nanoaod", "objects"] = Field(default="nanoaod", description="collections made from a CSV file")
    collections: dict[Name, Collection] = Field(default={}, description="groups of columns with one length per event")
    columns: dict[ColumnName, LooseColumn] = Field(
        default={}, description="columns outside collections, by their names in the file or globs"
    )
    drop: list[ColumnName] = Field(default=[], description="names or globs of columns that are left out")
    training: Training = Training()
    events: EventNetwork | None = Field(default=None, description="a network that sees whole events, for scores")
    density: Density | None = Field(default=None, description="the model of the codec autoregressive")
    plots: Plots = Plots()

    @model_validator(mode="after")
    def _says_something(self) -> Recipe:
        if not self.collections and "columns" not in self.model_fields_set:
            raise ValueError(
                "neither 'collections' nor 'columns' says what to compress; where everything is exact, "
                "say so with 'columns: {}'"
            )
        if self.events is not None and "events" in self.collections:
            raise ValueError("a collection cannot be called 'events' where there is a network for whole events")
        for name, column in self.columns.items():
            if is_glob(name) and column.label:
                raise ValueError(f"columns: the glob {name!r} stands for several columns and cannot have 'label'")
        return self

    @property
    def wanted_density(self) -> Density | None:
        """The density to train: what the recipe says of it, or that of all defaults where only a codec asks for one."""
        asked = any(collection.codec == "autoregressive" for collection in self.collections.values())
        return self.density or (Density() if asked else None)

    @property
    def loose_codec(self) -> Codec:
        """The codec of columns outside collections, which only a density can do better than `plain`."""
        return "plain" if self.wanted_density is None else "auto"

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
        return from_yaml(Recipe, text, where, "a mapping with 'collections' or 'columns'")

    def resolve(self, schema: Mapping[str, str], where: str = "recipe") -> Recipe:
        """This recipe for a file with the columns of `schema` (name -> name of the type): every glob is replaced by
        the names it matches, and four-vectors get their predictions. What the file has besides is kept exactly.

        Raises:
            RecipeError: the recipe names columns that are missing, cannot be lossy, or do not go together.
        """
        return resolve(self, schema, where)

    def to_text(self) -> str:
        """The recipe as YAML, with every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False)


SHIPPED = Path(__file__).parent / "recipes"


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def json_schema() -> dict[str, Any]:
    """The JSON schema of recipes, as in recipe.schema.json: for editors, and for programs that write recipes."""
    schema = Recipe.model_json_schema()
    schema["$defs"].pop("Tolerance", None)  # written out where it is used
    _refuse_other_names(schema)
    filled = {"collections": {"minProperties": 1}}
    needed = [{"required": ["columns"]}, {"required": ["collections"], "properties": filled}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "anyOf": needed}


def _refuse_other_names(schema: Any) -> None:
    """Make patterns of names binding, which pydantic leaves open."""
    if isinstance(schema, dict) and "patternProperties" in schema:
        schema["additionalProperties"] = False
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _refuse_other_names(inner)
