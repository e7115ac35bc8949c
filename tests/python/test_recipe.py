"""Recipes: shipped ones load, misspelt ones are refused with the nearest key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import aeplugin.recipe
from aeplugin import Recipe
from aeplugin.errors import RecipeError
from aeplugin.recipe import json_schema, shipped_recipes

GOOD: dict[str, Any] = {
    "tree": "events",
    "layout": "nanoaod",
    "collections": {
        "network": {
            "columns": {"label": {"tolerance": {"rel": 0.02}, "transform": "log10", "unit": "MeV"}},
            "network": {"hidden": [8, 4], "latents": 1},
        }
    },
    "training": {"epochs": 3},
    "plots": {"topic": "test"},
}
"""The names of the collection and of its variable are keys of the schema too, which must not confuse anything."""

COLLECTION = ("collections", "network")
COLUMN = (*COLLECTION, "columns", "label")


def changed(path: tuple[str, ...], value: Any) -> str:
    """`GOOD` as YAML with one entry set, or removed for None."""
    recipe: Any = yaml.safe_load(yaml.safe_dump(GOOD))
    inner = recipe
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return yaml.safe_dump(recipe)


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_load(name: str) -> None:
    recipe = Recipe.from_file(name)
    assert recipe.collections or recipe.columns
    assert Recipe.from_text(recipe.to_text()) == recipe
    assert Recipe.from_text(Recipe.source(name)) == recipe


def test_shipped_recipes_are_these() -> None:
    assert set(shipped_recipes()) >= {"atlas-jets", "darkmachines-jets"}
    jets = Recipe.from_file("darkmachines-jets").collections["Jet"]
    assert jets.file_columns("Jet") == {"E": "Jet_E", "pt": "Jet_pt", "eta": "Jet_eta", "phi": "Jet_phi"}
    assert [jets.columns[name].tolerance.rel for name in ("E", "pt")] == [0.02, 0.02]
    assert [jets.columns[name].tolerance.abs for name in ("eta", "phi")] == [0.01, 0.01]
    assert [column.periodic for column in jets.columns.values()] == [False, False, False, True]
    assert (jets.network.hidden, jets.network.latents) == ([200, 200, 20], 3)


def test_exact_tolerance() -> None:
    column = Recipe.from_text(changed((*COLUMN, "tolerance"), "exact")).collections["network"].columns["label"]
    assert column.tolerance.is_exact
    assert (column.tolerance.abs, column.tolerance.rel, str(column.tolerance)) == (None, None, "exact")


def test_everything_exact_is_a_recipe() -> None:
    recipe = Recipe.from_text("columns: {}")
    assert (recipe.collections, recipe.columns, recipe.drop) == ({}, {}, [])
    assert Recipe.from_text(recipe.to_text()) == recipe


@pytest.mark.parametrize("value", ["none", "no", "false"])
def test_no_prediction(value: str) -> None:
    recipe = Recipe.from_text(f"collections: {{J: {{columns: {{E: {{tolerance: exact, predict: {value}}}}}}}}}")
    assert recipe.collections["J"].columns["E"].predict is False
    assert Recipe.from_text(recipe.to_text()) == recipe


def test_zero_and_minus_zero_are_two_sentinels() -> None:
    recipe = Recipe.from_text("columns: {x: {tolerance: {abs: 1}, sentinels: [0.0, -0.0]}}")
    assert [str(value) for value in recipe.columns["x"].sentinels] == ["0.0", "-0.0"]


def test_json_schema_is_up_to_date() -> None:
    """Where this fails, write `aeplugin.recipe.json_schema()` to the file anew."""
    published = Path(aeplugin.recipe.__file__).parent / "recipe.schema.json"
    assert published.read_text() == json.dumps(json_schema(), indent=2) + "\n"


def test_json_schema_binds_names() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["collections"]["additionalProperties"] is False
    assert schema["$defs"]["Collection"]["properties"]["columns"]["additionalProperties"] is False
    assert {"const": "exact"} in schema["$defs"]["LooseColumn"]["properties"]["tolerance"]["anyOf"]


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(changed((*COLUMN, "column"), "jets.pt"))
    recipe = Recipe.from_file(path)
    assert recipe.collections["network"].file_columns("network") == {"label": "jets.pt"}
    assert recipe == Recipe.from_file(str(path))


def test_a_file_wins_over_a_shipped_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "darkmachines-jets").write_text(yaml.safe_dump(GOOD))
    monkeypatch.chdir(tmp_path)
    assert list(Recipe.from_file("darkmachines-jets").collections) == ["network"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (("colections",), "collections"),
        (("treee",), "tree"),
        ((*COLLECTION, "colums"), "columns"),
        ((*COLLECTION, "netwrok"), "network"),
        ((*COLUMN, "tolerence"), "tolerance"),
        ((*COLUMN, "periodc"), "periodic"),
        ((*COLUMN, "tolerance", "ab"), "abs"),
        ((*COLUMN, "sentinel"), "sentinels"),
        ((*COLUMN, "predicted"), "predict"),
        ((*COLLECTION, "codecs"), "codec"),
        (("columns", "MET.pt", "periodik"), "periodic"),
        (("columns", "MET.pt", "tolerance", "real"), "rel"),
        (("drops",), "drop"),
        ((*COLLECTION, "network", "latens"), "latents"),
        (("training", "learning_rte"), "learning_rate"),
        (("training", "epoch"), "epochs"),
        (("plots", "topics"), "topic"),
    ],
)
def test_misspelt_keys_at_every_level(path: tuple[str, ...], meant: str) -> None:
    where = r"\.".join(path)
    with pytest.raises(RecipeError, match=rf"a\.yaml: {where}: unknown key; did you mean '{meant}'\?"):
        Recipe.from_text(changed(path, 1), where="a.yaml")


def test_nothing_near_lists_the_known_keys() -> None:
    with pytest.raises(RecipeError, match=r"plots\.qqq: unknown key; known are name, topic, text, energy"):
        Recipe.from_text(changed(("plots", "qqq"), 1))


def test_all_problems_are_told_at_once() -> None:
    text = yaml.safe_dump(
        yaml.safe_load(changed(("plots", "topics"), 1)) | {"layout": "nano", "training": {"epochs": 0}}
    )
    with pytest.raises(RecipeError) as caught:
        Recipe.from_text(text, where="a.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("a.yaml: ") for line in lines)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*COLUMN, "tolerance"), {"rel": 0.1, "abs": 0.1}, "exactly one of 'abs' and 'rel'"),
        ((*COLUMN, "tolerance"), {}, "exactly one of 'abs' and 'rel'"),
        ((*COLUMN, "tolerance"), None, "Field required"),
        ((*COLUMN, "tolerance"), 0.02, "tolerance: .*got 0.02"),
        ((*COLUMN, "tolerance", "rel"), "2 %", "tolerance.rel: .*valid number.*got '2 %'"),
        ((*COLUMN, "tolerance", "rel"), 0, "tolerance.rel: .*greater than 0, got 0"),
        ((*COLUMN, "tolerance", "rel"), -1, "greater than 0, got -1"),
        ((*COLUMN, "tolerance", "rel"), float("inf"), "tolerance.rel: .*finite number"),
        ((*COLUMN, "tolerance", "rel"), float("nan"), "tolerance.rel: "),
        ((*COLUMN, "tolerance", "rel"), True, "tolerance.rel: .*expected a number, got True"),
        ((*COLUMN, "transform"), "ln", "transform: .*'linear' or 'log10', got 'ln'"),
        ((*COLLECTION, "columns"), {}, "columns: .*at least 1"),
        ((*COLLECTION, "columns"), ["pt"], r"columns: .*got \['pt'\]"),
        ((*COLUMN, "tolerance"), "exakt", r"tolerance: a tolerance is \{abs: x\}, \{rel: x\} or exact, got 'exakt'"),
        ((*COLUMN, "tolerance"), [], r"tolerance: a tolerance is .* or exact, got \[\]"),
        ((*COLUMN, "tolerance"), {"exact": True}, "tolerance.exact: unknown key; known are abs, rel"),
        ((*COLUMN, "tolerance", "rel"), 1, "tolerance.rel: .*less than 1, got 1"),
        ((*COLUMN, "tolerance"), {"abs": float("inf")}, "tolerance.abs: .*finite number"),
        ((*COLUMN, "sentinels"), list(range(17)), "sentinels: .*at most 16 items"),
        ((*COLUMN, "sentinels"), [float("nan")], "sentinels.0: .*finite number"),
        ((*COLUMN, "sentinels"), [-1, True], "sentinels.1: expected a number, got True"),
        ((*COLUMN, "sentinels"), [-1, 2, -1.0], "sentinels: sentinel -1 stands twice"),
        ((*COLUMN, "sentinels"), -999, "sentinels: .*valid list, got -999"),
        ((*COLUMN, "predict"), True, r"predict.*: expected a formula, as in 'pt \* cosh\(eta\)', or none, got True"),
        ((*COLUMN, "predict"), " ", "predict.*: the formula is empty; to predict nothing say none"),
        ((*COLUMN, "predict"), "x" * 1001, "predict.*: .*at most 1000 characters"),
        ((*COLLECTION, "codec"), "lzma", "codec: .*'autoencoder' or 'autoregressive', got 'lzma'"),
        (
            (*COLLECTION, "columns", "a*"),
            {"tolerance": "exact", "column": "x"},
            r"the glob 'a\*'.*cannot have 'column'",
        ),
        ((*COLLECTION, "columns", "a?"), {"tolerance": "exact", "label": "x"}, r"the glob 'a\?'.*cannot have 'label'"),
        (
            (*COLLECTION, "columns", "*"),
            {"tolerance": "exact", "predict": "x"},
            r"the glob '\*'.*cannot have 'predict'",
        ),
        ((*COLLECTION, "columns", "a.b"), {"tolerance": "exact"}, "names consist of letters, digits and _"),
        (("columns", "a*"), {"tolerance": "exact", "label": "x"}, r"columns: the glob 'a\*'.*cannot have 'label'"),
        (("columns", "a"), {}, "columns.a.tolerance: Field required"),
        (("columns", ""), {"tolerance": "exact"}, "columns.*: .*at least 1 character"),
        (("drop",), "HLT_*", "drop: .*valid list, got 'HLT_"),
        (("collections",), {}, "top level: neither 'collections' nor 'columns'.*'columns: {}'"),
        (("collections",), None, "top level: neither 'collections' nor 'columns'"),
        ((*COLLECTION, "network", "hidden"), [0], r"network.hidden.0: .*greater than or equal to 1, got 0"),
        ((*COLLECTION, "network", "hidden"), 200, "network.hidden: .*valid list, got 200"),
        ((*COLLECTION, "network", "latents"), 2.5, "network.latents: .*integer.*got 2.5"),
        ((*COLLECTION, "network", "activation"), "sigmoid", "network.activation: .*'tanh', .*'gelu', got 'sigmoid'"),
        (("training", "epochs"), 0, "training.epochs: .*got 0"),
        (("training", "epochs"), True, "training.epochs: .*expected a number, got True"),
        (("training", "validation"), 1, "training.validation: .*less than 1, got 1"),
        (("training", "seed"), -1, "training.seed: .*got -1"),
        (("layout",), "nanoAOD", "layout: .*'nanoaod' or 'objects', got 'nanoAOD'"),
    ],
)
def test_wrong_values(path: tuple[str, ...], value: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=rf"a\.yaml: .*{message}"):
        Recipe.from_text(changed(path, value), where="a.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("collections: [", "not valid YAML"),
        ("\tcollections: 1", "not valid YAML"),
        ("a: 2026-13-01", "not valid YAML: month must be in"),
        ("[" * 5000, "not valid YAML"),
        ("a\0b", "not valid YAML"),
        ("", "got NoneType, expected a mapping with 'collections'"),
        ("- a", "got list, expected a mapping"),
        ("just words", "got str, expected a mapping"),
        ("plots: {topic: a, topic: b}", "not valid YAML: key 'topic' stands twice"),
    ],
)
def test_other_text(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=rf"(?s)a\.yaml: {message}"):
        Recipe.from_text(text, where="a.yaml")


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"darkmachines-jet: no such recipe file.*did you mean 'darkmachines-jets'"):
        Recipe.from_file("darkmachines-jet")
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        Recipe.from_file(tmp_path)
    path = tmp_path / "file.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": np.float32})
    with pytest.raises(RecipeError, match=r"file\.root: (cannot read the recipe|not valid YAML)"):
        Recipe.from_file(path)


@pytest.mark.parametrize(
    "value", ["!!python/object/apply:os.system ['touch {path}']", "!!python/name:os.system", "!!python/module:os"]
)
def test_dangerous_yaml_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "ran"
    with pytest.raises(RecipeError, match="could not determine a constructor for the tag"):
        Recipe.from_text(f"collections: {value.format(path=path)}")
    assert not path.exists()


def test_anchors_and_merge_keys() -> None:
    """YAML's own means against repetition go on working."""
    recipe = Recipe.from_text("""
        collections:
          Jet:
            columns:
              pt: &column {tolerance: {rel: 0.02}, transform: log10}
              E: {<<: *column, transform: linear}
    """)
    pt, e = recipe.collections["Jet"].columns.values()
    assert pt.tolerance == e.tolerance
    assert (pt.transform, e.transform) == ("log10", "linear")


@settings(max_examples=80)
@given(st.text(max_size=60) | st.text("{}[]:,-&*!|>'\"#%@` \nab1", max_size=40))
def test_any_text_is_a_recipe_or_an_error(text: str) -> None:
    with pytest.raises(RecipeError, match=r"^recipe: "):
        Recipe.from_text(text)


positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
fractions = st.floats(min_value=9e-8, max_value=1, exclude_max=True)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
tolerances = st.one_of(
    st.just("exact"), st.builds(lambda x: {"abs": x}, positive), st.builds(lambda x: {"rel": x}, fractions)
)
of_any_column = {
    "sentinels": st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=16, unique_by=repr),
    "unit": texts,
    "periodic": st.booleans(),
}
of_any_variable = {**of_any_column, "transform": st.sampled_from(["linear", "log10"])}
columns = st.fixed_dictionaries(
    {"tolerance": tolerances},
    optional={
        **of_any_variable,
        "column": texts,
        "label": texts,
        "predict": st.sampled_from(["pt * cosh(eta)", "none", False, None]),
    },
)
glob_columns = st.fixed_dictionaries({"tolerance": tolerances}, optional=of_any_variable)
loose_columns = st.fixed_dictionaries({"tolerance": tolerances}, optional=of_any_column)
recipes = st.fixed_dictionaries(
    {
        "collections": st.dictionaries(
            names,
            st.fixed_dictionaries(
                {
                    "columns": st.builds(
                        lambda named, globs: named | globs,
                        st.dictionaries(names, columns, min_size=1, max_size=3),
                        st.dictionaries(st.sampled_from(["*", "pt_*", "?t"]), glob_columns),
                    )
                },
                optional={
                    "codec": st.sampled_from(["auto", "plain", "autoencoder"]),
                    "network": st.fixed_dictionaries({"hidden": st.lists(st.integers(1, 4096), max_size=3)}),
                },
            ),
            min_size=1,
            max_size=2,
        )
    },
    optional={
        "tree": texts,
        "columns": st.dictionaries(texts.filter(len), loose_columns, max_size=3),
        "drop": st.lists(texts.filter(len), max_size=3),
        "training": st.fixed_dictionaries({"learning_rate": positive, "seed": st.integers(0, 2**32 - 1)}),
        "plots": st.fixed_dictionaries({"topic": texts, "energy": positive}),
    },
)


@settings(max_examples=80)
@given(recipes)
def test_text_round_trip(content: dict[str, Any]) -> None:
    recipe = Recipe.model_validate(content)
    assert Recipe.from_text(recipe.to_text()) == recipe
