"""YAML documents with a schema, recipes and jobs: unknown keys are refused and the nearest known one is named."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from aeplugin.errors import RecipeError, nearest


class Strict(BaseModel):
    """A part of a document: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def refuse_boolean(value: Any) -> Any:
    """YAML reads yes, on and true as booleans, which would pass for 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


Count = Annotated[int, Field(ge=1), BeforeValidator(refuse_boolean)]

Document = TypeVar("Document", bound=BaseModel)


def from_yaml(document: type[Document], text: str, where: str, expected: str) -> Document:
    """A document from YAML (or JSON) text.

    Args:
        where: names the text in errors.
        expected: what the text should be, in errors: "a mapping with ...".

    Raises:
        RecipeError: the text is not YAML or breaks the schema; one line for each problem.
    """
    try:
        content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-13-01
        raise RecipeError(f"{where}: not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise RecipeError(f"{where}: got {type(content).__name__}, expected {expected}")
    try:
        return document.model_validate(content)
    except ValidationError as error:
        problems = [_explain(document, cast(dict[str, Any], problem)) for problem in error.errors()]
        raise RecipeError("\n".join(f"{where}: {problem}" for problem in problems)) from None


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        # A scalar's text decides: `1` and `01` cannot both be names of anything in a document.
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep)


def _explain(document: type[BaseModel], problem: dict[str, Any]) -> str:
    """One line for one problem that pydantic found: where, what, and the nearest key for a misspelt one."""
    where = ".".join(str(part) for part in problem["loc"]) or "top level"
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key{nearest(str(problem['loc'][-1]), _keys_at(document, problem['loc'][:-1]))}"
    if problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"].startswith("^[A-Za-z_"):
        return f"{where}: names consist of letters, digits and _, and do not begin with a digit"
    got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}{got}"


def _keys_at(document: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that the schema knows at a location of a document, given as the keys on the way there."""
    model = document
    keys = iter(location)
    for key in keys:
        annotation: Any = model.model_fields[key].annotation
        if get_origin(annotation) is dict:
            next(keys, None)  # a name that the user chose
        model = next((t for t in (annotation, *get_args(annotation)) if _is_model(t)), model)
    return list(model.model_fields)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
