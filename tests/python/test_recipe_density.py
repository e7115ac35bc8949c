"""What recipes say about densities, and what follows for codecs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from aeplugin import Recipe
from aeplugin.errors import RecipeError
from aeplugin.recipe_density import WIDTHS, Density
from aeplugin.recipe_files import recipe_rows
from aeplugin.recipe_resolution import to_rules

SCHEMA = {
    "Jet_pt": "std::vector<float>",
    "Jet_eta": "std::vector<float>",
    "Jet_kind": "std::vector<std::int8_t>",
    "MET": "float",
    "event": "std::uint64_t",
}


def recipe(density: Any = None, codec: str = "auto") -> Recipe:
    columns = {"pt": {"tolerance": {"rel": 0.02}}, "eta": {"tolerance": {"abs": 0.01}}, "kind": {"tolerance": "exact"}}
    content: dict[str, Any] = {
        "collections": {"Jet": {"columns": columns, "codec": codec}},
        "columns": {"MET": {"tolerance": {"rel": 0.02}}},
    }
    return Recipe.from_text(yaml.safe_dump(content if density is None else {**content, "density": density}))


def codecs(given: Recipe) -> dict[str, str]:
    return {rule["name"]: rule["codec"] for rule in to_rules(given.resolve(SCHEMA))["collections"]}


def test_a_density_is_wanted_where_somebody_asks() -> None:
    assert recipe().wanted_density is None
    assert recipe({}).wanted_density == Density()
    assert recipe(codec="autoregressive").wanted_density == Density()
    assert recipe({"effort": "fast"}, "autoregressive").wanted_density == Density(effort="fast")
    assert list(WIDTHS.values()) == sorted(WIDTHS.values())


def test_columns_outside_collections_may_be_coded_by_it() -> None:
    assert codecs(recipe()) == {"Jet": "auto", "MET": "plain"}
    assert codecs(recipe({})) == {"Jet": "auto", "MET": "auto"}
    assert codecs(recipe(codec="autoregressive")) == {"Jet": "autoregressive", "MET": "auto"}
    rows = {row.column: row.codec for row in recipe_rows(recipe({}).resolve(SCHEMA), SCHEMA)}
    assert rows == {"Jet_pt": "auto", "Jet_eta": "auto", "Jet_kind": "", "MET": "auto", "event": ""}


def test_it_is_written_out_with_the_recipe() -> None:
    given = recipe({"missing": ["MET", "phi"], "mirror": [["eta"]]})
    assert Recipe.from_text(given.to_text()) == given
    assert yaml.safe_load(given.to_text())["density"]["epochs"] == 30


@pytest.mark.parametrize(
    ("density", "message"),
    [
        ({"efort": "fast"}, "did you mean 'effort'"),
        ({"effort": "most"}, "'fast', 'default' or 'best'"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"epochs": True}, "expected a number"),
        ({"missing": ["MET"]}, "at least 2 items"),
        ({"missing": ["MET", "MET"]}, "missing names 'MET' twice"),
        ({"mirror": [["eta"], ["phi", "eta"]]}, "mirror names 'eta' twice"),
        ({"mirror": [[]]}, "at least 1 item"),
        ({"mirror": [[f"a{i}"] for i in range(9)]}, "9 lists to mirror; expected at most 8"),
        ({"events": 5}, "greater than or equal to 100"),
    ],
)
def test_what_is_refused(density: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(density)
