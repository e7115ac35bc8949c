"""Expressions of selections: their grammar, what they mean for a file, and their values against plain loops."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aeplugin.errors import InputError, RecipeError
from aeplugin.expressions import ARGUMENTS, ELEMENTWISE, MAX_DEPTH, MAX_LENGTH, Call, Comparison, Name, Number, parse
from aeplugin.selection.columns import FileColumns
from aeplugin.selection.evaluation import Values
from aeplugin.selection.meaning import understand

SCHEMA = {
    "MET": "float",
    "n": "std::uint8_t",
    "flag": "bool",
    "process": "std::string",
    "Jet_pt": "std::vector<float>",
    "Jet_id": "std::vector<std::int32_t>",
    "Jet_tag": "std::vector<bool>",
    "Jet_parts": "std::vector<std::vector<float>>",
    "Electron_pt": "std::vector<double>",
    "Dyn.pt": "std::vector<float>",
    "Aux:eta": "std::vector<float>",
    "odd name[0]": "float",
    "fatjet_pt": "float[nfat]",
    "fatjet_trk_pt": "float[ntrk]",
    "nfat": "std::int32_t",
    "ntrk": "std::int32_t",
    "pair_pt": "std::array<float,2>",
    "Jet_axis": "std::array<float,3>",
}
GROUPS = {"Jet": {"pt": "Jet_pt"}}


def evaluate(text: str, **columns: Any) -> list[Any]:
    """The value of an expression for events with these columns."""
    expression = understand(text, FileColumns(GROUPS, SCHEMA))
    arrays = {name: ak.Array(values) for name, values in columns.items()}
    return Values(arrays, expression.columns, "events.root").evaluate(expression).tolist()


def refusal(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        understand(text, FileColumns(GROUPS, SCHEMA))
    return str(caught.value)


def test_the_tree_has_what_the_text_says() -> None:
    assert parse("1 < Dyn.pt <= 2e3") == Comparison(("<", "<="), (Number(1), Name("Dyn.pt"), Number(2000)))
    assert parse("max(`odd name[0]`, Aux:eta)") == Call("max", (Name("odd name[0]"), Name("Aux:eta")))
    assert parse("a&&!b||c") == parse("(a and (not b)) or c")
    assert parse("!a == b") == parse("(!a) == b")
    assert parse("not a == b") == parse("not (a == b)")
    assert parse("-a ** 2") == parse("-(a ** 2)")
    assert parse("+a - .5") == parse("a - 0.5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("Jet_pt >", "'Jet_pt >': ends too early, after '>'"),
        ("MET > 3)", r"at character 8, '\)'"),
        ("(MET > 3", r"at character 1, '\('"),
        ("MET 3 > 1", "at character 5, '3'"),
        ("  MET > 0x10", "at character 10, 'x10'"),
        ("MET = 3", "got '=' at character 5"),
        ("MET > 'x'", 'got "\'" at character 7'),
        ("Jet_pt[0] > 3", r"got '\[' at character 7"),
        ("MET & n", "got '&' at character 5"),
        ("(MET, 3) > 1", r"at character 1, '\('"),
        ("max(*Jet_pt) > 1", r"at character 5, '\*'"),
        ("max(**Jet_pt) > 1", r"at character 1, 'max'"),
        ("MET > 1 if n else 2", "at character 9, 'if'"),
        ("(MET + 1)(3) > 1", r"at character 1, '\('"),
        ("MET > 1e999", "the number 1e999 is too large"),
        ("cunt(Jet_tag) > 1", "unknown function 'cunt'; did you mean 'count'"),
        ("abs() > 1", r"abs\(\) has 0 arguments; expected 1"),
        ("max(1, 2, 3) > 1", r"max\(\) has 3 arguments; expected 1 or 2"),
        ("-" * 500 + "MET > 1", f"nested more than {MAX_DEPTH} levels"),
        ("(" * 300 + "MET" + ")" * 300, f"nested more than {MAX_DEPTH} levels"),
        ("+".join(["n"] * 200), f"nested more than {MAX_DEPTH} levels"),
        ("n" * (MAX_LENGTH + 1), f"has {MAX_LENGTH + 1} characters; expected at most {MAX_LENGTH}"),
    ],
)
def test_what_breaks_the_grammar_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Jet_ptt > 3", "'Jet_ptt > 3': no column 'Jet_ptt'; did you mean 'Jet_pt'"),
        ("MET", "gives numbers; expected what is true or false, as in MET > 0"),
        ("3 > 2", "mentions no column"),
        ("n(Electrn) > 0", "no collection 'Electrn'; did you mean 'Electron'"),
        ("n(MET) > 0", "column 'MET' has one value per event"),
        ("n(Jet_pt > 3) > 0", r"to count the objects that fulfil a condition say count\(...\)"),
        ("count(Jet_pt) > 1", r"count\(\) takes what is true or false; got numbers, Jet_pt"),
        ("MET and flag", "and takes what is true or false; got numbers, MET"),
        ("sum(MET + 1) > 1", r"sum\(\) is over the objects of a collection; MET \+ 1 has one value per event"),
        ("process == 3", "column 'process' is of type std::string"),
        ("any(Jet_parts > 3)", "column 'Jet_parts' is of type std::vector<std::vector<float>>"),
        ("Jet_pt > Electron_pt", r"objects of two collections, Jet \(Jet_pt\) and Electron \(Electron_pt\)"),
        ("fatjet_pt > fatjet_trk_pt", r"two collections, fatjet \(fatjet_pt\) and ntrk \(fatjet_trk_pt\)"),
        ("any(pair_pt > Jet_pt)", r"two collections, pair\[2\] \(pair_pt\) and Jet \(Jet_pt\)"),
        ("any(Jet_axis > Jet_pt)", r"two collections, Jet\[3\] \(Jet_axis\) and Jet \(Jet_pt\)"),
        ("MET.__class__ > 0", "no column 'MET.__class__'"),
    ],
)
def test_what_makes_no_sense_for_the_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        understand(text, FileColumns(GROUPS, SCHEMA))
    assert repr(text) in refusal(text)


def test_columns_of_a_collection_of_the_recipe_go_together() -> None:
    """Whatever they are called: by what the recipe lists, by a common counter, or by a common prefix."""
    schema = {"nj": "std::int32_t", "pt": "float[nj]", "width": "float[nj]", "Dyn.pt": "std::vector<float>"}
    schema |= {"Dyn.m": "std::vector<float>", "DynOther.m": "std::vector<float>", "Dyn.links": "std::vector<bool>"}
    columns = FileColumns({"Small": {"pt": "pt"}, "Jets": {"pt": "Dyn.pt"}}, schema)
    assert understand("pt > width", columns).collection == "Small"
    assert understand("Dyn.pt > Dyn.m or Dyn.links", columns).collection == "Jets"
    assert {understand(f"n({name}) > 0", columns).text for name in ("Jets", "Dyn", "Dyn.m", "Small", "DynOther")}
    with pytest.raises(RecipeError, match="two collections"):
        understand("Dyn.pt > DynOther.m", columns)


def test_numbers_are_doubles_of_any_column() -> None:
    assert evaluate("n - 5 < 0", n=np.array([3, 7], np.uint8)) == [True, False]
    assert evaluate("n * 100 == 20000", n=np.array([200], np.uint8)) == [True]
    assert evaluate("MET < 2.4", MET=np.array([2.4], np.float32)) == [False]  # 2.4000001 as RDataFrame has it
    assert evaluate("flag + flag == 2", flag=[True, False]) == [True, False]
    assert evaluate("-flag == -1", flag=[True, False]) == [True, False]
    assert evaluate("sum(Jet_tag) == 2", Jet_tag=[[True, True], [True]]) == [True, False]


def test_nan_compares_false() -> None:
    values = np.array([math.nan, 1.0])
    for operator, expected in {"<": False, ">": True, "==": False, "!=": True, "<=": False, ">=": True}.items():
        assert evaluate(f"MET {operator} 0", MET=values) == [False, expected]
    assert evaluate("not (MET > 0)", MET=values) == [True, False]
    assert evaluate("sqrt(MET) >= 0 or log(MET) < 0 or MET / 0 < 0", MET=np.array([-1.0])) == [True]
    assert evaluate("max(Jet_pt) > 1", Jet_pt=[[math.nan, 2.0], [2.0]]) == [False, True]


def test_no_objects_have_no_maximum() -> None:
    jets = [[], [3.0, 30.0], []]
    assert evaluate("max(Jet_pt) > 1 or max(Jet_pt) <= 1 or min(Jet_pt) != 1", Jet_pt=jets) == [False, True, False]
    assert evaluate("sum(Jet_pt) == 0", Jet_pt=jets) == [True, False, True]
    assert evaluate("any(Jet_pt > 20)", Jet_pt=jets) == [False, True, False]
    assert evaluate("all(Jet_pt > 20)", Jet_pt=jets) == [True, False, True]
    assert evaluate("n(Jet) + count(Jet_pt > 20) == 3", Jet_pt=jets) == [False, True, False]
    assert evaluate("any(Jet_pt > 20)", Jet_pt=ak.Array([[1.0]])[:0]) == []


def test_lengths_that_differ_are_an_error_of_the_file() -> None:
    with pytest.raises(InputError, match=r"collection 'Jet': variable 'Jet_id' has 1 values in event 1"):
        evaluate("any(Jet_pt > Jet_id)", Jet_pt=[[1.0], [2.0, 3.0]], Jet_id=[[1], [2]])


@pytest.mark.parametrize("function", ELEMENTWISE)
def test_functions_are_those_of_numpy(function: str) -> None:
    values = np.linspace(0.05, 5, 100)
    around = [[value - 1e-9, value + 1e-9] for value in getattr(np, function)(values)]
    text = f"min(Electron_pt) < {function}(MET) < max(Electron_pt)"
    assert evaluate(text, MET=values, Electron_pt=around) == [True] * 100


def test_two_arguments_are_compared_and_one_reduced() -> None:
    columns = {"MET": [5.0, 50.0], "Jet_pt": [[1.0, 10.0], [60.0]]}
    assert evaluate("max(Jet_pt, MET) == Jet_pt", **columns) == [False, True, True]
    assert evaluate("min(Jet_pt, MET) == Jet_pt", **columns) == [True, False, False]
    assert evaluate("max(min(Jet_pt), 5) == 5", **columns) == [True, False]
    assert evaluate("Jet_pt ** 2 ** 0.5 > MET", **columns) == [False, True, True]


# --- random expressions, each with a function of an event (a dict) and the number of a jet that says the same ---

Meaning = Callable[[dict[str, Any], int], Any]
Part = tuple[str, Meaning]
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a < b or a > b,
}


def of_event(name: str) -> Part:
    return name, lambda event, jet: np.float64(event[name])


def of_jet(name: str) -> Part:
    return name, lambda event, jet: np.float64(event[name][jet])


def constant(value: float) -> Part:
    return f"{value:g}", lambda event, jet: np.float64(f"{value:g}")


@st.composite
def numbers(draw: st.DrawFn, jets: bool, depth: int) -> Part:
    leaves = [of_event("MET"), of_event("n"), of_event("flag"), constant(draw(st.integers(0, 20)) / 4)]
    leaves += [of_jet("Jet_pt"), of_jet("Jet_id"), of_jet("Jet_tag")] if jets else []
    kinds = ["leaf", "binary", "negative", "abs", "pair", "reduced"] if depth else ["leaf"]
    kind = draw(st.sampled_from(kinds))
    if kind == "leaf":
        return draw(st.sampled_from(leaves))
    if kind == "reduced":
        return draw(reduced(depth - 1))
    one, say_one = draw(numbers(jets, depth - 1))
    if kind == "negative":
        return f"-({one})", lambda event, jet: -say_one(event, jet)
    if kind == "abs":
        return f"sqrt(abs({one}))", lambda event, jet: np.sqrt(abs(say_one(event, jet)))
    two, say_two = draw(numbers(jets, depth - 1))
    if kind == "pair":
        name, join = draw(st.sampled_from([("min", np.minimum), ("max", np.maximum)]))
        return f"{name}({one}, {two})", lambda event, jet: join(say_one(event, jet), say_two(event, jet))
    operator = draw(st.sampled_from(list(BINARY)))
    return f"({one}) {operator} ({two})", lambda event, jet: BINARY[operator](say_one(event, jet), say_two(event, jet))


@st.composite
def reduced(draw: st.DrawFn, depth: int) -> Part:
    """A number per event, of the jets."""
    name = draw(st.sampled_from(["n", "count", "sum", "min", "max"]))
    if name == "n":
        return "n(Jet)", lambda event, jet: np.float64(len(event["Jet_pt"]))
    if name == "count":
        text, say = draw(truths(True, depth))
        return f"count({text})", lambda event, jet: np.float64(sum(map(bool, each(say, event))))
    text, say = draw(numbers(True, depth))
    text = f"Jet_pt * 0 + ({text})"  # of jets in any case
    whole: dict[str, Callable[[list[Any]], Any]] = {
        "sum": lambda found: np.cumsum([0.0, *found])[-1],
        "min": lambda found: np.min(found) if found else np.nan,
        "max": lambda found: np.max(found) if found else np.nan,
    }

    def mean(event: dict[str, Any], jet: int) -> Any:
        return whole[name]([np.float64(event["Jet_pt"][i]) * 0 + x for i, x in enumerate(each(say, event))])

    return f"{name}({text})", mean


def each(say: Meaning, event: dict[str, Any]) -> list[Any]:
    return [say(event, jet) for jet in range(len(event["Jet_pt"]))]


@st.composite
def truths(draw: st.DrawFn, jets: bool, depth: int) -> Part:
    """What is true or false, for jets with one of their columns in it."""
    kind = draw(st.sampled_from(["compare", "chain", "and", "or", "not", "any", "all"] if depth else ["compare"]))
    if kind in ("compare", "chain"):
        first = of_jet("Jet_pt") if jets else draw(numbers(False, depth))
        parts = [first, *(draw(numbers(jets, depth)) for _ in range(1 + (kind == "chain")))]
        signs = [draw(st.sampled_from(list(COMPARE))) for _ in parts[1:]]

        def holds(event: dict[str, Any], jet: int) -> bool:
            values = [say(event, jet) for _, say in parts]
            return all(COMPARE[s](a, b) for s, a, b in zip(signs, values, values[1:], strict=False))

        return f"({parts[0][0]})" + "".join(f" {s} ({t})" for s, (t, _) in zip(signs, parts[1:], strict=True)), holds
    if kind in ("any", "all") and not jets:
        text, say = draw(truths(True, depth - 1))
        join = any if kind == "any" else all
        return f"{kind}({text})", lambda event, jet: join(each(say, event))
    one, say_one = draw(truths(jets, depth - 1))
    if kind in ("not", "any", "all"):
        sign = draw(st.sampled_from(["not ", "!"]))
        return f"({sign}({one}))", lambda event, jet: not say_one(event, jet)
    two, say_two = draw(truths(jets, depth - 1))
    word = draw(st.sampled_from({"and": ["and", "&&"], "or": ["or", "||"]}[kind]))
    if kind == "and":
        return f"({one}) {word} ({two})", lambda event, jet: say_one(event, jet) and say_two(event, jet)
    return f"({one}) {word} ({two})", lambda event, jet: say_one(event, jet) or say_two(event, jet)


def floats() -> st.SearchStrategy[float]:
    return st.floats(-10, 10, width=32) | st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf])


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for _ in range(draw(st.integers(0, 5))):
        jets = draw(st.lists(st.tuples(floats(), st.integers(-3, 3), st.booleans()), max_size=5))
        event = {"MET": draw(floats()), "n": draw(st.integers(0, 255)), "flag": draw(st.booleans())}
        made.append(event | {name: [jet[i] for jet in jets] for i, name in enumerate(("Jet_pt", "Jet_id", "Jet_tag"))})
    return made


def arrays_of(found: list[dict[str, Any]]) -> dict[str, ak.Array]:
    counts = np.array([len(event["Jet_pt"]) for event in found], int)
    types = {"MET": np.float32, "n": np.uint8, "flag": bool, "Jet_pt": np.float32, "Jet_id": np.int32, "Jet_tag": bool}
    arrays = {}
    for name, kind in types.items():
        flat = [x for event in found for x in event[name]] if name[0] == "J" else [event[name] for event in found]
        values = ak.Array(np.array(flat, kind))
        arrays[name] = ak.unflatten(values, counts) if name[0] == "J" else values
    return arrays


@given(truths(False, 3), events())
def test_events_are_chosen_as_a_plain_loop_would(part: Part, found: list[dict[str, Any]]) -> None:
    text, say = f"({part[0]}) or n < 0", part[1]
    with np.errstate(all="ignore"):
        expected = [bool(say(event, -1)) for event in found]
    assert evaluate(text, **arrays_of(found)) == expected


@given(truths(True, 3), events())
def test_objects_are_chosen_as_a_plain_loop_would(part: Part, found: list[dict[str, Any]]) -> None:
    text, say = f"({part[0]}) and (Jet_tag or not Jet_tag)", part[1]
    with np.errstate(all="ignore"):
        expected = [bool(say(event, jet)) for event in found for jet in range(len(event["Jet_pt"]))]
    assert evaluate(text, **arrays_of(found)) == expected


WORDS = [*ARGUMENTS, *SCHEMA, "and", "or", "not", "lambda", "import", "__import__", "True", "None", "if", "else", "in"]
SIGNS = [*"+-*/<>=!&|(),.:;[]{}'\"\\`@#%^~ \t\n\0", "**", "&&", "||", "==", "!=", "//", "1e999", "1_0", "0x1"]


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(WORDS) | st.sampled_from(SIGNS) | st.integers().map(str), max_size=30).map(" ".join)
    | st.lists(st.sampled_from(WORDS) | st.sampled_from(SIGNS), max_size=30).map("".join)
)
@example("é > 1")
@example("\ud800")
@example("1" * 999)
@example("(" * 1000)
@example("!" * 1000)
@example("n**" * 333 + "n")
@example("not " * 249 + "n")
def test_garbage_is_refused_and_never_run(text: str) -> None:
    with contextlib.suppress(RecipeError):
        understand(text, FileColumns(GROUPS, SCHEMA))
