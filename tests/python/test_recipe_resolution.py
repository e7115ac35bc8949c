"""Recipes matched with the columns of a file: globs, precedence, predictions, and rules for the compressor."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aeplugin import Recipe
from aeplugin.errors import RecipeError
from aeplugin.recipe_resolution import formula_variables, matches, to_rules
from aeplugin.recipe_types import parse_type

JETS = {f"Jet_{name}": "std::vector<float>" for name in ("E", "pt", "eta", "phi", "btag_a", "btag_b")}
SCHEMA = {
    "run": "std::uint32_t",
    "weight": "double",
    "MET_pt": "float",
    "MET_phi": "Float_t",
    **JETS,
    "Jet_charge": "std::vector<std::int32_t>",
    "Jet_tracks": "std::vector<std::vector<float>>",
    "Tau_pt": "ROOT::VecOps::RVec<double>",
    "names": "std::vector<std::string>",
    "covariance": "std::array<float,3>",
    "HLT_a": "bool",
    "HLT_b": "bool",
    "NMuon": "std::int32_t",
    "Muon_Px": "float[NMuon]",
    "Muon_E": "float[NMuon]",
    "JetsAuxDyn.pt": "std::vector<float>",
    "JetsAuxDyn.m": "std::vector<float>",
    "links": "ElementLink<DataVector<xAOD::Jet_v1>>",
}


def resolve(text: str, schema: dict[str, str] = SCHEMA) -> Recipe:
    return Recipe.from_text(text).resolve(schema, "a.root")


def variables(text: str, name: str = "Jet") -> dict[str, str]:
    """The tolerance of each variable of a resolved collection, as text."""
    return {v: str(c.tolerance) for v, c in resolve(text).collections[name].columns.items()}


def jets(columns: str, name: str = "Jet") -> str:
    return f"collections: {{{name}: {{columns: {{{columns}}}}}}}"


def test_globs_of_a_collection_mean_its_columns_of_floats() -> None:
    found = variables(jets("'*': {tolerance: {abs: 1}}"))
    assert list(found) == ["E", "pt", "eta", "phi", "btag_a", "btag_b"]
    assert set(found.values()) == {"abs 1"}


def test_names_win_over_globs_and_earlier_globs_over_later() -> None:
    found = variables(
        jets(
            "phi: {tolerance: {abs: 1}}, 'btag*': {tolerance: {abs: 2}}, "
            "'*': {tolerance: {abs: 3}}, E: {tolerance: exact}"
        )
    )
    assert found == {
        "phi": "abs 1", "btag_a": "abs 2", "btag_b": "abs 2", "pt": "abs 3", "eta": "abs 3", "E": "exact"
    }  # fmt: skip
    assert list(found) == ["phi", "btag_a", "btag_b", "pt", "eta", "E"]


def test_an_exact_glob_keeps_columns_from_later_ones() -> None:
    text = jets("'btag*': {tolerance: exact}, '*': {tolerance: {abs: 3}}") + "\ncolumns: {'*': {tolerance: {abs: 4}}}"
    recipe = resolve(text)
    assert list(recipe.collections["Jet"].columns) == ["E", "pt", "eta", "phi"]
    assert "Jet_btag_a" not in recipe.columns


def test_columns_outside_collections() -> None:
    recipe = resolve("""
        columns:
          'MET_*': {tolerance: {abs: 1}}
          weight: {tolerance: exact}
          '*pt': {tolerance: {rel: 0.1}}
          '*': {tolerance: exact}
          MET_phi: {tolerance: {abs: 2}, periodic: true}
        collections: {Jet: {columns: {pt: {tolerance: {rel: 0.2}}}}}
    """)
    assert {name: str(column.tolerance) for name, column in recipe.columns.items()} == {
        "MET_pt": "abs 1", "weight": "exact", "Tau_pt": "rel 0.1", "JetsAuxDyn.pt": "rel 0.1", "MET_phi": "abs 2"
    }  # fmt: skip
    assert recipe.columns["MET_phi"].periodic


def test_nothing_is_lossy_that_is_not_listed() -> None:
    assert to_rules(resolve("columns: {}")) == {"collections": [], "dropped": []}


def test_dropped_columns_are_out_of_the_reach_of_globs() -> None:
    recipe = resolve(
        "drop: [links, 'HLT*', 'MET*']\ncolumns: {'*': {tolerance: {abs: 1}}, MET_pt: {tolerance: {abs: 2}}}"
    )
    assert recipe.drop == ["MET_phi", "HLT_a", "HLT_b", "links"]
    assert str(recipe.columns["MET_pt"].tolerance) == "abs 2"
    assert "MET_phi" not in recipe.columns


def test_dotted_names() -> None:
    recipe = resolve(jets("pt: {tolerance: {rel: 0.1}}, 'm*': {tolerance: {abs: 1}}", "JetsAuxDyn"))
    assert recipe.collections["JetsAuxDyn"].file_columns("JetsAuxDyn") == {"pt": "JetsAuxDyn.pt", "m": "JetsAuxDyn.m"}
    assert list(resolve("columns: {JetsAuxDyn.pt: {tolerance: {rel: 0.1}}}").columns) == ["JetsAuxDyn.pt"]


def test_the_longer_collection_has_a_column() -> None:
    schema = {"AK8_pt": "std::vector<float>", "AK8_sub_pt": "std::vector<float>"}
    text = (
        "collections: {AK8: {columns: {'*': {tolerance: {abs: 1}}}}, AK8_sub: {columns: {'*': {tolerance: {abs: 2}}}}}"
    )
    recipe = resolve(text, schema)
    assert {name: list(c.columns) for name, c in recipe.collections.items()} == {"AK8": ["pt"], "AK8_sub": ["pt"]}


def test_globs_take_what_goes_together() -> None:
    schema = {"J_x": "float", "J_pt": "std::vector<float>", "J_eta": "RVec<float>"}
    star = jets("'*': {tolerance: {abs: 1}}", "J")
    assert list(resolve(star, schema).collections["J"].columns) == ["pt", "eta"]
    named = jets("'*': {tolerance: {abs: 1}}, x: {tolerance: {abs: 1}}", "J")
    assert list(resolve(named, schema).collections["J"].columns) == ["x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (jets("ptt: {tolerance: exact}"), "no column 'Jet_ptt' for variable 'ptt' of .*mean 'Jet_pt'"),
        (jets("a: {tolerance: exact, column: met_pt}"), "no column 'met_pt' for variable 'a' .*did you mean 'MET_pt'?"),
        ("columns: {wait: {tolerance: exact}}", "no column 'wait' for the entry in columns; did you mean 'weight'"),
        ("columns: {}\ndrop: [HLT_c]", "no column 'HLT_c' to drop; did you mean 'HLT_a'"),
        ("columns: {HLT_a: {tolerance: exact}}\ndrop: [HLT_a]", "column 'HLT_a' is to be dropped, and is there for"),
        ("columns: {}\ndrop: ['N*']", "column 'NMuon' cannot be dropped alone: column 'Muon_E' needs its lengths"),
        (
            "columns: {run: {tolerance: {abs: 2}}}",
            "column 'run' for the entry in columns is of type std::uint32_t; only float and double.* tolerance abs 2",
        ),
        (jets("charge: {tolerance: {rel: 0.1}}"), r"column 'Jet_charge' .* is of type std::vector<std::int32_t>"),
        ("columns: {names: {tolerance: {abs: 1}}}", r"column 'names' .* is of type std::vector<std::string>"),
        ("columns: {links: {tolerance: {abs: 1}}}", r"column 'links' .* is of type ElementLink"),
        (
            jets("pt: {tolerance: {abs: 1}}, a: {tolerance: {abs: 1}, column: Jet_pt}"),
            "column 'Jet_pt' stands twice: for variable 'pt' of collection 'Jet' and for variable 'a' of",
        ),
        (
            jets("pt: {tolerance: {abs: 1}}") + "\ncolumns: {Jet_pt: {tolerance: exact}}",
            "column 'Jet_pt' stands twice: for variable 'pt' of collection 'Jet' and for the entry in columns",
        ),
        (
            jets("pt: {tolerance: {abs: 1}}, tracks: {tolerance: {abs: 1}}"),
            "'Jet_tracks' for .* is of type std::vector<std::vector<float>>; only float and double, .* not nested",
        ),
        (jets("'*': {tolerance: {abs: 1}}", "Jets"), r"collection 'Jets': no column of floats .* '\*' .*mean 'Jet'"),
        (jets("'char*': {tolerance: {abs: 1}}"), r"collection 'Jet': no column .* matches 'char\*' after 'Jet_'$"),
        (
            jets("pt: {tolerance: {abs: 1}, predict: phj * 2}, phi: {tolerance: {abs: 1}}"),
            "'pt' is to be predicted from other variables .* got 'phj', which it does not have; did you mean 'phi'",
        ),
        (
            jets("pt: {tolerance: {abs: 1}, predict: phi * 2}, phi: {tolerance: exact}"),
            "'pt' is to be predicted from other variables .* got 'phi', which is exact",
        ),
        (jets("pt: {tolerance: {abs: 1}, predict: pt * 2}"), "'pt' is to be .* got 'pt', which is itself"),
    ],
)  # fmt: skip
def test_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=rf"^a\.root: .*{message}"):
        resolve(text)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(
            jets("ptt: {tolerance: {abs: 1}}, et: {tolerance: {abs: 1}}") + "\ncolumns: {run: {tolerance: {abs: 2}}}"
        )
    assert len([line for line in str(caught.value).splitlines() if line.startswith("a.root: ")]) == 3


FOUR = dict.fromkeys(("J_Pt", "J_eta", "J_E", "J_energy", "J_m", "J_phi"), "std::vector<float>")
LOSSY = "{tolerance: {rel: 0.1}}"


@pytest.mark.parametrize(
    ("columns", "formulas"),
    [
        (f"Pt: {LOSSY}, eta: {LOSSY}, E: {LOSSY}", {"E": "Pt * cosh(eta)"}),
        (f"energy: {LOSSY}, '*t*': {LOSSY}", {"energy": "Pt * cosh(eta)"}),
        (f"m: {LOSSY}, Pt: {LOSSY}, eta: {LOSSY}, E: {LOSSY}",
         {"E": "sqrt((Pt * cosh(eta)) * (Pt * cosh(eta)) + m * m)"}),
        (f"m: {{tolerance: exact}}, Pt: {LOSSY}, eta: {LOSSY}, E: {LOSSY}", {"E": "Pt * cosh(eta)"}),
        (f"Pt: {LOSSY}, eta: {LOSSY}, E: {{tolerance: exact}}", {}),
        (f"Pt: {{tolerance: exact}}, eta: {LOSSY}, E: {LOSSY}", {}),
        (f"Pt: {LOSSY}, eta: {LOSSY}, E: {{tolerance: {{abs: 1}}, predict: none}}", {}),
        (f"Pt: {LOSSY}, eta: {LOSSY}, E: {{tolerance: {{abs: 1}}, predict: 2 * Pt}}", {"E": "2 * Pt"}),
        (f"Pt: {{tolerance: {{abs: 1}}, predict: E / cosh(eta)}}, eta: {LOSSY}, E: {LOSSY}", {"Pt": "E / cosh(eta)"}),
        (f"Pt: {LOSSY}, phi: {LOSSY}, E: {LOSSY}", {}),
    ],
)  # fmt: skip
def test_four_vectors_are_predicted(columns: str, formulas: dict[str, str]) -> None:
    found = resolve(jets(columns, "J"), FOUR).collections["J"].columns
    assert {variable: column.predict for variable, column in found.items() if column.predict} == formulas


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("pt*cosh(eta)", ["pt", "eta"]),
        ("1e5 * e5 - 2.e-3*x + .5E+2 * x2", ["e5", "x", "x2"]),
        ("abs + abs (y)", ["abs", "y"]),
        ("3", []),
    ],
)
def test_variables_of_formulas(formula: str, names: list[str]) -> None:
    assert formula_variables(formula) == names


def test_rules() -> None:
    recipe = resolve("""
        collections:
          Jet:
            codec: plain
            columns:
              energy: {tolerance: {rel: 0.02}, column: Jet_E}
              'p?': {tolerance: {rel: 0.02}, sentinels: [-1]}
              eta: {tolerance: {abs: 0.01}}
              phi: {tolerance: exact}
          Muon: {columns: {E: {tolerance: exact}}}
        columns: {'MET*': {tolerance: {abs: 3}, sentinels: [-999]}, weight: {tolerance: exact}}
        drop: [links]
    """)

    def rule(
        variable: str, column: str, kind: str, tolerance: float, sentinels: list[float], formula: str
    ) -> dict[str, Any]:
        return {
            "variable": variable, "column": column, "kind": kind, "tolerance": tolerance, "sentinels": sentinels,
            "formula": formula,
        }  # fmt: skip

    in_jet = [
        rule("energy", "Jet_E", "rel", 0.02, [], "pt * cosh(eta)"),
        rule("pt", "Jet_pt", "rel", 0.02, [-1.0], ""),
        rule("eta", "Jet_eta", "abs", 0.01, [], ""),
    ]
    met = [rule(name, name, "abs", 3, [-999.0], "") for name in ("MET_pt", "MET_phi")]
    assert to_rules(recipe) == {
        "collections": [
            {"name": "Jet", "codec": "plain", "columns": in_jet},
            {"name": "MET_pt", "codec": "plain", "columns": [met[0]]},
            {"name": "MET_phi", "codec": "plain", "columns": [met[1]]},
        ],
        "dropped": ["links"],
    }


@pytest.mark.parametrize("text", [jets("'*': {tolerance: exact}"), "columns: {}\ndrop: ['*']"])
def test_rules_need_a_resolved_recipe(text: str) -> None:
    with pytest.raises(RecipeError, match=r"the glob '\*' is not matched with a file's columns yet"):
        to_rules(Recipe.from_text(text))


letters = st.text("ab_.[]", min_size=1, max_size=6)
globs = st.text("ab_*?[]!", min_size=1, max_size=6)


@given(globs, letters)
def test_matching(glob: str, name: str) -> None:
    assert matches(glob, name) == fnmatchcase(name, "".join("[[]" if char == "[" else char for char in glob))
    assert matches(name, name)


@pytest.mark.parametrize(("glob", "name"), [("x[3]", "x[3]"), ("x[*]", "x[10]"), ("*", ""), ("a?c", "a\nc")])
def test_globs_have_no_brackets(glob: str, name: str) -> None:
    assert matches(glob, name)
    assert not matches("x[3]", "x3")
    assert not matches("X*", "x")


types = st.sampled_from(
    ["float", "double", "std::int32_t", "std::vector<float>", "std::vector<double>", "RVec<bool>", "std::string", "Foo"]
)
rules = st.sampled_from([{"tolerance": "exact"}, {"tolerance": {"abs": 1.0}}, {"tolerance": {"rel": 0.5}}])
schemas = st.dictionaries(st.text("ab_.", min_size=1, max_size=5), types, min_size=1, max_size=12)
glob_only = st.text("ab_.*?", min_size=1, max_size=4).filter(lambda glob: set(glob) & set("*?"))


@settings(max_examples=300)
@given(schemas, st.dictionaries(glob_only, rules, max_size=4), st.lists(glob_only, max_size=2), st.data())
def test_every_column_gets_what_comes_first(
    schema: dict[str, str], by_glob: dict[str, Any], drop: list[str], data: st.DataObject
) -> None:
    """Against the rules of precedence, said again in the simplest way."""
    floats = [name for name, text in schema.items() if "float" in text or "double" in text]
    named = data.draw(st.dictionaries(st.sampled_from(floats), rules, max_size=3)) if floats else {}
    content = {"columns": dict(data.draw(st.permutations([*by_glob.items(), *named.items()]))), "drop": drop}
    recipe = Recipe.from_text(yaml.safe_dump(content, sort_keys=False))
    resolved = recipe.resolve(schema)
    assert resolved.resolve(schema) == resolved
    assert Recipe.from_text(resolved.to_text()) == resolved
    for name in schema:
        by_order = [rule for glob, rule in content["columns"].items() if glob not in named and fnmatchcase(name, glob)]
        if name in named:
            expected = named[name]["tolerance"]
        elif any(fnmatchcase(name, glob) for glob in drop):
            expected = "dropped"
        else:
            expected = by_order[0]["tolerance"] if by_order and name in floats else "exact"
        got = resolved.columns[name].model_dump()["tolerance"] if name in resolved.columns else "exact"
        assert ("dropped" if name in resolved.drop else got) == expected, name


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Float_t", "float"), ("unsigned  int", "std::uint32_t"), ("Long64_t", "std::int64_t"),
        ("Double32_t", "double"),
        ("vector<float>", "std::vector<float>"), ("ROOT::RVec<Bool_t>", "ROOT::VecOps::RVec<bool>"),
        ("std::vector< std::vector<string> >", "std::vector<std::vector<std::string>>"),
        ("float[3]", "std::array<float,3>"), ("std::array<Int_t, 3>", "std::array<std::int32_t,3>"),
        ("Float_t[nJet]", "float[nJet]"),
    ],
)  # fmt: skip
def test_types(name: str, spelled: str) -> None:
    assert str(parse_type(name)) == spelled


@pytest.mark.parametrize(
    "name",
    ["", "Foo", "float[]", "float[n][3]", "float[0]", "std::array<float,0>", "std::pair<int,float>", "vector<float",
     "std::vector<RVec<float>>", "std::vector<std::vector<std::vector<std::vector<float>>>>", "unknown", "char*"],
)  # fmt: skip
def test_types_that_no_column_has(name: str) -> None:
    assert parse_type(name) is None
