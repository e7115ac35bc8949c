"""The quantiser of the core against numpy's, value by value, and formulas against numpy's arithmetic."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import NDArray

from aeplugin import _core
from aeplugin._core import Formula, Quantiser, instruction_sets
from aeplugin.errors import CompatibilityError, CorruptionError, InputError, RecipeError
from reference_quantiser import EXACT_MARK, GRID_LIMIT, SENTINEL_MARK, ReferenceQuantiser, bits_of

Floats = NDArray[np.floating]

KINDS = st.sampled_from(["abs", "rel"])
DTYPES = st.sampled_from(["float32", "float64"])
TOLERANCES = st.floats(math.log(1e-7), math.log(0.5)).map(math.exp)
SENTINELS = st.sampled_from([(), (-999.0,), (-999.0, 0.0, -0.0, math.inf, 1e-45)])


def random_bits(dtype: str, seed: int, number: int = 2000) -> Floats:
    """Any bit pattern, and as many of moderate size, where absolute tolerances have grid integers."""
    rng = np.random.default_rng(seed)
    size = np.dtype(dtype).itemsize
    anything = rng.integers(0, 2 ** (8 * size), number, f"u{size}").view(dtype)
    moderate = (rng.choice([-1, 1], number) * np.exp(rng.uniform(-20, 20, number))).astype(dtype)
    return np.concatenate([anything, moderate])


def near_edges(reference: ReferenceQuantiser, seed: int, number: int = 500) -> Floats:
    """Values in the middle between grid points and a few units in the last place beside it."""
    rng = np.random.default_rng(seed)
    grid = np.exp(rng.uniform(0, math.log(reference.largest), number)).astype(np.int64)
    points = reference.value(grid) * rng.choice([-1, 1], number)
    with np.errstate(all="ignore"):
        if reference.kind == "abs":
            edges = (points + reference.tolerance).astype(reference.dtype)
        else:
            edges = (points * (1 + reference.tolerance)).astype(reference.dtype)
        view = edges.view(np.int32 if reference.dtype == "float32" else np.int64)
        return (view + rng.integers(-3, 4, number).astype(view.dtype)).view(reference.dtype)


def check(reference: ReferenceQuantiser, values: Floats, instruction_set: str = "") -> None:
    """Everything that the specification says about `values`."""
    core = Quantiser(reference.kind, reference.tolerance, reference.dtype, list(reference.sentinels), instruction_set)
    grid, exact, summary = core.encode(values)
    decoded = core.decode(grid, exact)
    assert (grid.dtype, exact.dtype, decoded.dtype) == (np.int32, np.uint64, values.dtype)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        wide = values.astype(np.float64)

    # Marks: sentinels are those, exact values are in order, nothing else is below the grid.
    marks = reference.sentinel_marks(values)
    sentinel = marks != 0
    np.testing.assert_array_equal(grid[sentinel], marks[sentinel])
    kept = grid == EXACT_MARK
    on_grid = np.abs(grid.astype(np.int64)) <= GRID_LIMIT
    assert (sentinel | kept | on_grid).all()
    np.testing.assert_array_equal(exact, bits_of(values[kept]))
    np.testing.assert_array_equal(bits_of(decoded[~on_grid]), bits_of(values[~on_grid]))

    # The bound, exactly; and a value is special only where no grid integer near it keeps the bound.
    assert reference.keeps_bound(values[on_grid], decoded[on_grid]).all()
    possible = np.zeros(len(values), bool)
    for shift in (-1, 0, 1):
        candidate, valid = reference.nearest(wide, shift)
        with np.errstate(all="ignore"):
            possible |= valid & reference.keeps_bound(values, core.decode(candidate.astype(np.int32), []))
    np.testing.assert_array_equal(on_grid, possible & reference.may_move(values) & ~sentinel)

    # The integers: the nearest, unless it is a tie or breaks the bound after rounding; and what they stand for.
    nearest, valid = reference.nearest(wide)
    other = on_grid & (grid != nearest)
    assert (np.abs(grid - nearest)[other & valid] == 1).all()
    near_bound = ~reference.keeps_bound(values, core.decode(nearest.astype(np.int32), []))
    assert (reference.is_tie(wide) | near_bound | ~valid)[other].all()
    expected = reference.value(grid[on_grid].astype(np.int64))
    exponents = np.log(np.abs(expected), out=np.zeros_like(expected), where=expected != 0)
    rounding = np.finfo(np.float64).eps * (4 + (2 * np.abs(exponents) if reference.kind == "rel" else 0))
    np.testing.assert_array_less(np.abs(core.value(grid[on_grid]) - expected), rounding * np.abs(expected) + 5e-324)
    if reference.dtype == "float32":
        steps = decoded[on_grid].view(np.int32).astype(np.int64) - expected.astype(np.float32).view(np.int32)
        assert (np.abs(steps) <= 1).all()

    # The summary.
    x, y = wide[on_grid], decoded[on_grid].astype(np.float64)
    errors = np.abs(y - x)
    if reference.kind == "rel":
        errors = np.divide(errors, np.abs(x), out=np.zeros_like(x), where=x != 0)
    assert summary == {"values": len(values), "special": (~on_grid).sum(), "max_error": errors.max(initial=0)}


@given(KINDS, TOLERANCES, DTYPES, SENTINELS, st.integers(0, 2**32))
@settings(max_examples=150)
@example("rel", 1e-7, "float32", (), 1)
@example("rel", 0.5, "float64", (), 2)
@example("abs", 1e-7, "float32", (), 3)
@example("abs", 0.5, "float64", (-999.0,), 4)
def test_core_and_reference_agree(
    kind: str, tolerance: float, dtype: str, sentinels: tuple[float, ...], seed: int
) -> None:
    reference = ReferenceQuantiser(kind, tolerance, dtype, sentinels)
    assume(reference.has_certain_ends)
    values = np.concatenate([random_bits(dtype, seed), near_edges(reference, seed), np.array(sentinels, dtype)])
    check(reference, values)


@given(st.data(), KINDS, TOLERANCES, DTYPES)
@settings(max_examples=200)
def test_any_bits(data: st.DataObject, kind: str, tolerance: float, dtype: str) -> None:
    """Floats of hypothesis' own choice, which it can shrink."""
    reference = ReferenceQuantiser(kind, tolerance, dtype)
    assume(reference.has_certain_ends)
    width = np.dtype(dtype).itemsize * 8
    floats = st.floats(width=width, allow_nan=True, allow_infinity=True, allow_subnormal=True)  # type: ignore[call-overload]
    check(reference, data.draw(st_numpy.arrays(dtype, st.integers(0, 40), elements=floats)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_payloads(dtype: str) -> None:
    """Signalling NaNs, too, whatever numpy makes of them."""
    size = np.dtype(dtype).itemsize
    infinity = np.array([np.inf], dtype).view(f"u{size}")[0]
    patterns = (infinity + np.arange(1, 5000, dtype=f"u{size}")).view(dtype)
    for kind in ("abs", "rel"):
        core = Quantiser(kind, 0.1, dtype)
        grid, exact, _ = core.encode(patterns)
        assert (grid == EXACT_MARK).all()
        np.testing.assert_array_equal(core.decode(grid, exact).view(f"u{size}"), patterns.view(f"u{size}"))


@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_instruction_sets(instruction_set: str) -> None:
    for kind in ("abs", "rel"):
        for dtype in ("float32", "float64"):
            check(ReferenceQuantiser(kind, 0.02, dtype, (-999.0,)), random_bits(dtype, 7), instruction_set)


@given(KINDS, TOLERANCES, DTYPES, st.integers(0, 2**32))
def test_encoding_again_changes_nothing(kind: str, tolerance: float, dtype: str, seed: int) -> None:
    core = Quantiser(kind, tolerance, dtype)
    grid, exact, _ = core.encode(random_bits(dtype, seed))
    again, exact_again, _ = core.encode(core.decode(grid, exact))
    np.testing.assert_array_equal(again, grid)
    np.testing.assert_array_equal(exact_again, exact)


@given(KINDS, TOLERANCES, st.integers(0, 2**32))
def test_nearest(kind: str, tolerance: float, seed: int) -> None:
    reference = ReferenceQuantiser(kind, tolerance, "float64")
    assume(reference.has_certain_ends)
    values = random_bits("float64", seed)
    found = Quantiser(kind, tolerance, "float64").nearest(values, otherwise=-7)
    expected, on_grid = reference.nearest(values)
    certain = ~reference.is_tie(values)
    np.testing.assert_array_equal(found[certain], np.where(on_grid, expected, -7)[certain])


def test_marks_stand_for_no_number() -> None:
    core = Quantiser("rel", 0.1, "float32", [-999])
    assert np.isnan(core.value([EXACT_MARK, SENTINEL_MARK, -GRID_LIMIT - 1])).all()
    assert (_core.GRID_LIMIT, _core.EXACT_MARK, _core.SENTINEL_MARK) == (GRID_LIMIT, EXACT_MARK, SENTINEL_MARK)


def test_refuses_what_encode_does_not_give() -> None:
    core = Quantiser("abs", 0.1, "float32", [-999])
    assert core.decode([0, SENTINEL_MARK, EXACT_MARK], [0x3F800000]).tolist() == [0, -999, 1]
    for grid, exact in ([GRID_LIMIT + 1], []), ([SENTINEL_MARK + 1], []), ([EXACT_MARK], []), ([1], [1]):
        with pytest.raises(CorruptionError, match="damaged"):
            core.decode(grid, exact)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("relative", 0.1, "float32"), "'abs' or 'rel'; it is given as 'relative'"),
        (("rel", 1.0, "float32"), "below 1"),
        (("abs", -1.0, "float32"), "above 0"),
        (("abs", math.nan, "float32"), "tolerance of nan"),
        (("abs", 0.1, "int32"), "of 'int32'"),
        (("abs", 0.1, "float32", [1.0, 1.0]), "twice"),
        (("abs", 0.1, "float32", list(range(17))), "at most 16"),
    ],
)
def test_recipe_errors(arguments: tuple[Any, ...], part: str) -> None:
    with pytest.raises(RecipeError, match=part):
        Quantiser(*arguments)


def test_input_errors() -> None:
    core = Quantiser("abs", 0.1, "float32")
    for dtype, part in ("f8", "given values of float64"), (">f4", "these are of >f4"), ("i4", "these are of int32"):
        with pytest.raises(InputError, match=part):
            core.encode(np.zeros(3, dtype))
    with pytest.raises(InputError, match="one dimension"):
        core.encode(np.zeros((2, 2), np.float32))
    with pytest.raises(CompatibilityError, match="mmx"):
        Quantiser("abs", 0.1, "float32", instruction_set="mmx")
    strided = np.arange(10, dtype=np.float32)[::-2]
    np.testing.assert_array_equal(core.decode(*core.encode(strided)[:2]), core.decode(*core.encode(strided.copy())[:2]))


def test_threads_share_a_quantiser() -> None:
    core = Quantiser("rel", 0.01, "float32")
    values = [random_bits("float32", seed, 50000) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: core.encode(x)[0].tobytes(), values))
    assert found == [core.encode(x)[0].tobytes() for x in values]


def test_formula() -> None:
    rng = np.random.default_rng(1)
    inputs = {"m": rng.exponential(5, 3000), "pt": rng.exponential(50, 3000), "eta": rng.normal(0, 2, 3000)}
    formula = Formula("sqrt(m*m + (pt*cosh(eta)) * (pt*cosh(eta)))")
    assert formula.variables == ["m", "pt", "eta"]
    assert formula.text.startswith("sqrt")
    expected = np.sqrt(inputs["m"] ** 2 + (inputs["pt"] * np.cosh(inputs["eta"])) ** 2)
    np.testing.assert_allclose(formula.evaluate(inputs), expected, rtol=1e-14)
    everything = Formula("exp(eta) - log(pt)/3 + sin(eta)*cos(eta) - sinh(eta) + abs(-m) * 1e-1")
    m, pt, eta = inputs.values()
    expected = np.exp(eta) - np.log(pt) / 3 + np.sin(eta) * np.cos(eta) - np.sinh(eta) + m / 10
    np.testing.assert_allclose(everything.evaluate(inputs), expected, rtol=1e-11, atol=1e-12)
    assert Formula("2 * 3").evaluate({}).tolist() == [6]


def test_formula_errors() -> None:
    with pytest.raises(RecipeError, match=r"character 6: no function is called 'csh'; did you mean 'cosh'\?"):
        Formula("pt * csh(eta)")
    with pytest.raises(InputError, match="needs values of 'eta'"):
        Formula("pt * eta").evaluate({"pt": [1.0]})
    with pytest.raises(InputError, match="1 values of 'pt' and 2 of 'eta'"):
        Formula("pt * eta").evaluate({"pt": [1.0], "eta": [1.0, 2.0]})


@given(st.text(alphabet="xy019.e+-*/() \t,sinhcoqrtbap_", max_size=60))
def test_any_text_is_a_formula_or_a_recipe_error(text: str) -> None:
    try:
        formula = Formula(text)
    except RecipeError:
        return
    assert len(formula.evaluate({name: np.ones(3) for name in formula.variables})) == (3 if formula.variables else 1)
